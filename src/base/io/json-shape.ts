// Checks the structure of an artifact's JSON before it is used: a checksum shows that the bytes are those that were
// written, but not who wrote them. The shape of a file is declared once, beside the code that writes it. (zod takes 40
// ms to load, a third of the start of a command; config files are checked with it.)

import { ArtifactError, excerpt } from "../errors.js";

/**
 * A check of a JSON value, the shape of a file. Returns the first problem: its position in the file, and what was
 * expected; undefined if there is none.
 */
export type Shape = (value: unknown, at: string) => string | undefined;

const MAX_DEPTH = 32;

function expected(what: string, at: string, value: unknown): string {
  const kind =
    value === null
      ? "null"
      : Array.isArray(value)
        ? "a list"
        : typeof value === "object"
          ? "an object"
          : `a ${typeof value}`;
  const shown = typeof value === "string" ? excerpt(value) : typeof value === "number" ? String(value) : kind;
  return `${at === "" ? "it" : at}: expected ${what}, got ${shown}`;
}

/** Returns a check that `holds` is true for a value. @param what description of the expected value, for the message */
export function where(what: string, holds: (value: unknown) => boolean): Shape {
  return (value, at) => (holds(value) ? undefined : expected(what, at, value));
}

export const text = where("text", (value) => typeof value === "string");
/** Checks that a text contains no NUL, so that the operating system accepts it as a path. */
export const path = where(
  "a path without NUL",
  (value) => typeof value === "string" && !value.includes("\0"),
);
export const flag = where("true or false", (value) => typeof value === "boolean");
export const number = where("a number", Number.isFinite);
export const count = where(
  "a non-negative integer",
  (value) => Number.isSafeInteger(value) && Number(value) >= 0,
);

/** Checks only that a value is not nested too deeply. */
export const anything: Shape = (value, at) =>
  depthOf(value, MAX_DEPTH) < MAX_DEPTH
    ? undefined
    : `${at}: expected at most ${MAX_DEPTH} levels of nesting`;

function depthOf(value: unknown, most: number): number {
  if (typeof value !== "object" || value === null) return 0;
  if (most === 0) return 1;
  let deepest = 0;
  for (const inner of Object.values(value)) deepest = Math.max(deepest, depthOf(inner, most - 1));
  return 1 + deepest;
}

/** Returns a check that a value is an integer in [least, most]. */
export function whole(least: number, most: number): Shape {
  return where(
    `an integer from ${least} to ${most}`,
    (value) => Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most,
  );
}

/** Returns a check that a text is one of the given words. */
export function word(...words: readonly string[]): Shape {
  return where(
    words.map(excerpt).join(" or "),
    (value) => typeof value === "string" && words.includes(value),
  );
}

/** Returns a check that a value is null or passes the given check. */
export function orNull(shape: Shape): Shape {
  return (value, at) => (value === null ? undefined : shape(value, at));
}

/**
 * Returns a check that a value passes at least one of the given checks; for any other value, the error message is that
 * of the last check.
 */
export function either(...shapes: readonly Shape[]): Shape {
  return (value, at) => {
    let problem: string | undefined;
    for (const shape of shapes) {
      problem = shape(value, at);
      if (problem === undefined) return undefined;
    }
    return problem;
  };
}

/**
 * Returns a check that a value is a list whose elements pass the given check.
 * @param length length of the list; any length when absent
 */
export function list(shape: Shape, length?: number): Shape {
  return (value, at) => {
    if (!Array.isArray(value)) return expected("a list", at, value);
    if (length !== undefined && value.length !== length)
      return `${at}: expected ${length} entries, got ${value.length}`;
    return firstOf(value.entries(), () => shape, at);
  };
}

/** Returns a check that a value is an object, with any member names, whose values pass the given check. */
export function record(shape: Shape): Shape {
  return (value, at) =>
    isObject(value) ? firstOf(Object.entries(value), () => shape, at) : expected("an object", at, value);
}

/** Returns a check that a value is an object whose members pass the given checks; other members are allowed. */
export function object(required: Record<string, Shape>, optional: Record<string, Shape> = {}): Shape {
  return (value, at) => {
    if (!isObject(value)) return expected("an object", at, value);
    const missing = Object.keys(required).find((name) => !Object.hasOwn(value, name));
    if (missing !== undefined) return `${at === "" ? "it" : at} has no ${excerpt(missing)}`;
    const shapes = { ...required, ...optional };
    const known = Object.entries(value).filter(([name]) => Object.hasOwn(shapes, name));
    return firstOf(known, (name) => shapes[name]!, at);
  };
}

function firstOf<K extends string | number>(
  entries: Iterable<[K, unknown]>,
  shapeOf: (name: K) => Shape,
  at: string,
): string | undefined {
  for (const [name, value] of entries) {
    const problem = shapeOf(name)(value, at === "" ? String(name) : `${at}.${name}`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Parses and checks a JSON file of an artifact.
 *
 * @param file for messages
 * @param remake how to create the file again, for the message
 * @throws {ArtifactError} invalid JSON, or not of the shape; the message says where
 */
export function parseJson(bytes: Uint8Array, shape: Shape, file: string, remake = "train again"): unknown {
  return checked(Buffer.from(bytes).toString("utf8"), shape, `'${file}'`, remake);
}

/** Parses and checks the lines of a JSON lines file. @throws {ArtifactError} as parseJson; the message has the line */
export function parseJsonLines(bytes: Uint8Array, shape: Shape, file: string): unknown[] {
  return Buffer.from(bytes)
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line, i) => checked(line, shape, `line ${i + 1} of '${file}'`, "train again"));
}

/**
 * Parses and checks a JSON file whose member `schemaVersion` says which versions of this program can read it.
 *
 * @param newest newest schema version that can be read; the oldest is 1
 * @throws {ArtifactError} as parseJson, or the file has another schema version
 */
export function parseVersioned(
  bytes: Uint8Array,
  newest: number,
  shape: Shape,
  file: string,
  remake = "train again",
): unknown {
  const { schemaVersion } = parseJson(bytes, object({ schemaVersion: number }), file, remake) as {
    schemaVersion: number;
  };
  if (whole(1, newest)(schemaVersion, "") === undefined) return parseJson(bytes, shape, file, remake);
  throw new ArtifactError(
    `'${file}' has schema version ${schemaVersion}, expected ${newest === 1 ? "1" : `at most ${newest}`}: use the ` +
      `version of embed that wrote it, or ${remake}`,
  );
}

function checked(json: string, shape: Shape, what: string, remake: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new ArtifactError(
      `${what} is not valid JSON (${String(error)}): it is damaged; restore it or ` + remake,
      {
        cause: error,
      },
    );
  }
  const problem = shape(value, "");
  if (problem === undefined) return value;
  throw new ArtifactError(`${what} is invalid (${problem}): restore it or ${remake}`);
}

// What JSON of an artifact must look like before anything relies on it: a checksum says that the bytes are those that were
// written, not by whom. A file's shape stands once, beside what writes it. (zod takes 40 ms to load, a third of the start of a
// command; config files are checked by it.)

import { ArtifactError, excerpt } from "../errors.js";

/** What is wrong with a value: where in the file, and what was expected; undefined when nothing is. */
export type Shape = (value: unknown, at: string) => string | undefined;

/** Levels of lists and objects that a value may have. */
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

/** A value for which `holds`. @param what it is, for the message */
export function where(what: string, holds: (value: unknown) => boolean): Shape {
  return (value, at) => (holds(value) ? undefined : expected(what, at, value));
}

export const text = where("text", (value) => typeof value === "string");
/** Text that the operating system takes for a path: it has no NUL. */
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

/** Any value, but none that is nested deeply. */
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

/** A whole number in [least, most]. */
export function whole(least: number, most: number): Shape {
  return where(
    `an integer from ${least} to ${most}`,
    (value) => Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most,
  );
}

/** One of a few words. */
export function word(...words: readonly string[]): Shape {
  return where(
    words.map(excerpt).join(" or "),
    (value) => typeof value === "string" && words.includes(value),
  );
}

/** A value of the shape, or null. */
export function orNull(shape: Shape): Shape {
  return (value, at) => (value === null ? undefined : shape(value, at));
}

/** A value of one of the shapes; the message is the last one's. */
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

/** A list. @param length how many; any number when absent */
export function list(shape: Shape, length?: number): Shape {
  return (value, at) => {
    if (!Array.isArray(value)) return expected("a list", at, value);
    if (length !== undefined && value.length !== length)
      return `${at}: expected ${length} entries, got ${value.length}`;
    return firstOf(value.entries(), () => shape, at);
  };
}

/** An object of any names. */
export function record(shape: Shape): Shape {
  return (value, at) =>
    isObject(value) ? firstOf(Object.entries(value), () => shape, at) : expected("an object", at, value);
}

/** An object of these names; others may stand beside them. */
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
 * The value that a JSON file of an artifact holds.
 *
 * @param file for messages
 * @param remake how its user can make it again, for the message
 * @throws {ArtifactError} no JSON, or not of the shape; says where
 */
export function parseJson(bytes: Uint8Array, shape: Shape, file: string, remake = "train again"): unknown {
  return checked(Buffer.from(bytes).toString("utf8"), shape, `'${file}'`, remake);
}

/** The values of the lines of a file. @throws {ArtifactError} as parseJson; names the line */
export function parseJsonLines(bytes: Uint8Array, shape: Shape, file: string): unknown[] {
  return Buffer.from(bytes)
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line, i) => checked(line, shape, `line ${i + 1} of '${file}'`, "train again"));
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

// Which form a log has: by --input-format, else by the names of its files.

import { UsageError } from "../errors.js";

/** The forms of a log. `csv` stands for any delimiter. */
export const inputFormats = ["csv", "jsonl", "parquet", "libsvm", "libffm"] as const;
export type InputFormat = (typeof inputFormats)[number];

/** Extensions of each form, in lower case; any other is `csv`. */
export const extensions: Readonly<Record<Exclude<InputFormat, "csv">, readonly string[]>> = {
  jsonl: [".jsonl", ".ndjson", ".json"],
  parquet: [".parquet", ".pq"],
  libsvm: [".libsvm", ".svmlight", ".svm", ".libfm"],
  libffm: [".libffm", ".ffm"],
};

/** The form that the file's name says. */
function formNamed(path: string): InputFormat {
  const [, extension = "", packed] = /(\.[a-z]+)(\.gz|\.zst)?$/i.exec(path) ?? [];
  const found = (Object.keys(extensions) as (keyof typeof extensions)[]).find((form) =>
    extensions[form].includes(extension.toLowerCase()),
  );
  // Parquet is compressed by itself: its file would be read from its end
  return found === undefined || (found === "parquet" && packed !== undefined) ? "csv" : found;
}

/**
 * The one form that all files have.
 *
 * @throws {UsageError} their names say different ones, or Parquet is to come from standard input
 */
export function formOf(paths: readonly string[], given: InputFormat | undefined): InputFormat {
  const forms = paths.map((path) => given ?? formNamed(path));
  const other = forms.findIndex((form) => form !== forms[0]);
  if (other !== -1) {
    throw new UsageError(
      `all files of a log must have the same format: '${paths[0]!}' is ${forms[0]!}, but '${paths[other]!}' ` +
        `is ${forms[other]!}; convert one of them, or set the format of all with --input-format`,
    );
  }
  if (forms[0] === "parquet" && paths.includes("-"))
    throw new UsageError("Parquet cannot be read from standard input: name a file");
  return forms[0]!;
}

/** Whether a file whose form nobody named starts as a JSON object does. @param first its first bytes, decompressed */
export function startsAsJson(first: Uint8Array): boolean {
  const text = Buffer.from(first.subarray(0, 1024)).toString("utf8");
  return /^\uFEFF?\s*\{\s*["}]/u.test(text);
}

const LABEL = String.raw`^[+-]?[\d.][\d.,eE+-]*`;
const SPARSE: ["libsvm" | "libffm", RegExp][] = [
  ["libsvm", new RegExp(LABEL + String.raw`([ \t]+\d+:[+-]?[\d.][\deE.+-]*)+[ \t]*(#.*)?$`)],
  ["libffm", new RegExp(LABEL + String.raw`([ \t]+\d+:\d+:[+-]?[\d.][\deE.+-]*)+[ \t]*(#.*)?$`)],
];

/**
 * Refuses sparse text that would be read as CSV, because only the extension says what a file is.
 *
 * @param lines the first ones of a file whose form nobody named
 * @throws {UsageError} all of them are libsvm's or libffm's
 */
export function refuseSparseText(path: string, lines: readonly string[]): void {
  const form = SPARSE.find(([, line]) => lines.length > 0 && lines.every((text) => line.test(text)))?.[0];
  if (form === undefined) return;
  throw new UsageError(
    `'${path}' looks like ${form} but has a CSV extension: set --input-format ${form} (or --input-format csv ` +
      "if it is CSV)",
  );
}

/**
 * Refuses cells with `::` between them that would be read as one column.
 *
 * @param lines the first ones of a file whose delimiter nobody named and nobody found
 * @throws {UsageError} all of them have it
 */
export function refuseDoubleColons(path: string, lines: readonly string[]): void {
  if (lines.length === 0 || !lines.every((text) => text.includes("::"))) return;
  throw new UsageError(
    `'${path}' looks delimited by ::, but would be read as one column: set --delimiter '::' (or --delimiter ` +
      ", if it is one column)",
  );
}

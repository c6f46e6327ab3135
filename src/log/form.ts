// The file formats of logs. The format of a log is given by --input-format, or else by the extensions of its files.

import { UsageError } from "../base/errors.js";
import type { Log, LogFile, ReadOptions, ReadSizes } from "./log.js";
import { hasOwnForm } from "./number.js";
import type { RecordForm } from "./text/record-form.js";

interface LogForm {
  /** file extensions, in lower case */
  extensions: readonly string[];
  /** pattern of a line: text whose first lines all match it has this format and is not CSV */
  line?: RegExp;
  /** Opens files of this format as one log and loads the reader on demand. @throws as openLog */
  open(files: readonly LogFile[], options: ReadOptions, sizes: ReadSizes): Promise<Log>;
}

const LABEL = String.raw`^[+-]?[\d.][\d.,eE+-]*`;

/**
 * Formats of logs by name. To add a format, write a file that reads it and add an entry here. `csv` stands for text
 * with any delimiter.
 */
export const forms = {
  csv: {
    extensions: [".csv", ".tsv", ".tab", ".txt"],
    open: async (...log) => await (await import("./text/delimited.js")).openDelimited(...log),
  },
  jsonl: {
    extensions: [".jsonl", ".ndjson", ".json"],
    open: records(async () => (await import("./text/json-lines.js")).jsonLines),
  },
  parquet: {
    extensions: [".parquet", ".pq"],
    open: async (...log) => await (await import("./parquet/open.js")).openParquet(...log),
  },
  libsvm: {
    extensions: [".libsvm", ".svmlight", ".svm", ".libfm"],
    line: new RegExp(LABEL + String.raw`([ \t]+\d+:[+-]?[\d.][\deE.+-]*)+[ \t]*(#.*)?$`),
    open: records(async () => (await import("./text/sparse-text.js")).libsvm),
  },
  libffm: {
    extensions: [".libffm", ".ffm"],
    line: new RegExp(LABEL + String.raw`([ \t]+\d+:\d+:[+-]?[\d.][\deE.+-]*)+[ \t]*(#.*)?$`),
    open: records(async () => (await import("./text/sparse-text.js")).libffm),
  },
} satisfies Record<string, LogForm>;

export type InputFormat = keyof typeof forms;
export const inputFormats = Object.keys(forms) as InputFormat[];

export const namedForms = Object.entries(forms) as [InputFormat, LogForm][];

/** Returns a format whose files hold a sequence of records with text cells. */
function records<Rec>(
  load: () => Promise<(options: ReadOptions, pieceBytes: number) => RecordForm<Rec>>,
): LogForm["open"] {
  return async (files, options, sizes) => {
    const [form, { openRecords }] = await Promise.all([load(), import("./text/open-records.js")]);
    return await openRecords(files, form(options, sizes.chunkBytes), options, sizes);
  };
}

function formNamed(path: string): InputFormat {
  const [, extension = "", packed] = /(\.[a-z]+)(\.gz|\.zst)?$/i.exec(path) ?? [];
  const [found = "csv"] =
    namedForms.find(([, { extensions }]) => extensions.includes(extension.toLowerCase())) ?? [];
  // Parquet inside another compression cannot be read, because its reader starts at the end of the file
  return found === "parquet" && packed !== undefined ? "csv" : found;
}

/**
 * Returns the format that all files have in common.
 *
 * @throws {UsageError} the extensions indicate different formats, or Parquet comes from standard input
 */
export function formOf(paths: readonly string[], given: string | undefined): InputFormat {
  const found = paths.map((path) => (given as InputFormat | undefined) ?? formNamed(path));
  const other = found.findIndex((form) => form !== found[0]);
  if (other !== -1) {
    throw new UsageError(
      `all files of a log must have the same format: '${paths[0]!}' is ${found[0]!}, but '${paths[other]!}' ` +
        `is ${found[other]!}; convert one of them, or set the format of all with --input-format`,
    );
  }
  if (found[0] === "parquet" && paths.includes("-"))
    throw new UsageError("Parquet cannot be read from standard input: name a file");
  return found[0]!;
}

/**
 * Rejects options that apply to delimited text only.
 *
 * @throws {UsageError} the user gave such an option
 * @param what format of the log for the message: `the log format is jsonl`
 */
export function checkUndelimited(options: ReadOptions, what: string): void {
  if (hasOwnForm(options))
    throw new UsageError(`--decimal and --thousands are only supported for delimited text, and ${what}`);
  if (options.columns)
    throw new UsageError(`--columns is only supported for delimited text without a header, and ${what}`);
}

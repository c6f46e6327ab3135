// Opens files as a log, so that its columns and first rows are known.

import { NoInputError, UsageError } from "../base/errors.js";
import { openSource, peekedSource } from "../base/io/source.js";
import { filesOfLog } from "./directory.js";
import { readingDedupeColumns, withoutDuplicates } from "./duplicate-events.js";
import { checkUndelimited, formOf, forms, namedForms, type InputFormat } from "./form.js";
import { withKeyCase } from "./key-case.js";
import type { Log, LogFile, ReadOptions, ReadSizes } from "./log.js";
import { checkedReading } from "./read.js";
import { decoderOf } from "./text/decoded.js";

const defaultSizes: ReadSizes = { chunkBytes: 1 << 20, localBytes: 256 << 20 };

/**
 * Opens files as one log: reads the headers of all files, and the first rows.
 *
 * @param named files, directories or patterns, or `-` for standard input; `.gz` and `.zst` are decompressed
 * @param sizes buffer sizes, for tests
 * @throws {NoInputError} a file does not exist, or no file is named
 * @throws {IoError} a file cannot be read
 * @throws {UsageError} a run's directory is named, an option is invalid, or libsvm text would be read as CSV
 * @throws {DataError} a file is empty, two columns have the same name, a file lacks a requested column, or bytes are
 * invalid in the encoding
 */
export async function openLog(
  named: readonly string[],
  options: ReadOptions,
  sizes: ReadSizes = defaultSizes,
): Promise<Log> {
  if (named.length === 0) throw new NoInputError("no log given: name one or several files, or - for stdin");
  return await openFiles(await filesOfLog(named), options, sizes);
}

/**
 * Opens the files of a log.
 *
 * @param named the files in the order of the log, with sentences about skipped files
 * @throws as openLog
 */
export async function openFiles(
  { files, warnings }: { files: readonly LogFile[]; warnings: readonly string[] },
  options: ReadOptions,
  sizes: ReadSizes = defaultSizes,
): Promise<Log> {
  const paths = files.map(({ path }) => path);
  if (paths.filter((path) => path === "-").length > 1)
    throw new UsageError("- (standard input) can only be given once");
  decoderOf(options.encoding);
  const form = formOf(paths, options.format);
  const log = await openByForm(form, files, readingDedupeColumns(options), sizes);
  const told = { ...log, warnings: [...warnings, ...log.warnings] };
  return withKeyCase(withoutDuplicates(told, options), options);
}

/** Opens files of one format; JSON lines if names indicate none and the first file starts like a JSON object. */
async function openByForm(
  form: InputFormat,
  files: readonly LogFile[],
  options: ReadOptions,
  sizes: ReadSizes,
): Promise<Log> {
  const isGuessed = form === "csv" && options.format === undefined && !options.held;
  if (!isGuessed) return await openForm(form, files, options, sizes);
  const opened = await peekedSource(
    await (options.sources?.open ?? openSource)(files[0]!.path, sizes.chunkBytes),
  );
  try {
    const found = startsAsJson(opened.first) ? "jsonl" : form;
    return await openForm(found, files, { ...options, opened }, sizes);
  } finally {
    await opened.leave();
  }
}

async function openForm(
  form: InputFormat,
  files: readonly LogFile[],
  options: ReadOptions,
  sizes: ReadSizes,
): Promise<Log> {
  if (form !== "csv") checkUndelimited(options, `the log format is ${form}`);
  const log = await forms[form].open(files, options, sizes);
  try {
    if (form === "csv" && options.format === undefined) refuseOtherText(files[0]!.path, log, options);
  } catch (error) {
    await log.close();
    throw error;
  }
  return checkedReading(log);
}

/** Whether a file without a known format starts like a JSON object. @param first its first bytes, decompressed */
function startsAsJson(first: Uint8Array): boolean {
  const text = Buffer.from(first.subarray(0, 1024)).toString("utf8");
  return /^\uFEFF?\s*\{\s*["}]/u.test(text);
}

/** Number of lines that are examined to distinguish CSV from other text formats. */
const LINES_TO_KNOW = 5;

/**
 * Rejects text that is opened as CSV without --input-format or --delimiter but is not CSV.
 *
 * @throws {UsageError} all first lines are libsvm or libffm, or `::` separates cells that would be read as one column
 */
function refuseOtherText(
  path: string,
  { columns, sample, delimiter }: Pick<Log, "columns" | "sample" | "delimiter">,
  options: ReadOptions,
): void {
  const rows = [...(options.header ? [columns] : []), ...sample].slice(0, LINES_TO_KNOW);
  const lines = rows.map((cells) => cells.join(delimiter));
  if (lines.length === 0) return;
  const [form] = namedForms.find(([, { line }]) => line && lines.every((text) => line.test(text))) ?? [];
  if (form !== undefined)
    throw new UsageError(
      `'${path}' looks like ${form} but has a CSV extension: set --input-format ${form} (or --input-format csv ` +
        "if it is CSV)",
    );
  const isOneColumn = options.delimiter === undefined && rows.every((cells) => cells.length === 1);
  if (isOneColumn && lines.every((text) => text.includes("::")))
    throw new UsageError(
      `'${path}' looks delimited by ::, but would be read as one column: set --delimiter '::' (or --delimiter ` +
        ", if it is one column)",
    );
}

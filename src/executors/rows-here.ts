// Predicts or transforms JSON lines with a run, in one process: a part of the log on an executor, or its first rows here.

import { predict } from "../api/predict/predict.js";
import { transform } from "../api/transform/transform.js";
import { DataError, NoRowsError } from "../errors.js";
import type { PartCounts, RowsJob } from "./part-job.js";

/**
 * Runs the job's command on JSON lines.
 *
 * @param path file of JSON lines; `-` is standard input
 * @param write receives the rows of the output as text; each chunk has whole lines
 * @throws {DataError} a row cannot be used; the message has the name of the log in place of that of the file
 * @throws {EmbedError} the errors of the command
 */
export async function runOnRows(
  job: RowsJob,
  run: string,
  path: string,
  format: "jsonl" | "csv",
  write: (chunk: Uint8Array) => Promise<void>,
): Promise<PartCounts> {
  const watch = { signal: new AbortController().signal, observe: () => undefined };
  const how = { inputFormat: "jsonl", format, threads: 1 } as const;
  try {
    if (job.command === "predict") {
      const made = await predict(run, [path], { ...job.given, ...how }, write, watch, true);
      const { rows, leftOut, unknown } = made;
      // warnings with counts are made of the counts of all parts
      const warnings = made.warnings.filter((text) => !/\d of \d|^skipped \d/.test(text));
      return { rows, read: rows + leftOut.filtered + leftOut.bad, bad: leftOut.bad, unknown, warnings };
    }
    const made = await transform(run, [path], { ...job.given, ...how }, write, watch);
    return { rows: made.rows, read: made.rows, bad: 0, unknown: {}, warnings: made.warnings };
  } catch (error) {
    if (error instanceof NoRowsError) return { rows: 0, read: 0, bad: 0, unknown: {}, warnings: [] };
    if (!(error instanceof DataError) || !error.place) throw error;
    const { line, ...place } = error.place;
    throw new DataError(error.detail, { ...place, file: job.named, ...(line !== undefined && { line }) });
  }
}

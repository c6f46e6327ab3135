// Predicts or transforms JSON lines with a run, in one process: on an executor, a part of the log; on the user's
// machine, the log's first rows, which show the columns of the output.

import type { PredictSummary } from "../predict/options.js";
import { predict } from "../predict/predict.js";
import { transform } from "../transform/transform.js";
import { DataError, NoRowsError } from "../../base/errors.js";
import type { RowsJob } from "./part-job.js";

/** Only predict counts the rows that filters drop (`filtered`). */
export type ProcessedRows = Pick<PredictSummary, "rows" | "leftOut" | "unknown" | "warnings">;

/**
 * Runs the job's command on JSON lines.
 *
 * @param path file of JSON lines; `-` is standard input
 * @param write receives the rows of the output as text; each chunk has whole lines
 * @throws {DataError} a row cannot be used; the message has the name of the log in place of file and line
 * @throws {EmbedError} the errors of the command
 */
export async function runOnRows(
  job: RowsJob,
  run: string,
  path: string,
  format: "jsonl" | "csv",
  write: (chunk: Uint8Array) => Promise<void>,
): Promise<ProcessedRows> {
  const watch = { signal: new AbortController().signal, observe: () => undefined };
  const how = { inputFormat: "jsonl", format, threads: 1 } as const;
  const none = { rows: 0, leftOut: { filtered: 0, bad: 0 }, unknown: {}, warnings: [] };
  try {
    return job.command === "predict"
      ? await predict(run, [path], { ...job.given, ...how }, write, watch, true)
      : { ...none, ...(await transform(run, [path], { ...job.given, ...how }, write, watch)) };
  } catch (error) {
    if (error instanceof NoRowsError) return none;
    if (!(error instanceof DataError) || !error.place) throw error;
    const { column } = error.place;
    throw new DataError(error.detail, { file: job.named, ...(column !== undefined && { column }) });
  }
}

// Metrics of a run on several parts of the rows of an encoded dataset, which is read once.

import type { EncodedDataset } from "../../dataset/encoded/read.js";
import type { Run } from "../../table/run-directory.js";
import { EmbedError } from "../../base/errors.js";
import type { Compared } from "../../metrics/comparison.js";
import { measureRankings } from "../../use/rank-items/measure.js";
import { capable, knownModelOf } from "../../trainers/index.js";
import { readingOf } from "../../training/shared-options/reading.js";
import { openAsTrained } from "../../training/reading/open-as-trained.js";
import { scoreRows } from "../../use/predict/scored-rows.js";

const SAMPLES = 200;
/** Minimum number of rows, or of ranked users, that show anything. */
const LEAST = 50;

export type MeasuredPart = Pick<Compared, "metrics" | "intervals">;

/**
 * Scores the labels of the rows, or ranks the items of their users as the run's validation does, and so measures each
 * part. A part of fewer than 50 rows, or ranked users, has no metrics.
 *
 * @param parts rows of each part, ascending
 * @returns why the run cannot be measured on these rows, if it cannot
 */
export async function measureParts(
  run: Run,
  { path: dataset, dataset: { numRows } }: EncodedDataset,
  parts: readonly Uint32Array[],
  { k, threads, signal }: { k: readonly number[]; threads?: number | undefined; signal: AbortSignal },
): Promise<MeasuredPart[] | string> {
  const watch = { observe: () => undefined, signal };
  const log = { on: [dataset], reading: readingOf({ threads }), bootstrap: SAMPLES, seed: 1 };
  const measured: MeasuredPart[] = [];
  try {
    const preprocess = await (await capable(run, "preprocess", "cannot be measured on a log"))(run);
    const { dataset: read } = await openAsTrained(preprocess, log, watch);
    if (read.numRows !== numRows) return "the training leaves out rows of the log";
    const measure = (await knownModelOf(run)).evaluate ? scoreRows : measureRankings;
    for (const rows of parts) {
      const options = {
        ...log,
        whole: { dataset: read, rows },
        ...(k.length > 0 && { k }),
        repeats: "mask" as const,
      };
      const found = await measure([{ run, name: "run" }], options, watch);
      const counted = "users" in found ? found.users.judged : found.rows;
      measured.push(counted < LEAST ? { metrics: {}, intervals: {} } : found.compared[0]!);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof EmbedError) return error.message;
    throw error;
  }
  return measured;
}

// What a thread of the network's pool does: all of a chunk's batches together with the others, or its share of rows to score.

import type { NetKernel } from "../../kernels/net/binding.js";

/** Rows of one call that scores: short, so that the first calls are soon replaced by optimised code. */
const SCORE_ROWS = 256;

/** Offsets are bytes of the shared memory. */
export type NetTask = { rows: number; numRows: number } & (
  | {
      kind: "train";
      batch: number;
      epoch: number;
      /** place of the first row in the epoch */
      first: number;
      /** steps taken before */
      steps: number;
    }
  /** scores: f32[numRows]; hidden: f32[numRows][width], where what the last layer reads is wanted too */
  | { kind: "score"; scores: number; hidden?: { at: number; width: number } }
);

/** Structs of one thread and of all. */
export interface NetPlace {
  plan: number;
  threads: readonly number[];
}

/** Runs thread `index`'s share. Every thread is given the same tasks in the same order. */
export function runTask(kernel: NetKernel, { plan, threads }: NetPlace, index: number, task: NetTask): null {
  const thread = threads[index]!;
  const { rows, numRows } = task;
  if (task.kind === "train") {
    let { steps } = task;
    for (let from = 0; from < numRows; from += task.batch) {
      const count = Math.min(task.batch, numRows - from);
      const { epoch, first } = task;
      if (!kernel.trainBatch(plan, thread, index, rows, from, count, epoch, first + from, ++steps)) break;
    }
    return null;
  }
  for (let first = index * SCORE_ROWS; first < numRows; first += threads.length * SCORE_ROWS) {
    const count = Math.min(SCORE_ROWS, numRows - first);
    const { scores, hidden } = task;
    if (hidden) kernel.encodeRows(plan, thread, rows, first, count, scores, hidden.at, hidden.width);
    else kernel.scoreRows(plan, thread, rows, first, count, scores);
  }
  return null;
}

// What a thread of the pool does with its share of a task: slices when parameters move, blocks of rows when they are read.

import { encodeRows, type Encoding } from "../dataset/encoding.worker.js";
import { BLOCK_ROWS, type FmKernel, type FmLayout } from "../kernels/fm/binding.js";
import { marksFor, markShare } from "../kernels/fm/repeats.js";
import { blockKey } from "../numeric/random.js";

/** Offsets are bytes of the shared memory. */
export type FmTask =
  /** the features that blocks of rows repeat; encoding: where their ids are not there yet */
  | {
      kind: "mark";
      rows: number;
      encoding: Encoding | undefined;
      numFeatures: number;
      keepsOrder: boolean;
    }
  /** blocks: u32[numBlocks], the order of the blocks, or 0 for file order; key: of the epoch's permutations */
  | { kind: "train"; rows: number; numRows: number; blocks: Uint32Array | undefined; key: number }
  /** scores: f32[numRows] */
  | { kind: "score"; rows: number; numRows: number; scores: number }
  /** hashes: u32[n][2]; counts: u32[n] */
  | { kind: "initialise"; hashes: number; counts: number; seed: number; spread: number }
  /** vectors: f32[n][dim]; w: f32[n] */
  | { kind: "store"; vectors: number; w: number }
  | { kind: "load"; vectors: number; w: number };

/** What a thread answers: the losses of the blocks it scored, and whether all the parameters it exported are finite. */
export interface FmResult {
  blockLosses: number[];
  finite: boolean;
}

/** Runs thread `index`'s share. Every thread is given the same tasks in the same order. */
export function runTask(
  kernel: FmKernel,
  memory: WebAssembly.Memory,
  layout: FmLayout,
  index: number,
  task: FmTask,
): FmResult {
  const result: FmResult = { blockLosses: [], finite: true };
  const { plan, threads, numSlices } = layout;
  const thread = threads[index]!;

  if (task.kind === "mark") {
    const { rows, encoding, numFeatures, keepsOrder } = task;
    const share = { first: index, step: threads.length };
    const put =
      encoding &&
      ((ids: Uint32Array, first: number, last: number) => void encodeRows(encoding, ids, first, last));
    markShare(memory, rows, marksFor(numFeatures, keepsOrder), share, put);
    return result;
  }
  if (task.kind === "train") {
    const numBlocks = Math.ceil(task.numRows / BLOCK_ROWS);
    for (let i = 0; i < numBlocks; i++) {
      const block = task.blocks ? task.blocks[i]! : i;
      const first = block * BLOCK_ROWS;
      const numRows = Math.min(BLOCK_ROWS, task.numRows - first);
      const key = task.blocks ? blockKey(task.key, block) : 0;
      if (!kernel.trainBlock(plan, thread, index, task.rows, first, numRows, key)) break;
    }
    return result;
  }
  if (task.kind === "score") {
    for (let first = index * BLOCK_ROWS; first < task.numRows; first += threads.length * BLOCK_ROWS) {
      const numRows = Math.min(BLOCK_ROWS, task.numRows - first);
      result.blockLosses.push(kernel.scoreBlock(plan, thread, task.rows, first, numRows, task.scores));
    }
    return result;
  }
  for (let j = index; j <= numSlices; j += threads.length) {
    if (task.kind === "initialise") {
      kernel.initialise(plan, j, task.hashes, task.counts, task.seed, task.spread);
    } else if (task.kind === "store") {
      if (!kernel.exportSlice(plan, j, task.vectors, task.w)) result.finite = false;
    } else {
      kernel.importSlice(plan, j, task.vectors, task.w);
    }
  }
  return result;
}

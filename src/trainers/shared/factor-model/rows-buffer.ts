// Rows in shared memory, from which the kernel reads them. They are loaded once, or chunk by chunk.

import type { Encoding } from "../../../dataset/encoding.worker.js";
import { firstPair, sharedEncodingOf, type FeatureRows } from "../../../dataset/rows.js";
import { type Arena, GrowingArrays } from "../../../compute/kernels/shared/memory.js";
import {
  BATCH_ROWS,
  BLOCK_ROWS,
  type PairCounts,
  putRows,
  reserveRows,
} from "../../../compute/kernels/fm/binding.js";
import { type Marks, markRepeats } from "../../../compute/kernels/fm/repeats.js";
import { weightOf } from "../../../base/numeric/indices.js";

/** Memory regions that grow to the size of the largest rows so far, and the kernel's struct that refers to them. */
export class RowsBuffer {
  numRows = 0;
  /** total weight of the rows */
  weight = 0;
  /** maximum numbers of (feature, value) pairs that a thread copies at once, and that a batch has */
  pairs: PairCounts = { copied: 0, batch: 0 };
  /** columns from which the threads encode the ids before they mark repeated features; undefined if they are encoded */
  encoding: Encoding | undefined;
  /** offset of the struct Rows of compute/kernels/fm/assembly/plan.ts */
  readonly offset: number;
  readonly #arena: Arena;
  readonly #arrays: GrowingArrays;
  readonly #marks: Marks | undefined;

  /**
   * @param name noun for the rows, for messages
   * @param marks settings for marking repeated features of blocks while training rows are loaded
   */
  constructor(arena: Arena, name: string, marks?: Marks) {
    this.#arena = arena;
    this.#marks = marks;
    this.#arrays = new GrowingArrays(arena, name);
    this.offset = reserveRows(arena, name);
  }

  /**
   * Copies the rows into memory in place of the previous rows. Labels are divided by labelScale.
   *
   * @param leavesIds true to leave the encoding of ids to the threads that mark repeated features, if possible
   * @throws {UsageError} they do not fit into the arena
   */
  load(rows: FeatureRows, labelScale = 1, leavesIds = false): this {
    this.encoding = leavesIds ? sharedEncodingOf(rows) : undefined;
    const fields = {
      numRows: rows.numRows,
      width: rows.width,
      indptr: this.#arrays.put("indptr", rows.indptr),
      ids: this.encoding
        ? this.#arrays.reserve("ids", bytesOfIds(rows)).offset
        : this.#arrays.put("ids", rows.ids),
      values: this.#arrays.put("values", rows.values),
      labels: this.#arrays.put("labels", rows.labels),
      weights: this.#arrays.put("weights", rows.weights),
    };
    if (labelScale !== 1) {
      const labels = this.#arena.f32(this.#arrays.regionOf("labels"));
      for (let r = 0; r < rows.numRows; r++) labels[r]! /= labelScale;
    }
    if (this.#marks) {
      const { numRows, indptr, width } = rows;
      const ids = this.#arena.u32(this.#arrays.regionOf("ids"));
      const values = rows.values && this.#arena.f32(this.#arrays.regionOf("values"));
      const endOf = (r: number) => (indptr ? indptr[r]! : width * r);
      markRepeats({ ids, values, numRows, endOf }, this.#marks);
    }
    putRows(this.#arena, this.offset, fields);
    this.numRows = rows.numRows;
    this.weight = weightOf(rows);
    const isGeneral = rows.indptr !== undefined || rows.values !== undefined;
    const batch = pairsOfWidest(rows, BATCH_ROWS);
    this.pairs = { copied: isGeneral ? batch : pairsOfWidest(rows, BLOCK_ROWS), batch };
    return this;
  }
}

export function bytesOfRows(rows: FeatureRows): number {
  const arrays = [rows.indptr, rows.values, rows.labels, rows.weights];
  return arrays.reduce((sum, array) => sum + (array?.byteLength ?? 0), bytesOfIds(rows));
}

function bytesOfIds(rows: FeatureRows): number {
  return 4 * firstPair(rows, rows.numRows);
}

/** Returns the largest total number of (feature, value) pairs that any `count` of the rows have. */
function pairsOfWidest(rows: FeatureRows, count: number): number {
  const { indptr } = rows;
  if (!indptr) return rows.width * Math.min(count, rows.numRows);

  // counts the rows by their number of pairs, and then adds the rows with the most pairs first
  const rowsOfWidth = new Map<number, number>();
  for (let r = 0; r < rows.numRows; r++) {
    const width = indptr[r + 1]! - indptr[r]!;
    rowsOfWidth.set(width, (rowsOfWidth.get(width) ?? 0) + 1);
  }
  let pairs = 0;
  let left = count;
  for (const [width, numRows] of [...rowsOfWidth].sort(([a], [b]) => b - a)) {
    const taken = Math.min(left, numRows);
    pairs += taken * width;
    left -= taken;
  }
  return pairs;
}

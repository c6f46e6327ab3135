// Bins the columns of a log in pieces of rows: while the threads bin a piece, the next is copied to shared memory.

import { BLOCK_ROWS, EDGES, stagedAt, type GbdtLayout } from "../../../compute/kernels/gbdt/binding.js";
import { MISSING } from "../../../log/keys.js";
import type { BinnedColumn, Feature } from "../features.js";
import type { OwnShare } from "./thread-share.js";

export interface BinTask {
  slot: number;
  /** among all rows, where validation rows follow the training rows */
  first: number;
  n: number;
}

export function stageEdges(
  layout: GbdtLayout,
  buffer: SharedArrayBuffer,
  features: readonly Feature[],
): void {
  features.forEach((feature, f) => {
    const own = new Float64Array(buffer, layout.edges + 8 * EDGES * f, EDGES).fill(Infinity);
    if (feature.kind === "number") own.set(feature.edges);
  });
}

/** Copies numbers of numeric columns, and bins of categorical ones, to shared memory. */
export function stage(
  layout: GbdtLayout,
  buffer: SharedArrayBuffer,
  columns: readonly BinnedColumn[],
  rows: Uint32Array,
  slot: number,
): void {
  columns.forEach((column, f) => {
    const at = stagedAt(layout, slot, f);
    if (column.kind === "category") {
      const [n, isWide] = [rows.length, layout.places[f]!.wide];
      stageCategories(isWide ? new Uint16Array(buffer, at, n) : new Uint8Array(buffer, at, n), column, rows);
    } else stageNumbers(new Float64Array(buffer, at, rows.length), column.values, rows);
  });
}

function stageNumbers(out: Float64Array, values: Float64Array, rows: Uint32Array): void {
  for (let i = 0; i < rows.length; i++) out[i] = values[rows[i]!]!;
}

function stageCategories(
  out: Uint8Array | Uint16Array,
  { codes, bins }: Extract<BinnedColumn, { kind: "category" }>,
  rows: Uint32Array,
): void {
  for (let i = 0; i < rows.length; i++) {
    const code = codes[rows[i]!]!;
    out[i] = code === MISSING ? 0 : bins[code]!;
  }
}

export function binPiece(share: OwnShare, { slot, first, n: numRows }: BinTask): void {
  const { kernel, layout } = share;
  const { places, columns, edges, bins, stride, numTrain } = layout;
  const [from, to] = share.rows(0, numRows);
  for (let at = from; at < to; at += BLOCK_ROWS) {
    const n = Math.min(BLOCK_ROWS, to - at);
    const row = first + at;
    places.forEach(({ categorical, wide, byte, numCells }, f) => {
      const width = wide ? 2 : 1;
      const staged = stagedAt(layout, slot, f);
      // bins of training rows are also stored by column, for partitioning; those of validation rows are stored by row
      // only
      const own = row < numTrain ? columns[f]! + width * row : share.scratch;
      if (categorical) {
        const bytes = (place: number) => new Uint8Array(share.buffer, place, width * n);
        bytes(own).set(bytes(staged + width * at));
      } else {
        const ends = edges + 8 * EDGES * f;
        kernel.binNumbers(staged + 8 * at, n, ends, EDGES, numCells - 1, wide, own, width);
      }
      kernel.placeBins(own, n, wide, bins + row * stride + byte, stride);
    });
  }
}

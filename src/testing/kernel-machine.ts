// A factorization machine whose kernel runs on the test's own thread, with rows in the kernel's memory, and the
// reference implementation that it is compared with.

import {
  BATCH_ROWS,
  BLOCK_ROWS,
  type FmKernel,
  type FmLayout,
  readBias,
  reservePairs,
  takeLoss,
  writeBias,
} from "../compute/kernels/fm/binding.js";
import { kernelImports, loadKernel } from "../compute/kernels/shared/load.js";
import { Rows } from "../compute/kernels/fm/layout.js";
import { writeStruct } from "../compute/kernels/shared/struct.js";
import { Arena } from "../compute/kernels/shared/memory.js";
import type { ReferenceRow } from "../compute/kernels/fm/fm.reference.js";
import { draw, permutation } from "../base/numeric/random.js";
import { type Marks, markRepeats, marksFor, mostUnmarked } from "../compute/kernels/fm/repeats.js";

export interface KernelMachine {
  arena: Arena;
  layout: FmLayout;
  kernel: FmKernel;
  /** byte offset of the struct Rows in the kernel's memory */
  rowsAt: number;
  /** returns the current vectors and linear weights */
  parameters: () => { vectors: Float32Array; w: Float32Array };
  /** trains on all rows once, in a pseudorandom order that `key` determines; key 0 means the order of the file */
  train: (key: number) => void;
}

/** Creates a factorization machine with initial vectors drawn from [-`spread`, `spread`] and w0 = 0.25. */
export async function kernelMachine(
  name: "fm" | "ffm",
  numFeatures: number,
  spread: number,
  rows: ReferenceRow[],
  allocate: (arena: Arena) => FmLayout,
): Promise<KernelMachine> {
  const arena = new Arena();
  const layout = allocate(arena);
  const module = await loadKernel(name);
  const { exports: kernel } = new WebAssembly.Instance<FmKernel>(module, kernelImports(arena.memory));
  const put = (values: readonly number[], type: "u32" | "f32"): number => {
    const region = arena.allocate("test data", values.length * 4);
    arena[type](region).set(values);
    return region.offset;
  };
  const marks = marksFor(numFeatures, name === "ffm");
  const rowsAt = putRows(arena, rows, marks, put);
  reservePairs(arena, layout, { copied: BLOCK_ROWS * 32, batch: BATCH_ROWS * 32 });
  const drawn = Array.from({ length: 2 * numFeatures }, (_, i) => draw(5, i));
  const ones = Array.from({ length: numFeatures }, () => 1);
  const [hashes, counts] = [put(drawn, "u32"), put(ones, "u32")];
  for (let j = 0; j <= layout.numSlices; j++) kernel.initialize(layout.plan, j, hashes, counts, 1, spread);
  writeBias(arena, layout, 0.25);
  const width = layout.vectorWidth;
  const vectors = arena.allocate("vectors", numFeatures * width * 4);
  const w = arena.allocate("weights", numFeatures * 4);
  return {
    arena,
    layout,
    kernel,
    rowsAt,
    parameters() {
      for (let j = 0; j <= layout.numSlices; j++)
        kernel.exportSlice(layout.plan, j, vectors.offset, w.offset);
      return {
        vectors: arena.f32(vectors).slice(0, numFeatures * width),
        w: arena.f32(w).slice(0, numFeatures),
      };
    },
    train(key) {
      const done = kernel.trainBlock(layout.plan, layout.threads[0]!, 0, rowsAt, 0, rows.length, key);
      expect(done).toBe(1);
    },
  };
}

/**
 * Returns a function that tells whether a feature occurs so often in a block of rows that the kernel marks it as
 * repeated.
 */
export function repeatedIn(rows: readonly ReferenceRow[]): (feature: number) => boolean {
  const counts = new Map<number, number>();
  for (const id of rows.flatMap(({ ids }) => ids)) counts.set(id, (counts.get(id) ?? 0) + 1);
  return (feature) => (counts.get(feature) ?? 0) > mostUnmarked(rows.length);
}

/**
 * Writes rows into the kernel's memory as the struct Rows. The ends of rows are written only if rows differ in length,
 * values only if one differs from 1, and weights only if a row has one. Ids of repeated features are marked, as
 * training requires.
 */
function putRows(
  arena: Arena,
  rows: ReferenceRow[],
  marks: Marks,
  put: (values: readonly number[], type: "u32" | "f32") => number,
): number {
  const widths = new Set(rows.map(({ ids }) => ids.length));
  const ends = [0];
  for (const { ids } of rows) ends.push(ends.at(-1)! + ids.length);
  const ids = Uint32Array.from(rows.flatMap((row) => row.ids));
  const values = Float32Array.from(rows.flatMap((row) => row.values));
  markRepeats({ ids, values, numRows: rows.length, endOf: (r) => ends[r]! }, marks);
  const isWeighted = rows.some(({ weight }) => weight !== undefined);
  const floats = (numbers: readonly number[]) => put(numbers, "f32");
  return writeStruct(arena, "test rows", Rows, {
    numRows: rows.length,
    width: rows[0]!.ids.length,
    indptr: widths.size === 1 ? 0 : put(ends, "u32"),
    ids: put([...ids], "u32"),
    values: values.every((x) => x === 1) ? 0 : floats([...values]),
    labels: floats(rows.map(({ label }) => label)),
    weights: isWeighted ? floats(rows.map(({ weight = 1 }) => weight)) : 0,
  });
}

/** Returns the rows as batches, in the order in which the kernel visits them for the given key. */
export function batchesOf(rows: readonly ReferenceRow[], key: number): ReferenceRow[][] {
  const visited = [...rows];
  if (key) permutation(rows.length, key).forEach((place, r) => (visited[place] = rows[r]!));
  return Array.from({ length: Math.ceil(rows.length / BATCH_ROWS) }, (_, b) =>
    visited.slice(b * BATCH_ROWS, (b + 1) * BATCH_ROWS),
  );
}

/**
 * Returns the largest differences between a trained factorization machine and its reference: absolute ones of weights
 * and vectors, relative ones of w0 and the loss.
 *
 * @param loss sum of the kernel's losses, as returned by lossOf
 */
export function errorsOf(
  { arena, layout, parameters }: KernelMachine,
  loss: number,
  twin: { w0: number; w: Float64Array; v: Float64Array; sum: number },
): { parameters: number; sums: number } {
  const { w, vectors } = parameters();
  return {
    parameters: Math.max(maxDifference(w, twin.w), maxDifference(vectors, twin.v)),
    sums: Math.max(Math.abs(readBias(arena, layout) - twin.w0), Math.abs(loss - twin.sum) / twin.sum),
  };
}

/** Returns the sum of a factorization machine's training losses since the last call. */
export function lossOf({ arena, layout }: KernelMachine): number {
  return takeLoss(arena, layout);
}

export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}

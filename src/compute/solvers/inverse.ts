// Inverts a large symmetric positive definite matrix on all threads, in 32-bit floats.
//
// It takes n^2 numbers of memory and n^3 / 2 multiply-adds. Rounding errors grow with the matrix's condition number: a
// penalty on the diagonal that is not far below the largest entries keeps them at 1e-4 of an entry's scale or less.

import { UsageError } from "../../base/errors.js";
import {
  allocateInverse,
  SWEEP_BLOCK,
  type InverseKernel,
  type InverseLayout,
} from "../kernels/inverse/binding.js";
import type { Arena } from "../kernels/shared/memory.js";
import { gaussJordanInverse } from "../../base/numeric/gauss-jordan.js";
import { ThreadedKernel } from "../threads/threaded-kernel.js";
import { withMachine } from "../threads/with-machine.js";

/**
 * Returns the inverse of a matrix that the caller fills row by row, as views of its rows f32[n]. The result does not
 * depend on the number of threads.
 *
 * @param fill  adds row i to f32[n] of zeros
 * @param swept called after each sweep; sweeps have about the same duration
 * @throws {UsageError} the matrix exceeds 4 GiB, or is not positive definite
 */
export async function invertPositive(
  n: number,
  fill: (i: number, row: Float32Array) => void,
  {
    threads,
    signal,
    swept,
  }: { threads: number; signal?: AbortSignal; swept?: (done: number, of: number) => void },
): Promise<{ row: (i: number) => Float32Array }> {
  const machine = new ThreadedKernel<InverseKernel>();
  const { arena } = machine;
  const numBlocks = Math.ceil(n / SWEEP_BLOCK);
  const layout = allocateInverse(arena, n, Math.max(1, Math.min(threads, numBlocks)));
  const { size } = layout;
  const matrix = arena.f32(layout.matrix);
  const rowOf = (i: number) => matrix.subarray(i * size, i * size + n);
  for (let i = 0; i < n; i++) fill(i, rowOf(i));
  // the padding has ones on its diagonal, so that the other rows do not depend on it
  for (let i = n; i < size; i++) matrix[i * size + i] = 1;

  await machine.begin("inverse", { threads: layout.tiles });
  await withMachine(machine, signal, async () => {
    // threads take the last rows first: they take longest, because row i of the lower triangle has i + 1 columns
    const order = Uint32Array.from({ length: size / SWEEP_BLOCK }, (_, i) => i).toReversed();
    const take = { end: size, size: SWEEP_BLOCK, order };
    for (let k = 0; k < size; k += SWEEP_BLOCK) {
      putPivot(arena, layout, k);
      await machine.run({ take, call: ["preparePanel", layout.plan, k, "first", "count"] });
      await machine.run({ take, call: ["sweepRows", layout.plan, k, "first", "thread"] });
      swept?.(k + SWEEP_BLOCK, size);
    }
  });
  // the lower triangle contains -A^-1, except that tiles on the diagonal extend above it
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) matrix[j * size + i] = matrix[i * size + j] = -matrix[i * size + j]!;
  }
  return { row: rowOf };
}

/** Inverts a diagonal block in double precision. @throws {UsageError} it is not positive definite */
function putPivot(arena: Arena, { matrix, pivot, size }: InverseLayout, k: number): void {
  const a = arena.f32(matrix);
  const block = new Float64Array(SWEEP_BLOCK ** 2);
  for (let i = 0; i < SWEEP_BLOCK; i++) {
    for (let j = 0; j <= i; j++) {
      const value = a[(k + i) * size + k + j]!;
      block[i * SWEEP_BLOCK + j] = value;
      block[j * SWEEP_BLOCK + i] = value;
    }
  }
  const inverse = gaussJordanInverse(block, SWEEP_BLOCK);
  if (!inverse) throw new UsageError("the matrix to invert is not positive definite: use a larger penalty");
  arena.f32(pivot).set(inverse);
}

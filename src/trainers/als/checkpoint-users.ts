// Stores the users' vectors in a checkpoint if the training holds them in one memory: in the same blocks of users as a
// training that holds them in a store, so that either can resume from the checkpoint, with any --max-memory.

import { restoreRows, savedRows, type KEPT, type NOW } from "../../factors/kept-rows.js";
import { paddedDim, type SparseRows } from "../../kernels/als/binding.js";
import type { LargeArrays } from "../../training/epochs/named-arrays.js";
import { cutUsers, mostBetween } from "./user-blocks.js";

/**
 * Returns the users' vectors for a checkpoint.
 *
 * @param now f32[numUsers * dim]: the users' current vectors
 * @param kept f32[numUsers * dim]: the users' vectors of the best epoch, if there is one
 */
export function savedUsers(
  users: SparseRows,
  dim: number,
  now: Float32Array,
  kept: Float32Array | undefined,
): LargeArrays {
  const cut = blocksOf(users, dim);
  const read = async (block: number, into: Uint32Array, isKept: boolean) => {
    cut.copy(isKept ? kept! : now, block, new Float32Array(into.buffer), "save");
    return Promise.resolve();
  };
  return savedRows({ ...cut, read }, kept !== undefined);
}

/**
 * Returns f32[numUsers * dim]: the users' vectors of a checkpoint.
 * @throws {ArtifactError} the checkpoint has other sizes
 */
export async function restoredUsers(
  users: SparseRows,
  dim: number,
  large: LargeArrays | undefined,
  prefix: typeof NOW | typeof KEPT,
): Promise<Float32Array> {
  const vectors = new Float32Array((users.indptr.length - 1) * dim);
  const cut = blocksOf(users, dim);
  await restoreRows(large, prefix, cut, (block, numbers) => {
    const rows = new Float32Array(numbers.buffer, numbers.byteOffset, numbers.length);
    cut.copy(vectors, block, rows, "restore");
  });
  return vectors;
}

function blocksOf(users: SparseRows, dim: number) {
  const D = paddedDim(dim);
  const starts = cutUsers(users, 4 * D);
  return {
    numPartitions: starts.length - 1,
    length: mostBetween(starts) * D,
    /**
     * Copies the users of a block from f32[numUsers * dim] to the padded rows f32[][D] that a store has for it, or
     * back.
     */
    copy(vectors: Float32Array, block: number, rows: Float32Array, direction: "save" | "restore"): void {
      const [first, last] = [starts[block]!, starts[block + 1]!];
      for (let user = first, at = 0; user < last; user++, at += D) {
        if (direction === "save") rows.set(vectors.subarray(user * dim, (user + 1) * dim), at);
        else vectors.set(rows.subarray(at, at + dim), user * dim);
      }
    },
  };
}

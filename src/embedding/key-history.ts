// When a run's keys last occurred, in model/key-history.safetensors: the next training with --expire uses it.
//
//   lastSeen  i64[numRows]  milliseconds since 1970 of the newest event with the row's key; UNKNOWN without times
//   missed    u32[numRows]  trainings since the last whose log contained it; 0: this one's did
//
// Rows are those of the default table; files with other names belong to other tables.

import type { Run } from "./run-directory.js";
import { safetensorsChunks } from "./safetensors.js";
import { TensorFile } from "./tensor-file.js";

export const HISTORY_FILE = "key-history.safetensors";

/** The time of a key if no log so far had times. */
export const UNKNOWN = -(2n ** 63n);

export interface KeyHistory {
  lastSeen: BigInt64Array;
  missed: Uint32Array;
}

/** Returns the file's bytes. */
export function historyChunks({ lastSeen, missed }: KeyHistory): Uint8Array[] {
  return safetensorsChunks(
    new Map([
      ["lastSeen", { shape: [lastSeen.length], data: lastSeen }],
      ["missed", { shape: [missed.length], data: missed }],
    ]),
  );
}

/**
 * Reads a run's history; for a run without one, every key counts as seen by it, at an unknown time.
 *
 * @param file path in model/
 * @throws {ArtifactError} damaged, or the number of rows differs
 */
export async function readHistory(run: Run, numRows: number, file = HISTORY_FILE): Promise<KeyHistory> {
  if (!Object.hasOwn(run.manifest.files, `model/${file}`)) {
    return { lastSeen: new BigInt64Array(numRows).fill(UNKNOWN), missed: new Uint32Array(numRows) };
  }
  const tensors = await TensorFile.of(run, file);
  return { lastSeen: tensors.i64("lastSeen", [numRows]), missed: tensors.u32("missed", [numRows]) };
}

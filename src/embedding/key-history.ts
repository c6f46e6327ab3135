// How long a run's keys have not been seen, in model/key-history.safetensors: what lets the next training age them.
//
//   lastSeen  i64[numRows]  milliseconds since 1970 of the newest event that held the row's key; UNKNOWN without times
//   missed    u32[numRows]  trainings since the last whose log held it; 0: this one's did
//
// Rows are the default table's; a file of another name has those of another table.

import type { Run } from "./run-directory.js";
import { safetensorsChunks } from "./safetensors.js";
import { TensorFile } from "./tensor-file.js";

export const HISTORY_FILE = "key-history.safetensors";

/** No log so far had times. */
export const UNKNOWN = -(2n ** 63n);

export interface KeyHistory {
  lastSeen: BigInt64Array;
  missed: Uint32Array;
}

/** The file's bytes. */
export function historyChunks({ lastSeen, missed }: KeyHistory): Uint8Array[] {
  return safetensorsChunks(
    new Map([
      ["lastSeen", { shape: [lastSeen.length], data: lastSeen }],
      ["missed", { shape: [missed.length], data: missed }],
    ]),
  );
}

/**
 * A run's history; of one that was written without, every key counts as seen by it, at an unknown time.
 *
 * @param file of model/
 * @throws {ArtifactError} damaged, or not of so many rows
 */
export async function readHistory(run: Run, numRows: number, file = HISTORY_FILE): Promise<KeyHistory> {
  if (!Object.hasOwn(run.manifest.files, `model/${file}`)) {
    return { lastSeen: new BigInt64Array(numRows).fill(UNKNOWN), missed: new Uint32Array(numRows) };
  }
  const tensors = await TensorFile.of(run, file);
  return { lastSeen: tensors.i64("lastSeen", [numRows]), missed: tensors.u32("missed", [numRows]) };
}

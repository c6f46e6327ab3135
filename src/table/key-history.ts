// model/key-history.safetensors: when each key of a run last occurred in a log. The next training with --expire reads
// it.
//
//   lastSeen  i64[numRows]  milliseconds since 1970 of the newest event with the row's key; UNKNOWN if no log had times
//   missed    u32[numRows]  number of trainings since the last one whose log contained the key; 0 if the log of this
//             training did
//
// The tensors have the rows of the default table. Files with other names have the history of other tables.

import type { Run } from "./run-directory.js";
import { safetensorsChunks, TensorFile } from "./safetensors.js";

export const HISTORY_FILE = "key-history.safetensors";

/** Value of lastSeen for a key if no log so far had times. */
export const UNKNOWN = -(2n ** 63n);

export interface KeyHistory {
  lastSeen: BigInt64Array;
  missed: Uint32Array;
}

export function historyChunks({ lastSeen, missed }: KeyHistory): Uint8Array[] {
  return safetensorsChunks(
    new Map([
      ["lastSeen", { shape: [lastSeen.length], data: lastSeen }],
      ["missed", { shape: [missed.length], data: missed }],
    ]),
  );
}

/**
 * Reads a run's history; for a run without a history, each key has occurred in the run's log at an unknown time.
 *
 * @param file path in model/
 * @throws {ArtifactError} the file is damaged, or its number of rows is not `numRows`
 */
export async function readHistory(run: Run, numRows: number, file = HISTORY_FILE): Promise<KeyHistory> {
  if (!Object.hasOwn(run.manifest.files, `model/${file}`)) {
    return { lastSeen: new BigInt64Array(numRows).fill(UNKNOWN), missed: new Uint32Array(numRows) };
  }
  const tensors = await TensorFile.of(run, file);
  return { lastSeen: tensors.i64("lastSeen", [numRows]), missed: tensors.u32("missed", [numRows]) };
}

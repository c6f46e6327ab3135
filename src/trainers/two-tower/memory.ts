// Estimates the memory of training two towers, and how much of it users' events and vectors may take.

import { tableBytes, type Needs } from "../../training/session/needs.js";
import type { TwoTowerOptions } from "./options.js";
import { partitionSizes, storedBytes } from "./partitions.js";

/** Bytes in memory during a training: of an event, as codes, row number, time and history; and of a key. */
const [LOGGED_EVENT, KEY] = [24, 60];

/** Returns the bytes of a vector row with Adam's moments, steps and copies. */
function rowBytes(dim: number, threads: number): number {
  return 4 * dim * 6 + 12 * threads + 16;
}

/** Returns the bytes of users' events and vectors that --max-memory leaves beside the log and the vectors of items. */
export function storeBudget(
  { numEvents, features, numRows }: { numEvents: number; features: number; numRows: number },
  { dim, threads }: Pick<TwoTowerOptions, "dim" | "threads">,
  maxMemory: number,
): number {
  const others = LOGGED_EVENT * numEvents + KEY * features + rowBytes(dim, threads) * numRows;
  return Math.max(0, maxMemory - others - 3 * partitionSizes.each);
}

/**
 * Estimates the memory: the vectors with Adam's moments, copies of the best epoch and the tables, and the events with
 * their histories. The layers of the towers are small in comparison and ignored.
 */
export function twoTowerNeeds(
  options: Pick<TwoTowerOptions, "dim" | "threads" | "userTower" | "skipConnection">,
  maxMemory: number,
): Needs {
  const { dim: given, threads } = options;
  return {
    dim: given,
    advice: "--min-count leaves fewer items, and --max-examples-per-user fewer events",
    of(size, dim = given) {
      const { trainRows: numEvents, heldOutRows, features, users: numUsers } = size;
      const numRows = features - numUsers;
      const stored = storedBytes({ numEvents, numUsers }, dim);
      const inMemory = Math.min(stored, storeBudget({ numEvents, features, numRows }, { dim, threads }, maxMemory));
      const memory = LOGGED_EVENT * numEvents + KEY * features + rowBytes(dim, threads) * numRows + inMemory;
      return { memory: memory + 24 * heldOutRows, disk: 1.2 * tableBytes(size, dim) + stored - inMemory };
    },
  };
}

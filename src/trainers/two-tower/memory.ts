// Estimates the memory of training two towers, and how much of it users' events and vectors may take.

import { tableBytes, type Needs } from "../../training/session/needs.js";
import { hasHistoryRows } from "./network.js";
import type { TwoTowerOptions } from "./options.js";
import { storedSize } from "./partitions.js";

/** Bytes in memory during a training: of an event, as item, place, row number and history; and of a key. */
const [LOGGED_EVENT, KEY] = [24, 60];
/** Number of copies of a partition while its examples are made, or its users encoded. */
const COPIES = 3;

/** Numbers of events, users, features and vector rows, on which the memory of a training depends. */
interface TowersSize {
  numEvents: number;
  numUsers: number;
  features: number;
  numRows: number;
}

/**
 * Returns the bytes in memory beside the store: of the events and keys, of the vectors with Adam's moments, copies of
 * the best epoch and the tables, and of one partition.
 */
function residentBytes(size: TowersSize, { dim, threads }: Pick<TwoTowerOptions, "dim" | "threads">): number {
  const { bytes, count } = storedSize(size, dim);
  const rows = (6 * 4 * dim + 12 * threads + 16) * size.numRows;
  return LOGGED_EVENT * size.numEvents + KEY * size.features + rows + (COPIES * bytes) / count;
}

/** Returns the bytes of users' events and vectors that --max-memory leaves in memory. */
export function storeBudget(
  size: TowersSize,
  options: Pick<TwoTowerOptions, "dim" | "threads">,
  maxMemory: number,
): number {
  return Math.max(0, maxMemory - residentBytes(size, options));
}

/** Estimates the memory; the layers of the towers are small in comparison and ignored. */
export function twoTowerNeeds(
  options: Pick<TwoTowerOptions, "dim" | "threads" | "userTower" | "skipConnection">,
  maxMemory: number,
): Needs {
  return {
    dim: options.dim,
    advice:
      "a smaller --max-memory keeps users' events and vectors on disk, --min-count leaves fewer items, and --where fewer " +
      "events",
    of(size, dim = options.dim) {
      const { trainRows: numEvents, heldOutRows, features, users: numUsers } = size;
      const numRows = (features - numUsers) * (hasHistoryRows(options) ? 2 : 1);
      const towers = { numEvents, numUsers, features, numRows };
      const own = { dim, threads: options.threads };
      const stored = storedSize(towers, dim).bytes;
      const inMemory = Math.min(stored, storeBudget(towers, own, maxMemory));
      return {
        memory: residentBytes(towers, own) + inMemory + 24 * heldOutRows,
        disk: 1.2 * tableBytes(size, dim) + stored - inMemory,
      };
    },
  };
}

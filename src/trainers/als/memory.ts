import { paddedDim } from "../../compute/kernels/als/binding.js";
import { MAX_PAGES, PAGE } from "../../compute/kernels/shared/memory.js";
import { tableBytes, type Needs } from "../../training/session/needs.js";
import { factsOfSize } from "../../training/session/feature-plan.js";
import { BEFORE_DATA, type DataFacts } from "../../training/session/feature-training.js";
import type { AlsOptions } from "./options.js";
import { BLOCK, blockLimits } from "./user-blocks.js";

/** Bytes of an event in the store: its item (by user), its user (by item), and its score. */
const STORED_EVENT = 12;
/** Bytes of a kernel's memory that are left for the buffers and structs of threads. */
const SPARE = 64 << 20;

interface AlsSize {
  numUsers: number;
  numItems: number;
  numEvents: number;
}

/** Bytes of an event's codes and row number in memory; 0 if the rows of the log are on disk. */
const loggedBytes = (isStored: boolean): number => (isStored ? 0 : 12);

/**
 * Returns the bytes in memory beside the kernel and the store: the events in the log and in the history, the keys, and
 * two copies of the items' vectors.
 */
export function heldBytes({
  numFeatures,
  numEvents,
  numItems,
  dim,
  isStored,
}: Omit<AlsSize, "numUsers"> & { numFeatures: number; dim: number; isStored: boolean }): number {
  return (4 + loggedBytes(isStored)) * numEvents + 95 * numFeatures + 8 * dim * numItems;
}

/** Returns the kernel's bytes per item to solve b dimensions: the matrix A, the gradient g, and the last step. */
export function sumBytes(b: number): number {
  return 4 * (b * b + 2 * b);
}

/**
 * Returns the number of bytes in the kernel's memory except the sums from which items are solved: for all items'
 * vectors, and for two slots, each for a block of users.
 */
export function residentBytes(D: number, numItems: number, mostRows: number, mostEvents: number): number {
  const slot = mostRows * (4 * D + 16) + 4 * (numItems + 3 * mostEvents);
  return numItems * (4 * D + 12) + 2 * slot + SPARE;
}

/** Returns whether the vectors and events exceed one memory of 4 GiB, or --max-memory. */
export function isStreamed(
  { numUsers, numItems, numEvents }: AlsSize,
  dim: number,
  maxMemory: number,
): boolean {
  const bytes = (numUsers + numItems) * (4 * paddedDim(dim) + 16) + 16 * numEvents;
  return bytes > Math.min(maxMemory, MAX_PAGES * PAGE - SPARE);
}

/**
 * Returns the memory of the vectors, with their copies for the model and its table, and of the events, grouped by user
 * and by item, in and outside of the kernel's memory. If users are streamed, as much of their vectors and events is in
 * memory as --max-memory allows.
 */
export function alsNeeds(optionsFor: (facts: DataFacts) => AlsOptions, maxMemory: number): Needs {
  return {
    dim: optionsFor(BEFORE_DATA).dim,
    advice:
      "a smaller --max-memory keeps the users' vectors on disk, --min-count leaves fewer users and items, and " +
      "--max-events-per-user fewer events",
    of(size, dim = optionsFor(factsOfSize(size)).dim) {
      const { trainRows, heldOutRows, features, users, isStored } = size;
      const numItems = features - users;
      const table = 1.2 * tableBytes(size, dim);
      if (!isStreamed({ numUsers: users, numItems, numEvents: trainRows }, dim, maxMemory)) {
        const vectors = features * (4 * paddedDim(dim) + 3 * 4 * dim + 32);
        return { memory: vectors + 32 * trainRows + 16 * heldOutRows, disk: table };
      }
      const D = paddedDim(dim);
      const mostRows = Math.min(users, Math.ceil(blockLimits.bytes / (4 * D)));
      const resident = residentBytes(D, numItems, mostRows, Math.min(trainRows, blockLimits.events));
      const stored = (heldOutRows > 0 ? 2 : 1) * 4 * D * users + STORED_EVENT * trainRows;
      const held = heldBytes({ numFeatures: features, numEvents: trainRows, numItems, dim, isStored });
      const left = maxMemory - held - resident;
      const sums = Math.min(numItems * sumBytes(Math.min(BLOCK, D)), Math.max(blockLimits.sums, left));
      const inMemory = Math.min(stored, Math.max(0, left - sums));
      // the codes and row numbers of the log are in memory already
      const others = held - loggedBytes(isStored) * trainRows + 16 * heldOutRows;
      // the row numbers of a log on disk, which are in memory already, leave it before the training
      const trained = resident + sums + inMemory - (isStored ? 4 * trainRows : 0);
      return {
        memory: Math.max((isStored ? 8 : 16) * trainRows, trained) + others,
        disk: table + stored - inMemory,
      };
    },
  };
}

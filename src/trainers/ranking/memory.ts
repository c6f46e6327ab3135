import { sharesNegatives } from "../../compute/kernels/ranking/binding.js";
import { numPartitions, partitionBytes, rankingRowBytes } from "../../compute/kernels/ranking/partitions.js";
import { tableBytes, type Needs, type TrainingSize } from "../../training/session/needs.js";
import type { RankingOptions } from "./options.js";

/** Number of floats per vector of `dim` dimensions in slices of 8, including optimizer state, by method. */
const KEPT = {
  adagrad: (dim: number, slices: number) => dim + slices,
  adam: (dim: number, slices: number) => 3 * dim + 2 * slices,
  sgd: (dim: number) => dim,
} as const;

/** Bytes of an event in a stored partition: user, item, entry of the user's list, bits of the Bloom filter, weight. */
const STORED_EVENT = 17;

/** Bytes in memory of an event of the log during a training in partitions: its codes and row number, and its history. */
const [LOGGED, HISTORY] = [12, 4];
/** Bytes in memory of a key: in the log and the vocabulary, and in the table that is written. */
const KEY = 95;

interface PartitionedSize {
  features: number;
  numItems: number;
  numEvents: number;
  /** whether the rows of the log are on disk */
  isStored: boolean;
}

/** Returns the bytes in the kernel's memory: the items' rows with a copy of the best epoch's, and two partitions. */
function residentBytes(
  { numItems, numEvents }: Pick<PartitionedSize, "numItems" | "numEvents">,
  { rowBytes, numUsers }: { rowBytes: number; numUsers: number },
): number {
  const partition =
    partitionBytes.each + (STORED_EVENT + 8) * (numEvents / numPartitions(numUsers, rowBytes));
  return 2 * numItems * (rowBytes + 8) + 3 * partition;
}

/** Returns the bytes of users' rows and events that --max-memory leaves in memory beside the log and the items. */
export function storeBudget(
  size: PartitionedSize,
  how: { rowBytes: number; numUsers: number; maxMemory: number },
): number {
  const log = (HISTORY + (size.isStored ? 0 : LOGGED)) * size.numEvents + KEY * size.features;
  return Math.max(0, how.maxMemory - log - residentBytes(size, how));
}

/**
 * Returns the bytes in memory and on disk of a training in partitions. In memory are first all events, then the items'
 * rows, two partitions, and as much of the store as --max-memory allows. With a validation split, the store may contain
 * every user's row twice.
 */
function partitionedNeeds(
  { features, users: numUsers, trainRows: numEvents, heldOutRows, isStored }: TrainingSize,
  rowBytes: number,
  maxMemory: number,
): { memory: number; beside: number } {
  const size = { features, numItems: features - numUsers, numEvents, isStored };
  const stored = (heldOutRows > 0 ? 2 : 1) * numUsers * rowBytes + STORED_EVENT * numEvents;
  const inMemory = Math.min(stored, storeBudget(size, { rowBytes, numUsers, maxMemory }));
  const resident = residentBytes(size, { rowBytes, numUsers }) + inMemory;
  // the row numbers of a log on disk, which are in memory already, leave it before the training
  const trained = (HISTORY - (isStored ? 4 : 0)) * numEvents + resident;
  return {
    memory: Math.max((8 + HISTORY) * numEvents, trained) + KEY * features,
    beside: stored - inMemory,
  };
}

/** The estimate covers vectors with optimizer state, copies of the best epoch and the table; events, users' items, layers. */
export function rankingNeeds(
  { dim: given, optimizer, loss, layers, threads }: RankingOptions,
  maxMemory: number,
): Needs {
  return {
    dim: given,
    advice:
      "a smaller --max-memory keeps large tables on disk (bpr, warp), --min-count leaves fewer users and items, and --max-events-per-user fewer events",
    of(size, dim = given) {
      const { trainRows, heldOutRows, features } = size;
      const rowBytes = rankingRowBytes(dim, optimizer);
      // partitions require that users and items are the only columns
      if (
        !sharesNegatives(loss) &&
        layers === 0 &&
        size.ofColumn.size === 2 &&
        numPartitions(size.users, rowBytes) > 1
      ) {
        const { memory, beside } = partitionedNeeds(size, rowBytes, maxMemory);
        return { memory, disk: beside + 1.2 * tableBytes(size, dim) };
      }
      const slices = Math.ceil(dim / 8);
      const trained = 4 * KEPT[optimizer](8 * slices, slices) + 8 + 4 * threads;
      const propagated = layers > 0 ? 4 * 8 * slices + 128 * threads : 0;
      const vectors = features * (trained + propagated + 3 * 4 * (dim + 1) + 12);
      const events = (layers > 0 ? 64 : 40) * trainRows + 16 * heldOutRows;
      return { memory: vectors + events, disk: (layers > 0 ? 2.4 : 1.2) * tableBytes(size, dim) };
    },
  };
}

// Divides users into partitions that are trained one after another, so that the kernel's memory contains only the rows
// of all items and of two partitions. While the partition in one slot is trained, the previous partition is written
// back from the other slot, and the next one is read into that slot.
//
//   N          number of partitions; it depends only on the data, so the bytes do not depend on where rows are stored
//   partition  user u is in partition floor(u / 16) mod N, in row 16 floor(u / 16 / N) + u mod 16 of it. Users are
//              sorted by frequency, so all partitions have about the same number of events
//   rows       the kernel's memory contains first the rows of items, then those of slot 0, then those of slot 1
//
// Source: the buckets of PyTorch-BigGraph (Lerer et al. 2019, arXiv:1903.12287), section 4.1, with only one side
// divided.

import type { Arena, Region } from "../shared/memory.js";
import { setField, writeStruct } from "../shared/struct.js";
import { PairRows } from "../shared/layout.js";
import { Plan } from "./layout.js";

/** Consecutive users that are always in the same partition. */
const RUN = 16;

/**
 * Bytes: users are not divided if their rows have at most `whole`; otherwise a partition has `each`. Tests set others.
 */
export const partitionBytes = { whole: 512 << 20, each: 64 << 20 };

/** Returns the bytes of a feature's row in one table: v, then AdaGrad's accumulators in whole cache lines. */
export function rankingRowBytes(dim: number, method: string): number {
  const slices = Math.ceil(dim / 8);
  return 32 * slices + (method === "adagrad" ? 64 * Math.ceil(slices / 16) : 0);
}

/** Returns the number of partitions of users whose rows have `rowBytes` bytes each; 1 if users are not divided. */
export function numPartitions(numUsers: number, rowBytes: number): number {
  const bytes = numUsers * rowBytes;
  return bytes <= partitionBytes.whole ? 1 : Math.ceil(bytes / partitionBytes.each);
}

/** Maps features to rows: those of users to a partition and a row in it, other features to a row of the items. */
export class Partitions {
  /** per partition; some of the last rows belong to no user */
  readonly rows: number;
  /** for the features that are not users, a multiple of 16 */
  readonly itemRows: number;

  /** @param users range of the users' features @param count N */
  constructor(
    readonly numFeatures: number,
    readonly users: { first: number; count: number },
    readonly count: number,
  ) {
    this.rows = RUN * Math.ceil(Math.ceil(users.count / RUN) / count);
    this.itemRows = RUN * Math.ceil((numFeatures - users.count) / RUN);
  }

  get localRows(): number {
    return this.itemRows + 2 * this.rows;
  }

  isUser(feature: number): boolean {
    const { first, count } = this.users;
    return feature >= first && feature < first + count;
  }

  itemRow(feature: number): number {
    return feature < this.users.first ? feature : feature - this.users.count;
  }

  partitionOf(feature: number): number {
    return Math.floor((feature - this.users.first) / RUN) % this.count;
  }

  /** Returns the row in the partition. */
  rowOf(feature: number): number {
    const u = feature - this.users.first;
    return RUN * Math.floor(Math.floor(u / RUN) / this.count) + (u % RUN);
  }

  /** Returns the feature of a partition's row; undefined if the row belongs to no user. */
  featureOf(partition: number, row: number): number | undefined {
    const u = RUN * (Math.floor(row / RUN) * this.count + partition) + (row % RUN);
    return u < this.users.count ? this.users.first + u : undefined;
  }

  /** Returns the rows of a partition with the users' features first .. last - 1, in whole runs of 16. */
  rowsBetween(partition: number, first: number, last: number): { first: number; last: number } {
    const runOf = (feature: number) => Math.floor((feature - this.users.first) / RUN);
    const from = Math.max(0, Math.ceil((runOf(first) - partition) / this.count));
    const to = Math.floor((runOf(last - 1) - partition) / this.count) + 1;
    return { first: RUN * from, last: RUN * Math.max(from, to) };
  }
}

/** Sizes of a partition's events, an array of u32: rows of the users, items, weights, and each user's items. */
export interface PartitionSizes {
  numEvents: number;
  /** pairs of a user and an item in the history */
  numPairs: number;
}

/** Memory in which one partition of the users at a time is trained. */
export interface PartitionSlot {
  /** row of the partition's first user */
  firstRow: number;
  /** u32: the events, in the layout of `partitionSections` */
  events: Region;
  /** u32[events]: row of each event's user, the context */
  contexts: Region;
  /** byte offset of the PairRows struct that refers to `contexts` */
  context: number;
}

/** Returns the start of each section of a partition's events, and the length of the array. */
export function partitionSections(
  { numEvents, numPairs }: PartitionSizes,
  { rows, hasWeights, bits }: { rows: number; hasWeights: boolean; bits: number },
): Record<"items" | "weights" | "historyEnds" | "history" | "memberships" | "end", number> {
  const items = numEvents;
  const weights = items + numEvents;
  const historyEnds = weights + (hasWeights ? numEvents : 0);
  const history = historyEnds + rows + 1;
  const memberships = history + numPairs;
  return { items, weights, historyEnds, history, memberships, end: memberships + bits / 32 };
}

/** Allocates a slot that has room for the largest partition. @throws {UsageError} it does not fit */
export function allocateSlot(
  arena: Arena,
  firstRow: number,
  most: { numbers: number; numEvents: number },
): PartitionSlot {
  const contexts = arena.numbers("the events of users", Math.max(1, most.numEvents));
  const events = arena.numbers("the events of users", most.numbers);
  const context = writeStruct(arena, "the events of users", PairRows, {
    width: 1,
    ...{ indptr: undefined, ids: contexts, values: undefined },
  });
  return { firstRow, events, contexts, context };
}

/**
 * Points the kernel's plan to the events in a slot, from event `first` on.
 *
 * @param shift 32 minus the binary logarithm of the number of bits in the Bloom filter of the history
 */
export function useSlot(
  arena: Arena,
  plan: number,
  { events, contexts, context }: PartitionSlot,
  sections: ReturnType<typeof partitionSections>,
  { first, hasWeights, shift }: { first: number; hasWeights: boolean; shift: number },
): void {
  const at = (section: number): number => events.offset + 4 * section;
  const fields = {
    context,
    users: at(first),
    items: at(sections.items + first),
    eventWeights: hasWeights ? at(sections.weights + first) : 0,
    historyEnds: at(sections.historyEnds),
    history: at(sections.history),
    memberships: at(sections.memberships),
    membershipShift: shift,
  } as const;
  setField(arena, PairRows, context, "ids", contexts.offset + 4 * first);
  for (const [name, value] of Object.entries(fields)) setField(arena, Plan, plan, name as never, value);
}

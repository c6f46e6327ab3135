// Splits the users into partitions that are trained one after another, so that the kernel's memory holds only the rows
// of two partitions and of all items. While one partition is trained in one slot, the one before is written back from
// the other and the next is read into it.
//
//   N          partitions; they follow from the data alone, so results do not depend on where the rows are stored
//   partition  of user u: floor(u / 16) mod N; its row there: 16 floor(u / 16 / N) + u mod 16. Users are sorted by frequency, so
//              partitions have about as many events each
//   row        in the kernel's memory: items from 0 on, then slot 0, then slot 1
//
// Source: the buckets of PyTorch-BigGraph (Lerer et al. 2019, arXiv:1903.12287), section 4.1, but only the users are
// partitioned.

import type { Arena, Region } from "../shared/memory.js";
import { setField, writeStruct } from "../shared/struct.js";
import { PairRows } from "../shared/layout.js";
import { Plan } from "./layout.js";

/** Number of consecutive users that stay in the same partition, as in strata. */
const RUN = 16;

/**
 * Maximum number of bytes of users' rows that form a single partition, and size of a partition if there are more. Tests
 * use smaller sizes.
 */
export const partitionBytes = { whole: 512 << 20, each: 64 << 20 };

/** Number of bytes of a feature's row in one table: v and AdaGrad's accumulators, padded to whole cache lines. */
export function rankingRowBytes(dim: number, method: string): number {
  const slices = Math.ceil(dim / 8);
  return 32 * slices + (method === "adagrad" ? 64 * Math.ceil(slices / 16) : 0);
}

/** Returns the number of partitions for users whose rows have a given number of bytes; 1 if they are not split. */
export function numPartitions(numUsers: number, rowBytes: number): number {
  const bytes = numUsers * rowBytes;
  return bytes <= partitionBytes.whole ? 1 : Math.ceil(bytes / partitionBytes.each);
}

/** Maps the features of users to partitions and rows. */
export class Partitions {
  /** number of rows in each partition; some of the last rows belong to no user */
  readonly rows: number;
  /** number of rows of features other than users, a multiple of 16 */
  readonly itemRows: number;

  /**
   * @param users features of the users, which are consecutive
   * @param count number N of partitions
   */
  constructor(
    readonly numFeatures: number,
    readonly users: { first: number; count: number },
    readonly count: number,
  ) {
    this.rows = RUN * Math.ceil(Math.ceil(users.count / RUN) / count);
    this.itemRows = RUN * Math.ceil((numFeatures - users.count) / RUN);
  }

  /** Number of rows in the kernel's memory. */
  get localRows(): number {
    return this.itemRows + 2 * this.rows;
  }

  isUser(feature: number): boolean {
    const { first, count } = this.users;
    return feature >= first && feature < first + count;
  }

  /** Returns the row of a feature that is not a user. */
  itemRow(feature: number): number {
    return feature < this.users.first ? feature : feature - this.users.count;
  }

  /** Returns the partition of a user's feature. */
  partitionOf(feature: number): number {
    return Math.floor((feature - this.users.first) / RUN) % this.count;
  }

  /** Returns the row of a user's feature within its partition. */
  rowOf(feature: number): number {
    const u = feature - this.users.first;
    return RUN * Math.floor(Math.floor(u / RUN) / this.count) + (u % RUN);
  }

  /** Returns the feature of a row in a partition; undefined if the row belongs to no user. */
  featureOf(partition: number, row: number): number | undefined {
    const u = RUN * (Math.floor(row / RUN) * this.count + partition) + (row % RUN);
    return u < this.users.count ? this.users.first + u : undefined;
  }

  /**
   * Returns the range of a partition's rows that contains the users' features first .. last - 1, rounded to whole runs
   * of 16 rows.
   */
  rowsBetween(partition: number, first: number, last: number): { first: number; last: number } {
    const runOf = (feature: number) => Math.floor((feature - this.users.first) / RUN);
    const from = Math.max(0, Math.ceil((runOf(first) - partition) / this.count));
    const to = Math.floor((runOf(last - 1) - partition) / this.count) + 1;
    return { first: RUN * from, last: RUN * Math.max(from, to) };
  }
}

/**
 * Sizes of a partition's events, which are one array of u32: rows of the users, items, weights, and the items of each
 * user.
 */
export interface PartitionSizes {
  numEvents: number;
  /** number of (user, item) pairs in the history */
  numPairs: number;
}

/** A part of the kernel's memory in which a partition is trained. */
export interface Slot {
  /** first row of the users in the slot */
  firstRow: number;
  /** events as u32, in the layout of `partitionSections` */
  events: Region;
  /** u32[events]: feature of each event's context */
  contexts: Region;
  /** offset of the struct PairRows that describes `contexts` */
  context: number;
}

/** Returns the start of each section in the array of a partition's events, as an index of u32. */
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

/** Reserves a slot for the largest partition. @throws {UsageError} it does not fit in the memory */
export function allocateSlot(
  arena: Arena,
  firstRow: number,
  most: { numbers: number; numEvents: number },
): Slot {
  const contexts = arena.numbers("the events of users", Math.max(1, most.numEvents));
  const events = arena.numbers("the events of users", most.numbers);
  const context = writeStruct(arena, "the events of users", PairRows, {
    width: 1,
    ...{ indptr: undefined, ids: contexts, values: undefined },
  });
  return { firstRow, events, contexts, context };
}

/**
 * Makes the kernel train on the events in a slot, starting at event `first`.
 *
 * @param shift 32 minus the number of bits of a bit number in the Bloom filter
 */
export function useSlot(
  arena: Arena,
  plan: number,
  { events, contexts, context }: Slot,
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

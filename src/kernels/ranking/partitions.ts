// Users cut into partitions that are trained one after another, so that the kernel's memory holds the rows of two of them and of all
// items. While one partition is trained in one slot, the one before is written back from the other and the next is read into it.
//
//   N          partitions; they follow from the data alone, so the bytes do not depend on where the rows are kept
//   partition  of user u: floor(u / 16) mod N; its row there: 16 floor(u / 16 / N) + u mod 16. Users are sorted by frequency, so
//              partitions have about as many events each
//   row        in the kernel's memory: items from 0 on, then slot 0, then slot 1
//
// Source: the buckets of PyTorch-BigGraph (Lerer et al. 2019, arXiv:1903.12287), section 4.1, with one side cut.

import type { Arena, Region } from "../shared/memory.js";
import { setField, writeStruct } from "../shared/struct.js";
import { PairRows } from "../shared/layout.js";
import { Plan } from "./layout.js";

/** Users that follow one another stay together, as in strata. */
const RUN = 16;

/** Bytes of the users' rows up to which they are one partition, and of a partition beyond that. Tests put other sizes in their place. */
export const partitionBytes = { whole: 512 << 20, each: 64 << 20 };

/** Bytes of a feature's row in one table: v, and AdaGrad's accumulators in whole cache lines. */
export function rankingRowBytes(dim: number, method: string): number {
  const slices = Math.ceil(dim / 8);
  return 32 * slices + (method === "adagrad" ? 64 * Math.ceil(slices / 16) : 0);
}

/** Partitions of so many users with rows of so many bytes; 1 where they are not cut. */
export function numPartitions(numUsers: number, rowBytes: number): number {
  const bytes = numUsers * rowBytes;
  return bytes <= partitionBytes.whole ? 1 : Math.ceil(bytes / partitionBytes.each);
}

/** The users' features among all, and how they are cut. */
export class Partitions {
  /** rows of each partition; some of the last ones belong to no user */
  readonly rows: number;
  /** rows of the features that are not users, a multiple of 16 */
  readonly itemRows: number;

  /**
   * @param users the users' features: they follow one another
   * @param count N
   */
  constructor(
    readonly numFeatures: number,
    readonly users: { first: number; count: number },
    readonly count: number,
  ) {
    this.rows = RUN * Math.ceil(Math.ceil(users.count / RUN) / count);
    this.itemRows = RUN * Math.ceil((numFeatures - users.count) / RUN);
  }

  /** Rows of the kernel's memory. */
  get localRows(): number {
    return this.itemRows + 2 * this.rows;
  }

  isUser(feature: number): boolean {
    const { first, count } = this.users;
    return feature >= first && feature < first + count;
  }

  /** The row of a feature that is no user. */
  itemRow(feature: number): number {
    return feature < this.users.first ? feature : feature - this.users.count;
  }

  /** The partition of a user's feature. */
  partitionOf(feature: number): number {
    return Math.floor((feature - this.users.first) / RUN) % this.count;
  }

  /** Its row in its partition. */
  rowOf(feature: number): number {
    const u = feature - this.users.first;
    return RUN * Math.floor(Math.floor(u / RUN) / this.count) + (u % RUN);
  }

  /** The feature of a partition's row; undefined where the row belongs to no user. */
  featureOf(partition: number, row: number): number | undefined {
    const u = RUN * (Math.floor(row / RUN) * this.count + partition) + (row % RUN);
    return u < this.users.count ? this.users.first + u : undefined;
  }

  /** The rows of a partition that the users' features first .. last - 1 have, with those of the runs that they lie in. */
  rowsBetween(partition: number, first: number, last: number): { first: number; last: number } {
    const runOf = (feature: number) => Math.floor((feature - this.users.first) / RUN);
    const from = Math.max(0, Math.ceil((runOf(first) - partition) / this.count));
    const to = Math.floor((runOf(last - 1) - partition) / this.count) + 1;
    return { first: RUN * from, last: RUN * Math.max(from, to) };
  }
}

/** The events of a partition in one array of u32: users by their rows, items, weights, and the users' items. */
export interface PartitionSizes {
  numEvents: number;
  /** pairs of a user and an item in the history */
  numPairs: number;
}

/** Where a partition is trained. */
export interface Slot {
  /** the first row of its users */
  firstRow: number;
  /** u32: the events as `partitionSections` lays them out */
  events: Region;
  /** u32[events]: the features of the events' contexts */
  contexts: Region;
  /** offset of the struct that names them */
  context: number;
}

/** Where the parts of a partition's events begin, in numbers from the first. */
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

/** A slot for the largest partition. @throws {UsageError} it does not fit */
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
 * Has the kernel train on events that lie in a slot, from event `first` on.
 *
 * @param shift 32 less the bits of a place among memberships
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

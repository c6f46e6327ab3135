// Sorts the events by partition, and writes them to a store before the first epoch.

import type { BlockStore } from "../../io/block-store.js";
import { membershipsOf, type RankingData } from "../../kernels/ranking/binding.js";
import { partitionSections, type Partitions, type PartitionSizes } from "../../kernels/ranking/partitions.js";
import { NO_ITEM } from "../../kernels/top-items/binding.js";
import { NONE } from "../../training/warm-start/carried-keys.js";
import { groupStarts, orderByGroup } from "../../numeric/groups.js";

/** Sizes and layout of the events of one partition in the store. */
export interface Laid {
  sizes: PartitionSizes;
  sections: ReturnType<typeof partitionSections>;
}

/** Returns the name of a partition's events in the store. */
export function eventsName(partition: number): string {
  return `events ${partition}`;
}

/**
 * Returns the shift that turns a hash into a bit number of a partition's Bloom filter. The filters of all partitions
 * have the size that the partition with the most pairs needs.
 */
export function shiftOf(laid: readonly { sizes: PartitionSizes }[]): number {
  return placesFor(Math.max(0, ...laid.map(({ sizes }) => sizes.numPairs))).shift;
}

function placesFor(numPairs: number): { shift: number; bits: number } {
  const none = { indptr: new Uint32Array(1), items: new Uint32Array() };
  const { bits, shift } = membershipsOf(none, numPairs);
  return { shift, bits: 32 * bits.length };
}

/** Maximum number of events that are sorted at a time; tests set another. */
export const sortedEvents = { most: 16 << 20 };

/**
 * Writes the events of each partition to the store; the events of a partition keep their order.
 *
 * @param featureOfUser u32: feature of each user of the history; NONE for users without events
 * @param reserved bytes of memory that the store keeps free for other blocks
 */
export async function storeEvents(
  { users, items, weights, history }: Pick<RankingData, "users" | "items" | "weights" | "history">,
  partitions: Partitions,
  featureOfUser: Uint32Array,
  store: BlockStore,
  reserved: number,
): Promise<Laid[]> {
  const { count, rows } = partitions;
  const sourceUsers = new Uint32Array(partitions.users.count).fill(NONE);
  const partitionOf = new Uint32Array(featureOfUser.length);
  featureOfUser.forEach((feature, user) => {
    if (feature === NONE) return;
    sourceUsers[feature - partitions.users.first] = user;
    partitionOf[user] = partitions.partitionOf(feature);
  });
  // an event without a user has the out-of-vocabulary feature, the first of the users
  const partitionOfEvent = (e: number): number => (users[e] === NO_ITEM ? 0 : partitionOf[users[e]!]!);
  const ends = groupStarts(partitionOfEvent, items.length, count);
  /** Returns u32: the events of partitions first .. last - 1, sorted by partition. */
  const eventsOf = (first: number, last: number): Uint32Array =>
    orderByGroup((e) => partitionOfEvent(e) - first, items.length, ends.subarray(first, last + 1));

  const sourceOf = (p: number, row: number): number => {
    const feature = partitions.featureOf(p, row);
    return feature === undefined ? NONE : sourceUsers[feature - partitions.users.first]!;
  };
  const pairsOf = (user: number) => (user === NONE ? 0 : history.indptr[user + 1]! - history.indptr[user]!);
  const sizes = Array.from({ length: count }, (_, p): PartitionSizes => {
    let numPairs = 0;
    for (let row = 0; row < rows; row++) numPairs += pairsOf(sourceOf(p, row));
    return { numEvents: ends[p + 1]! - ends[p]!, numPairs };
  });
  const mostPairs = Math.max(0, ...sizes.map(({ numPairs }) => numPairs));
  const how = { rows, hasWeights: weights !== undefined, bits: placesFor(mostPairs).bits };
  const laid = sizes.map((size) => ({ sizes: size, sections: partitionSections(size, how) }));
  let [from, to] = [0, 0];
  let sorted: Uint32Array = new Uint32Array();
  // all partitions use one array: hundreds of dead ones would stay in memory until the garbage collector runs
  const longest = new Uint32Array(Math.max(0, ...laid.map(({ sections }) => sections.end)));
  for (const [p, { sections }] of laid.entries()) {
    if (p === to) {
      [from, to] = [p, p + 1];
      while (to < count && ends[to + 1]! - ends[from]! <= sortedEvents.most) to++;
      sorted = eventsOf(from, to);
    }
    const numbers = longest.subarray(0, sections.end).fill(0);
    const floats = new Float32Array(numbers.buffer);
    sorted.subarray(ends[p]! - ends[from]!, ends[p + 1]! - ends[from]!).forEach((e, i) => {
      numbers[i] = users[e] === NO_ITEM ? NO_ITEM : partitions.rowOf(featureOfUser[users[e]!]!);
      numbers[sections.items + i] = items[e]!;
      if (weights) floats[sections.weights + i] = weights[e]!;
    });
    const indptr = numbers.subarray(sections.historyEnds, sections.historyEnds + rows + 1);
    const pairs = numbers.subarray(sections.history, sections.memberships);
    for (let row = 0; row < rows; row++) {
      const user = sourceOf(p, row);
      indptr[row + 1] = indptr[row]! + pairsOf(user);
      if (user !== NONE)
        pairs.set(history.items.subarray(history.indptr[user], history.indptr[user + 1]), indptr[row]);
    }
    numbers.set(membershipsOf({ indptr, items: pairs }, mostPairs).bits, sections.memberships);
    await store.write(eventsName(p), numbers, reserved);
  }
  return laid;
}

// Reserves memory for the blocks of assembly/strata.ts: computes the number of groups, and places their lists in an
// arena.

import type { Arena, Region } from "../shared/memory.js";
import { writeStruct } from "../shared/struct.js";
import { Strata } from "./layout.js";

/** Properties of the ranking data on which the division into blocks depends. */
interface StrataData {
  /** item of each event, u32[E] */
  items: Uint32Array;
  numItems: number;
  /** u32[I][2]: alias table; absent for the uniform distribution */
  alias?: Uint32Array;
}

/**
 * Minimum average number of items in a group, and of events in a block; the number of groups is doubled while both are
 * reached.
 */
const [GROUP_ITEMS, BLOCK_EVENTS, MOST_GROUPS] = [64, 1024, 64];

/**
 * Returns the number of groups of users, and of items, for training in strata: a power of two that depends only on the
 * data.
 */
export function strataGroups({ numItems, items }: { numItems: number; items: { length: number } }): number {
  let groups = 1;
  while (
    groups < MOST_GROUPS &&
    numItems >= 2 * groups * GROUP_ITEMS &&
    items.length >= 4 * groups * groups * BLOCK_EVENTS
  )
    groups *= 2;
  return groups;
}

/** Writes the struct Strata. @returns offset of the struct, and address of the losses of the blocks */
export function putStrata(
  arena: Arena,
  { items, numItems, alias }: StrataData,
  groups: number,
  numThreads: number,
): { offset: number; losses: Region } {
  const blocks = groups * groups;
  const losses = arena.allocate("the losses", blocks * 8);
  const offset = writeStruct(arena, "blocks", Strata, {
    groups,
    rounds: arena.numbers("rounds", groups),
    counts: arena.numbers("the events by block", numThreads * blocks),
    ends: arena.numbers("the events by block", blocks + 1),
    blocks: arena.numbers("the events by block", Math.ceil(items.length / 2)),
    events: arena.numbers("the events by block", 4 * items.length),
    itemEnds: arena.numbers("the items by group", groups + 1),
    groupItems: arena.numbers("the items by group", numItems),
    chances: arena.put("the noise", alias && aliasChances(alias)),
    sums: alias ? arena.numbers("the noise", numItems) : undefined,
    taken: arena.numbers("rounds", groups * 16 * Math.ceil(numThreads / 16)),
    losses,
  });
  return { offset, losses };
}

/** Returns u32[I]: probability of each item of an alias table in units of 2^-31, at least 1. */
export function aliasChances(alias: Uint32Array): Uint32Array {
  const numItems = alias.length / 2;
  const shares = new Float64Array(numItems);
  for (let i = 0; i < numItems; i++) {
    const own = (alias[2 * i]! + 1) / 2 ** 32;
    shares[i]! += own;
    shares[alias[2 * i + 1]!]! += 1 - own;
  }
  return Uint32Array.from(shares, (share) => Math.max(1, Math.floor((share / numItems) * 2 ** 31)));
}

// The blocks of an epoch and their negatives in plain TypeScript: the definition of the correct result for
// assembly/strata.ts.

import { draw, permutation, permutedAt } from "../../../base/numeric/random.js";
import { aliasChances, type RankingData } from "./binding.js";
import { B, S } from "./layout.js";
import {
  referencePairs,
  referenceRank,
  type ReferenceRanking,
  type ReferenceBag,
  type ReferenceRankingOptions,
} from "./ranking.reference.js";

/** Attempts to sample an item that the user lacks; after them, the next such item is used. */
const MAX_TRIES = 64;

/** Events whose scores are computed together, and the items of one group from which negatives are sampled. */
interface StrataStep {
  events: number[];
  groupItems: number[];
}

/**
 * Returns the group of a feature. Every 16 consecutive features, a run, are in one group: an affine map with an odd
 * factor assigns `groups` adjacent runs to different groups.
 */
function groupOf(groups: number, key: number, feature: number): number {
  const run = feature >>> 4;
  const h = draw(key, Math.floor(run / groups));
  return (Math.imul(run, h | 1) + (h >>> 16)) & (groups - 1);
}

/** Trains on the shuffled events of an epoch. @returns the sum of the losses */
export function referenceStrata(
  model: ReferenceRanking,
  data: RankingData & { rowsOf: Record<"context" | "templates", ReferenceBag[]> },
  groups: number,
  epochKey: number,
  options: ReferenceRankingOptions & { negatives: number; hardNegatives: readonly [number, number] },
): number {
  const { context, templates } = data.rowsOf;
  let sum = 0;
  for (const { events, groupItems } of strataSteps(data, groups, epochKey, true)) {
    const pairs = events.flatMap((event) => {
      const drawn = strataCandidates(data, groupItems, options.negatives, epochKey, event);
      if (!drawn) return [];
      return {
        context: context[event]!,
        items: [data.items[event]!, ...drawn].map((i) => templates[i]!),
        weight: data.weights ? data.weights[event]! : 1,
        rank: referenceRank(options.hardNegatives, epochKey, event),
      };
    });
    sum += referencePairs(model, pairs, options);
  }
  return sum;
}

/** Returns the steps of an epoch in their order: round after round, block after block. */
function strataSteps(
  { context, templates, items, numItems }: RankingData,
  groups: number,
  epochKey: number,
  shuffles: boolean,
): StrataStep[] {
  const key = draw(epochKey, 0xfffffffd);
  const groupOfItem = (item: number) => groupOf(groups, key, templates.ids[item]!);
  // in small logs, a run of adjacent events has a single event, so that single events are visited in a random order
  const length = Math.max(1, Math.min(256, Math.floor(items.length / 1024)));
  const numRuns = Math.ceil(items.length / length);
  const visited = Array.from({ length: numRuns }, (_, run) => {
    const first = (shuffles ? permutedAt(run, numRuns, draw(epochKey, 0xfffffffc)) : run) * length;
    return Array.from({ length: Math.min(length, items.length - first) }, (__, i) => first + i);
  }).flat();
  const rounds = permutation(groups, draw(epochKey, 0xfffffffe));
  const steps: StrataStep[] = [];
  for (const ahead of rounds) {
    for (let a = 0; a < groups; a++) {
      const b = (a + ahead) % groups;
      const block = visited.filter(
        (e) => groupOf(groups, key, context.ids[e]!) === a && groupOfItem(items[e]!) === b,
      );
      const groupItems = Array.from({ length: numItems }, (_, i) => i).filter((i) => groupOfItem(i) === b);
      for (let chunk = 0; chunk < block.length; chunk += B) {
        const end = Math.min(chunk + B, block.length);
        for (let from = chunk; from < end; from += S)
          steps.push({ events: block.slice(from, Math.min(from + S, end)), groupItems });
      }
    }
  }
  return steps;
}

/** Samples the negatives of an event among the items of a group; undefined if the user has all of them. */
function strataCandidates(
  { users, items, history, alias }: RankingData,
  groupItems: readonly number[],
  negatives: number,
  epochKey: number,
  event: number,
): number[] | undefined {
  const user = users[event]!;
  const owned = new Set(history.items.subarray(history.indptr[user], history.indptr[user + 1]));
  owned.add(items[event]!);
  if (groupItems.every((item) => owned.has(item))) return undefined;
  const chances = alias && aliasChances(alias);
  let total = 0;
  const sums = groupItems.map((item) => (total += chances ? chances[item]! : 1));
  const key = draw(epochKey, event);
  return Array.from({ length: negatives }, (_, k) => {
    let place = 0;
    for (let t = 0; t < MAX_TRIES; t++) {
      const sought = Number((BigInt(draw(key, MAX_TRIES * k + t)) * BigInt(total)) >> 32n);
      place = sums.findIndex((sum) => sum > sought);
      if (!owned.has(groupItems[place]!)) return groupItems[place]!;
    }
    do place = (place + 1) % groupItems.length;
    while (owned.has(groupItems[place]!));
    return groupItems[place]!;
  });
}

// --hard-negatives: which of an event's candidates is its negative, by rank of score.

import { UsageError } from "../../errors.js";
import { wholeOf } from "../../training/options/table.js";

/** Ranks among an event's candidates, from 1, the highest score. */
export type Ranks = readonly [from: number, to: number];

const RANKS = "a range of ranks FROM-TO with 1 <= FROM <= TO, such as 2-5";

/** `2-5`, or `3` for one rank. @throws {UsageError} no such text */
function ranksOf(given: string, flagName: string): Ranks {
  const [from = "", to = from, ...more] = given.split("-");
  if (more.length > 0 || from === "" || to === "")
    throw new UsageError(`${flagName} expects ${RANKS}, got '${given}'`);
  const ranks: Ranks = [wholeOf(from, flagName, 1), wholeOf(to, flagName, 1)];
  if (ranks[0] > ranks[1]) throw new UsageError(`${flagName} expects ${RANKS}, got '${given}'`);
  return ranks;
}

/** What ranks must be, and are not. */
function ranksComplaint(ranks: Ranks): string | undefined {
  const isPair = Array.isArray(ranks) && ranks.length === 2 && ranks.every((rank) => Number.isInteger(rank));
  return isPair && ranks[0] >= 1 && ranks[0] <= ranks[1] ? undefined : RANKS;
}

/** How an option takes ranks. */
export const ranksForm = {
  ...{ type: "string | readonly [number, number]", parse: ranksOf, complaint: ranksComplaint },
  texts: ([from, to]: Ranks) => [`${from}-${to}`],
};

// Implements --hard-negatives: an event's negative is the candidate with a given rank by score.

import { UsageError } from "../../errors.js";
import { wholeOf } from "../../training/options/table.js";

/** Range of ranks among the candidates of an event; rank 1 has the highest score. */
export type Ranks = readonly [from: number, to: number];

const RANKS = "a range of ranks FROM-TO with 1 <= FROM <= TO, such as 2-5";

/** Parses `2-5`, or `3` for one rank. @throws {UsageError} the text has neither form */
function ranksOf(given: string, flagName: string): Ranks {
  const [from = "", to = from, ...more] = given.split("-");
  if (more.length > 0 || from === "" || to === "")
    throw new UsageError(`${flagName} expects ${RANKS}, got '${given}'`);
  const ranks: Ranks = [wholeOf(from, flagName, 1), wholeOf(to, flagName, 1)];
  if (ranks[0] > ranks[1]) throw new UsageError(`${flagName} expects ${RANKS}, got '${given}'`);
  return ranks;
}

/** Returns a description of valid ranks if the given ranks are invalid; undefined if they are valid. */
function ranksComplaint(ranks: Ranks): string | undefined {
  const isPair = Array.isArray(ranks) && ranks.length === 2 && ranks.every((rank) => Number.isInteger(rank));
  return isPair && ranks[0] >= 1 && ranks[0] <= ranks[1] ? undefined : RANKS;
}

/** Type and parser of an option whose value is a range of ranks. */
export const ranksForm = {
  ...{ type: "string | readonly [number, number]", parse: ranksOf, complaint: ranksComplaint },
  texts: ([from, to]: Ranks) => [`${from}-${to}`],
};

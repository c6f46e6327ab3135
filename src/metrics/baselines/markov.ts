// Ranks items by how often they followed the user's latest items: decayed transitions without vectors.

import { joinedRows } from "../../dataset/sequences/interactions.js";
import {
  rowsInMemory,
  transitionBlocks,
  TRANSITIONS,
  transitionScores,
} from "../../dataset/sequences/transitions.js";
import { scoreRanker } from "../rankers.js";
import type { Baseline } from "./input.js";

export const baseline: Baseline = {
  ranker({ counts, steps }) {
    if (!steps) throw new RangeError("markov needs the order of events");
    const blocks = transitionBlocks(
      steps,
      counts.length,
      TRANSITIONS,
      (_item, entries) => entries >= 2 ** 20,
    );
    const scores = transitionScores(rowsInMemory(joinedRows([...blocks])), steps, TRANSITIONS);
    return ({ users }) => scoreRanker(counts.length, (query, filled) => scores(users[query]!, filled));
  },
};

// Ranks items by how often they followed the user's latest items: decayed transitions without vectors.

import { TRANSITIONS, transitionScores, transitionsOf } from "../../dataset/sequences/transitions.js";
import { scoreRanker } from "../rankers.js";
import type { Baseline } from "./input.js";

export const baseline: Baseline = {
  ranker({ counts, steps }) {
    if (!steps) throw new RangeError("markov needs the order of events");
    const scores = transitionScores(transitionsOf(steps, counts.length, TRANSITIONS), steps, TRANSITIONS);
    return ({ users }) => scoreRanker(counts.length, (query, filled) => scores(users[query]!, filled));
  },
};

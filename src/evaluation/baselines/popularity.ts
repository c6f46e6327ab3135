// Ranks items by their number of training events, in the same order for all users.

import { vectorRanker } from "../rankers.js";
import type { Baseline } from "./input.js";

export const baseline: Baseline = {
  ranker: ({ counts }) => {
    const [items, weights] = [new Float32Array(counts.length), Float32Array.from(counts)];
    return ({ users }) => vectorRanker({ dim: 1, queries: new Float32Array(users.length), items, weights });
  },
};

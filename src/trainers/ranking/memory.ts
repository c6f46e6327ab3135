// Memory of learning to rank.

import { tableBytes, type Needs } from "../../training/session/needs.js";
import type { RankingOptions } from "./options.js";

/** Numbers that a method keeps of a vector of `dim` numbers in slices of 8, itself included. */
const KEPT = {
  adagrad: (dim: number, slices: number) => dim + slices,
  adam: (dim: number, slices: number) => 3 * dim + 2 * slices,
  sgd: (dim: number) => dim,
} as const;

/** Vectors with what the method keeps of them, the best epoch's copies and the table; events, users' items, and layers. */
export function rankingNeeds({ dim: given, optimizer, layers, threads }: RankingOptions): Needs {
  return {
    dim: given,
    advice: "--min-count leaves fewer users and items, and --max-events-per-user fewer events",
    of(size, dim = given) {
      const { trainRows, heldOutRows, features } = size;
      const slices = Math.ceil(dim / 8);
      const trained = 4 * KEPT[optimizer](8 * slices, slices) + 8 + 4 * threads;
      const propagated = layers > 0 ? 4 * 8 * slices + 128 * threads : 0;
      const vectors = features * (trained + propagated + 3 * 4 * (dim + 1) + 12);
      const events = (layers > 0 ? 64 : 40) * trainRows + 16 * heldOutRows;
      return { memory: vectors + events, disk: (layers > 0 ? 2.4 : 1.2) * tableBytes(size, dim) };
    },
  };
}

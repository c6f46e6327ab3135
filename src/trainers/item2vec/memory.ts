// Estimates the memory of training item2vec.

import { skipGramBytes, skipGramDisk } from "../../skip-grams/memory.js";
import type { Needs } from "../../training/session/needs.js";
import type { Item2vecOptions } from "./options.js";

/**
 * Estimates the memory: the vectors and contexts of items, and the stream of an epoch: tokens, windows, and the order
 * of sessions.
 */
export function item2vecNeeds({ dim: given, threads }: Item2vecOptions): Needs {
  return {
    dim: given,
    advice: "--min-count leaves fewer items, and --where fewer events",
    of({ trainRows, heldOutRows, features, keyBytes }, dim = given) {
      return {
        memory: skipGramBytes(features, dim, threads) + 40 * trainRows + 16 * heldOutRows,
        disk: skipGramDisk(features, dim, keyBytes),
      };
    },
  };
}

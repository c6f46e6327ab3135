// Estimates the memory of learning vectors of nodes.

import { skipGramBytes, skipGramDisk } from "../../skip-grams/memory.js";
import type { Needs } from "../../training/session/needs.js";
import type { GraphOptions } from "./options.js";

/**
 * Estimates the memory: the vectors and contexts of nodes, the edges while the graph is built, and its arcs with their
 * alias tables.
 */
export function graphNeeds({ dim: given, threads, directed }: GraphOptions): Needs {
  return {
    dim: given,
    advice: "--min-count leaves fewer nodes, and --where fewer edges",
    of({ trainRows, heldOutRows, features, keyBytes }, dim = given) {
      const arcs = (directed ? 1 : 2) * trainRows;
      return {
        memory: skipGramBytes(features, dim, threads) + 24 * trainRows + 24 * arcs + 16 * heldOutRows,
        disk: skipGramDisk(features, dim, keyBytes),
      };
    },
  };
}

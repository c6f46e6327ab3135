// Memory of two towers.

import { tableBytes, type Needs } from "../../training/session/needs.js";
import type { TwoTowerOptions } from "./options.js";

/**
 * Vectors with Adam's moments, the best epoch's copies and the tables; events, and the histories that examples are cut from. The
 * layers of towers are small beside them.
 */
export function twoTowerNeeds({ dim: given, history }: TwoTowerOptions): Needs {
  return {
    dim: given,
    advice: "--min-count leaves fewer items, and --max-examples-per-user fewer events",
    of(size, dim = given) {
      const { trainRows, heldOutRows, features } = size;
      const vectors = features * (3 * 4 * dim + 3 * 4 * dim + 48);
      // of other items of a user, a row has its user's; of earlier ones, its place among them
      const events = (history.of === "others" ? 40 : 48) * trainRows + 24 * heldOutRows;
      return { memory: vectors + events, disk: 1.2 * tableBytes(size, dim) };
    },
  };
}

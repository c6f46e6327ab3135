// Estimates the memory of training two towers.

import { tableBytes, type Needs } from "../../training/session/needs.js";
import type { TwoTowerOptions } from "./options.js";

/**
 * Estimates the memory: the vectors with Adam's moments, copies of the best epoch and the tables, and the events with
 * their histories. The layers of the towers are small in comparison and ignored.
 */
export function twoTowerNeeds({ dim: given, history }: TwoTowerOptions): Needs {
  return {
    dim: given,
    advice: "--min-count leaves fewer items, and --max-examples-per-user fewer events",
    of(size, dim = given) {
      const { trainRows, heldOutRows, features } = size;
      const vectors = features * (3 * 4 * dim + 3 * 4 * dim + 48);
      // with other items as history, an event stores the range of its user's list; with earlier items, also its
      // position in the list
      const events = (history.of === "others" ? 40 : 48) * trainRows + 24 * heldOutRows;
      return { memory: vectors + events, disk: 1.2 * tableBytes(size, dim) };
    },
  };
}

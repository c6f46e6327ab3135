// Two towers as an export takes them: their parameters, and nothing of how they were trained.

import type { Keys } from "../log/keys.js";
import type { NetworkKeys, NetworkLayer, NetworkNumber } from "./network.js";

/** What both towers have. */
interface Tower {
  dim: number;
  /** columns beside the items, a slot each */
  fields: readonly (NetworkKeys | NetworkNumber)[];
  /** from the slots to a vector; empty where there is no tower */
  layers: readonly NetworkLayer[];
  /** vectors have length 1 */
  cosine: boolean;
}

/** Items in a user's history. */
export interface HistoryItems {
  /** an empty key is a hole */
  keys: Keys;
  /** f32[1 + keys.size][dim]; row 0, of unknown items, is not read */
  vectors: Float32Array;
  /** f32[most]: what an item counts by how many others are taken before it; the first counts 1, those beyond the last 0 */
  counts: Float32Array;
  /**
   * u32[keys.size]: each item's place among all, the order in which a history's items are taken where it is a set; absent where it is a
   * list, taken from its end
   */
  places?: Uint32Array;
}

/** A user's vector from histories and columns: the tower of all slots, or without layers their sum. */
export interface UserTower extends Tower {
  items: HistoryItems;
  /** an input each: its name, and what it holds */
  histories: readonly { name: string; doc: string }[];
  /** f32[dim]: added to what is summed up; absent for 0 */
  bias?: Float32Array;
  /** the sum of the slots is added to what the layers make */
  skip: boolean;
}

/** An item's vector: its row, and what the tower makes of its columns. */
export interface ItemTower extends Tower {
  name: string;
  /** an empty key is a hole */
  keys: Keys;
  /** f32[1 + keys.size][dim]; row 0 is of unknown items */
  vectors: Float32Array;
  /** f32[1 + keys.size]: what is added to the inner product; absent for cosines */
  biases?: Float32Array;
}

// A network as an export takes it: its parameters by field and by layer, and nothing of how it was trained.
//
// W is the length of an embedding: (w, v) of fnn, v of the others (docs/algorithms/networks.md).

import type { Keys } from "../log/keys.js";

/** A field of keys. Its features are the out-of-vocabulary one, then its keys in their order. */
export interface NetworkKeys {
  kind: "keys";
  name: string;
  /** an empty key is a hole */
  keys: Keys;
  /** a number finds its key: key b holds what is from edges[b - 1] on and below edges[b] */
  edges?: readonly number[];
  /** f32[1 + keys.size][W] */
  embeddings: Float32Array;
  /** f32[1 + keys.size]: weights of the wide part */
  wide?: Float32Array;
}

/** A number: its feature's value is (number - mean) / deviation. */
export interface NetworkNumber {
  kind: "number";
  name: string;
  /** of log(1 + number) instead */
  log1p: boolean;
  mean: number;
  deviation: number;
  /** f32[W] */
  embeddings: Float32Array;
  /** f32[1] */
  wide?: Float32Array;
}

/** Crosses of two fields: weights by the hash of two features, as onnx/cross.ts computes it. */
export interface NetworkCross {
  /** indices of fields of keys */
  fields: readonly [number, number];
  bits: number;
  /** u32 of each feature of the first field */
  first: Uint32Array;
  /** u32 of each feature of the second field */
  lo: Uint32Array;
  hi: Uint32Array;
  /** f32[2^bits] */
  weights: Float32Array;
}

export interface NetworkLayer {
  inputs: number;
  outputs: number;
  /** f32[outputs][inputs] */
  weight: Float32Array;
  /** f32[outputs] */
  bias: Float32Array;
  activation: "tanh" | "relu" | "none";
  /** whether the input of the layer before is added before the activation */
  residual: boolean;
  /** layer normalization before the activation: f32[outputs] each */
  norm?: { scale: Float32Array; shift: Float32Array };
}

/** A network as it scores. */
export interface Network {
  fields: readonly (NetworkKeys | NetworkNumber)[];
  /** W */
  width: number;
  /** whether x_0 has a ReLU */
  embeddingRelu: boolean;
  /** the last one's only output is the score */
  layers: readonly NetworkLayer[];
  crosses: readonly NetworkCross[];
  /** the score is log-odds, or a value that is clipped to a range */
  link: { kind: "logistic" } | { kind: "value"; range: readonly [low: number, high: number] };
}

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

import type { Keys } from "../log/keys.js";
// A network as an export takes it: its parameters by field and by layer, and nothing of how it was trained.
//
// W is the length of an embedding: (w, v) of fnn, v of the others (docs/algorithms/networks.md).

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

/** Crosses of two fields: weights by the hash of two features, as onnx-cross.ts computes it. */
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

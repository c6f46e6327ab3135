// What stands for unknown keys: weight and vector of each field's out-of-vocabulary feature.

import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { OutOfVocabulary } from "../../export/reserve.js";

/**
 * Weights and vectors of the out-of-vocabulary features.
 *
 * @param parameters of all features: w f32[numFeatures], vectors f32[numFeatures * dim]
 */
export function unknownKeysOf(
  { fields, offsets }: FeatureSpace,
  { dim, w, vectors: all }: { dim: number; w: Float32Array; vectors: Float32Array },
): OutOfVocabulary {
  const weights = new Float32Array(fields.length);
  const vectors = new Float32Array(fields.length * dim);
  fields.forEach(({ kind }, f) => {
    if (kind === "number") return;
    const feature = offsets[f]!;
    weights[f] = w[feature]!;
    vectors.set(all.subarray(feature * dim, (feature + 1) * dim), f * dim);
  });
  // a linear model's table has its weights in the vectors' place
  return {
    weights,
    vectors: dim === 0 ? weights : vectors,
    hasKeys: fields.map(({ kind }) => kind !== "number"),
  };
}

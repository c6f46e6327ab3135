// Going on from an earlier model (--init): its parameters by feature of the new space, and what of them stays as it was.

import type { OptimizerState } from "../../kernels/fm/state.js";

/** An earlier model by feature of the new space. */
export interface Start {
  /** u8[numFeatures]: 1 for features of the earlier model */
  known: Uint8Array;
  w0: number;
  /** f32[numFeatures]; 0 for features that are not known */
  w: Float32Array;
  /** f32[numFeatures * dim] */
  vectors: Float32Array;
  /** f32[numFeatures * dim]: what stood before the earlier model's layers, where it had layers */
  base?: Float32Array;
  /** of vectors of several blocks, one for each partner field: 1 for those of the earlier model; the others are 0 here */
  knownBlocks?: Uint8Array;
  /** known features and w0 stay as they are, bit for bit */
  freezes: boolean;
  /** what the method kept beside the parameters, by feature, where the earlier run has it */
  optimizer?: OptimizerState;
}

/** Puts the earlier bits back for known features that no step moved: frozen ones, and those that no training row holds. */
export function keepUntouched(
  model: Pick<Start, "w0" | "w" | "vectors">,
  start: Start,
  counts: Uint32Array,
): void {
  const { w, vectors } = model;
  const dim = vectors.length / w.length;
  for (let feature = 0; feature < counts.length; feature++) {
    if (!start.known[feature] || (counts[feature]! > 0 && !start.freezes)) continue;
    w[feature] = start.w[feature]!;
    vectors.set(start.vectors.subarray(feature * dim, (feature + 1) * dim), feature * dim);
  }
  if (start.freezes) model.w0 = start.w0;
}

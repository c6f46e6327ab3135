// A principal component analysis in the form that a run stores, for every matrix: vectors of features, and the tensors
// that project new rows.

import { pow } from "../../numeric/exp.js";
import type { StoredVectors } from "../../factors/stored-vectors.js";
import type { Tensor } from "../../embedding/safetensors.js";
import type { Spectrum } from "./decompose.js";
import type { PcaMatrix, PcaOptions } from "./options.js";

/** Names of the models in the manifest. */
export const PCA_MODELS: Record<PcaMatrix, string> = {
  interactions: "pca",
  features: "pca-features",
  columns: "pca-columns",
  cooccurrence: "pca-cooccurrence",
};

export interface PcaModel extends Spectrum {
  dim: number;
  method: "exact" | "lanczos";
  restarts: number;
  /** maximum residual of a component, relative to the squared singular value */
  residual: number;
  /** numbers of rows, columns and entries of the decomposed matrix */
  size: { rows: number; columns: number; entries: number };
  /** f32[numFeatures * dim], row-major: the table's vectors, by feature */
  vectors: Float32Array;
  /** the table's vectors if those of users are in a store; `vectors` is then empty */
  stored?: StoredVectors | undefined;
  /** f32[numFeatures]: weight of each feature, which is added to scores; absent if all are 0 */
  weights?: Float32Array;
  /** further tensors by name in model/pca.safetensors, with which new rows are projected */
  tensors: Record<string, Tensor>;
}

/**
 * Factor of each dimension of the rows' vectors, and of the columns' vectors; the product of both is the singular
 * value.
 */
export interface Shares {
  /** for each dimension, the factor of the rows' and of the columns' vectors, f64[dim] each */
  rows: Float64Array;
  columns: Float64Array;
}

/**
 * Divides the singular values between rows and columns; with whitening, each dimension of the vectors of rows has a
 * variance of 1 around 0.
 */
export function sharesOf(
  singularValues: ArrayLike<number>,
  { power, whiten }: Pick<PcaOptions, "power" | "whiten">,
  numRows: number,
): Shares {
  const root = Math.sqrt(Math.max(1, numRows - 1));
  const of = (share: (s: number) => number) => Float64Array.from(singularValues, share);
  return whiten
    ? { rows: of(() => root), columns: of((s) => s / root) }
    : { rows: of((s) => pow(s, 1 - power)), columns: of((s) => pow(s, power)) };
}

/** Multiplies each dimension of vectors by a factor and, if `rowScale` is given, divides each row by its scale. */
export function shared(vectors: Float32Array, factors: Float64Array, rowScale?: Float32Array): Float32Array {
  const dim = factors.length;
  return vectors.map((x, at) => {
    const scale = rowScale ? rowScale[Math.floor(at / dim)]! : 1;
    return scale === 0 ? 0 : (x * factors[at % dim]!) / scale;
  });
}

export const vectorTensor = (data: ArrayLike<number>): Tensor => ({
  shape: [data.length],
  data: Float32Array.from(data),
});

export const matrixTensor = (data: Float32Array, dim: number): Tensor => ({
  shape: [data.length / dim, dim],
  data,
});

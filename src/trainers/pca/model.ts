// A principal component analysis as a run keeps it, whatever was decomposed: vectors of features, and what projects new rows.

import { pow } from "../../numeric/exp.js";
import type { Tensor } from "../../embedding/safetensors.js";
import type { Spectrum } from "./decompose.js";
import type { PcaMatrix, PcaOptions } from "./options.js";

/** Names of the manifest; interactions rank items and so have a name that `readModel` knows. */
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
  /** greatest residual over its squared singular value */
  residual: number;
  /** rows and columns of the matrix, and its entries */
  size: { rows: number; columns: number; entries: number };
  /** f32[numFeatures * dim], row-major: the table's vectors, by feature */
  vectors: Float32Array;
  /** f32[numFeatures]: what is added to a score; absent for zeros */
  weights?: Float32Array;
  /** what else is needed to project new rows, by name in model/pca.safetensors */
  tensors: Record<string, Tensor>;
}

/** What a dimension's vectors of rows and of columns are multiplied by; their product is its singular value. */
export interface Shares {
  /** f64[dim] */
  rows: Float64Array;
  columns: Float64Array;
}

/** The singular values shared between both sides; whitened, vectors of rows have variance 1 about 0. */
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

/** Rows of vectors times a factor a dimension and, where given, over a factor a row. */
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

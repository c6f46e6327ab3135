// Decomposes the matrix of users x items, and computes a vector of each user and item.
//
//   A = D_u^-1/2 W D_i^-1/2 = U S V'       W  values of the events
//                                          D  row sums and column sums of W; 1 without --normalize
//   user  D_u^1/2 U S^(1-p)      item  D_i^1/2 V S^p       their inner product is W's row times D_i^-1/2 V V' D_i^1/2
//
// The inner product depends only on a user's events, so new users can be folded in (project.ts). The item factor
// D_i^1/2 ranks popular items higher; without it, recommended items are similar to the user's items, but not those that
// the user is likely to take. Source: Chung 1997, Spectral Graph Theory, for the normalized matrix;
// docs/algorithms/pca.md for its effect.
//
// --response: a filter h of the singular values of the degree-normalized matrix, which weights their contributions to a
// score.
//
//   R = D_u^-1/2 W D_i^-1/2 = U S V'      P = R'R, eigenvalues s^2 in [0, 1]
//   score(u, i) = (r_u D_i^-b V h(S) V' D_i^b)_i          b  --degree-power      r_u  the user's row of W
//
//   ideal     h = 1            power=P  h = s^P           exp=B  h = exp(-B (1 - s^2))
//   plateau=P                  a polynomial c(P) in place of V h V', which includes all directions; the product is
//                              decomposed again: (D_u^-1/2 W D_i^-b c(P) D_i^b) ~ U S V', whose scores are the filter's
//
// Source: Shen et al. 2021 (GF-CF, arXiv:2108.07567) for the ideal filter; Kim et al. 2025 (ChebyCF, arXiv:2505.00552)
// for the plateau, the degree's power and the polynomial.

import {
  columnSums,
  interactionsOf,
  transpose,
  type FieldFeatures,
  rowSums,
} from "../../dataset/sequences/interactions.js";
import type { FeatureRows } from "../../dataset/rows.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { SparseRows } from "../../compute/kernels/als/binding.js";
import { exp, pow } from "../../base/numeric/exp.js";
import { inverseRoots, powersOf } from "../../base/numeric/scales.js";
import { plateauCoefficients } from "../../compute/solvers/graph-filter/plateau.js";
import { blockStarts } from "../../compute/solvers/svd/matrix-blocks.js";
import { sizeText } from "../../base/errors.js";
import { BlockStore } from "../../base/io/block-store.js";
import type { RowRange } from "../../table/table.js";
import { noteDisk, type StoreInput } from "../shared/factor-model/stored-training.js";
import { fitOf, storedBytes } from "./memory.js";
import type { ColumnFilter } from "../../compute/solvers/svd/filter.js";
import { matrixTensor, vectorTensor, type PcaModel } from "./artifact.js";
import { decompose, leftRows, shared, sharesOf } from "./decompose.js";
import { memory } from "../../training/shared-options/reading.js";
import { responseOf, type PcaOptions, type Response } from "./options.js";
import { statisticsOf, valueMatrix } from "./values.js";

export interface DecomposedIn extends Pick<StoreInput, "beside" | "note"> {
  /** maximum number of bytes of vectors and events in memory, if the user set it */
  most: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Decomposes the events of users and items; the weight of an event is a count. */
export async function interactionsPca(
  space: FeatureSpace,
  names: { user: string; item: string },
  rows: FeatureRows,
  options: PcaOptions,
  { most = memory.maxMemory.default(), beside, note, signal }: DecomposedIn,
): Promise<PcaModel> {
  const [user, item] = [featuresOf(space, names.user), featuresOf(space, names.item)];
  const events = known(interactionsOf(rows, user, item).users);
  const [numUsers, numItems] = [user.count - 1, item.count - 1];
  const itemUsers = new Uint32Array(numItems);
  for (const i of events.indices) itemUsers[i]!++;
  const values = valueMatrix(options.values, events, itemUsers);
  const degrees = columnSums(values, numItems);
  const scales = options.normalize === "degree" && {
    rowScale: inverseRoots(rowSums(values)),
    columnScale: inverseRoots(degrees),
  };
  const response = responseOf(options.response);
  const filter = scales && filterOf(response, degrees, options.degreePower);
  const size = { rows: numUsers, columns: numItems, entries: values.indices.length };
  const { isTooLarge, isStored } = fitOf(size, options, most);
  const store = isStored
    ? new BlockStore(beside, Math.max(0, most - storedBytes(size, options.dim).resident))
    : undefined;
  if (isTooLarge && !isStored)
    note?.(
      `--max-memory ${sizeText(most)} has no effect: users are read from disk only without --exact, if there are more ` +
        "users than items, and too many items for an exact decomposition",
    );
  const columns = store
    ? { indptr: new Uint32Array(numItems + 1), indices: new Uint32Array() }
    : transpose(values, numItems);
  const inBlocks = store && { store, transpose };
  const found = await decompose({ rows: values, columns, ...scales, ...filter, inBlocks }, options, signal);
  if (store) noteDisk(store, blockStarts(values.indptr).length - 1, { maxMemory: most, note });

  const { dim, right, singularValues, means } = found;
  const components = found.behind ?? right;
  // for each item: factor by which its matrix entries are multiplied before they are projected
  const isOtherPower = scales && options.degreePower !== 0.5;
  const columnScale =
    filter || isOtherPower ? Float32Array.from(powersOf(degrees, -options.degreePower)) : found.columnScale;
  const factors = responses(singularValues, response);
  const speaking = filter ? singularValues : singularValues.map((s, d) => s * factors[d]!);
  const shares = sharesOf(speaking, options, numUsers);
  const rowScale = scales ? scales.rowScale : undefined;
  // for a --degree-power other than 0.5, a user's vector is the sum of the components of the user's items
  const ofUsers = (first: number, last: number) =>
    isOtherPower && !filter
      ? projected(values, { first, last }, components, columnScale!, shares.rows, singularValues)
      : shared(leftRows(found, first, last), shares.rows, rowScale?.subarray(first, last));
  const ofItems = shared(right, shares.columns, filter ? undefined : columnScale);
  const weights = means && new Float32Array(space.numFeatures);
  means?.forEach((mean, i) => (weights![item.first + 1 + i] = mean / (columnScale ? columnScale[i]! : 1)));
  const { meanEvents } = statisticsOf(events);
  const vectors = new Float32Array(store ? 0 : space.numFeatures * dim);
  if (!store) {
    vectors.set(ofUsers(0, numUsers), (user.first + 1) * dim);
    vectors.set(ofItems, (item.first + 1) * dim);
  }
  const vectorsOf = ({ first, last }: RowRange) => {
    const own = new Float32Array((last - first) * dim);
    const isUser = first >= user.first && first < user.first + user.count;
    const base = (isUser ? user.first : item.first) + 1;
    // the out-of-vocabulary feature, which is the first one of a field, has no vector
    const from = Math.max(first, base) - base;
    const to = last - base;
    if (to > from)
      own.set(
        isUser ? ofUsers(from, to) : ofItems.subarray(from * dim, to * dim),
        (base + from - first) * dim,
      );
    return own;
  };
  const stored = found.saved && {
    ...{ dim, w: weights ?? new Float32Array(space.numFeatures) },
    vectorOf: (feature: number) => vectorsOf({ first: feature, last: feature + 1 }),
    vectorsOf,
    check: found.saved.check,
  };
  return {
    ...found,
    ...{ size, vectors, stored, weights },
    tensors: {
      components: matrixTensor(components, dim),
      rowShares: vectorTensor(shares.rows),
      columnShares: vectorTensor(shares.columns),
      ...(columnScale && { columnScale: vectorTensor(columnScale) }),
      ...(means && { mean: vectorTensor(means) }),
      ...(scales && { rowScale: vectorTensor(scales.rowScale) }),
      itemUsers: { shape: [numItems], data: itemUsers },
      userEvents: vectorTensor(rowSums(events)),
      statistics: vectorTensor([numUsers, meanEvents]),
    },
  };
}

/** Returns the filter's value h for each singular value. @param singularValues in [0, 1] */
export function responses(singularValues: Float64Array, { kind, value = 0 }: Response): Float64Array {
  if (kind === "power") return singularValues.map((s) => pow(s, value));
  if (kind === "exp") return singularValues.map((s) => exp(-value * (1 - s * s)));
  return singularValues.map(() => 1);
}

/**
 * Returns the filter of a plateau response; undefined for other responses, which are functions of the singular values.
 * @param degrees sum of each item's entries
 */
function filterOf(
  { kind, value }: Response,
  degrees: Float64Array,
  power: number,
): { filter: ColumnFilter } | undefined {
  if (kind !== "plateau") return undefined;
  const [before, after] = [
    Float32Array.from(powersOf(degrees, 0.5 - power)),
    Float32Array.from(powersOf(degrees, power)),
  ];
  return { filter: { coefficients: plateauCoefficients(value!), before, after } };
}

/** Returns the vectors of users as sums of the components of their items, as folding in computes them. */
function projected(
  { indptr, indices, values }: SparseRows,
  { first, last }: RowRange,
  components: Float32Array,
  columnScale: Float32Array,
  shares: Float64Array,
  singularValues: Float64Array,
): Float32Array {
  const dim = shares.length;
  const sum = new Float64Array(dim);
  const out = new Float32Array((last - first) * dim);
  for (let u = first; u < last; u++) {
    sum.fill(0);
    for (let e = indptr[u]!; e < indptr[u + 1]!; e++) {
      const i = indices[e]!;
      const x = (values ? values[e]! : 1) * columnScale[i]!;
      for (let d = 0; d < dim; d++) sum[d]! += x * components[i * dim + d]!;
    }
    for (let d = 0; d < dim; d++) out[(u - first) * dim + d] = (sum[d]! * shares[d]!) / singularValues[d]!;
  }
  return out;
}

/** The caller has checked that the field exists. */
export function featuresOf({ fields, offsets }: FeatureSpace, name: string): FieldFeatures {
  const f = fields.findIndex((field) => field.name === name);
  return { first: offsets[f]!, count: offsets[f + 1]! - offsets[f]! };
}

/** Removes row 0 and column 0 of a matrix, which belong to the out-of-vocabulary user and item and have no entries. */
function known({ indptr, indices, values }: SparseRows): SparseRows {
  return { indptr: indptr.subarray(1), indices: indices.map((id) => id - 1), values };
}

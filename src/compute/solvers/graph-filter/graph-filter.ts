// Scores items with a spectral filter of the user-item graph. The filter is not truncated to a low rank, so that
// no table of vectors gives the same scores.
//
//   R        users x items, 0 and 1        D_u, D_i  row and column sums of R        r  a user's items, a row of R
//   R~       D_u^-1/2 R D_i^-1/2           P = R~'R~         V  leading eigenvectors of P, numItems x n
//   scores   D_i^b c(P) D_i^-b r  +  a D_i^g V V' D_i^-g r
//            c  a polynomial        b, g  exponents of degrees        a  a weight
//
//   gf-cf     c(P) = P, b 0               a .3, g 1/2, n 256
//   chebycf   c a plateau, b .4           a .2, g .4, n 512
//
// A user's scores depend on the user's items and on the graph, so that the filter can score new users. A user without
// items scores 0 everywhere, and an item without users always scores 0.
//
// Each thread scores one block of users at a time. Queries and results are passed in blocks of any size, and not
// stored.
//
//   arena   the graph in both directions │ degrees, components │ for each thread: panels f32[numItems][16] and
//           f32[numUsers][16]
//
// Sources: Shen et al. 2021 (GF-CF, arXiv:2108.07567), section 4.3; Kim et al. 2025 (ChebyCF, arXiv:2505.00552).

import { sizeText, UsageError } from "../../../base/errors.js";
import { filterBytes, type UserItemGraph } from "../../kernels/graph-filter/binding.js";
import { degreesOf, powersOf } from "../../../base/numeric/scales.js";
import { basisPanels } from "../svd/lanczos.js";
import { degreeNormalized } from "../svd/matrix.js";
import { truncatedSvd } from "../svd/truncated-svd.js";
import { FLATNESS, plateauCoefficients } from "./plateau.js";

export interface FilterSettings {
  /** f64[K + 1], K >= 1: coefficients of the filter's polynomial c, in Chebyshev polynomials of L = I - 2 P */
  coefficients: Float64Array;
  /** exponent b of the item degrees that scale the polynomial's input and output */
  power: number;
  ideal: {
    /** number n of leading eigenvectors; 0 omits the summand that they add to the scores (an ideal low-pass filter) */
    dim: number;
    /** weight a of the summand, at least 0 */
    weight: number;
    /** exponent g of the item degrees in the summand */
    power: number;
  };
}

/** Settings of a graph filter that the user may choose; the others are those of the filter's publication. */
export interface FilterChoices {
  dim?: number | undefined;
  weight?: number | undefined;
  /** flatness of the plateau, for chebycf */
  flatness?: number | undefined;
  /** exponents of the item degrees, for chebycf: b of the polynomial, g of the leading eigenvectors */
  power?: number | undefined;
}

export type PublishedFilter = "gf-cf" | "chebycf";

/** Returns a published filter with its authors' settings for the Gowalla data set, except for those in `choices`. */
export function publishedFilter(
  name: PublishedFilter,
  { dim, weight, flatness = FLATNESS, power = 0.4 }: FilterChoices = {},
): FilterSettings {
  if (name === "gf-cf") {
    // P, the polynomial of gf-cf, is (I - L) / 2 in terms of L
    const coefficients = Float64Array.of(0.5, -0.5);
    return { coefficients, power: 0, ideal: { dim: dim ?? 256, weight: weight ?? 0.3, power: 0.5 } };
  }
  const ideal = { dim: dim ?? 512, weight: weight ?? 0.2, power };
  return { coefficients: plateauCoefficients(flatness), power, ideal };
}

/** A filter with the data of its graph, ready to score. */
export interface GraphFilter {
  graph: UserItemGraph;
  coefficients: Float64Array;
  /** f64[numItems]: D_i^(-1/2 - b), factor of a user's item before the polynomial; 0 for items without users */
  before: Float64Array;
  /** f32[numItems]: D_i^(1/2 + b), factor of an item's score after the polynomial */
  after: Float32Array;
  dim: number;
  /** f32[numItems][dim]: W = sqrt(a) D_i^g V, so that the summand of the leading eigenvectors is W W' D_i^-2g r */
  components: Float32Array;
  /** f64[numItems]: D_i^-2g, factor of a user's item before it is multiplied by the item's row of W */
  beforeIdeal: Float64Array;
}

export interface GraphFilterOptions {
  threads: number;
  signal?: AbortSignal;
}

/**
 * Tolerance of the eigenvectors. Only the space that they span matters. The last eigenvectors may be mixed with further
 * eigenvectors of nearly equal eigenvalues.
 */
const TOLERANCE = 0.1;

/**
 * Computes the data of a graph for a filter. The result does not depend on the number of threads.
 *
 * @throws {UsageError} the graph does not fit into memory
 */
export async function graphFilter(
  graph: UserItemGraph,
  { coefficients, power, ideal }: FilterSettings,
  { threads, signal }: GraphFilterOptions,
): Promise<GraphFilter> {
  const sizes = {
    numUsers: graph.users.indptr.length - 1,
    numItems: graph.items.indptr.length - 1,
    numEntries: graph.users.items.length,
  };
  checkGraphFilter("the graph filter", sizes, ideal.dim, threads);
  const degrees = degreesOf(graph.items.indptr);
  const { dim, right } =
    ideal.dim > 0 && ideal.weight > 0
      ? await truncatedSvd(
          degreeNormalized(
            { indptr: graph.users.indptr, indices: graph.users.items },
            { indptr: graph.items.indptr, indices: graph.items.items },
          ),
          { dim: ideal.dim, tolerance: TOLERANCE, seed: 1, threads },
          signal,
        )
      : { dim: 0, right: new Float32Array() };
  const components = right;
  powersOf(degrees, ideal.power).forEach((x, i) => {
    const factor = Math.sqrt(ideal.weight) * x;
    for (let at = i * dim; at < (i + 1) * dim; at++) components[at]! *= factor;
  });
  return {
    graph,
    coefficients,
    before: powersOf(degrees, -0.5 - power),
    after: Float32Array.from(powersOf(degrees, 0.5 + power)),
    dim,
    components,
    beforeIdeal: powersOf(degrees, -2 * ideal.power),
  };
}

/**
 * Checks the memory that a filter needs.
 * @throws {UsageError} the filter, or the computation of its eigenvectors, needs more than one WebAssembly memory of 4
 *   GiB; the message suggests a smaller setting
 */
export function checkGraphFilter(
  name: string,
  sizes: { numUsers: number; numItems: number; numEntries: number },
  dim: number,
  threads: number,
): void {
  const { numUsers, numItems, numEntries } = sizes;
  const narrow = Math.min(numUsers, numItems);
  const found = Math.min(dim, narrow);
  const panels = found > 0 ? basisPanels(found) + 5 : 0;
  const decomposing = 8 * numEntries + 64 * panels * narrow + 192 * Math.max(numUsers, numItems);
  const bytes = Math.max(decomposing, filterBytes(sizes, found, threads));
  if (bytes <= MOST_BYTES) return;
  throw new UsageError(
    `${name} of ${numUsers} users and ${numItems} items with ${dim} components on ${threads} threads needs ` +
      `${sizeText(bytes)} of memory, the limit is ${sizeText(MOST_BYTES)}: use fewer components or threads, or ` +
      "a larger --min-count",
  );
}

/** Maximum size of a WebAssembly memory, minus space for small data. */
const MOST_BYTES = 4 * 2 ** 30 - 2 ** 26;

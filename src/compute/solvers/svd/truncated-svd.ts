// Computes the leading singular values and vectors of a sparse matrix.
//
//   A ~ U S V'     narrow matrices exactly, by the Gram matrix; other matrices by block Lanczos iteration on the
//                  shorter side
//
// Results do not depend on the number of threads. One WebAssembly memory contains the entries twice, 3 dim + 48 vectors
// of the shorter side and 16 of the longer side. The results are outside of it.

import { UsageError } from "../../../base/errors.js";
import type { Region } from "../../kernels/shared/memory.js";
import { PANEL } from "../../kernels/svd/binding.js";
import { withMachine } from "../../threads/with-machine.js";
import { exactSvd, MAX_EXACT, type SavedRows, type Triplets } from "./exact.js";
import { basisPanels, lanczos, wholeSpace } from "./lanczos.js";
import { otherSide, SvdMachine, type MatrixSide } from "./machine.js";
import type { SavedPanels } from "./matrix-blocks.js";
import { numColumnsOf, numRowsOf, type SvdMatrix } from "./matrix.js";

export interface SvdOptions {
  /** number of singular triplets, at least 1 */
  dim: number;
  /** convergence threshold: the residual |B u - s^2 u| of every triplet, relative to s^2 */
  tolerance: number;
  /** true to use the Gram matrix regardless of the cost; by default, the size decides */
  exact?: boolean;
  /** true if only the right vectors are needed: `left` is empty if rows are the longer side */
  rightOnly?: boolean;
  seed: number;
  threads: number;
}

export interface TruncatedSvd extends Triplets {
  method: "exact" | "lanczos";
  restarts: number;
  /** greatest residual relative to its eigenvalue; 0 if the decomposition is exact */
  residual: number;
}

/**
 * Returns whether rows can be decomposed in blocks: there are at least as many as columns, and too many columns for an
 * exact decomposition.
 */
export function isInBlocks(
  numRows: number,
  numColumns: number,
  { dim, exact }: Pick<SvdOptions, "dim" | "exact">,
): boolean {
  return (
    exact !== true && numRows >= numColumns && numColumns > basisPanels(Math.min(dim, numColumns)) * PANEL
  );
}

const leftName = (panel: number): string => `left ${panel}`;

/** Threshold relative to the greatest singular value: lower ones are rounding errors of single precision. */
const LANCZOS_ROUNDING = 5e-4;

/**
 * Returns the leading `dim` singular triplets in descending order, or fewer if the rank is less.
 *
 * The sign of each triplet is such that the first entry of greatest magnitude in `right` is positive.
 *
 * @param signal ends the computation promptly; the promise rejects with its reason
 * @throws {UsageError} the matrix exceeds 4 GiB, or --exact is given for one without a narrow side
 */
export async function truncatedSvd(
  matrix: SvdMatrix,
  options: SvdOptions,
  signal?: AbortSignal,
): Promise<TruncatedSvd> {
  const [numRows, numColumns] = [numRowsOf(matrix), numColumnsOf(matrix)];
  const side: MatrixSide = numRows < numColumns ? "rows" : "columns";
  const narrow = Math.min(numRows, numColumns);
  const dim = Math.min(options.dim, narrow);
  if (options.exact && narrow > MAX_EXACT) {
    throw new UsageError(
      `--exact supports matrices with a side of at most ${MAX_EXACT}, got ${numRows} x ${numColumns}: use a ` +
        "small --tolerance instead (limited by single precision)",
    );
  }
  const isSmall = options.exact === true || narrow <= basisPanels(dim) * PANEL;
  if (isSmall && !matrix.filter) {
    signal?.throwIfAborted();
    return { ...withSigns(exactSvd(matrix, side, dim)), method: "exact", restarts: 0, residual: 0 };
  }
  const numPanels = isSmall ? Math.ceil(narrow / PANEL) : basisPanels(dim);
  const needsAcross = options.rightOnly !== true || side === "rows";
  const machine = await SvdMachine.start(matrix, numPanels, options.threads);
  return await withMachine(machine, signal, async () => {
    const { vectors, ...how } = isSmall
      ? { vectors: await wholeSpace(machine, side, dim), restarts: 0, residual: 0 }
      : await lanczos(machine, side, { ...options, dim });
    return {
      ...withSigns(await tripletsOf(machine, side, vectors, dim, needsAcross)),
      method: isSmall ? "exact" : "lanczos",
      ...how,
    };
  });
}

/**
 * Returns the vectors of both sides, and the singular values as the lengths of A'u, which are more accurate than the
 * roots of the eigenvalues.
 */
async function tripletsOf(
  machine: SvdMachine,
  side: MatrixSide,
  vectors: readonly Region[],
  dim: number,
  needsAcross: boolean,
): Promise<Triplets> {
  const other = otherSide(side);
  const [near, far] = [machine.lengthOf(side), machine.lengthOf(other)];
  const product = machine.panel(other);
  const singularValues = new Float64Array(vectors.length * PANEL);
  const { blocks } = machine;
  const copiesAcross = needsAcross && !blocks;
  const [own, across] = [new Float32Array(near * dim), new Float32Array(copiesAcross ? far * dim : 0)];
  const lengthsOfPanels: Float64Array[] = [];
  for (const [p, panel] of vectors.entries()) {
    const [squares, unit] = [
      await machine
        .multiply(other, panel, product)
        .then(() => machine.crossProducts(other, [product], product, needsAcross ? leftName(p) : undefined)),
      await machine.crossProducts(side, [panel], panel),
    ];
    const lengths = diagonalOf(unit).map(Math.sqrt);
    const lengthsAcross = diagonalOf(squares).map(Math.sqrt);
    singularValues.set(
      lengthsAcross.map((length, j) => length / lengths[j]!),
      p * PANEL,
    );
    copyUnit(machine.values(panel), lengths, own, { dim, first: p * PANEL });
    lengthsOfPanels.push(lengthsAcross);
    if (copiesAcross) copyUnit(machine.values(product), lengthsAcross, across, { dim, first: p * PANEL });
  }
  const rank = singularValues
    .subarray(0, dim)
    .filter((x) => x > LANCZOS_ROUNDING * singularValues[0]!).length;
  const all = { dim, singularValues: singularValues.slice(0, dim) };
  const sides = side === "rows" ? { left: own, right: across } : { left: across, right: own };
  const behind = await machine.smoothed(sides.right, dim);
  const triplets = cut({ ...all, ...sides, behind }, rank);
  return {
    ...triplets,
    ...(blocks && needsAcross && { saved: savedLeft(blocks.saved, lengthsOfPanels, rank) }),
  };
}

/** @param lengths of the columns of each panel, by which they are divided */
function savedLeft(panels: SavedPanels, lengths: readonly Float64Array[], dim: number): SavedRows {
  const all = [...lengths.slice(0, Math.ceil(dim / PANEL)).entries()];
  return {
    read(first, last) {
      const rows = new Float32Array((last - first) * dim);
      for (const [p, own] of all)
        panels.readRows(leftName(p), { first, last }, PANEL, (from, panel) => {
          const target = rows.subarray((from - first) * dim, (from - first + panel.length / PANEL) * dim);
          copyUnit(panel, own, target, { dim, first: p * PANEL });
        });
      return rows;
    },
    async check() {
      for (const [p] of all) await panels.check(leftName(p), PANEL);
    },
  };
}

function diagonalOf(products: Float64Array): Float64Array {
  return Float64Array.from({ length: PANEL }, (_, j) => products[j * PANEL + j]!);
}

/**
 * Copies the columns of a panel, divided by their lengths, to f32[length][dim] from dimension `first` on; columns
 * beyond `dim` are dropped.
 */
function copyUnit(
  panel: Float32Array,
  lengths: Float64Array,
  target: Float32Array,
  { dim, first }: { dim: number; first: number },
): void {
  const end = Math.min(PANEL, dim - first);
  for (let row = first, from = 0; row < target.length; row += dim, from += PANEL)
    for (let j = 0; j < end; j++) target[row + j] = panel[from + j]! / lengths[j]!;
}

function cut(triplets: Triplets, rank: number): Triplets {
  const { dim, singularValues, left, right, behind } = triplets;
  if (rank === dim) return triplets;
  const narrowed = (vectors: Float32Array) => {
    const rows = vectors.length / dim;
    const kept = new Float32Array(rows * rank);
    for (let r = 0; r < rows; r++) kept.set(vectors.subarray(r * dim, r * dim + rank), r * rank);
    return kept;
  };
  return {
    dim: rank,
    singularValues: singularValues.slice(0, rank),
    left: narrowed(left),
    right: narrowed(right),
    behind: behind && narrowed(behind),
  };
}

function withSigns(triplets: Triplets): Triplets {
  const { dim, left, right, behind = new Float32Array(), saved } = triplets;
  // iterates row by row, because in column order each entry would be in another cache line
  const greatest = new Float32Array(dim);
  for (let row = 0; row < right.length; row += dim) {
    for (let d = 0; d < dim; d++) {
      const x = right[row + d]!;
      if (Math.abs(x) > Math.abs(greatest[d]!)) greatest[d] = x;
    }
  }
  const turn = (side: Float32Array): Float32Array => {
    for (let row = 0; row < side.length; row += dim)
      for (let d = 0; d < dim; d++) if (greatest[d]! < 0) side[row + d] = -side[row + d]!;
    return side;
  };
  [left, right, behind].forEach(turn);
  return {
    ...triplets,
    ...(saved && { saved: { ...saved, read: (first, last) => turn(saved.read(first, last)) } }),
  };
}

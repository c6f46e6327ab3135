// Weighted ridge regression by the normal equations of dense rows: the plain form of assembly/main.ts.

import { gaussJordanInverse } from "../../../base/numeric/gauss-jordan.js";
import type { BlockRows, RidgeMap, RidgeProblem } from "./binding.js";

/** Fits the linear map on the rows for which `isFitted` is true. @param penalty above 0 */
export function referenceRidge(
  problem: RidgeProblem,
  isFitted: (row: number) => boolean,
  penalty: number,
): RidgeMap {
  const { rows, weights, width, targets } = problem;
  const p = rows.blocks.at(-1)!;
  const chosen = Array.from({ length: rows.numRows }, (_, i) => i).filter(isFitted);
  const mass = chosen.reduce((sum, i) => sum + weights[i]!, 0);
  const mean = new Float64Array(width);
  for (const i of chosen)
    for (let t = 0; t < width; t++) mean[t]! += (weights[i]! * targets[i * width + t]!) / mass;

  const centers = columnMeans(rows, weights, chosen);
  const z = centeredRows(rows, centers);
  const [a, b] = [new Float64Array(p * p), new Float64Array(p * width)];
  for (const i of chosen)
    for (let j = 0; j < p; j++) {
      const by = weights[i]! * z[i]![j]!;
      for (let k = 0; k < p; k++) a[j * p + k]! += by * z[i]![k]!;
      for (let t = 0; t < width; t++) b[j * width + t]! += by * (targets[i * width + t]! - mean[t]!);
    }
  for (let j = 0; j < p; j++) a[j * p + j]! += penalty;
  const inverse = gaussJordanInverse(a, p)!;
  const coefficients = new Float64Array(p * width);
  for (let j = 0; j < p; j++)
    for (let k = 0; k < p; k++)
      for (let t = 0; t < width; t++) coefficients[j * width + t]! += inverse[j * p + k]! * b[k * width + t]!;
  return { width, blocks: rows.blocks, mean, centers, coefficients };
}

/** Returns the predictions for all rows, f64[numRows * width]. */
export function referencePredictions(
  { width, mean, centers, coefficients }: RidgeMap,
  rows: BlockRows,
): Float64Array {
  const z = centeredRows(rows, centers);
  return Float64Array.from({ length: rows.numRows * width }, (_, at) => {
    const [i, t] = [Math.floor(at / width), at % width];
    return mean[t]! + z[i]!.reduce((sum, x, j) => sum + x * coefficients[j * width + t]!, 0);
  });
}

/** Returns z of each row. */
function centeredRows(rows: BlockRows, centers: Float64Array): number[][] {
  return Array.from({ length: rows.numRows }, (_, i) => {
    const z = Array.from({ length: centers.length }, () => 0);
    const has = blocksOfRow(rows, i);
    centers.forEach((center, j) => has.has(blockOfColumn(rows, j)) && (z[j] = -center));
    for (let pair = rows.indptr[i]!; pair < rows.indptr[i + 1]!; pair++)
      z[rows.columns[pair]!]! += rows.values[pair]!;
    return z;
  });
}

/** Returns c over the chosen rows. */
function columnMeans(rows: BlockRows, weights: Float64Array, chosen: readonly number[]): Float64Array {
  const p = rows.blocks.at(-1)!;
  const [sums, masses] = [new Float64Array(p), new Float64Array(p)];
  for (const i of chosen) {
    const has = blocksOfRow(rows, i);
    masses.forEach((_, j) => has.has(blockOfColumn(rows, j)) && (masses[j]! += weights[i]!));
    for (let pair = rows.indptr[i]!; pair < rows.indptr[i + 1]!; pair++)
      sums[rows.columns[pair]!]! += weights[i]! * rows.values[pair]!;
  }
  return sums.map((sum, j) => (masses[j]! > 0 ? sum / masses[j]! : 0));
}

function blocksOfRow(rows: BlockRows, row: number): Set<number> {
  const columns = rows.columns.subarray(rows.indptr[row], rows.indptr[row + 1]);
  return new Set(Array.from(columns, (column) => blockOfColumn(rows, column)));
}

function blockOfColumn({ blocks }: BlockRows, column: number): number {
  return blocks.findIndex((first, f) => column >= first && column < blocks[f + 1]!);
}

// Weighted ridge regression of many targets on sparse columns, each block of columns about its own mean.
//
//   n, p, width   rows, columns, targets
//   x_i           f64[p], sparse; row i has pairs of (column, value)
//   v_i           f64[width], the targets of row i        w_i  what row i counts
//   f             a block of columns (a field); x_if is row i's part of it, and row i has the block when it has a pair in it
//
//   B = argmin Σ_i w_i |v_i − m − B' z_i|² + λ |B|²        m = Σ w_i v_i / Σ w_i
//   z_if = x_if − c_f where row i has block f, else 0      c_f = weighted mean of x_if over the rows that have it
//
// So a row without a block is predicted as the block's mean, Σ w_i z_i = 0, and m is the intercept. All targets are solved at once by
// conjugate gradients on the normal equations with the diagonal as preconditioner, in f64, one row after the other: sums have one order.
//
// Sources: Hoerl and Kennard 1970 (doi:10.1080/00401706.1970.10488634); Saad, Iterative Methods for Sparse Linear Systems, algorithm 9.1;
// Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, section 7.10, for the choice of λ.

/** Rows as pairs of (column, value). */
export interface BlockRows {
  numRows: number;
  /** block f owns columns [blocks[f], blocks[f + 1]); the last entry is p */
  blocks: readonly number[];
  /** u32[numRows + 1]: row i has pairs indptr[i] .. indptr[i + 1) */
  indptr: Uint32Array;
  /** u32: columns, those of a row by block */
  columns: Uint32Array;
  /** f64, beside columns */
  values: Float64Array;
}

/** What is regressed. */
export interface RidgeProblem {
  rows: BlockRows;
  /** f64[numRows], at least 0 */
  weights: Float64Array;
  width: number;
  /** f64[numRows * width], row-major */
  targets: Float64Array;
}

/** A fitted map from rows to targets. */
export interface RidgeMap {
  width: number;
  blocks: readonly number[];
  /** f64[width]: m */
  mean: Float64Array;
  /** f64[p]: c */
  centres: Float64Array;
  /** f64[p * width], row-major: B */
  coefficients: Float64Array;
}

/** How a map is fitted. */
export interface FitOptions {
  /** a map of the same rows and another penalty to start from */
  start?: RidgeMap | undefined;
  tolerance?: number;
  /** called at each step; what it throws ends the fit */
  breathe?: (() => void) | undefined;
}

const MAX_STEPS = 1000;
/** a target is solved when its residual is so much shorter than its right-hand side */
const TOLERANCE = 1e-9;
/** the same where a penalty is evaluated */
const JUDGED_TOLERANCE = 1e-4;

/**
 * Fits the map on some of the rows.
 *
 * @param chosen u32: rows to fit on; their weights add up to more than 0
 * @param penalty λ: Infinity gives the mean, otherwise above 0
 */
export function fitRidge(
  { rows, weights, width, targets }: RidgeProblem,
  chosen: Uint32Array,
  penalty: number,
  { start, tolerance = TOLERANCE, breathe = () => undefined }: FitOptions = {},
): RidgeMap {
  const p = rows.blocks.at(-1)!;
  const mean = weightedMean({ weights, width, targets }, chosen);
  const { centres, squares } = centresOf(rows, weights, chosen);
  const coefficients = new Float64Array(p * width);
  const map = { width, blocks: rows.blocks, mean, centres, coefficients };
  if (penalty === Infinity) return map;
  if (start) coefficients.set(start.coefficients);

  // r = Z' W (V − m − Z B) − λ B
  const residual = new Float64Array(p * width);
  const line = new Float64Array(width);
  const gathered = new Gathered(rows, centres, width);
  gathered.clear(residual, coefficients);
  for (const row of chosen) {
    gathered.predict(row, coefficients, line);
    for (let t = 0; t < width; t++)
      line[t] = weights[row]! * (targets[row * width + t]! - mean[t]! - line[t]!);
    gathered.add(row, line, residual);
  }
  gathered.finish(residual);
  for (let at = 0; at < residual.length; at++) residual[at]! -= penalty * coefficients[at]!;

  const scale = squares.map((square) => 1 / (square + penalty));
  const preconditioned = scaled(residual, scale, width);
  const direction = preconditioned.slice();
  const product = new Float64Array(p * width);
  let inner = columnProducts(residual, preconditioned, width);
  const right = rightSquares({ rows, weights, width, targets }, chosen, mean, gathered, scale);
  const goal = right.map((x) => tolerance * tolerance * x);
  for (let step = 0; step < MAX_STEPS && inner.some((x, t) => x > goal[t]!); step++) {
    breathe();
    // product = (Z' W Z + λ) direction
    gathered.clear(product, direction);
    for (const row of chosen) {
      gathered.predict(row, direction, line);
      for (let t = 0; t < width; t++) line[t]! *= weights[row]!;
      gathered.add(row, line, product);
    }
    gathered.finish(product);
    for (let at = 0; at < product.length; at++) product[at]! += penalty * direction[at]!;
    const curvature = columnProducts(direction, product, width);
    // a target that is solved stays where it is
    const length = inner.map((x, t) => (x > goal[t]! && curvature[t]! > 0 ? x / curvature[t]! : 0));
    for (let at = 0, j = 0; j < p; j++) {
      for (let t = 0; t < width; t++, at++) {
        coefficients[at]! += length[t]! * direction[at]!;
        residual[at]! -= length[t]! * product[at]!;
        preconditioned[at] = scale[j]! * residual[at]!;
      }
    }
    const next = columnProducts(residual, preconditioned, width);
    const keep = next.map((x, t) => (inner[t]! > 0 ? x / inner[t]! : 0));
    for (let at = 0; at < direction.length;)
      for (let t = 0; t < width; t++, at++) direction[at] = preconditioned[at]! + keep[t]! * direction[at]!;
    inner = next;
  }
  return map;
}

/** Predictions of rows, f64[numRows * width]. @param rows with the map's blocks */
export function predictRows(map: RidgeMap, rows: BlockRows): Float64Array {
  const { width, mean, coefficients, centres } = map;
  const gathered = new Gathered(rows, centres, width);
  gathered.centreProducts(coefficients);
  const all = new Float64Array(rows.numRows * width);
  for (let row = 0; row < rows.numRows; row++) {
    const line = all.subarray(row * width, (row + 1) * width);
    gathered.predict(row, coefficients, line);
    for (let t = 0; t < width; t++) line[t]! += mean[t]!;
  }
  return all;
}

/** How well penalties predict rows that they were not fitted on: squared errors by fold. */
export interface CrossValidation {
  penalties: readonly number[];
  /** [penalty][fold]: f64[width], weighted squared errors */
  errors: Float64Array[][];
  /** [fold]: f64[width], those of the mean of the rows that were fitted on */
  totals: Float64Array[];
}

/**
 * Evaluates penalties by folds.
 *
 * @param chosen u32: the rows that take part
 * @param foldOf fold of a row, 0 .. numFolds - 1; each has rows
 * @param penalties descending
 */
export function crossValidate(
  problem: RidgeProblem,
  chosen: Uint32Array,
  { foldOf, numFolds }: { foldOf: (row: number) => number; numFolds: number },
  penalties: readonly number[],
  breathe?: () => void,
): CrossValidation {
  const errors = penalties.map((): Float64Array[] => []);
  const totals: Float64Array[] = [];
  for (let fold = 0; fold < numFolds; fold++) {
    const fitted = chosen.filter((row) => foldOf(row) !== fold);
    const evaluated = chosen.filter((row) => foldOf(row) === fold);
    totals.push(squaredErrors(problem, fitRidge(problem, fitted, Infinity), evaluated));
    let start: RidgeMap | undefined;
    penalties.forEach((penalty, i) => {
      const map = fitRidge(problem, fitted, penalty, { start, breathe, tolerance: JUDGED_TOLERANCE });
      if (penalty < Infinity) start = map;
      errors[i]!.push(squaredErrors(problem, map, evaluated));
    });
  }
  return { penalties, errors, totals };
}

/**
 * The chosen penalty of some targets and its R²: the largest whose R² is within one standard error of the best one's, over folds.
 * The error is that of the differences to the best, whose folds are the same.
 *
 * @param from, to the targets from .. to - 1
 */
export function chosenPenalty(
  { penalties, errors, totals }: CrossValidation,
  from: number,
  to: number,
): { penalty: number; r2: number; best: number } {
  const sum = (of: Float64Array) => of.subarray(from, to).reduce((all, x) => all + x, 0);
  const total = totals.reduce((all, of) => all + sum(of), 0);
  const gains = penalties.map((_, i) => errors[i]!.map((of, fold) => sum(totals[fold]!) - sum(of)));
  const r2 = gains.map((own) => (total > 0 ? own.reduce((all, x) => all + x, 0) / total : 0));
  const best = r2.indexOf(Math.max(...r2));
  const within = penalties.findIndex((_, i) => {
    const differences = gains[best]!.map((x, fold) => x - gains[i]![fold]!);
    const n = differences.length;
    const mean = differences.reduce((all, x) => all + x, 0) / n;
    const squares = differences.reduce((all, x) => all + (x - mean) ** 2, 0);
    return mean <= Math.sqrt(squares / (n * (n - 1)));
  });
  const i = within < 0 ? best : within;
  return { penalty: penalties[i]!, r2: r2[i]!, best: r2[best]! };
}

/** f64[width]: weighted squared errors of the rows. */
function squaredErrors(
  { rows, weights, width, targets }: RidgeProblem,
  map: RidgeMap,
  evaluated: Uint32Array,
): Float64Array {
  const gathered = new Gathered(rows, map.centres, width);
  gathered.centreProducts(map.coefficients);
  const [sums, line] = [new Float64Array(width), new Float64Array(width)];
  for (const row of evaluated) {
    gathered.predict(row, map.coefficients, line);
    for (let t = 0; t < width; t++) {
      const error = targets[row * width + t]! - map.mean[t]! - line[t]!;
      sums[t]! += weights[row]! * error * error;
    }
  }
  return sums;
}

function weightedMean(
  { weights, width, targets }: Omit<RidgeProblem, "rows">,
  chosen: Uint32Array,
): Float64Array {
  const mean = new Float64Array(width);
  let all = 0;
  for (const row of chosen) {
    all += weights[row]!;
    for (let t = 0; t < width; t++) mean[t]! += weights[row]! * targets[row * width + t]!;
  }
  return mean.map((x) => x / all);
}

/** c, and the diagonal of Z' W Z. */
function centresOf(
  { blocks, indptr, columns, values }: BlockRows,
  weights: Float64Array,
  chosen: Uint32Array,
): { centres: Float64Array; squares: Float64Array } {
  const p = blocks.at(-1)!;
  const [centres, squares] = [new Float64Array(p), new Float64Array(p)];
  const blockOf = blockOfColumns(blocks);
  const masses = new Float64Array(blocks.length - 1);
  for (const row of chosen) {
    let last = -1;
    for (let pair = indptr[row]!; pair < indptr[row + 1]!; pair++) {
      const [j, x] = [columns[pair]!, values[pair]!];
      centres[j]! += weights[row]! * x;
      squares[j]! += weights[row]! * x * x;
      if (blockOf[j] !== last) masses[(last = blockOf[j]!)]! += weights[row]!;
    }
  }
  for (let j = 0; j < p; j++) {
    const mass = masses[blockOf[j]!]!;
    if (mass > 0) centres[j]! /= mass;
    // rounding may leave a constant column below 0
    squares[j] = Math.max(0, squares[j]! - mass * centres[j]! * centres[j]!);
  }
  return { centres, squares };
}

function blockOfColumns(blocks: readonly number[]): Uint32Array {
  const blockOf = new Uint32Array(blocks.at(-1)!);
  for (let f = 0; f + 1 < blocks.length; f++) blockOf.fill(f, blocks[f], blocks[f + 1]);
  return blockOf;
}

/** Products with Z and Z' whose centres are taken out of sums by block, so that they stay sparse. */
class Gathered {
  readonly #blockOf: Uint32Array;
  /** f64[blocks * width]: c_f' B_f, or sums of lines over the rows that have block f */
  readonly #ofBlocks: Float64Array;
  readonly #sums: Float64Array;

  constructor(
    private readonly rows: BlockRows,
    private readonly centres: Float64Array,
    private readonly width: number,
  ) {
    this.#blockOf = blockOfColumns(rows.blocks);
    this.#ofBlocks = new Float64Array((rows.blocks.length - 1) * width);
    this.#sums = new Float64Array(this.#ofBlocks.length);
  }

  /** Before a pass over the rows: products with `by` are predicted, sums go into `into`. */
  clear(into: Float64Array, by: Float64Array): void {
    into.fill(0);
    this.#sums.fill(0);
    this.centreProducts(by);
  }

  centreProducts(by: Float64Array): void {
    const { width, centres } = this;
    this.#ofBlocks.fill(0);
    for (let j = 0, at = 0; j < centres.length; j++) {
      const block = this.#blockOf[j]! * width;
      for (let t = 0; t < width; t++, at++) this.#ofBlocks[block + t]! += centres[j]! * by[at]!;
    }
  }

  /** line = z_row' by */
  predict(row: number, by: Float64Array, line: Float64Array): void {
    const { width } = this;
    const { indptr, columns, values } = this.rows;
    line.fill(0);
    let last = -1;
    for (let pair = indptr[row]!; pair < indptr[row + 1]!; pair++) {
      const j = columns[pair]!;
      const x = values[pair]!;
      const at = j * width;
      for (let t = 0; t < width; t++) line[t]! += x * by[at + t]!;
      if (this.#blockOf[j] === last) continue;
      last = this.#blockOf[j]!;
      for (let t = 0; t < width; t++) line[t]! -= this.#ofBlocks[last * width + t]!;
    }
  }

  /** into += x_row line', and the line to its blocks' sums */
  add(row: number, line: Float64Array, into: Float64Array): void {
    const { width } = this;
    const { indptr, columns, values } = this.rows;
    let last = -1;
    for (let pair = indptr[row]!; pair < indptr[row + 1]!; pair++) {
      const j = columns[pair]!;
      const x = values[pair]!;
      const at = j * width;
      for (let t = 0; t < width; t++) into[at + t]! += x * line[t]!;
      if (this.#blockOf[j] === last) continue;
      last = this.#blockOf[j]!;
      for (let t = 0; t < width; t++) this.#sums[last * width + t]! += line[t]!;
    }
  }

  /** into −= c ⊗ sums: what `add` gathered is of z now */
  finish(into: Float64Array): void {
    const { width, centres } = this;
    for (let j = 0, at = 0; j < centres.length; j++) {
      const block = this.#blockOf[j]! * width;
      for (let t = 0; t < width; t++, at++) into[at]! -= centres[j]! * this.#sums[block + t]!;
    }
  }
}

/** f64[width]: squares of the right-hand sides, as the preconditioner measures them. */
function rightSquares(
  { weights, width, targets }: RidgeProblem,
  chosen: Uint32Array,
  mean: Float64Array,
  gathered: Gathered,
  scale: Float64Array,
): Float64Array {
  const right = new Float64Array(scale.length * width);
  gathered.clear(right, right);
  const line = new Float64Array(width);
  for (const row of chosen) {
    for (let t = 0; t < width; t++) line[t] = weights[row]! * (targets[row * width + t]! - mean[t]!);
    gathered.add(row, line, right);
  }
  gathered.finish(right);
  return columnProducts(right, scaled(right, scale, width), width);
}

function scaled(matrix: Float64Array, scale: Float64Array, width: number): Float64Array {
  return matrix.map((x, at) => scale[Math.floor(at / width)]! * x);
}

/** f64[width]: Σ_j a_jt b_jt */
function columnProducts(a: Float64Array, b: Float64Array, width: number): Float64Array {
  const sums = new Float64Array(width);
  for (let at = 0; at < a.length;) for (let t = 0; t < width; t++, at++) sums[t]! += a[at]! * b[at]!;
  return sums;
}

// Weighted ridge regression of many targets on sparse columns. Each block of columns is centered on its mean, and
// cross-validation selects the penalty. The equations are in compute/kernels/ridge/assembly/main.ts.
//
//   a row without columns of a block is predicted as if they had the block's mean; the intercept is the weighted mean m
//   of the targets
//
// Fits of different folds and of different targets are independent: threads process them in parallel, and results do
// not depend on the number of threads.
//
// Source for the selection of the penalty: Hastie, Tibshirani and Friedman, The Elements of Statistical Learning,
// section 7.10.

import {
  allocateRidge,
  LEFT_OUT,
  PANEL,
  type BlockRows,
  type FoldLayout,
  type RidgeKernel,
  type RidgeLayout,
  type RidgeMap,
  type RidgeProblem,
} from "../../kernels/ridge/binding.js";
import type { Call } from "../../threads/kernel-thread.js";
import { ThreadedKernel } from "../../threads/threaded-kernel.js";

const TOLERANCE = 1e-9;
/** Convergence tolerance of the fits that evaluate a penalty. */
const EVALUATED_TOLERANCE = 1e-4;
const MAX_STEPS = 1000;

interface CrossValidation {
  penalties: readonly number[];
  /** errors[penalty][fold], f64[width]: weighted squared errors by target */
  errors: Float64Array[][];
  /** totals[fold], f64[width]: weighted squared errors of predicting the mean of the fitted rows */
  totals: Float64Array[];
}

/** A regression problem in shared memory. The caller must call `terminate`, which ends the threads. */
export class RidgeMachine extends ThreadedKernel<RidgeKernel> {
  readonly #layout: RidgeLayout;
  readonly #problem: RidgeProblem;

  private constructor(problem: RidgeProblem, parts: Uint8Array, numFolds: number, threads: number) {
    super();
    const folds = [...Array.from({ length: numFolds }, (_, fold) => fold), LEFT_OUT];
    const numFits = folds.length * Math.ceil(problem.width / PANEL);
    this.#problem = problem;
    this.#layout = allocateRidge(this.arena, problem, folds, Math.max(1, Math.min(threads, numFits)));
    new Uint8Array(this.arena.memory.buffer, this.#layout.parts.offset, parts.length).set(parts);
  }

  /**
   * Copies the problem to shared memory and starts the threads.
   * @param parts u8[numRows]: fold of each row, or FITTED for rows that no fold holds out, or LEFT_OUT for unused rows;
   *   the total weight inside and outside of each fold must be positive
   * @throws {UsageError} the problem exceeds 4 GiB
   */
  static async start(
    problem: RidgeProblem,
    { parts, numFolds }: { parts: Uint8Array; numFolds: number },
    threads: number,
  ): Promise<RidgeMachine> {
    const machine = new RidgeMachine(problem, parts, numFolds, threads);
    const { plan, folds, scratches } = machine.#layout;
    await machine.begin("ridge", { threads: scratches });
    const structs = Uint32Array.from(folds, ({ fold }) => fold);
    await machine.run({ take: { end: folds.length, size: 1 }, call: ["prepareFold", plan, structs] });
    await machine.#onFits(folds, (fits) => ["prepareMean", plan, fits]);
    return machine;
  }

  /**
   * Evaluates penalties on the folds; may be called once.
   *
   * @param penalties in descending order; Infinity predicts the mean
   * @param observe called before each penalty with its index
   */
  async crossValidate(
    penalties: readonly number[],
    observe: (index: number) => void = () => undefined,
  ): Promise<CrossValidation> {
    const folds = this.#layout.folds.slice(0, -1);
    // before the first fit all coefficients are 0, so that these errors are those of predicting the mean
    await this.#evaluate(folds);
    const totals = folds.map((fold) => this.#errorsOf(fold));
    const errors: Float64Array[][] = [];
    for (const [i, lambda] of penalties.entries()) {
      observe(i);
      if (lambda < Infinity) {
        await this.#solve(folds, lambda, EVALUATED_TOLERANCE);
        await this.#evaluate(folds);
      }
      errors.push(folds.map((fold) => this.#errorsOf(fold)));
    }
    return { penalties, errors, totals };
  }

  /** Fits the linear map on all rows except LEFT_OUT rows. @param penalty above 0; Infinity gives the mean */
  async fit(penalty: number): Promise<RidgeMap> {
    const { rows, width } = this.#problem;
    const all = this.#layout.folds.at(-1)!;
    if (penalty < Infinity) await this.#solve([all], penalty, TOLERANCE);
    const { centers, fits } = all;
    const p = rows.blocks.at(-1)!;
    const mean = new Float64Array(width);
    const coefficients = new Float64Array(p * width);
    fits.forEach((fit, panel) => {
      const count = Math.min(PANEL, width - panel * PANEL);
      mean.set(this.arena.f64(fit.mean).subarray(0, count), panel * PANEL);
      if (penalty === Infinity) return;
      const from = this.arena.f64(fit.coefficients);
      for (let j = 0; j < p; j++)
        coefficients.set(from.subarray(j * PANEL, j * PANEL + count), j * width + panel * PANEL);
    });
    return { width, blocks: rows.blocks, mean, centers: this.arena.f64(centers).slice(), coefficients };
  }

  /** Fits coefficients by conjugate gradients, which start from the current ones. */
  async #solve(folds: readonly FoldLayout[], lambda: number, tolerance: number): Promise<void> {
    const { plan } = this.#layout;
    await this.#onFits(folds, (fits) => ["solve", plan, fits, "thread", lambda, tolerance, MAX_STEPS]);
  }

  async #evaluate(folds: readonly FoldLayout[]): Promise<void> {
    await this.#onFits(folds, (fits) => ["writeErrors", this.#layout.plan, fits, "thread"]);
  }

  async #onFits(
    folds: readonly FoldLayout[],
    callOf: (structs: Uint32Array) => Call<RidgeKernel>,
  ): Promise<void> {
    const structs = Uint32Array.from(folds.flatMap(({ fits }) => fits.map(({ fit }) => fit)));
    await this.run({ take: { end: structs.length, size: 1 }, call: callOf(structs) });
  }

  #errorsOf({ fits }: FoldLayout): Float64Array {
    const errors = fits.flatMap((fit) => Array.from(this.arena.f64(fit.errors)));
    return Float64Array.from(errors.slice(0, this.#problem.width));
  }
}

/** Returns the predictions f64[numRows * width] of rows with the blocks of columns on which the map was fitted. */
export function predictRows(map: RidgeMap, rows: BlockRows): Float64Array {
  const { width, mean, coefficients, centers, blocks } = map;
  // the product of each block's means with its coefficients, which centering subtracts
  const ofBlocks = blocks.slice(1).map((last, f) => {
    const product = new Float64Array(width);
    for (let j = blocks[f]!; j < last; j++)
      for (let t = 0; t < width; t++) product[t]! += centers[j]! * coefficients[j * width + t]!;
    return product;
  });
  const all = new Float64Array(rows.numRows * width);
  for (let row = 0; row < rows.numRows; row++) {
    const line = all.subarray(row * width, (row + 1) * width);
    line.set(mean);
    let block = -1;
    for (let pair = rows.indptr[row]!; pair < rows.indptr[row + 1]!; pair++) {
      const [j, x] = [rows.columns[pair]!, rows.values[pair]!];
      for (let t = 0; t < width; t++) line[t]! += x * coefficients[j * width + t]!;
      if (block >= 0 && j < blocks[block + 1]!) continue;
      // the (column, value) pairs of a row are sorted by the block of the column
      while (j >= blocks[block + 1]!) block++;
      for (let t = 0; t < width; t++) line[t]! -= ofBlocks[block]![t]!;
    }
  }
  return all;
}

/**
 * Returns the penalty chosen for targets from .. to - 1 and its R²: the largest penalty whose R² is within one standard
 * error of the best one's, over folds. It is the standard error of the difference from the best R², because both use
 * the same folds.
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

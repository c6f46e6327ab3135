// Fits a ridge regression from rows of content to vectors and weights. Cross-validation chooses the penalties.

import type { EmbeddingTable } from "../../embedding/table.js";
import type { BlockRows, RidgeMap, RidgeProblem } from "../../kernels/ridge/binding.js";
import { chosenPenalty, RidgeMachine } from "../../solvers/ridge/ridge.js";
import { withMachine } from "../../workers/with-machine.js";

/** Candidates for λ, relative to an item with weight 1; Infinity stands for the prediction of the mean. */
export const PENALTIES = [Infinity, 1000, 300, 100, 30, 10, 3, 1, 0.3];

/** The data and options of a content map's regression that depend neither on the content nor on the penalty. */
export interface Fitting {
  dim: number;
  hasWeights: boolean;
  /** f64[numRows]: weight of each item in the regression; 0 for items that are not fitted */
  weights: Float64Array;
  /** f64[numRows * width]: the vector of each item, followed by the item's weight if the table has weights */
  targets: Float64Array;
  folds: { parts: Uint8Array; numFolds: number };
  threads: number;
  signal: AbortSignal;
}

export interface Fitted {
  ofVectors: ReturnType<typeof chosenPenalty>;
  ofWeights: ReturnType<typeof chosenPenalty> | undefined;
  map: RidgeMap;
  mapOfWeights: RidgeMap;
}

/** Chooses penalties by cross-validation and fits the map on all known items. @param onPenalty called before each */
export async function fitRows(
  rows: BlockRows,
  fitting: Fitting,
  onPenalty: (index: number) => void,
): Promise<Fitted> {
  const { dim, hasWeights, folds, threads, signal } = fitting;
  const problem = ridgeProblem(rows, fitting);
  const machine = await RidgeMachine.start(problem, folds, threads);
  return withMachine(machine, signal, async () => {
    const validated = await machine.crossValidate(PENALTIES, onPenalty);
    const ofVectors = chosenPenalty(validated, 0, dim);
    const ofWeights = hasWeights ? chosenPenalty(validated, dim, problem.width) : undefined;
    const map = await machine.fit(ofVectors.penalty);
    const isShared = !ofWeights || ofWeights.penalty === ofVectors.penalty;
    return { ofVectors, ofWeights, map, mapOfWeights: isShared ? map : await machine.fit(ofWeights.penalty) };
  });
}

/** Returns the cross-validated R² of the trained vectors, predicted from rows of content with the given penalty. */
export async function r2OfRows(rows: BlockRows, fitting: Fitting, penalty: number): Promise<number> {
  const { dim, folds, threads, signal } = fitting;
  const machine = await RidgeMachine.start(ridgeProblem(rows, fitting), folds, threads);
  const validated = await withMachine(machine, signal, () => machine.crossValidate([penalty]));
  return chosenPenalty(validated, 0, dim).r2;
}

function ridgeProblem(rows: BlockRows, { dim, hasWeights, weights, targets }: Fitting): RidgeProblem {
  return { rows, weights, width: dim + (hasWeights ? 1 : 0), targets };
}

/** Returns f64[numRows * width]: the trained vector (and weight, if any) of each known item; zeros for other items. */
export function regressionTargets(
  table: EmbeddingTable,
  known: readonly { item: number; row: number }[],
  numRows: number,
): Float64Array {
  const { dim } = table;
  const width = dim + (table.weights ? 1 : 0);
  const targets = new Float64Array(numRows * width);
  for (const { item, row } of known) {
    for (let d = 0; d < dim; d++) targets[item * width + d] = table.vectors[row * dim + d]!;
    if (table.weights) targets[item * width + dim] = table.weights[row]!;
  }
  return targets;
}

// Fits the head, a logistic regression on a row's leaves and categories; scores rows with it; and compares trees,
// logistic regression and both.
//
//   feature   leaves of all trees, tree after tree; then for each categorical column one feature for missing and
//             unknown categories, and one for each category
//
// The head is fitted on rows that the trees were not trained on: on training rows, leaves predict too well. Source: He
// et al. 2014 (10.1145/2648584.2648589), section 3.

import { columnNamed } from "../../../dataset/dataset.js";
import {
  fitFtrl,
  fitLogistic,
  type LogisticModel,
  type OneHotRows,
  scoresOfRows,
} from "../../../compute/solvers/logistic.js";
import { ArtifactError, UsageError } from "../../../base/errors.js";
import { list, number, object, parseJson } from "../../../base/io/json-shape.js";
import { numClassesOf, type Forest } from "../forest/forest.js";
import type { HeadOptions } from "../options.js";
import {
  categoryCodes,
  chunksWithLeaves,
  ForestScorer,
  type DatasetRows,
  type ScoredChunk,
  type ScoringTrees,
  type Vocabularies,
} from "../forest/scorer.js";
import type { RowPredictor } from "../../../training/capabilities/row-predictor.js";
import type { LabelledPart } from "../target.js";
import type { Metrics } from "../../../table/manifest.js";
import { normalizedEntropy } from "../../../metrics/metrics.js";
import { draw } from "../../../base/numeric/random.js";
import { binOf, binnedColumn, cellsOf, type Feature } from "../features.js";
import type { Part } from "../../../training/examples/examples.js";

const FTRL_PASSES = 3;
const LBFGS_STEPS = 100;
const L2_ALONE = 10;

export interface Head extends LogisticModel {
  /** index of the first feature of each tree's leaves, then of each categorical column; then the number of features */
  starts: number[];
}

function startsOf({ trees }: Forest, vocabularies: Vocabularies): number[] {
  const sizes = [
    ...trees.map(({ leaves }) => leaves.length),
    ...[...vocabularies.values()].map(({ keys }) => keys.size + 1),
  ];
  const starts = [0];
  for (const size of sizes) starts.push(starts.at(-1)! + size);
  return starts;
}

async function encodePart(
  trees: ScoringTrees<Forest>,
  { dataset, rows }: DatasetRows,
  threads: number,
): Promise<OneHotRows> {
  const { forest, vocabularies } = trees;
  const starts = startsOf(forest, vocabularies);
  const numTrees = forest.trees.length;
  const width = numTrees + vocabularies.size;
  if (rows.length * width > 2 ** 31)
    throw new UsageError(
      `${rows.length} rows with ${width} features are too large for the head: reduce --num-trees`,
    );
  const ids = new Uint32Array(rows.length * width);
  const categories = [...vocabularies].map(([name, keys]) => categoryCodes(columnNamed(dataset, name), keys));
  for await (const chunk of chunksWithLeaves(trees, { dataset, rows }, threads)) {
    for (let i = 0; i < chunk.numRows; i++) {
      const at = (chunk.first + i) * width;
      for (let t = 0; t < numTrees; t++) ids[at + t] = starts[t]! + chunk.leaves![i * numTrees + t]!;
      categories.forEach((codeOf, c) => {
        ids[at + numTrees + c] = starts[numTrees + c]! + (codeOf(rows[chunk.first + i]!) ?? -1) + 1;
      });
    }
  }
  return { numRows: rows.length, width, numFeatures: starts.at(-1)!, ids };
}

export async function trainHead(
  { forest, vocabularies }: ScoringTrees<Forest>,
  { labels, weights, ...part }: LabelledPart,
  { headL1: l1, headL2: l2, headMethod }: HeadOptions,
  threads: number,
): Promise<Head> {
  const rows = await encodePart({ forest, vocabularies }, part, threads);
  const prior = new Float64Array(rows.numFeatures);
  let at = 0;
  for (const { leaves } of forest.trees) for (const { value } of leaves) prior[at++] = value;
  const model =
    headMethod === "ftrl"
      ? fitFtrl(rows, labels, weights, { l1, l2, passes: FTRL_PASSES, prior })
      : fitLogistic(rows, labels, weights, { l2, iterations: LBFGS_STEPS, prior });
  return { ...model, starts: startsOf(forest, vocabularies) };
}

/** A mean of linear models is a linear model on all their leaves. @param fitted forests on the same columns */
export function averaged(
  fitted: readonly { forest: Forest; head: Head }[],
  vocabularies: Vocabularies,
): { forest: Forest; head: Head } {
  const share = 1 / fitted.length;
  const scaled = <T extends { value: number }>(part: T): T => ({ ...part, value: part.value * share });
  const trees = fitted.flatMap(({ forest }) =>
    forest.trees.map((tree) => ({
      nodes: tree.nodes.map(scaled),
      leaves: tree.leaves.map(scaled),
      shrinkage: tree.shrinkage * share,
    })),
  );
  const forest = { ...fitted[0]!.forest, trees };
  const starts = startsOf(forest, vocabularies);
  const weights = new Float64Array(starts.at(-1)!);
  // the leaves of the forests are concatenated; weights of the same category are added up
  const firstCategory = starts[trees.length]!;
  let at = 0;
  let bias = 0;
  for (const { forest: own, head } of fitted) {
    const numLeaves = head.starts[own.trees.length]!;
    head.weights.forEach((weight, i) => {
      const to = i < numLeaves ? at + i : firstCategory + i - numLeaves;
      weights[to]! += weight * share;
    });
    at += numLeaves;
    bias += head.bias * share;
  }
  return { forest, head: { bias, weights, starts } };
}

interface TreeModel extends ScoringTrees {
  head?: Head | undefined;
}

/** Scores by the head or, without one, by the sums of leaf values. The caller must call `end`. */
export async function modelScorer(
  { forest, vocabularies, head }: TreeModel,
  threads: number,
): Promise<Pick<RowPredictor, "score" | "end">> {
  const needsLeaves = head !== undefined;
  const scorer = await ForestScorer.start(forest, threads, needsLeaves);
  const numClasses = numClassesOf(forest);
  return {
    async score(dataset, rows) {
      const scoreOf = head && headScorer(head, { forest, vocabularies }, { dataset, rows });
      const scores = new Float64Array(rows.length * numClasses);
      for await (const chunk of scorer.score(dataset, rows, vocabularies, needsLeaves))
        scores.set(scoreOf ? scoreOf(chunk) : chunk.scores, chunk.first * numClasses);
      return scores;
    },
    end: () => scorer.terminate(),
  };
}

/** f64[rows.length][numClasses] */
export async function modelScores(
  model: TreeModel,
  { dataset, rows }: DatasetRows,
  threads: number,
): Promise<Float64Array> {
  const scorer = await modelScorer(model, threads);
  try {
    return await scorer.score(dataset, rows);
  } finally {
    await scorer.end();
  }
}

/** From a chunk's leaves to log-odds. @param part all rows, to which the indexes of chunks refer */
function headScorer(
  { bias, weights, starts }: Head,
  { forest: { trees }, vocabularies }: ScoringTrees,
  { dataset, rows }: DatasetRows,
): (chunk: ScoredChunk) => Float64Array {
  const numTrees = trees.length;
  const categories = [...vocabularies].map(([name, keys]) => categoryCodes(columnNamed(dataset, name), keys));
  return ({ first, scores, leaves }) =>
    scores.map((_, i) => {
      // terms are added in the order of the head's features, as when the head was fitted
      let score = bias;
      for (let t = 0; t < numTrees; t++) score += weights[starts[t]! + leaves![i * numTrees + t]!]!;
      categories.forEach((codeOf, c) => {
        score += weights[starts[numTrees + c]! + (codeOf(rows[first + i]!) ?? -1) + 1]!;
      });
      return score;
    });
}

export function headText(head: Head): string {
  return `${JSON.stringify({ model: "lr", ...head, weights: [...head.weights] })}\n`;
}

export function readHead(bytes: Uint8Array, forest: Forest, vocabularies: Vocabularies, file: string): Head {
  const shape = object({ bias: number, weights: list(number) });
  const parsed = parseJson(bytes, shape, file) as { bias: number; weights: number[] };
  const starts = startsOf(forest, vocabularies);
  if (parsed.weights.length !== starts.at(-1))
    throw new ArtifactError(
      `'${file}' has ${parsed.weights.length} weights, expected ${starts.at(-1)} for the run's trees: train ` +
        "again",
    );
  return { bias: parsed.bias, weights: Float64Array.from(parsed.weights), starts };
}

/** The head gets the latest rows by time or, without times, those with a small hash of seed and row. */
export function splitHead({ dataset, rows }: Part, share: number, seed: number): { trees: Part; head: Part } {
  if (!(share > 0 && share < 1))
    throw new UsageError(`--head-split must be between 0 and 1 (exclusive), got ${share}`);
  const { time } = dataset.roles;
  const column = time === undefined ? undefined : columnNamed(dataset, time);
  const key = draw(seed, 0x4ead);
  let isHead = (row: number) => draw(key, row) < share * 2 ** 32;
  if (column?.kind === "number") {
    // rows are sorted by time, then by index
    const order = rows.slice().sort((a, b) => column.values[a]! - column.values[b]! || a - b);
    const latest = new Set(order.subarray(rows.length - Math.round(share * rows.length)));
    isHead = (row) => latest.has(row);
  }
  const [trees, head] = [rows.filter((row) => !isHead(row)), rows.filter(isHead)];
  if (trees.length === 0 || head.length === 0)
    throw new UsageError(
      `--head-split ${share} of ${rows.length} rows leaves no rows for the trees or for the head`,
    );
  return { trees: { dataset, rows: trees }, head: { dataset, rows: head } };
}

/** By a hash of seed and row; for each fold the rows outside it (trees) and inside it (head). */
export function foldsOf({ dataset, rows }: Part, count: number, seed: number): { trees: Part; head: Part }[] {
  const key = draw(seed, 0xf01d);
  const foldOf = (row: number) => Math.floor((draw(key, row) / 2 ** 32) * count);
  return Array.from({ length: count }, (_, fold) => {
    const [trees, head] = [
      rows.filter((row) => foldOf(row) !== fold),
      rows.filter((row) => foldOf(row) === fold),
    ];
    if (trees.length === 0 || head.length === 0)
      throw new UsageError(`--cross-fit ${count} of ${rows.length} rows leaves a fold without rows`);
    return { trees: { dataset, rows: trees }, head: { dataset, rows: head } };
  });
}

/** For the logistic regression without trees. */
function oneHotBins(features: readonly Feature[], { dataset, rows }: Part): OneHotRows {
  const width = features.length;
  const ids = new Uint32Array(rows.length * width);
  let first = 0;
  features.forEach((feature, f) => {
    const bin = binOf(binnedColumn(dataset, feature), feature);
    for (let i = 0; i < rows.length; i++) ids[i * width + f] = first + bin(rows[i]!);
    first += cellsOf(feature);
  });
  return { numRows: rows.length, width, numFeatures: first, ids };
}

/** Log-odds by a logistic regression on the columns' bins, fitted on the same rows as the head. */
export function scoresWithoutTrees(
  features: readonly Feature[],
  { labels, weights, ...part }: LabelledPart,
  evaluated: Part,
): Float64Array {
  const model = fitLogistic(oneHotBins(features, part), labels, weights, {
    l2: L2_ALONE,
    iterations: LBFGS_STEPS,
  });
  return scoresOfRows(oneHotBins(features, evaluated), model);
}

/**
 * Normalized entropies, and log losses relative to the trees alone, as in table 1 of He et al. 2014.
 *
 * @param metrics by split: of trees with head, of the trees alone, and of the logistic regression alone
 * @param training labels of the training split
 */
export function comparisons(
  metrics: Record<string, Metrics>,
  training: Float32Array,
): Record<string, Record<string, { normalizedEntropy: number; relativeToTrees: number }>> {
  const parts = ["valid", "test"].filter((part) => metrics[`${part}Trees`]);
  return Object.fromEntries(
    parts.map((part) => {
      const lossOf = (suffix: string) => metrics[`${part}${suffix}`]!["logLoss"]!;
      const of = (suffix: string) => ({
        normalizedEntropy: normalizedEntropy(lossOf(suffix), training),
        relativeToTrees: lossOf(suffix) / lossOf("Trees"),
      });
      return [part, { treesAndLr: of(""), lr: of("Lr"), trees: of("Trees") }];
    }),
  );
}

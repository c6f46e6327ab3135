// The head: a logistic regression that reads a row's leaves and its categories.
//
//   feature   leaves of all trees, tree after tree; then for each categorical column one feature for missing and unknown
//             categories and one for each of its vocabulary
//
// It is fitted on rows that the trees have not seen: on rows that they were fitted on, leaves promise too much.
// Source: He et al. 2014 (10.1145/2648584.2648589), section 3.

import { columnNamed, type Dataset } from "../../../dataset/dataset.js";
import { fitFtrl } from "../../../solvers/ftrl.js";
import { fitLogistic, type LogisticModel, type OneHotRows } from "../../../solvers/logistic.js";
import { ArtifactError, UsageError } from "../../../errors.js";
import { list, number, object, parseJson } from "../../../io/json-shape.js";
import type { Forest, TreeSums } from "../forest/forest.js";
import type { HeadOptions } from "../options.js";
import { categoryCodes, ForestScorer, type ScoredChunk, type Vocabularies } from "../forest/scorer.js";

/** Passes of FTRL over the rows. */
const FTRL_PASSES = 3;

/** A fitted head. */
export interface Head extends LogisticModel {
  /** first feature of each tree's leaves, then of each categorical column, then how many there are */
  starts: number[];
}

/** Where each tree's and each categorical column's features start. */
function startsOf({ trees }: Forest, vocabularies: Vocabularies): number[] {
  const sizes = [
    ...trees.map(({ leaves }) => leaves.length),
    ...[...vocabularies.values()].map(({ keys }) => keys.size + 1),
  ];
  const starts = [0];
  for (const size of sizes) starts.push(starts.at(-1)! + size);
  return starts;
}

/** Leaves and categories of rows, one-hot. @param rows u32 */
export async function encodePart(
  forest: Forest,
  vocabularies: Vocabularies,
  { dataset, rows }: { dataset: Dataset; rows: Uint32Array },
  threads: number,
): Promise<OneHotRows> {
  const starts = startsOf(forest, vocabularies);
  const numTrees = forest.trees.length;
  const width = numTrees + vocabularies.size;
  if (rows.length * width > 2 ** 31)
    throw new UsageError(
      `${rows.length} rows with ${width} features are too large for the head: reduce --num-trees`,
    );
  const ids = new Uint32Array(rows.length * width);
  const categories = [...vocabularies].map(([name, keys]) => categoryCodes(columnNamed(dataset, name), keys));
  const scorer = await ForestScorer.start(forest, threads, true);
  try {
    for await (const chunk of scorer.score(dataset, rows, vocabularies, true)) {
      for (let i = 0; i < chunk.numRows; i++) {
        const at = (chunk.first + i) * width;
        for (let t = 0; t < numTrees; t++) ids[at + t] = starts[t]! + chunk.leaves![i * numTrees + t]!;
        categories.forEach((codeOf, c) => {
          ids[at + numTrees + c] = starts[numTrees + c]! + (codeOf(rows[chunk.first + i]!) ?? -1) + 1;
        });
      }
    }
  } finally {
    await scorer.terminate();
  }
  return { numRows: rows.length, width, numFeatures: starts.at(-1)!, ids };
}

/** Fits the head. */
export function fitHead(
  forest: Forest,
  vocabularies: Vocabularies,
  rows: OneHotRows,
  labels: Float32Array,
  counts: Float32Array | undefined,
  { l1, l2, method, prior, iterations }: Pick<HeadOptions, "l1" | "l2" | "method" | "prior" | "iterations">,
): Head {
  const drawn = new Float64Array(rows.numFeatures);
  let at = 0;
  for (const { leaves } of forest.trees) for (const { value } of leaves) drawn[at++] = value;
  const towards = prior === "leaf-values" && { prior: drawn };
  const model =
    method === "ftrl"
      ? fitFtrl(rows, labels, counts, { l1, l2, passes: FTRL_PASSES, ...towards })
      : fitLogistic(rows, labels, counts, { l2, iterations, ...towards });
  return { ...model, starts: startsOf(forest, vocabularies) };
}

/**
 * One forest and one head of several: the mean of what they say, since a mean of linear models is linear in all their leaves.
 *
 * @param fitted forests of the same columns, each with its head
 */
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
  // leaves stand one forest after another, categories are added up
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

/** What turns a chunk's leaves into log-odds by the head. @param rows u32: all rows that chunks are of */
export function headScorer(
  { bias, weights, starts }: Head,
  { trees }: TreeSums,
  vocabularies: Vocabularies,
  { dataset, rows }: { dataset: Dataset; rows: Uint32Array },
): (chunk: ScoredChunk) => Float64Array {
  const numTrees = trees.length;
  const categories = [...vocabularies].map(([name, keys]) => categoryCodes(columnNamed(dataset, name), keys));
  return ({ first, scores, leaves }) =>
    scores.map((_, i) => {
      // terms in the order in which the head was fitted
      let score = bias;
      for (let t = 0; t < numTrees; t++) score += weights[starts[t]! + leaves![i * numTrees + t]!]!;
      categories.forEach((codeOf, c) => {
        score += weights[starts[numTrees + c]! + (codeOf(rows[first + i]!) ?? -1) + 1]!;
      });
      return score;
    });
}

/** f64: log-odds of rows by the head. */
export async function headScores(
  head: Head,
  forest: Forest,
  vocabularies: Vocabularies,
  part: { dataset: Dataset; rows: Uint32Array },
  threads: number,
): Promise<Float64Array> {
  const scores = new Float64Array(part.rows.length);
  const scoreOf = headScorer(head, forest, vocabularies, part);
  const scorer = await ForestScorer.start(forest, threads, true);
  try {
    for await (const chunk of scorer.score(part.dataset, part.rows, vocabularies, true))
      scores.set(scoreOf(chunk), chunk.first);
  } finally {
    await scorer.terminate();
  }
  return scores;
}

/** The head as model/head.json holds it. */
export function headText(head: Head): string {
  return `${JSON.stringify({ model: "lr", ...head, weights: [...head.weights] })}\n`;
}

/** @throws {ArtifactError} not the head of these trees */
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

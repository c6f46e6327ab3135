// --ctr-pairs: chooses pairs that improve trees when used together, though no single pair is significant.
//
//   candidates with their statistics, and shuffled copies  ──►  a short forest  ──►  those that gain more than copies
//   trees with these pairs, and without                    ──►  held-out rows   ──►  all of them, or none
//
// Both forests have default options, so the choice does not depend on the options of the final trees.
//
// Source: shuffled copies as in Kursa and Rudnicki 2010 (doi:10.18637/jss.v036.i11), each compared with its own column.

import { doublesAt, valuesAt } from "../../../base/numeric/indices.js";
import { multiclassLosses } from "../../../metrics/metrics.js";
import { rowLoss } from "../../../base/numeric/losses.js";
import { draw, permutation } from "../../../base/numeric/random.js";
import { columnNamed, type Dataset } from "../../../dataset/dataset.js";
import { trainGbdt } from "../boosting/train.js";
import { fitTreeFeatures } from "../features.js";
import { growForest, type GrownForest } from "../forest-of-log.js";
import { importancesOf } from "../forest/in-words.js";
import { modelScores } from "../leaf-heads/head.js";
import { defaultGbdtOptions, type GbdtOptions } from "../options.js";
import type { LabelledPart, Prediction } from "../target.js";
import type { GroupedRowOrder } from "./target-statistics.js";

/** Trees of the forest in which candidate pairs compete with shuffled copies of themselves. */
const SHORT = 50;
/** Trees of the forests that are compared on held-out rows, and their patience. */
const [LONG, PATIENCE] = [300, 20];
/** Share of the training rows, if there is no validation split. */
const HELD_OUT = 0.2;
/** Cells of the candidate pairs' columns and their shuffled copies. */
const MOST_CELLS = 2 ** 24;
/**
 * The loss of held-out rows must decrease by this many. If no pair has an effect, it does in one log of a hundred.
 */
const STANDARD_ERRORS = 2.33;

/** Adds the columns of --ctr and of the given pairs. */
type WithPairs = (
  parts: HeldOutRows,
  pairs: readonly string[],
) => HeldOutRows & { made: ReadonlyMap<string, readonly string[]> };

/** Trees are grown on `train` and compared on `valid`. */
interface HeldOutRows {
  train: LabelledPart;
  valid: LabelledPart;
}

interface TreesJob {
  prediction: Prediction;
  threads: number;
  seed: number;
  signal: AbortSignal;
}

export interface PairsByTrees {
  /** whether trees with the chosen pairs predict held-out rows no better than trees without them */
  areWorse: boolean;
  /** further pairs, with the decrease of the mean loss of held-out rows and its standard error; if that confirms them */
  more?: { pairs: string[]; gain: number; error: number; numRows: number };
}

/** Candidates that fit into memory, each as a column and its shuffled copy. */
export function mostCandidates(numRows: number): number {
  return Math.floor(MOST_CELLS / (2 * numRows));
}

/** The last rows in the given order; if the log has times, these are the latest. */
export function withHeldOutRows(train: LabelledPart, { positions }: GroupedRowOrder): HeldOutRows {
  const from = Math.ceil((1 - HELD_OUT) * positions.length);
  const part = (chosen: Uint32Array): LabelledPart => ({
    dataset: train.dataset,
    rows: chosen.map((i) => train.rows[i]!),
    labels: valuesAt(train.labels, chosen),
    ...(train.weights && { weights: valuesAt(train.weights, chosen) }),
  });
  return { train: part(positions.slice(0, from).sort()), valid: part(positions.slice(from).sort()) };
}

/**
 * Chooses candidates that improve trees in addition to chosen pairs, and checks the latter.
 * The same rows and seed give the same pairs at any number of threads.
 */
export async function pairsByTrees(
  parts: HeldOutRows,
  chosen: readonly string[],
  candidates: readonly string[],
  withPairs: WithPairs,
  job: TreesJob,
): Promise<PairsByTrees> {
  const all = [...chosen, ...candidates];
  if (all.length === 0 || parts.valid.rows.length < 2) return { areWorse: false };
  const made = withPairs(parts, all);
  const lossesOf = async (kept: readonly string[]) =>
    await lossesOfTrees(
      withoutPairs(
        made,
        all.filter((pair) => !kept.includes(pair)),
      ),
      job,
    );
  const used = candidates.length > 0 ? await usedByTrees(made, candidates, job) : [];
  const before = await lossesOf(chosen);
  const saved = (from: Float64Array, to: Float64Array) => {
    const { weights } = parts.valid;
    return meanAndError(from.map((loss, i) => (weights ? weights[i]! : 1) * (loss - to[i]!)));
  };
  const areWorse = chosen.length > 0 && saved(await lossesOf([]), before).mean <= 0;
  if (used.length === 0) return { areWorse };
  const { mean: gain, error } = saved(before, await lossesOf([...chosen, ...used]));
  if (!(gain > STANDARD_ERRORS * error)) return { areWorse };
  return { areWorse, more: { pairs: used, gain, error, numRows: before.length } };
}

function withoutPairs({ train, valid, made }: ReturnType<WithPairs>, pairs: readonly string[]): HeldOutRows {
  const hidden = new Set(pairs.flatMap((pair) => made.get(pair)!));
  const of = (part: LabelledPart): LabelledPart => {
    const { roles } = part.dataset;
    const numeric = roles.numeric.filter((name) => !hidden.has(name));
    return { ...part, dataset: { ...part.dataset, roles: { ...roles, numeric } } };
  };
  return { train: of(train), valid: of(valid) };
}

/** Candidates whose columns have more gain in a short forest than their shuffled copies. */
async function usedByTrees(
  { train, made }: ReturnType<WithPairs>,
  candidates: readonly string[],
  job: TreesJob,
): Promise<string[]> {
  const copied = candidates.flatMap((pair) => made.get(pair)!);
  const dataset = withShuffledCopies(train, copied, job.seed);
  const { forest } = await grow({ ...train, dataset }, undefined, { ...job, numTrees: SHORT });
  const gains = new Map(importancesOf(forest).map(({ column, gain }) => [column, gain]));
  const gainOf = (names: readonly string[]) => names.reduce((sum, name) => sum + (gains.get(name) ?? 0), 0);
  return candidates.filter((pair) => {
    const names = made.get(pair)!;
    return gainOf(names) > gainOf(names.map(copyName));
  });
}

function copyName(name: string): string {
  return `shuffled:${name}`;
}

/** Values are permuted among the training rows. */
function withShuffledCopies(
  { dataset, rows }: LabelledPart,
  names: readonly string[],
  seed: number,
): Dataset {
  const copies = names.map((name, c) => {
    const column = columnNamed(dataset, name);
    const values = column.kind === "number" ? column.values.slice() : new Float64Array(dataset.numRows);
    const own = doublesAt(values, rows);
    permutation(rows.length, draw(seed, 0x5b + (c << 8))).forEach(
      (from, i) => (values[rows[i]!] = own[from]!),
    );
    return { kind: "number" as const, name: copyName(name), values };
  });
  const { roles } = dataset;
  return {
    ...dataset,
    columns: [...dataset.columns, ...copies],
    roles: { ...roles, numeric: [...roles.numeric, ...copies.map(({ name }) => name)] },
  };
}

/** f64: loss of each held-out row, predicted by trees that were stopped early on the same rows. */
async function lossesOfTrees({ train, valid }: HeldOutRows, job: TreesJob): Promise<Float64Array> {
  const grown = await grow(train, valid, { ...job, numTrees: LONG });
  const scores = await modelScores(grown, valid, job.threads);
  const { task, classes } = job.prediction;
  if (task === "multiclass") return multiclassLosses(scores, classes!.length, valid.labels);
  const loss = task === "regression" ? "squared" : "logistic";
  return scores.map((score, i) => rowLoss(loss, score, valid.labels[i]!));
}

async function grow(
  train: LabelledPart,
  valid: LabelledPart | undefined,
  { prediction, threads, seed, signal, numTrees }: TreesJob & { numTrees: number },
): Promise<GrownForest> {
  const gbdt: GbdtOptions = { ...defaultGbdtOptions(), numTrees, patience: PATIENCE, seed, threads };
  const features = await fitTreeFeatures(train.dataset, train.rows, gbdt);
  const silent = { watch: { observe: () => undefined, signal }, warn: () => undefined, lap: () => undefined };
  return await growForest(
    features,
    train,
    valid,
    { prediction, gbdt, init: undefined, ...silent },
    async (input, options, observe) => await trainGbdt(input, options, observe, signal),
  );
}

function meanAndError(values: Float64Array): { mean: number; error: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, error: Math.sqrt(squares / (values.length - 1) / values.length) };
}

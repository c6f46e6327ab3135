import { mapTo, valuesAt } from "../../base/numeric/indices.js";
import { labelsOf, type LabelledTask } from "../../dataset/labels.js";
import type { Run } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import {
  scoredMetrics,
  type CurveBin,
  type ScoredMetrics,
  type Units,
} from "../../metrics/scored-metrics.js";
import { kindOf } from "../../metrics/metrics.js";
import { log } from "../../base/numeric/exp.js";
import type { Part } from "../examples/examples.js";
import { changedSides, leakNotes } from "../warnings/leaks.js";
import { partSteps, silently, unseenNotes, wholeOf } from "../reading/split-parts.js";
import { rowWeights } from "../../dataset/sequences/event-weights.js";
import { bindEncoder, type FeatureRows } from "../../dataset/rows.js";
import { NegativeRows } from "../../dataset/sampling/negative-rows.js";
import type { Noise } from "../../dataset/sampling/noise-distribution.js";
import { readNegatives } from "../examples/item-file.js";
import { openAsTrained, type FurtherLog } from "../reading/open-as-trained.js";
import { heldOutPart } from "../reading/run-parts.js";
import type { ScoringModel } from "../capabilities/run-space.js";
import type { Watch } from "../session/watch.js";
import { MISSING } from "../../log/keys.js";
import type { Dataset, ReadingStep } from "../../dataset/dataset.js";
import type { Metrics } from "../../table/manifest.js";
import type { EmbeddingTable } from "../../table/table.js";

export async function evaluateScores(
  run: Run,
  model: ScoringModel,
  { logq, bins, ...on }: EvaluatedOn,
  watch: Watch,
): Promise<Scored> {
  const task = model.preprocess.task as LabelledTask;
  const { part, notes } = await partToScore(run, model, { ...on, bins }, watch);
  const found = await rowsToScore(run, model, task, part);
  const scores = await model.score(found.rows, { threads: on.reading.threads });
  const units = unitsOf(part.dataset, found.sources);
  const { labels, weights } = found.rows;
  const taken = { clip: model.preprocess.labelRange, bins };
  const warnings = [...notes, ...unseenNotes(model.space, part)];
  const rows = part.rows.length;
  const facts = { units, warnings, rows, steps: partSteps(part, on.part) };
  if (!found.expectedDraws) {
    const plain = scoredMetrics(task, scores, labels, units, { ...taken, weights });
    if (logq)
      throw new UsageError(
        `--logq corrects for sampled negatives, but run '${run.path}' was trained on labels`,
      );
    return { ...plain, ...facts };
  }
  if (logq) {
    const corrected = correctedForDraws(scores, found);
    return { ...scoredMetrics(task, corrected.scores, labels, units, { ...taken, ...corrected }), ...facts };
  }
  return { ...ofDraws(task, scores, found, units, taken), ...facts };
}

async function partToScore(
  run: Run,
  { preprocess }: ScoringModel,
  { on, part, whole, reading, hashKeys, maxBad, badRows }: EvaluatedOn,
  watch: Watch,
): Promise<{ part: Part; notes: string[] }> {
  if (whole) return { part: whole, notes: [] };
  if (part) return { part: await heldOutPart(run, part, { reading, hashKeys }, watch), notes: [] };
  const { sides } = preprocess;
  const bad = { maxBad, badRows };
  const read = await openAsTrained(
    preprocess,
    { on: on!, reading, hashKeys, ...bad, limitsUsers: true },
    silently(watch),
  );
  const { dataset, shaping = { sides } } = read;
  return {
    part: wholeOf(dataset),
    notes: [
      ...leakNotes(run, dataset, shaping.sides.length),
      ...(shaping.sides.length === sides.length ? changedSides(run.manifest, dataset, sides) : []),
    ],
  };
}

/** Omits calibration and normalized entropy, which depend on the share of positives and so on the sampled negatives. */
function ofDraws(
  task: LabelledTask,
  scores: Float32Array,
  { rows: { labels, weights } }: RowsToScore,
  units: Parameters<typeof scoredMetrics>[3],
  taken: { clip: readonly [low: number, high: number]; bins: number },
) {
  const all = scoredMetrics(task, scores, labels, units, { ...taken, weights });
  const isMeasured = (name: string) => kindOf(name)?.needsBaseRate !== true;
  const metrics = Object.fromEntries(Object.entries(all.metrics).filter(([name]) => isMeasured(name)));
  const { curve: _, ...rest } = all;
  return { ...rest, metrics, byUser: all.byUser.filter(({ name }) => isMeasured(name)) };
}

/**
 * Corrects scores and weights for the sampling, as if each event had every other item as a negative once: a sampled
 * negative gets the weight 1 / (N q), and log(N q) is added to log-odds that were learned from sampled negatives.
 *
 * Source: Yi et al. 2019 (doi:10.1145/3298689.3346996) for the logQ correction; Horvitz and Thompson 1952 for the
 * weights.
 */
function correctedForDraws(
  scores: Float32Array,
  { rows: { labels, weights }, expectedDraws }: RowsToScore,
): { scores: Float64Array; weights: Float32Array } {
  return {
    scores: mapTo(Float64Array, scores, (score, r) => score + log(expectedDraws![r]!)),
    weights: Float32Array.from(
      labels,
      (label, r) => (weights ? weights[r]! : 1) * (label > 0 ? 1 : 1 / expectedDraws![r]!),
    ),
  };
}

interface RowsToScore {
  rows: FeatureRows;
  /** u32[rows.numRows]: dataset row of each feature row */
  sources: Uint32Array;
  /** f64[rows.numRows]: expected number of draws of each row's item per event; absent if negatives are not sampled */
  expectedDraws?: Float64Array;
}

/** Encodes rows with the log's own labels, or events, each followed by negatives that are sampled as in training. */
export async function rowsToScore(
  run: Run,
  { space, preprocess }: Pick<ScoringModel, "space" | "preprocess">,
  task: LabelledTask,
  { dataset, rows }: Part,
): Promise<RowsToScore> {
  const encoder = bindEncoder(space, dataset);
  const { negatives, positiveFrom } = preprocess;
  const weights = rowWeights(dataset, rows, preprocess);
  const weighed = weights && { weights: Float32Array.from(weights) };
  if (!negatives) {
    const { values } = labelsOf(dataset, positiveFrom ?? undefined, task);
    const labels = valuesAt(values, rows);
    return { rows: { ...encoder.encode(rows, labels), ...weighed }, sources: rows };
  }

  const isItems = (name: string) => negatives.itemFields.includes(name);
  const indexes = space.fields.map(({ name }, f) => ({ name, f }));
  const source = await readNegatives(run, preprocess);
  const part = {
    dataset,
    rows,
    encoder,
    ...weighed,
    itemFieldIndexes: indexes.filter(({ name }) => isItems(name)).map(({ f }) => f),
    contextFieldIndexes: indexes.filter(({ name }) => !isItems(name)).map(({ f }) => f),
  };
  const { perEvent, noise } = negatives;
  const options = { negatives: perEvent, noise: noise as Noise, seed: run.manifest.seed, shuffle: false };
  const negativeRows = new NegativeRows(source, part, options);
  const draws = negativeRows.fixedDraws();
  return {
    rows: draws.rows,
    sources: draws.events.map((event) => rows[event]!),
    expectedDraws: negativeRows.expectedDraws(draws),
  };
}

/** A run to evaluate, with its name in the comparison. */
export interface Contestant {
  run: Run;
  name: string;
  /** table with the same rows that replaces the run's table */
  table?: EmbeddingTable;
  /** table with the same rows by which a ranking's shortlists are found, which the run then ranks */
  shortlist?: EmbeddingTable;
}

/** Rows on which a run is evaluated: a log, or a held-out split of the log on which it was trained. */
export interface EvaluatedOn extends Omit<FurtherLog, "on"> {
  on?: string[] | undefined;
  part?: "valid" | "test" | undefined;
  /** rows that were read as the run's log; replaces `on` */
  whole?: Part | undefined;
  /** true to correct scores and weights for the sampling of negatives */
  logq?: boolean;
  bins: number;
  /** table with the same rows that replaces the run's table, if the model scores by its table */
  inPlace?: EmbeddingTable | undefined;
}

/** Metrics of one run's scores. */
export interface Scored extends Omit<ScoredMetrics, "metrics"> {
  metrics: Metrics;
  units: Pick<Units, "kind" | "size">;
  warnings: string[];
  /** number of rows of the log */
  rows: number;
  /** steps of reading, up to the rows that are scored */
  steps: ReadingStep[];
}

/** Calibration curves, by run. */
export type Curves = Record<string, CurveBin[]>;

/**
 * Returns each row's user as the unit over which metrics are averaged; rows without a user form one unit.
 *
 * @param sources u32: rows of the dataset
 */
export function unitsOf({ columns, roles }: Dataset, sources: Uint32Array): Units {
  const column = columns.find(({ name }) => name === roles.user);
  if (column?.kind !== "key") {
    return { kind: "row", size: sources.length, of: Uint32Array.from(sources.keys()) };
  }
  const noUser = column.dictionary.size;
  return {
    kind: "user",
    size: noUser + 1,
    of: sources.map((row) => (column.codes[row] === MISSING ? noUser : column.codes[row]!)),
  };
}

// The metrics of runs by the scores of a log's rows.

import type { Dataset } from "../../dataset/dataset.js";
import { ranksItems, type LabelledTask } from "../../dataset/labels.js";
import type { Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { compare, type Compared } from "../../evaluation/comparison.js";
import { scoredMetrics } from "../../evaluation/scored-metrics.js";
import { log } from "../../numeric/exp.js";
import { GBDT_MODEL } from "../../trainers/gbdt/artifact.js";
import { readModel, type ScoringModel } from "../../trainers/learners.js";
import type { EvaluateOptions } from "./options.js";
import type { Part } from "../../training/examples.js";
import { metricsOfTrees } from "../../trainers/gbdt/run.js";
import { leakNotes } from "../../training/leaks.js";
import { silently, unseenNotes, wholeOf } from "../../training/parts.js";
import type { Watch } from "../../training/watch.js";
import { readLikeRun, rowsToScore, type RowsToScore } from "../../training/read-like-run.js";
import { heldOutPart } from "../../training/run-parts.js";
import { unitsOf, type Contestant, type Curves, type Scored } from "../../training/scored.js";

/** Bins of a calibration curve. */
const BINS = 10;

export interface ScoredResult {
  compared: Compared[];
  curves: Curves;
  warnings: string[];
  rows: number;
}

/** Scores the log with each run, read as that run's own. @throws {UsageError} a run scores no rows */
export async function evaluateScores(
  runs: readonly Contestant[],
  options: EvaluateOptions,
  watch: Watch,
): Promise<ScoredResult> {
  const all: (Scored & { name: string })[] = [];
  const warnings: string[] = [];
  const { bins = BINS } = options;
  for (const contestant of runs) {
    const { run, name } = contestant;
    const scored =
      run.manifest.model === GBDT_MODEL
        ? await metricsOfTrees(run, { ...options, bins }, watch)
        : await scoredByModel(contestant, { ...options, bins }, watch);
    all.push({ ...scored, name });
    const { oneClassUsers = 0 } = scored;
    const own = [...scored.warnings];
    if (oneClassUsers > 0 && "userAuc" in scored.metrics)
      own.push(
        `${oneClassUsers} users have rows of one class and no AUC of their own: userAuc is of the others`,
      );
    warnings.push(...own.map((text) => (runs.length > 1 ? `${name}: ${text}` : text)));
  }
  const [first] = all;
  const alike = all.every(({ rows, units }) => rows === first!.rows && units.size === first!.units.size);
  if (!alike) warnings.push("the runs keep different rows of the log, so that there are no intervals");
  const compared = compare(
    all.map(({ name, byUser, metrics }) => ({
      name,
      kind: "run" as const,
      byUser: alike ? byUser : [],
      others: metrics,
    })),
    first!.units.size,
    { samples: options.bootstrap ?? 1000, seed: options.seed ?? 1 },
  );
  const curves = Object.fromEntries(all.flatMap(({ name, curve }) => (curve ? [[name, curve]] : [])));
  return { compared, curves, warnings, rows: first!.rows };
}

async function scoredByModel(
  { run, table }: Contestant,
  { on, part: partName, logq, bins, ...options }: EvaluateOptions & { bins: number },
  watch: Watch,
): Promise<Scored> {
  const model = await readModel(run, table);
  const { task } = model.preprocess;
  if (ranksItems(task))
    throw new UsageError(`run '${run.path}' ranks items and scores no labels: use --ranking`);
  const { part, notes } = await partToScore(run, model, { on, part: partName, ...options }, watch);
  const found = await rowsToScore(run, model, task, part);
  const scores = await model.score(found.rows, { threads: options.reading.threads });
  const units = unitsOf(part.dataset, found.sources);
  const { labels, weights } = found.rows;
  const taken = { clip: model.preprocess.labelRange, bins };
  const warnings = [...notes, ...unseenNotes(model.space, part)];
  const rows = part.rows.length;
  if (!found.expectedDraws) {
    const plain = scoredMetrics(task, scores, labels, units, { ...taken, weights });
    if (logq) throw new UsageError(`--logq corrects for drawn negatives, and run '${run.path}' has labels`);
    return { ...plain, units, warnings, rows };
  }
  if (logq) {
    const corrected = correctedForDraws(scores, found);
    return {
      ...scoredMetrics(task, corrected.scores, labels, units, { ...taken, ...corrected }),
      units,
      warnings,
      rows,
    };
  }
  return { ...ofDraws(task, scores, found, units, taken), units, warnings, rows };
}

/** The log, or the run's own part. */
async function partToScore(
  run: Run,
  { preprocess }: ScoringModel,
  { on, part, reading, hashKeys, maxBad, badRows }: EvaluateOptions,
  watch: Watch,
): Promise<{ part: Part; notes: string[] }> {
  if (part) return { part: await heldOutPart(run, part, { reading, hashKeys }, watch), notes: [] };
  const { sides } = preprocess;
  const bad = { ...(maxBad !== undefined && { maxBad }), ...(badRows && { badRows }) };
  const read = await readLikeRun(preprocess, { on: on!, reading, hashKeys, ...bad }, silently(watch));
  const { dataset, shaping = { sides } } = read;
  return {
    part: wholeOf(dataset),
    notes: [
      ...leakNotes(run, dataset, shaping.sides.length),
      ...(shaping.sides.length === sides.length ? changedSides(run.manifest, dataset, sides) : []),
    ],
  };
}

/**
 * What can be said of events against drawn negatives without a correction: how many were drawn decides the rate that calibration
 * and normalised entropy compare with.
 */
function ofDraws(
  task: LabelledTask,
  scores: Float32Array,
  { rows: { labels, weights } }: RowsToScore,
  units: Parameters<typeof scoredMetrics>[3],
  taken: { clip: readonly [low: number, high: number]; bins: number },
) {
  const all = scoredMetrics(task, scores, labels, units, { ...taken, weights });
  const { calibration: _, normalizedEntropy: __, ...metrics } = all.metrics;
  const { curve: ___, ...rest } = all;
  return { ...rest, metrics, byUser: all.byUser.filter(({ name }) => name !== "calibration") };
}

/**
 * Scores and weights as if each event stood against all other items once: a drawn negative counts 1 / (N q) rows, and log-odds
 * learned against draws gain log(N q).
 *
 * Source: Yi et al. 2019 (doi:10.1145/3298689.3346996) for the logQ correction; Horvitz and Thompson 1952 for the weights.
 */
function correctedForDraws(
  scores: Float32Array,
  { rows: { labels, weights }, expectedDraws }: RowsToScore,
): { scores: Float64Array; weights: Float32Array } {
  return {
    scores: Float64Array.from(scores, (score, r) => score + log(expectedDraws![r]!)),
    weights: Float32Array.from(
      labels,
      (label, r) => (weights ? weights[r]! : 1) * (label > 0 ? 1 : 1 / expectedDraws![r]!),
    ),
  };
}

/** A sentence for each side table that is not what it was in training; tables stand behind logs among the inputs. */
function changedSides(
  manifest: Pick<Run["manifest"], "inputs">,
  { inputs }: Dataset,
  sides: readonly string[],
): string[] {
  if (sides.length === 0) return [];
  const trained = manifest.inputs.slice(-sides.length);
  return inputs
    .slice(-sides.length)
    .flatMap(({ path, sha256 }, i) =>
      sha256 === trained[i]?.sha256
        ? []
        : [
            `side table '${path}' is not what it was when the run was trained: its columns may say other things`,
          ],
    );
}

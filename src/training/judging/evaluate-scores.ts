// A run whose model scores rows of its features, evaluated by the labels of a log.

import type { LabelledTask } from "../../dataset/labels.js";
import type { Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { kindOf } from "../../evaluation/metrics.js";
import { scoredMetrics } from "../../evaluation/scored-metrics.js";
import { log } from "../../numeric/exp.js";
import type { Part } from "../examples/examples.js";
import { changedSides, leakNotes } from "../warnings/leaks.js";
import { silently, unseenNotes, wholeOf } from "../reading/split-parts.js";
import { readLikeRun, rowsToScore, type RowsToScore } from "../reading/read-like-run.js";
import { heldOutPart } from "../reading/run-parts.js";
import type { ScoringModel } from "../capabilities/run-space.js";
import { unitsOf, type EvaluatedOn, type Scored } from "./scored.js";
import type { Watch } from "../session/watch.js";

/** The metrics of a run's scores. @param model of the run; its task has labels @throws {UsageError} --logq without drawn negatives */
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
  if (!found.expectedDraws) {
    const plain = scoredMetrics(task, scores, labels, units, { ...taken, weights });
    if (logq)
      throw new UsageError(
        `--logq corrects for sampled negatives, but run '${run.path}' was trained on labels`,
      );
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
  { on, part, reading, hashKeys, maxBad, badRows }: EvaluatedOn,
  watch: Watch,
): Promise<{ part: Part; notes: string[] }> {
  if (part) return { part: await heldOutPart(run, part, { reading, hashKeys }, watch), notes: [] };
  const { sides } = preprocess;
  const bad = { maxBad, badRows };
  const read = await readLikeRun(
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
  const isMeasured = (name: string) => kindOf(name)?.needsBaseRate !== true;
  const metrics = Object.fromEntries(Object.entries(all.metrics).filter(([name]) => isMeasured(name)));
  const { curve: _, ...rest } = all;
  return { ...rest, metrics, byUser: all.byUser.filter(({ name }) => isMeasured(name)) };
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

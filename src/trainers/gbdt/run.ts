// A run of trees on a further log: reading it as in training, and its metrics.

import type { Dataset } from "../../dataset/dataset.js";
import { rowWeights } from "../../dataset/sequences/event-weights.js";
import type { Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { scoredMetrics } from "../../evaluation/scored-metrics.js";
import { readGbdt, type GbdtArtifact } from "./forest/artifact.js";
import { headScores } from "./leaf-heads/head.js";
import { scoresOf } from "./forest/scorer.js";
import { withTargetStatistics, type TargetStatistics } from "./target-statistics/target-statistics.js";
import { unknownCategories } from "./unknown.js";
import type { Part } from "../../training/examples/examples.js";
import { targetMetrics, labelledAs } from "./target.js";
import { leakNotes } from "../../training/warnings/leaks.js";
import { silently, wholeOf } from "../../training/reading/split-parts.js";
import type { Watch } from "../../training/session/watch.js";
import { openAsTrained, type FurtherLog } from "../../training/reading/open-as-trained.js";
import { heldOutPart } from "../../training/reading/run-parts.js";
import { unitsOf, type EvaluatedOn, type Scored } from "../../training/judging/evaluate-scores.js";

/** Reads a log as the one that the run was trained on. @param keyed a column that is kept as keys beside the features */
export async function readLikeGbdt(
  { preprocess, statistics }: Pick<GbdtArtifact, "preprocess" | "statistics">,
  log: FurtherLog,
  watch: Watch,
  withLabel: boolean,
  keyed?: string,
): Promise<Dataset> {
  const { dataset } = await openAsTrained(preprocess, log, silently(watch), {
    roles: withLabel ? "all" : "features",
    key: keyed,
    labelIsName: preprocess.task === "multiclass",
  });
  return withTargetStatistics(dataset, statistics);
}

/** The metrics of a run of trees on a log, or on a part of its own. */
export async function metricsOfTrees(
  run: Run,
  { on, part: partName, logq, bins, ...options }: EvaluatedOn,
  watch: Watch,
): Promise<Scored> {
  if (logq)
    throw new UsageError(
      `--logq corrects for sampled negatives, but run '${run.path}' was trained on labels`,
    );
  const artifact = await readGbdt(run);
  const { forest, vocabularies, preprocess, head, statistics } = artifact;
  const whole = partName
    ? withStatistics(await heldOutPart(run, partName, options, watch), statistics)
    : wholeOf(await readLikeGbdt(artifact, { ...options, on: on!, limitsUsers: true }, watch, true));
  const { dataset } = whole;
  const warnings = [
    ...(partName ? [] : leakNotes(run, dataset, preprocess.sides.length)),
    ...unknownCategories(dataset, vocabularies),
  ];
  const part = labelledAs(preprocess, whole);
  const { rows, labels } = part;
  const left = whole.rows.length - rows.length;
  if (left > 0) warnings.push(`skipped ${left} rows with classes not seen in training`);
  const { threads } = options.reading;
  const scores = head
    ? await headScores(head, forest, vocabularies, { dataset, rows }, threads)
    : await scoresOf(forest, dataset, rows, vocabularies, threads);
  const weights = rowWeights(dataset, rows, preprocess);
  const counted = weights && { weights: Float32Array.from(weights) };
  const units = unitsOf(dataset, rows);
  const { task, labelRange } = preprocess;
  const given = { units, warnings, rows: rows.length };
  if (task === "multiclass")
    return { metrics: targetMetrics(preprocess, scores, { ...part, ...counted }), byUser: [], ...given };
  return { ...scoredMetrics(task, scores, labels, units, { clip: labelRange, bins, ...counted }), ...given };
}

function withStatistics(part: Part, statistics: readonly TargetStatistics[]): Part {
  return { ...part, dataset: withTargetStatistics(part.dataset, statistics) };
}

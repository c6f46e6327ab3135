// The metrics of runs by the scores of a log's rows.

import type { Dataset } from "../dataset/dataset.js";
import { ranksItems } from "../dataset/labels.js";
import type { Run } from "../embedding/run-directory.js";
import { UsageError } from "../errors.js";
import { compare, type Compared, type Measured } from "../evaluation/comparison.js";
import { metricsOf } from "../evaluation/metrics.js";
import { GBDT_MODEL } from "../trainers/gbdt/artifact.js";
import { readModel } from "../trainers/learners.js";
import type { EvaluateOptions } from "./evaluate-options.js";
import { metricsOfTrees } from "./gbdt-run.js";
import { leakNotes } from "./leaks.js";
import { silently, unseenNotes, wholeOf } from "./parts.js";
import type { Watch } from "./progress.js";
import { readLikeRun, rowsToScore } from "./read-like-run.js";
import type { Scored } from "./scored.js";

export interface ScoredResult {
  compared: Compared[];
  warnings: string[];
  rows: number;
}

/** Scores the log with each run, read as that run's own. @throws {UsageError} a run scores no rows */
export async function evaluateScores(
  runs: readonly { run: Run; name: string }[],
  options: EvaluateOptions,
  watch: Watch,
): Promise<ScoredResult> {
  const measured: Measured[] = [];
  const warnings: string[] = [];
  let rows = 0;
  for (const { run, name } of runs) {
    const scored =
      run.manifest.model === GBDT_MODEL
        ? await metricsOfTrees(run, { ...options, on: options.on! }, watch)
        : await scoredByModel(run, options, watch);
    rows = scored.rows;
    measured.push({ name, kind: "run", byUser: [], others: scored.metrics });
    warnings.push(...scored.warnings.map((text) => (runs.length > 1 ? `${name}: ${text}` : text)));
  }
  return { compared: compare(measured, 0, { samples: 0, seed: 1 }), warnings, rows };
}

async function scoredByModel(
  run: Run,
  { on, reading, ...options }: EvaluateOptions,
  watch: Watch,
): Promise<Scored> {
  const model = await readModel(run);
  const { sides, task, labelRange } = model.preprocess;
  if (ranksItems(task))
    throw new UsageError(`run '${run.path}' ranks items and scores no labels: use --ranking`);
  const log = { on: on!, reading, ...options };
  const { dataset, shaping = { sides } } = await readLikeRun(model.preprocess, log, silently(watch));
  const part = wholeOf(dataset);
  const rows = await rowsToScore(run, model, task, part);
  const scores = await model.score(rows, { threads: reading.threads });
  return {
    metrics: metricsOf(task, scores, rows.labels, { clip: labelRange, weights: rows.weights }),
    warnings: [
      ...leakNotes(run, dataset, shaping.sides.length),
      ...unseenNotes(model.space, part),
      ...(shaping.sides.length === sides.length ? changedSides(run.manifest, dataset, sides) : []),
    ],
    rows: dataset.numRows,
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

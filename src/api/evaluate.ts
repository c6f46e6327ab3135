// `embed evaluate`: the metrics of a run on a log that it has not seen.

import type { Metrics } from "../embedding/manifest.js";
import { openRun, type Run } from "../embedding/run-directory.js";
import { metricsOf } from "../evaluation/metrics.js";
import type { ReadOptions } from "../log/log.js";
import type { Dataset } from "../dataset/dataset.js";
import { ranksItems } from "../dataset/labels.js";
import { GBDT_MODEL } from "../trainers/gbdt/artifact.js";
import { readModel } from "../trainers/learners.js";
import type { BadRowReport } from "./bad-row-report.js";
import { rankingOfRun } from "./evaluate-ranking.js";
import { evaluateGbdt } from "./gbdt-run.js";
import type { Watch } from "./progress.js";
import { readLikeRun, rowsToScore } from "./read-like-run.js";
import { UsageError } from "../errors.js";
import { silently, unseenNotes, wholeOf } from "./parts.js";
import type { Summary } from "./summary.js";
import { version } from "../io/package-version.js";

export interface EvaluateOptions {
  on: string[];
  /** rank all items for each user, as is done for a run of --task ranking anyway */
  ranking?: boolean;
  /** ranking: items a list; 20 when absent */
  k?: number;
  /** ranking: a log whose items are left out of its users' lists, as those of training are */
  mask?: string[];
  /** the file with the secret of a run whose ids are hashed */
  hashKeys?: string;
  reading: ReadOptions;
  maxBad?: number;
  badRows?: BadRowReport;
}

/** Scores a log with a run's model; unseen keys are out-of-vocabulary, as in training, and counted in the warnings. */
export async function evaluate(
  path: string,
  { on, ranking, k, mask, reading, hashKeys, ...bad }: EvaluateOptions,
  watch: Watch,
): Promise<Summary> {
  const start = performance.now();
  const run = await openRun(path);
  if (run.manifest.model === GBDT_MODEL) return evaluateGbdt(run, { on, reading, hashKeys, ...bad }, watch);
  const model = await readModel(run);
  const { sides, task, labelRange } = model.preprocess;
  const read = (logs: string[]) =>
    readLikeRun(model.preprocess, { on: logs, reading, hashKeys, ...bad }, silently(watch));
  const ranks = ranking === true || ranksItems(task);
  if (!ranks && (mask || k !== undefined)) throw new UsageError("--mask and --k are for --ranking");
  const { dataset, shaping = { sides } } = await read(on);
  const part = wholeOf(dataset);
  const warnings = [
    ...unseenNotes(model.space, part),
    ...(shaping.sides.length === sides.length ? changedSides(run.manifest, dataset, sides) : []),
  ];
  let metrics: Metrics;
  if (ranks) {
    const masked = mask && wholeOf((await read(mask)).dataset);
    const options = { k: k ?? 20, threads: reading.threads, signal: watch.signal };
    const found = await rankingOfRun(run, model, part, masked, options);
    metrics = found.metrics;
    warnings.push(...found.notes);
  } else {
    const rows = await rowsToScore(run, model, task, part);
    const scores = await model.score(rows, { threads: reading.threads });
    metrics = metricsOf(task, scores, rows.labels, {
      clip: { min: labelRange[0], max: labelRange[1] },
      ...(rows.weights && { weights: rows.weights }),
    });
  }
  for (const text of warnings) watch.observe({ stage: "warning", text });
  return {
    command: "evaluate",
    version,
    out: path,
    seconds: (performance.now() - start) / 1000,
    rows: dataset.numRows,
    options: { run: path, on, ...(mask && { mask }), ...(ranks && { k: k ?? 20 }) },
    metrics: { on: metrics },
    warnings,
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

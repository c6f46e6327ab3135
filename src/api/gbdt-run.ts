// A run of trees on a further log: reading it as in training, and its metrics.

import type { Dataset } from "../dataset/dataset.js";
import { rowWeights } from "../dataset/event-weights.js";
import { labelsOf } from "../dataset/labels.js";
import type { Run } from "../embedding/run-directory.js";
import { metricsOf } from "../evaluation/metrics.js";
import { version } from "../io/package-version.js";
import type { ReadOptions } from "../log/log.js";
import { readGbdt } from "../trainers/gbdt/artifact.js";
import { headScores } from "../trainers/gbdt/head.js";
import type { GbdtPreprocess } from "../trainers/gbdt/preprocess.js";
import { scoresOf } from "../trainers/gbdt/scorer.js";
import { unknownCategories } from "../trainers/gbdt/unknown.js";
import type { BadRowReport } from "./bad-row-report.js";
import { silently, toldRoles, wholeOf } from "./parts.js";
import type { Watch } from "./progress.js";
import { secretOf } from "./read-as-trained.js";
import { readDataset } from "./read-dataset.js";
import type { Summary } from "./summary.js";

export interface ReadLike {
  on: string[];
  reading: ReadOptions;
  hashKeys?: string | undefined;
  maxBad?: number;
  badRows?: BadRowReport;
}

/** Reads a log as the one that the run was trained on. @param keyed a column that is kept as keys beside the features */
export async function readLikeGbdt(
  preprocess: GbdtPreprocess,
  { on, reading, hashKeys, ...bad }: ReadLike,
  watch: Watch,
  withLabel: boolean,
  keyed?: string,
): Promise<Dataset> {
  const { sides, drop, where = [], timeFields, timeFormat } = preprocess;
  // what only judging needs is not asked of rows that are encoded
  const { label, weight, event, ...others } = preprocess.roles;
  const judged = {
    ...(label !== undefined && { label }),
    ...(weight !== undefined && { weight }),
    ...(event !== undefined && { event }),
  };
  const { time } = others;
  const known = [...others.fields, ...others.numeric];
  const fields = keyed === undefined || known.includes(keyed) ? others.fields : [...others.fields, keyed];
  const roles = { ...others, fields };
  const { dataset } = await readDataset(
    on,
    {
      ...toldRoles(withLabel ? { ...roles, ...judged } : roles),
      ...(await secretOf(preprocess, hashKeys, on)),
      like: preprocess,
      ...(timeFields &&
        time !== undefined && {
          time,
          timeFields: timeFields.names,
          timeZone: timeFields.zone,
          ...(timeFormat !== undefined && { timeFormat }),
        }),
      sides,
      drop,
      where,
      reading,
      ...bad,
      onBadRow: reading.onBadRow,
      unlabelled: false,
    },
    silently(watch),
  );
  return dataset;
}

/** The metrics of a run of trees on a log. */
export async function evaluateGbdt(run: Run, options: ReadLike, watch: Watch): Promise<Summary> {
  const start = performance.now();
  const { forest, vocabularies, preprocess, head } = await readGbdt(run);
  const dataset = await readLikeGbdt(preprocess, options, watch, true);
  const warnings = unknownCategories(dataset, vocabularies);
  for (const text of warnings) watch.observe({ stage: "warning", text });
  const { task, positiveFrom, labelRange } = preprocess;
  const { values } = labelsOf(dataset, positiveFrom ?? undefined, task);
  const { rows } = wholeOf(dataset);
  const { threads } = options.reading;
  const scores = head
    ? await headScores(head, forest, vocabularies, { dataset, rows }, threads)
    : await scoresOf(forest, dataset, rows, vocabularies, threads);
  const weights = rowWeights(dataset, rows, preprocess);
  const metrics = metricsOf(task, scores, values, {
    clip: { min: labelRange[0], max: labelRange[1] },
    ...(weights && { weights: Float32Array.from(weights) }),
  });
  return {
    command: "evaluate",
    version,
    out: run.path,
    seconds: (performance.now() - start) / 1000,
    rows: dataset.numRows,
    options: { run: run.path, on: options.on },
    metrics: { on: metrics },
    warnings,
  };
}

// A run of trees on a further log: reading it as in training, and its metrics.

import type { Dataset } from "../dataset/dataset.js";
import { rowWeights } from "../dataset/event-weights.js";
import type { Run } from "../embedding/run-directory.js";
import { readGbdt } from "../trainers/gbdt/artifact.js";
import { headScores } from "../trainers/gbdt/head.js";
import type { GbdtPreprocess } from "../trainers/gbdt/preprocess.js";
import { scoresOf } from "../trainers/gbdt/scorer.js";
import { unknownCategories } from "../trainers/gbdt/unknown.js";
import { judge, labelledAs } from "./gbdt-target.js";
import { leakNotes } from "./leaks.js";
import { silently, wholeOf } from "./parts.js";
import type { Watch } from "./progress.js";
import { readAsTrained, type ReadLike } from "./read-as-trained.js";
import type { Scored } from "./scored.js";

/** Reads a log as the one that the run was trained on. @param keyed a column that is kept as keys beside the features */
export async function readLikeGbdt(
  preprocess: GbdtPreprocess,
  log: ReadLike,
  watch: Watch,
  withLabel: boolean,
  keyed?: string,
): Promise<Dataset> {
  // what only judging needs is not asked of rows that are encoded
  const { label: _, weight: __, event: ___, ...others } = preprocess.roles;
  const asked = withLabel ? preprocess.roles : others;
  const known = [...others.fields, ...others.numeric];
  const fields = keyed === undefined || known.includes(keyed) ? others.fields : [...others.fields, keyed];
  const as = { ...preprocess, roles: { ...asked, fields } };
  const shape = { unlabelled: false, labelIsName: preprocess.task === "multiclass" };
  const { dataset } = await readAsTrained(as, log, shape, silently(watch));
  return dataset;
}

/** The metrics of a run of trees on a log. */
export async function metricsOfTrees(run: Run, options: ReadLike, watch: Watch): Promise<Scored> {
  const { forest, vocabularies, preprocess, head } = await readGbdt(run);
  const dataset = await readLikeGbdt(preprocess, options, watch, true);
  const warnings = [
    ...leakNotes(run, dataset, preprocess.sides.length),
    ...unknownCategories(dataset, vocabularies),
  ];
  const part = labelledAs(preprocess, wholeOf(dataset));
  const { rows } = part;
  const left = dataset.numRows - rows.length;
  if (left > 0) warnings.push(`${left} rows of classes that training has not seen are left out`);
  const { threads } = options.reading;
  const scores = head
    ? await headScores(head, forest, vocabularies, { dataset, rows }, threads)
    : await scoresOf(forest, dataset, rows, vocabularies, threads);
  const weights = rowWeights(dataset, rows, preprocess);
  const counted = weights && { weights: Float32Array.from(weights) };
  return { metrics: judge(preprocess, scores, { ...part, ...counted }), warnings, rows: dataset.numRows };
}

// Capabilities of runs of trees: reading a log as in training, predictions, metrics, importances, paths and vectors.

import { type Dataset, columnNamed } from "../../dataset/dataset.js";
import { rowWeights } from "../../dataset/sequences/event-weights.js";
import { type Run, DEFAULT_TABLE, jsonLines } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import { scoredMetrics } from "../../metrics/scored-metrics.js";
import {
  readGbdt,
  type GbdtArtifact,
  IMPORTANCES_FILE,
  LEAVES_TABLE,
  readLeafPaths,
} from "./forest/artifact.js";
import { modelScorer, modelScores } from "./leaf-heads/head.js";
import type { Vocabularies } from "./forest/scorer.js";
import { withTargetStatistics } from "./target-statistics/target-statistics.js";
import { targetMetrics, labelledAs } from "./target.js";
import { leakNotes } from "../../training/warnings/leaks.js";
import { partSteps, silently, unseenWarnings, wholeOf } from "../../training/reading/split-parts.js";
import type { Watch } from "../../training/session/watch.js";
import { openAsTrained, type FurtherLog } from "../../training/reading/open-as-trained.js";
import { heldOutPart } from "../../training/reading/run-parts.js";
import { unitsOf, type EvaluatedOn, type Scored } from "../../training/split-metrics/evaluate-scores.js";
import type { RowPredictor } from "../../training/capabilities/row-predictor.js";
import { join } from "node:path";
import type { RowTexts } from "../../export/selection.js";
import { meansForUnknown, type OutOfVocabulary } from "../../export/reserve.js";
import type { UnknownKeysOf } from "../../training/capabilities/model.js";
import { vectorsOfTable, type KeyVectors } from "../../training/capabilities/key-vectors.js";
import type { Importance } from "./forest/in-words.js";
import { MISSING } from "../../log/keys.js";
import type { UnseenCounts } from "../../dataset/rows.js";
import { idsOf } from "../../dataset/vocabulary/vocabulary.js";

/** @param keyed column whose keys are read in addition to the features */
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

/** `part` is a held-out split of the log on which the run was trained. */
export async function metricsOfTrees(
  run: Run,
  { on, part: partName, whole: given, logq, bins, ...options }: EvaluatedOn,
  watch: Watch,
): Promise<Scored> {
  if (logq)
    throw new UsageError(
      `--logq corrects for sampled negatives, but run '${run.path}' was trained on labels`,
    );
  const artifact = await readGbdt(run);
  const { vocabularies, preprocess, statistics } = artifact;
  const own = given ?? (partName && (await heldOutPart(run, partName, options, watch)));
  const whole = own
    ? { ...own, dataset: withTargetStatistics(own.dataset, statistics) }
    : wholeOf(await readLikeGbdt(artifact, { ...options, on: on!, limitsUsers: true }, watch, true));
  const { dataset } = whole;
  const warnings = [
    ...(own ? [] : leakNotes(run, dataset, preprocess.sides.length)),
    ...unknownCategories(dataset, vocabularies),
  ];
  const part = labelledAs(preprocess, whole);
  const { rows, labels } = part;
  const left = whole.rows.length - rows.length;
  if (left > 0) warnings.push(`skipped ${left} rows with classes not seen in training`);
  const { threads } = options.reading;
  const scores = await modelScores(artifact, part, threads);
  const counts = rowWeights(dataset, rows, preprocess);
  const weights = counts && Float32Array.from(counts);
  const units = unitsOf(dataset, rows);
  const { task, labelRange } = preprocess;
  const found = { units, warnings, rows: rows.length, steps: partSteps({ dataset, rows }, partName) };
  if (task === "multiclass")
    return { metrics: targetMetrics(preprocess, scores, { labels, weights }), byUser: [], ...found };
  return { ...scoredMetrics(task, scores, labels, units, { clip: labelRange, bins, weights }), ...found };
}

/** Predicts by the head if there is one, else by the trees. */
export async function treePredictor(run: Run, { threads }: { threads: number }): Promise<RowPredictor> {
  const artifact = await readGbdt(run);
  const { vocabularies, preprocess } = artifact;
  const { task, classes, labelRange } = preprocess;
  return {
    predicted:
      task === "multiclass"
        ? { kind: "classes", names: classes! }
        : task === "binary"
          ? { kind: "probability" }
          : { kind: "number", range: labelRange },
    as: preprocess,
    notes: [],
    read: (log, watch) => readLikeGbdt(artifact, log, watch, false),
    ...(await modelScorer(artifact, threads)),
    countUnseen: (dataset, rows) => countUnknown(dataset, vocabularies, rows),
  };
}

/** By descending gain; undefined if the run has none. */
export async function readImportances(run: Run): Promise<Importance[] | undefined> {
  const file = `model/${IMPORTANCES_FILE}`;
  if (!Object.hasOwn(run.manifest.files, file)) return undefined;
  const lines = jsonLines(await run.readModelFile(IMPORTANCES_FILE), join(run.path, file));
  return lines.map(({ column, splits, gain }) => ({
    column: String(column),
    splits: Number(splits),
    gain: Number(gain),
  }));
}

/** The path to each leaf. @param table undefined for the default table */
export async function leafTexts(run: Run, table: string | undefined): Promise<RowTexts | undefined> {
  if (!isOfLeaves(run, table)) return undefined;
  const paths = await readLeafPaths(run);
  return { name: "path", of: (key) => paths.get(Buffer.from(key).toString("utf8")) ?? "" };
}

/** @param table undefined for the default table */
function isOfLeaves(run: Run, table: string | undefined): boolean {
  return table === LEAVES_TABLE || (table === undefined && run.tables.length === 1);
}

/** Leaves have no vector for unknown keys: a row with unknown categories still falls into a leaf of every tree. */
export async function unknownKeysOfTrees(
  run: Run,
  { table, name }: UnknownKeysOf,
): Promise<OutOfVocabulary | { whyNot: string }> {
  if (!isOfLeaves(run, name)) return await Promise.resolve(meansForUnknown(table));
  return {
    whyNot:
      "its rows are leaves, and a row with unknown categories falls into known leaves: encode rows with " +
      "embed transform RUN LOG, which gives the leaf of every tree, or train a vector for each key of a column, with " +
      "the mean for unknown keys (train-gbdt --entity COLUMN)",
  };
}

/** Vectors of the keys of --entity's column. */
export async function entityVectors(run: Run): Promise<KeyVectors> {
  if (run.tables.includes(DEFAULT_TABLE)) return await vectorsOfTable(run);
  throw new UsageError(
    `run '${run.path}' holds boosted trees (train-gbdt), whose table has leaves instead of keys: train-gbdt ` +
      "--entity COLUMN writes a vector for each key of a column",
  );
}

export function unknownCategories(
  dataset: Dataset,
  vocabularies: Vocabularies,
  rows?: Uint32Array,
): string[] {
  return unseenWarnings(countUnknown(dataset, vocabularies, rows));
}

/** By categorical column. @param rows u32; all rows when absent */
export function countUnknown(
  dataset: Dataset,
  vocabularies: Vocabularies,
  rows?: Uint32Array,
): Record<string, UnseenCounts> {
  return Object.fromEntries(
    [...vocabularies].flatMap(([name, vocabulary]): [string, UnseenCounts][] => {
      const column = columnNamed(dataset, name);
      if (column.kind !== "key") return [];
      const ids = idsOf(vocabulary, column.dictionary);
      const counts = { cells: 0, unseen: 0 };
      const count = (code: number) => {
        if (code === MISSING) return;
        counts.cells++;
        if (ids[code] === 0) counts.unseen++;
      };
      if (rows) for (const row of rows) count(column.codes[row]!);
      else column.codes.forEach(count);
      return [[name, counts]];
    }),
  );
}

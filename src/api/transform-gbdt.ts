// Rows of a log as leaves of a run's trees, or as the columns that the trees split on.

import { classLabelsOf } from "../dataset/classes.js";
import { columnNamed, type Dataset } from "../dataset/dataset.js";
import type { Run } from "../embedding/run-directory.js";
import type { EncodedRows, Encoding } from "../export/encoded-rows.js";
import { readGbdt, type GbdtArtifact } from "../trainers/gbdt/artifact.js";
import { headScorer } from "../trainers/gbdt/head.js";
import type { GbdtPreprocess } from "../trainers/gbdt/preprocess.js";
import { ForestScorer, categoryCodes } from "../trainers/gbdt/scorer.js";
import { unknownCategories } from "../trainers/gbdt/unknown.js";
import { readLikeGbdt } from "./gbdt-run.js";
import { wholeOf } from "./parts.js";
import type { Watch } from "./progress.js";
import { keysOfRows } from "./transform-keys.js";
import type { Transformed, TransformOptions } from "./transform-options.js";

/** Rows at a time, of features. */
const CHUNK_ROWS = 65_536;

/** Reads the log and says how its rows are encoded; the work is done as the rows are asked for. */
export async function encodeWithTrees(
  run: Run,
  options: TransformOptions,
  watch: Watch,
): Promise<Transformed> {
  const artifact = await readGbdt(run);
  const { forest, vocabularies, preprocess } = artifact;
  const dataset = await readLikeGbdt(preprocess, options, watch, options.format === "libsvm", options.key);
  const warnings = unknownCategories(dataset, vocabularies);
  for (const text of warnings) watch.observe({ stage: "warning", text });
  const { features, key, withScores } = options;
  let numLeaves = 0;
  const starts = forest.trees.map(({ leaves }) => (numLeaves += leaves.length) - leaves.length);
  const encoding: Encoding = {
    kind: features ? "features" : "leaves",
    key: key ?? "row",
    columns: features
      ? forest.columns.map(({ name }) => name)
      : forest.trees.map((_, t) => `t${String(t).padStart(3, "0")}`),
    starts,
    numRows: dataset.numRows,
    scores: withScores && !features ? scoreNames(preprocess) : [],
  };
  const rows = features
    ? featureRows(artifact, dataset, key)
    : leafRows(artifact, dataset, key, options.reading.threads);
  return { encoding, rows, warnings };
}

async function* leafRows(
  { forest, vocabularies, preprocess, head }: GbdtArtifact,
  dataset: Dataset,
  key: string | undefined,
  threads: number,
): AsyncGenerator<EncodedRows> {
  const keyOf = keysOfRows(dataset, key);
  const labels = labelsOfRows(dataset, preprocess);
  const { rows } = wholeOf(dataset);
  const scoreOf = head && headScorer(head, forest, vocabularies, { dataset, rows });
  const scorer = await ForestScorer.start(forest, threads, true);
  try {
    for await (const chunk of scorer.score(dataset, rows, vocabularies, true)) {
      const { first, numRows, scores, leaves } = chunk;
      yield {
        numRows,
        values: leaves!,
        keyOf: (row) => keyOf(first + row),
        scores: scoreOf ? scoreOf(chunk) : scores,
        labels: labels.subarray(first, first + numRows),
      };
    }
  } finally {
    await scorer.terminate();
  }
}

/** The matrix that LightGBM is given: numbers as they are, categories as their positions, NaN for what is missing or unknown. */
async function* featureRows(
  { forest, vocabularies, preprocess }: GbdtArtifact,
  dataset: Dataset,
  key: string | undefined,
): AsyncGenerator<EncodedRows> {
  const keyOf = keysOfRows(dataset, key);
  const labels = labelsOfRows(dataset, preprocess);
  const width = forest.columns.length;
  const valuesOf = forest.columns.map(({ name }): ((row: number) => number) => {
    const column = columnNamed(dataset, name);
    if (column.kind === "number") return (row) => column.values[row]!;
    const codes = categoryCodes(column, vocabularies.get(name));
    return (row) => codes(row) ?? NaN;
  });
  for (let first = 0; first < dataset.numRows; first += CHUNK_ROWS) {
    const numRows = Math.min(CHUNK_ROWS, dataset.numRows - first);
    const values = new Float64Array(numRows * width);
    valuesOf.forEach((valueOf, c) => {
      for (let i = 0; i < numRows; i++) values[i * width + c] = valueOf(first + i);
    });
    yield {
      numRows,
      values,
      keyOf: (row) => keyOf(first + row),
      labels: labels.subarray(first, first + numRows),
    };
  }
}

function scoreNames({ classes }: GbdtPreprocess): string[] {
  return classes ? classes.map((name) => `score:${name}`) : ["score"];
}

/** Numbers of classes, or the column as it is; 0 where the log has none. */
function labelsOfRows(dataset: Dataset, { classes }: GbdtPreprocess): Float64Array | Float32Array {
  const { roles, columns, numRows } = dataset;
  if (classes && roles.label !== undefined) return classLabelsOf(dataset, classes);
  const column = columns.find(({ name }) => name === roles.label);
  return column?.kind === "number" ? column.values : new Float64Array(numRows);
}

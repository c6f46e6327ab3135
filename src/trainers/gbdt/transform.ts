// Rows of a log as leaves of a run's trees, or as the columns that the trees split on.

import { classLabelsOf } from "../../dataset/classes.js";
import { columnNamed, type Dataset } from "../../dataset/dataset.js";
import type { Run } from "../../embedding/run-directory.js";
import type { EncodedRows, Encoding } from "../../export/encoded-rows.js";
import { readGbdt, type GbdtArtifact } from "./forest/artifact.js";
import { leafStarts, type TreeSums } from "./forest/forest.js";
import { firstOf, readLeafVectors, type LeafVectors } from "./leaf-heads/leaf-svd.js";
import { ForestScorer, categoryCodes, type Vocabularies } from "./forest/scorer.js";
import type { GbdtPreprocess } from "./preprocess.js";
import { leafProjection, projected } from "./leaf-heads/projection.js";
import { unknownCategories } from "./unknown.js";
import { readLikeGbdt } from "./run.js";
import { UsageError } from "../../errors.js";
import { wholeOf } from "../../training/reading/split-parts.js";
import type { Watch } from "../../training/session/watch.js";
import { keysOfRows } from "../../training/capabilities/transform-keys.js";
import type { Transformed, TransformOptions } from "../../training/options/transform-options.js";

/** Rows at a time, of features. */
const CHUNK_ROWS = 65_536;
/** Of the projection of another's trees. */
const DEFAULT_SEED = 1;

/** Reads the log and says how its rows are encoded; the work is done as the rows are asked for. */
export async function encodeWithTrees(
  run: Run,
  options: TransformOptions,
  watch: Watch,
): Promise<Transformed> {
  const artifact = await readGbdt(run);
  const { forest, vocabularies } = artifact;
  const kept = options.dense === undefined ? undefined : await readLeafVectors(run, forest);
  checkDense(options.dense, kept, run.path);
  const dataset = await readLikeGbdt(artifact, options, watch, options.format === "libsvm", options.key);
  const warnings = unknownCategories(dataset, vocabularies);
  for (const text of warnings) watch.observe({ stage: "warning", text });
  if (!options.features)
    return {
      ...leavesOf({ ...artifact, kept }, dataset, options, watch, dataset, run.manifest.seed),
      warnings,
    };
  const encoding: Encoding = {
    kind: "features",
    key: options.key ?? "row",
    columns: forest.columns.map(({ name }) => name),
    starts: [],
    numRows: dataset.numRows,
  };
  return { encoding, rows: featureRows(artifact, dataset, options.key), warnings };
}

/** Trees with what they are asked by. */
interface Encoder {
  forest: TreeSums;
  vocabularies: Vocabularies;
  /** of a run */
  preprocess?: GbdtPreprocess;
  /** of a run that was trained with --dense */
  kept?: LeafVectors | undefined;
}

/** @throws {UsageError} no number is given where none is kept, or a greater one than is kept */
function checkDense(dense: TransformOptions["dense"], kept: LeafVectors | undefined, path: string): void {
  if (dense === true && !kept)
    throw new UsageError(`--dense needs a number: run '${path}' was trained without --dense`);
  if (typeof dense === "number" && kept && dense > kept.dim)
    throw new UsageError(
      `--dense must be at most ${kept.dim}, the value that run '${path}' was trained with, got ${dense}: use ` +
        "a smaller value, or train with a larger --dense",
    );
}

/** The leaves of a dataset's rows. @param keyed the dataset that names the rows */
export function leavesOf(
  encoder: Encoder,
  dataset: Dataset,
  { key, reading, dense: given }: TransformOptions,
  { observe }: Watch,
  keyed = dataset,
  seed = DEFAULT_SEED,
): Pick<Transformed, "encoding" | "rows"> {
  const { forest, kept } = encoder;
  const { trees } = forest;
  const { starts, numLeaves } = leafStarts(forest);
  const encoding: Encoding = {
    kind: "leaves",
    key: key ?? "row",
    columns: trees.map((_, t) => `t${String(t).padStart(3, "0")}`),
    starts,
    numRows: dataset.numRows,
  };
  const rows = leafRows(encoder, dataset, keysOfRows(keyed, key), reading.threads);
  if (given === undefined) return { encoding, rows };
  const dense = given === true ? kept!.dim : given;
  const how = kept
    ? `using the first ${dense} of ${kept.dim} singular vectors of the training rows' leaves`
    : "using a seeded sparse random projection of the leaves: the model has no singular vectors";
  observe({ stage: "note", text: `--dense: ${how}` });
  const columns = Array.from({ length: dense }, (_, d) => `v${d}`);
  const projection = kept ? firstOf(kept, dense) : leafProjection(numLeaves, dense, seed);
  return {
    encoding: { ...encoding, kind: "vectors", unbiased: true, columns },
    rows: denseRows(rows, (leaves) => projected(leaves, starts, projection, dense)),
  };
}

async function* denseRows(
  rows: AsyncIterable<EncodedRows>,
  reduced: (leaves: Uint32Array) => Float32Array,
): AsyncGenerator<EncodedRows> {
  for await (const chunk of rows) yield { ...chunk, values: reduced(chunk.values as Uint32Array) };
}

async function* leafRows(
  { forest, vocabularies, preprocess }: Encoder,
  dataset: Dataset,
  keyOf: (row: number) => Uint8Array,
  threads: number,
): AsyncGenerator<EncodedRows> {
  const labels = labelsOfRows(dataset, preprocess ?? {});
  const { rows } = wholeOf(dataset);
  const scorer = await ForestScorer.start(forest, threads, true);
  try {
    for await (const chunk of scorer.score(dataset, rows, vocabularies, true)) {
      const { first, numRows, leaves } = chunk;
      yield {
        numRows,
        values: leaves!,
        keyOf: (row) => keyOf(first + row),
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

/** Numbers of classes, or the column as it is; 0 where the log has none. */
function labelsOfRows(
  dataset: Dataset,
  { classes }: Pick<GbdtPreprocess, "classes">,
): Float64Array | Float32Array {
  const { roles, columns, numRows } = dataset;
  if (classes && roles.label !== undefined) return classLabelsOf(dataset, classes);
  const column = columns.find(({ name }) => name === roles.label);
  return column?.kind === "number" ? column.values : new Float64Array(numRows);
}

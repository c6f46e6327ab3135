// Encodes rows of a log as leaves of a run's trees, or as the columns that the trees split on.

import { classLabelsOf } from "../../dataset/labels.js";
import { columnNamed, type Dataset } from "../../dataset/dataset.js";
import type { Run } from "../../table/run-directory.js";
import { vectorEncoding, type EncodedRows, type EncodedRowFormat } from "../../export/encoded-rows.js";
import { readGbdt, type GbdtArtifact } from "./forest/artifact.js";
import { leafStarts } from "./forest/forest.js";
import {
  firstOf,
  readLeafVectors,
  type LeafVectors,
  leafProjection,
  projected,
} from "./leaf-heads/leaf-vectors.js";
import { categoryCodes, chunksWithLeaves, type ScoringTrees } from "./forest/scorer.js";
import type { GbdtPreprocess } from "./preprocess.js";
import { countUnknown, readLikeGbdt } from "./run.js";
import { UsageError } from "../../base/errors.js";
import { wholeOf } from "../../training/reading/split-parts.js";
import type { Watch } from "../../training/session/watch.js";
import { keysOfRows } from "../../training/reading/open-as-trained.js";
import type { Transformed, TransformOptions } from "../../training/shared-options/transform-options.js";

const CHUNK_ROWS = 65_536;
/** Seed of the random projection for trees of another program. */
const DEFAULT_SEED = 1;

/** Rows are encoded lazily as they are requested. */
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
  const unknown = countUnknown(dataset, vocabularies);
  if (!options.features)
    return {
      ...encodedLeaves({ ...artifact, kept }, dataset, options, watch, dataset, run.manifest.seed),
      unknown,
      warnings: [],
    };
  const encoding: EncodedRowFormat = {
    kind: "features",
    key: options.key ?? "row",
    columns: forest.columns.map(({ name }) => name),
    starts: [],
    numRows: dataset.numRows,
  };
  return { encoding, rows: featureRows(artifact, dataset, options.key), unknown, warnings: [] };
}

interface Encoder extends ScoringTrees {
  /** absent for a model file of another program */
  preprocess?: GbdtPreprocess;
  /** only of a run that was trained with --dense */
  kept?: LeafVectors | undefined;
}

function checkDense(dense: TransformOptions["dense"], kept: LeafVectors | undefined, path: string): void {
  if (dense === true && !kept)
    throw new UsageError(`--dense needs a number: run '${path}' was trained without --dense`);
  if (typeof dense === "number" && kept && dense > kept.dim)
    throw new UsageError(
      `--dense must be at most ${kept.dim}, the value that run '${path}' was trained with, got ${dense}: use ` +
        "a smaller value, or train with a larger --dense",
    );
}

/** @param keyed dataset with the column that identifies the rows */
export function encodedLeaves(
  encoder: Encoder,
  dataset: Dataset,
  { key, reading, dense: given }: TransformOptions,
  { observe }: Watch,
  keyed = dataset,
  seed = DEFAULT_SEED,
): Pick<Transformed, "encoding" | "rows"> {
  const { forest, kept } = encoder;
  const { starts, numLeaves } = leafStarts(forest);
  const columns = forest.trees.map((_, t) => `t${String(t).padStart(3, "0")}`);
  const { numRows } = dataset;
  const encoding: EncodedRowFormat = { kind: "leaves", key: key ?? "row", columns, starts, numRows };
  const rows = (toValues: (leaves: Uint32Array) => EncodedRows["values"]) =>
    leafRows(encoder, dataset, keysOfRows(keyed, key), reading.threads, toValues);
  if (given === undefined) return { encoding, rows: rows((leaves) => leaves) };
  const dense = given === true ? kept!.dim : given;
  const how = kept
    ? `using the first ${dense} of ${kept.dim} singular vectors of the training rows' leaves`
    : "using a seeded sparse random projection of the leaves: the model has no singular vectors";
  observe({ stage: "note", text: `--dense: ${how}` });
  const projection = kept ? firstOf(kept, dense) : leafProjection(numLeaves, dense, seed);
  return {
    encoding: { ...vectorEncoding(key, dense, numRows), unbiased: true },
    rows: rows((leaves) => projected(leaves, starts, projection, dense)),
  };
}

async function* leafRows(
  { forest, vocabularies, preprocess }: Encoder,
  dataset: Dataset,
  keyOf: (row: number) => Uint8Array,
  threads: number,
  toValues: (leaves: Uint32Array) => EncodedRows["values"],
): AsyncGenerator<EncodedRows> {
  const labels = labelsOfRows(dataset, preprocess ?? {});
  for await (const chunk of chunksWithLeaves({ forest, vocabularies }, wholeOf(dataset), threads))
    yield { ...nextRows(chunk.first, chunk.numRows, keyOf, labels), values: toValues(chunk.leaves!) };
}

function nextRows(
  first: number,
  numRows: number,
  keyOf: (row: number) => Uint8Array,
  labels: Float64Array | Float32Array,
): Omit<EncodedRows, "values"> {
  return { numRows, keyOf: (row) => keyOf(first + row), labels: labels.subarray(first, first + numRows) };
}

/** The matrix that LightGBM would get: numbers unchanged, categories as positions, NaN for missing and unknown ones. */
async function* featureRows(
  { forest, vocabularies, preprocess }: GbdtArtifact,
  dataset: Dataset,
  key: string | undefined,
): AsyncGenerator<EncodedRows> {
  const keyOf = keysOfRows(dataset, key);
  const labels = labelsOfRows(dataset, preprocess);
  const width = forest.columns.length;
  const cellReaders = forest.columns.map(({ name }): ((row: number) => number) => {
    const column = columnNamed(dataset, name);
    if (column.kind === "number") return (row) => column.values[row]!;
    const codes = categoryCodes(column, vocabularies.get(name));
    return (row) => codes(row) ?? NaN;
  });
  for (let first = 0; first < dataset.numRows; first += CHUNK_ROWS) {
    const numRows = Math.min(CHUNK_ROWS, dataset.numRows - first);
    const values = new Float64Array(numRows * width);
    cellReaders.forEach((valueOf, c) => {
      for (let i = 0; i < numRows; i++) values[i * width + c] = valueOf(first + i);
    });
    yield { ...nextRows(first, numRows, keyOf, labels), values };
  }
}

/** Class numbers if there are classes; 0 if the log has no labels. */
function labelsOfRows(
  dataset: Dataset,
  { classes }: Pick<GbdtPreprocess, "classes">,
): Float64Array | Float32Array {
  const { roles, columns, numRows } = dataset;
  if (classes && roles.label !== undefined) return classLabelsOf(dataset, classes);
  const column = columns.find(({ name }) => name === roles.label);
  return column?.kind === "number" ? column.values : new Float64Array(numRows);
}

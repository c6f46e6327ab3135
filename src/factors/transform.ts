// Rows of a table of items or users as a factor model sees them: the sum over the features that each row has, so that an item
// which no event held has a vector, too.

import type { Dataset } from "../dataset/dataset.js";
import { bindEncoder, type FeatureRows } from "../dataset/rows.js";
import type { Run } from "../embedding/run-directory.js";
import { vectorEncoding, type EncodedRows } from "../export/encoded-rows.js";
import { wholeOf } from "../training/reading/split-parts.js";
import { keysOfRows } from "../training/capabilities/transform-keys.js";
import type { Transformed, TransformOptions } from "../training/options/transform-options.js";
import { readTable } from "../training/capabilities/transform-rows.js";
import type { Watch } from "../training/session/watch.js";
import { fmComposer } from "./compose.js";
import type { Composer } from "./composer.js";
import { readFmModel, type FmRun } from "./run.js";

/** Rows at a time. */
const CHUNK_ROWS = 16_384;

/** How a run's features are composed. @throws {UsageError} they cannot be */
export type ComposerOf = (run: Run, model: FmRun) => Promise<Composer>;

/** One vector a feature, added up. */
export const composerOfFactors: ComposerOf = async (_, { parameters }) =>
  await Promise.resolve(fmComposer(parameters));

/** What the rows have beside the table's cells, by its columns: rows from `first` on with all that they have. */
export type Completion = (
  dataset: Dataset,
  known: readonly string[],
) => (first: number, rows: FeatureRows) => FeatureRows;

/** How a kind of factor model encodes rows. */
export interface Composing {
  composerOf: ComposerOf;
  /** @param known names of the fields that the rows have @throws {UsageError} they are no vector together */
  checkFields?: (model: FmRun, known: readonly string[]) => void;
  completion?: Completion;
}

/** Rows as the sums of their features' vectors. @throws {UsageError} as encodeComposed */
export async function encodeSums(run: Run, options: TransformOptions, watch: Watch): Promise<Transformed> {
  return await encodeComposed(run, options, watch, { composerOf: composerOfFactors });
}

/**
 * Reads the table and says how its rows are encoded; the work is done as the rows are asked for.
 *
 * @throws {UsageError} no column is a feature of the run
 */
export async function encodeComposed(
  run: Run,
  options: TransformOptions,
  watch: Watch,
  { composerOf, checkFields, completion }: Composing,
): Promise<Transformed> {
  const model = await readFmModel(run);
  const composer = await composerOf(run, model);
  const { dataset, known } = await readTable(model, options, watch);
  checkFields?.(model, known);
  const names = known.map((name) => `'${name}'`).join(" + ");
  watch.observe({ stage: "note", text: `row vectors are sums over ${names}` });
  return {
    encoding: vectorEncoding(options.key, composer.dim, dataset.numRows),
    rows: composedRows(model, composer, dataset, options.key, completion?.(dataset, known)),
    warnings: [],
  };
}

async function* composedRows(
  { space }: FmRun,
  composer: Composer,
  dataset: Dataset,
  key: string | undefined,
  completed: ReturnType<Completion> = (_, rows) => rows,
): AsyncGenerator<EncodedRows> {
  const keyOf = keysOfRows(dataset, key);
  const encoder = bindEncoder(space, dataset);
  const { rows: all } = wholeOf(dataset);
  for (let first = 0; first < all.length; first += CHUNK_ROWS) {
    const part = all.subarray(first, first + CHUNK_ROWS);
    const labels = new Float32Array(part.length);
    const rows = completed(first, encoder.encode(part, labels));
    yield {
      numRows: part.length,
      values: composer.vectors(rows),
      biases: composer.weights(rows),
      keyOf: (row) => keyOf(first + row),
      labels,
    };
  }
}

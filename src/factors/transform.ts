// Rows of a table of items or users as a factor model sees them: the sum over the features that each row has, so that an item
// which no event held has a vector, too.

import type { Dataset } from "../dataset/dataset.js";
import type { FeatureRows } from "../dataset/rows.js";
import type { Run } from "../embedding/run-directory.js";
import { vectorEncoding } from "../export/encoded-rows.js";
import type { Transformed, TransformOptions } from "../training/options/transform-options.js";
import { readTable, encodedChunks } from "../training/capabilities/transform-rows.js";
import type { Watch } from "../training/session/watch.js";
import { fmComposer, type Composer } from "./compose.js";
import { readFmModel, type FmRun } from "./artifact.js";

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
  const completed = completion?.(dataset, known) ?? ((_: number, rows: FeatureRows) => rows);
  return {
    encoding: vectorEncoding(options.key, composer.dim, dataset.numRows),
    rows: encodedChunks(model.space, dataset, options.key, (chunk, first) => {
      const rows = completed(first, chunk);
      return { values: composer.vectors(rows), biases: composer.weights(rows) };
    }),
    warnings: [],
  };
}

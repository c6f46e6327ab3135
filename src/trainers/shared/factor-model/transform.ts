// Encodes rows of a table of items or users with a factor model: the sum over the features of each row, so that an item
// without events has a vector, too.

import type { Dataset } from "../../../dataset/dataset.js";
import type { FeatureRows } from "../../../dataset/rows.js";
import type { Run } from "../../../table/run-directory.js";
import { vectorEncoding } from "../../../export/encoded-rows.js";
import type { Transformed, TransformOptions } from "../../../training/shared-options/transform-options.js";
import { encodedChunks } from "../../../training/capabilities/encoded-chunks.js";
import { openTableAsTrained } from "../../../training/reading/open-as-trained.js";
import type { Watch } from "../../../training/session/watch.js";
import { fmComposer, type Composer } from "./compose.js";
import { readFmModel, type FmRun } from "./artifact.js";

/** Returns a run's composer. @throws {UsageError} features cannot be composed */
export type ComposerOf = (run: Run, model: FmRun) => Promise<Composer> | Composer;

/** Returns the composer that adds up one vector per feature of a row. */
export const composerOfFactors: ComposerOf = (_, { parameters }) => fmComposer(parameters);

/**
 * Function that computes fields which rows lack from the columns of their table. It returns a function that adds the
 * features of these fields to rows, the first of which is row `first` of the table.
 */
export type Completion = (
  dataset: Dataset,
  known: readonly string[],
) => (first: number, rows: FeatureRows) => FeatureRows;

/** Functions with which a kind of factor model encodes rows. */
interface Composing {
  composerOf: ComposerOf;
  /**
   * Checks the fields of a table.
   * @param known names of the fields that occur in the rows
   * @throws {UsageError} these fields do not form a vector
   */
  checkFields?: (model: FmRun, known: readonly string[]) => void;
  completion?: Completion;
}

/** @throws {UsageError} the errors of encodeComposed */
export async function encodeSums(run: Run, options: TransformOptions, watch: Watch): Promise<Transformed> {
  return await encodeComposed(run, options, watch, { composerOf: composerOfFactors });
}

/**
 * Reads the table and returns an encoder of its rows; rows are encoded on request.
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
  const { dataset, known } = await openTableAsTrained(model, options, watch);
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

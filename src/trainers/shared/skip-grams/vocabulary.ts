import type { Dataset } from "../../../dataset/dataset.js";
import { numericForms } from "../../../dataset/numeric.js";
import { featureCounts, fitFeatures, type FeatureSpace } from "../../../dataset/vocabulary/vocabulary.js";
import { tableFeatures } from "../../../training/examples/feature-table.js";
import type { GivenTraining, ExampleOptions } from "../../../training/shared-options/log.js";
import { fieldWarnings } from "../../../training/warnings/training-warnings.js";
import {
  addedWarnings,
  carryKeys,
  ownVocabulary,
  readRowOrder,
  rowOrderNotes,
  type CarriedVocabulary,
  type Vocabulary,
} from "../../../training/warm-start/carried-keys.js";
import { stateWarnings } from "../../../training/warm-start/init-run.js";
import type { SgnsInit } from "./warm-start.js";

export interface SgnsVocabulary extends Pick<Vocabulary, "space" | "history"> {
  /** vocabulary with the keys of the run of --init; undefined without --init */
  carried: CarriedVocabulary | undefined;
}

/**
 * Fits a vocabulary on rows of the training split, without the keys of other runs.
 *
 * @throws {UsageError} a limit names no field
 */
export function fittedSpace(dataset: Dataset, rows: Uint32Array, how: ExampleOptions): FeatureSpace {
  const { numeric } = dataset.roles;
  return fitFeatures(dataset, rows, how, {
    forms: numericForms(numeric.length > 0 ? how.numeric : [], numeric),
  });
}

/**
 * Returns the vocabulary of rows of the training split, with the keys of the run of --init.
 *
 * @param fitted result of fittedSpace for the rows
 * @throws {UsageError} a field has another kind in that run
 */
export async function vocabularyOf(
  dataset: Dataset,
  rows: Uint32Array,
  how: ExampleOptions,
  init: SgnsInit | undefined,
  given: GivenTraining,
  { note, warn }: { note: (text: string) => void; warn: (text: string) => void },
  fitted = fittedSpace(dataset, rows, how),
): Promise<SgnsVocabulary> {
  const rowOrder = await readRowOrder(how.rowOrder);
  const found = { fitted, dataset, rows, rowOrder };
  const carried = init && carryKeys(init, found, given);
  const { space, history, notes } = carried ?? ownVocabulary(found);
  for (const text of [...rowOrderNotes(space, rowOrder), ...notes]) note(text);
  for (const text of [...(carried ? carriedWarnings(init, carried, given) : []), ...fieldWarnings(space)])
    warn(text);
  return { space, history, carried };
}

function carriedWarnings(init: SgnsInit, vocabulary: CarriedVocabulary, given: GivenTraining): string[] {
  const isIdle = given.freeze !== undefined && vocabulary.carried.new === 0;
  return [
    ...vocabulary.warnings,
    ...addedWarnings(init, vocabulary),
    ...stateWarnings(init.run, init.squares, given),
    ...(isIdle ? [`--freeze known: run '${init.run.path}' has every key, so nothing is trained`] : []),
  ];
}

/** Counts training keys in no session that is trained on. @param totals f64[numFeatures]: weight in those sessions */
export function numAlone(space: FeatureSpace, totals: ArrayLike<number>): number {
  const counts = featureCounts(space);
  return tableFeatures(space).reduce(
    (sum, feature) => sum + (counts[feature]! > 0 && totals[feature] === 0 ? 1 : 0),
    0,
  );
}

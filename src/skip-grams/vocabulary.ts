// The keys that vectors are learned for, and where they go on from an earlier run.

import type { Dataset } from "../dataset/dataset.js";
import { numericForms } from "../dataset/numeric.js";
import {
  featureCounts,
  fitFeatures,
  spaceInRowOrder,
  type EarlierRows,
  type FeatureSpace,
} from "../dataset/vocabulary/vocabulary.js";
import type { KeyHistory } from "../embedding/key-history.js";
import type { ExampleOptions, GivenTraining } from "../training/options/log.js";
import { tableFeatures } from "../training/examples/feature-table.js";
import { nextHistory } from "../training/warm-start/key-history.js";
import { earlierRows, rowOrderNotes } from "../training/warm-start/row-order.js";
import { fieldWarnings } from "../training/warnings/training-warnings.js";
import { addedWarnings, goOnFrom, type KeysGoneOn } from "../training/warm-start/warm-start.js";
import type { EarlierTokens } from "./start.js";

export interface Vocabulary {
  space: FeatureSpace;
  history: KeyHistory;
  /** of --init */
  gone: KeysGoneOn | undefined;
}

/** The vocabulary of rows of the training part alone, without a row order. @throws {UsageError} a limit names no field */
export function fittedSpace(dataset: Dataset, rows: Uint32Array, how: ExampleOptions): FeatureSpace {
  const { numeric } = dataset.roles;
  return fitFeatures(dataset, rows, how, {
    forms: numericForms(numeric.length > 0 ? how.numeric : [], numeric),
  });
}

/**
 * The vocabulary of rows of the training part, with what an earlier run knows.
 *
 * @param fitted what fittedSpace makes of the rows
 * @throws {UsageError} the earlier run's field is of another kind
 */
export async function vocabularyOf(
  dataset: Dataset,
  rows: Uint32Array,
  how: ExampleOptions,
  earlier: EarlierTokens | undefined,
  given: GivenTraining,
  { note, warn }: { note: (text: string) => void; warn: (text: string) => void },
  fitted = fittedSpace(dataset, rows, how),
): Promise<Vocabulary> {
  const rowOrder = await earlierRows(how.rowOrder);
  const gone = earlier && goOnFrom(earlier, { fitted, dataset, rows, rowOrder }, given);
  const { space, history, notes } = gone ?? inOrder(fitted, dataset, rowOrder);
  for (const text of [...rowOrderNotes(space, rowOrder), ...notes]) note(text);
  for (const text of [...(gone ? goneWarnings(earlier, gone, given) : []), ...fieldWarnings(space)])
    warn(text);
  return { space, history, gone };
}

function inOrder(fitted: FeatureSpace, dataset: Dataset, rowOrder: EarlierRows) {
  const space = spaceInRowOrder(fitted, rowOrder);
  return { space, history: nextHistory(space, dataset), notes: [] };
}

function goneWarnings(
  earlier: EarlierTokens,
  gone: KeysGoneOn,
  { freeze, keepState }: GivenTraining,
): string[] {
  const isIdle = freeze !== undefined && gone.carried.new === 0;
  return [
    ...gone.warnings,
    ...addedWarnings(earlier, gone),
    ...(keepState && !earlier.squares
      ? [`run '${earlier.run.path}' was trained without --keep-state: the optimizer starts from scratch`]
      : []),
    ...(isIdle ? [`--freeze known: run '${earlier.run.path}' has every key, so nothing is trained`] : []),
  ];
}

/** Keys that the training part holds, and that training does not meet. @param totals f64[numFeatures]: what they count there */
export function numAlone(space: FeatureSpace, totals: ArrayLike<number>): number {
  const counts = featureCounts(space);
  return tableFeatures(space).reduce(
    (sum, feature) => sum + (counts[feature]! > 0 && totals[feature] === 0 ? 1 : 0),
    0,
  );
}

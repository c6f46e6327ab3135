// Labels that may be classes, in a comparison by predicted numbers.

import type { Dataset } from "../../dataset/dataset.js";
import { labelsOf } from "../../dataset/labels.js";
import { DataError } from "../../errors.js";

/** Most values of a label that may be the numbers of classes. */
const MOST_CLASSES = 100;

/**
 * Warns of a label of a few whole numbers, which may be a class; ratings of items by users are numbers.
 *
 * @param command that predicts classes
 */
export function classWarnings(dataset: Dataset, command: string): string[] {
  const { label, user, item } = dataset.roles;
  const { task, values } = labelsOf(dataset);
  const distinct = new Set(values);
  const isFew = distinct.size <= MOST_CLASSES && [...distinct].every(Number.isInteger);
  if (task !== "regression" || !isFew || (user !== undefined && item !== undefined)) return [];
  return [
    `the label '${label}' has ${distinct.size} whole values and is compared as a number; if they are classes, compare does not ` +
      `cover them: ${command} --label ${label}`,
  ];
}

/** Returns an error about a cell of the label with the advice for names of classes; other errors as they are. */
export function adviceOfClasses(error: DataError, command: string): DataError {
  const { detail, place } = error;
  if (!/ label\b/.test(detail)) return error;
  const label = place?.column ?? "COLUMN";
  return new DataError(
    `${detail}; compare has no labels that are names of classes: ${command} --label ${label}`,
    place,
  );
}

// Warns if labels that a comparison treats as numbers may be classes.

import type { Dataset } from "../../dataset/dataset.js";
import { labelsOf } from "../../dataset/labels.js";
import { DataError } from "../../errors.js";

/** Maximum number of distinct values of labels that may be classes. */
const MOST_CLASSES = 100;

/**
 * Warns if the labels are few distinct integers, and therefore may be classes. Ratings of items by users are assumed to
 * be numbers.
 *
 * @param command the command that predicts classes
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

/** Adds advice on class names to an error about a label; returns other errors unchanged. */
export function adviceOfClasses(error: DataError, command: string): DataError {
  const { detail, place } = error;
  if (!/ label\b/.test(detail)) return error;
  const label = place?.column ?? "COLUMN";
  return new DataError(
    `${detail}; compare has no labels that are names of classes: ${command} --label ${label}`,
    place,
  );
}

// What a training part holds that makes training odd, though not impossible: sentences for the summary.

import { columnNamed, type Dataset } from "../../dataset/dataset.js";
import { taskOfLabels } from "../../dataset/labels.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { SplitParts } from "../reading/split-parts.js";

/** Values above it are seldom meant. */
const LARGE_VALUE = 1000;
/** Fields that are named in one sentence. */
const MOST_NAMED = 5;

/** Rows of a validation split below which its metrics are mostly chance. */
const FEW_ROWS = 10;

/** A validation split that is too small to choose an epoch or a setting by. */
export function smallSplitWarnings({ valid }: Pick<SplitParts["parts"], "valid">): string[] {
  const numRows = valid?.rows.length ?? 0;
  if (numRows === 0 || numRows >= FEW_ROWS) return [];
  const rows = numRows === 1 ? "1 row" : `${numRows} rows`;
  return [`the validation split has ${rows}: what is chosen by it, such as the best epoch, is mostly chance`];
}

/** A test split that the training holds out and does not look at. */
export function unmeasuredWarnings({ test }: Pick<SplitParts["parts"], "test">): string[] {
  const numRows = test?.rows.length ?? 0;
  if (numRows === 0) return [];
  return [
    `the ${numRows} rows of the test split are held out, but this command measures nothing on them: omit --test ` +
      "to train on them, too",
  ];
}

/** Fields that tell nothing apart. */
export function fieldWarnings({ fields }: FeatureSpace): string[] {
  const empty = fields.filter((field) => field.kind === "number" && field.count === 0);
  const keysOf = (size: number) =>
    fields.filter((field) => field.kind !== "number" && field.keys.size === size);
  const saying = (
    found: FeatureSpace["fields"],
    what: string,
    number: "field" | "numeric field",
    then: string,
  ) => {
    if (found.length === 0) return [];
    if (found.length === 1) return [`${number} '${found[0]!.name}' ${what} in the training split${then}`];
    const named = found.slice(0, MOST_NAMED).map(({ name }) => `'${name}'`);
    const others = found.length > MOST_NAMED ? ` and ${found.length - MOST_NAMED} more` : "";
    return [
      `${found.length} ${number}s (${named.join(", ")}${others}): each ${what} in the training split${then}`,
    ];
  };
  const apart = " and carries no information; --ignore excludes it";
  return [
    ...saying(empty, "is empty", "numeric field", ""),
    ...saying(keysOf(1), "has one value", "field", apart),
    ...saying(keysOf(0), "has no value", "field", apart),
  ];
}

/** Numbers that cells carry are taken as they are: in the thousands they drive a training apart. */
export function valueWarnings({ columns }: Dataset): string[] {
  return columns.flatMap((column) => {
    const weights = column.kind === "multi" ? column.weights : undefined;
    const largest = weights?.reduce((most, x) => Math.max(most, Math.abs(x)), 0) ?? 0;
    if (largest <= LARGE_VALUE) return [];
    return [
      `'${column.name}' has values up to ${largest}, which are not scaled: standardise them, or scale them ` +
        "to about 1",
    ];
  });
}

/** Labels of two values other than 0 and 1, without --task or --positive-from: probably classes, such as clicks as 1 and 2. */
export function labelWarnings(
  dataset: Dataset,
  { task, positiveFrom }: { task?: string; positiveFrom?: number },
): string[] {
  const name = dataset.roles.label;
  if (name === undefined || task !== undefined || positiveFrom !== undefined) return [];
  const column = columnNamed(dataset, name);
  if (column.kind !== "number") return [];
  // the first label, and the first that differs; a third settles it
  const { values } = column;
  const first = values[0]!;
  let other = first;
  for (let row = 0; row < values.length; row++) {
    const label = values[row]!;
    if (label === first || label === other) continue;
    if (other !== first) return [];
    other = label;
  }
  if (other === first || taskOfLabels([first, other]) === "binary") return [];
  const [low, high] = [Math.min(first, other), Math.max(first, other)];
  return [
    `the label '${name}' is ${low} or ${high} and is predicted as a number: if these are two classes, use ` +
      `--positive-from ${high}; if it is a number, --task regression hides this warning`,
  ];
}

// Finds the columns that describe the item: those of --item-fields, or all columns with one value per item.

import { columnNamed, type Column, type Dataset, type Roles } from "../../../dataset/dataset.js";
import { findItemFields } from "../../../dataset/item-fields.js";
import { fieldsNamed, type VocabularyLimits } from "../../../dataset/vocabulary/vocabulary-limits.js";
import { nearestName, UsageError } from "../../../errors.js";
import { wholeOf } from "../../../training/reading/split-parts.js";

interface Given extends Partial<VocabularyLimits> {
  itemFields?: string[];
  fields?: string[];
  numeric?: string[];
  multi?: Record<string, string>;
}

/** Returns reading options that include the columns of --item-fields, even if --fields does not name them. */
export function sideReading(given: Given) {
  const { itemFields = [], fields, numeric = [], multi = {} } = given;
  const bare = [...numeric.map((name) => name.split(":")[0]!), ...Object.keys(multi)];
  const more = itemFields.filter((name) => !fields?.includes(name) && !bare.includes(name));
  return { ...fieldsNamed(given), ...(fields && more.length > 0 && { fields: [...fields, ...more] }) };
}

/**
 * Returns the dataset with the item and its side columns as features, and notes on them.
 *
 * @param given --item-fields; inferred when undefined: columns with one value per item
 * @throws {UsageError} there is no item column, no side column, or a named column does not exist
 */
export function acceptSideColumns(
  dataset: Dataset,
  given: readonly string[] | undefined,
): { dataset: Dataset; notes: string[] } {
  const { roles } = dataset;
  const item = itemColumn(dataset);
  const candidates = featureNames(roles).filter((name) => name !== roles.item && name !== roles.user);
  for (const name of given ?? []) checkSideColumn(dataset, name, candidates);
  const { rows } = wholeOf(dataset);
  const [, ...sides] = findItemFields(dataset, rows, item, candidates, given).names;
  if (sides.length === 0)
    throw new UsageError(
      `--method eges needs side columns of '${item.name}', but the log has none: join them with --side ` +
        `FILE:${item.name} and name them with --item-fields, or use --method deepwalk, which needs none`,
    );
  const isTaken = (name: string) => name === item.name || sides.includes(name);
  const leftOut = candidates.filter((name) => !isTaken(name));
  const names = (those: readonly string[]) => those.map((name) => `'${name}'`).join(", ");
  return {
    dataset: {
      ...dataset,
      // the item column comes first, because the first field must be that of the graph's nodes
      columns: [item, ...dataset.columns.filter((column) => column !== item)],
      roles: {
        ...roles,
        // the item is a feature even if --fields does not name it, because its own vectors are trained
        fields: [...(roles.fields.includes(item.name) ? [] : [item.name]), ...roles.fields.filter(isTaken)],
        numeric: roles.numeric.filter(isTaken),
        multi: Object.fromEntries(Object.entries(roles.multi).filter(([name]) => isTaken(name))),
        ...(roles.multiWeights && { multiWeights: roles.multiWeights.filter(isTaken) }),
      },
    },
    notes: [
      `side information of '${item.name}': ${names(sides)} ` +
        `(${given ? "from --item-fields" : "inferred; --item-fields overrides"})`,
      ...(leftOut.length > 0 ? [`ignored columns that do not describe the item: ${names(leftOut)}`] : []),
    ],
  };
}

/** Returns the names of the kinds of side information: the item's column, then the side columns. */
export function kindsOf({ roles, columns }: Dataset): string[] {
  const sides = featureNames(roles).filter((name) => name !== roles.item);
  return [roles.item!, ...columns.map(({ name }) => name).filter((name) => sides.includes(name))];
}

function itemColumn(dataset: Dataset): Column & { kind: "key" } {
  const { item } = dataset.roles;
  if (item === undefined) throw new UsageError("--method eges needs an item column: name it with --item");
  const column = columnNamed(dataset, item);
  if (column.kind === "key") return column;
  throw new UsageError(
    `--method eges needs one item per row, but the column '${item}' is numeric or multi-valued`,
  );
}

function featureNames({ fields, numeric, multi }: Roles): string[] {
  return [...fields, ...numeric, ...Object.keys(multi)];
}

/** Checks a side column. @throws {UsageError} it was not read, or it is the item's or user's own column */
function checkSideColumn({ roles, columns }: Dataset, name: string, candidates: readonly string[]): void {
  if (candidates.includes(name)) return;
  if (name === roles.item || name === roles.user)
    throw new UsageError(
      `--item-fields names '${name}', which is the column of ` +
        `${name === roles.item ? "items itself" : "users"}: it must name columns that describe the item, such ` +
        "as its brand",
    );
  if (columns.some((column) => column.name === name))
    throw new UsageError(
      `--item-fields names '${name}', which has another role or is excluded by --fields: ${choices(candidates)}`,
    );
  const near = nearestName(name, candidates);
  throw new UsageError(
    `--item-fields names '${name}', which is not a column of the log or of --side: ` +
      (near === undefined ? choices(candidates) : `did you mean '${near}'?`),
  );
}

function choices(candidates: readonly string[]): string {
  return candidates.length === 0
    ? "there are no other columns; join a table of items with --side FILE:KEY"
    : `possible columns are ${candidates.join(", ")}`;
}

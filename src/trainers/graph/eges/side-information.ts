// Composes an item's vector of the item's own vector and, for each side column, the vectors of the item's values.
//
//   kind 0: the item itself      kind k: side column k; the mean of several values, so that a kind has one vector
//
// Missing cells and rare values have no vector. The item then lacks this kind, and its other kinds' shares sum to 1.
//
// Source: Wang et al. 2018 (arXiv:1803.02349), section 3.4. Deviation: in the paper every item has every kind.

import { MISSING } from "../../../log/keys.js";
import {
  columnNamed,
  type Dataset,
  type KeyColumn,
  type Column,
  type Roles,
} from "../../../dataset/dataset.js";
import { itemCatalogue, keyColumn, cellCodes, findItemFields } from "../../../dataset/item-fields.js";
import { bindEncoder, forEachPair, type FeatureRows } from "../../../dataset/rows.js";
import type { FeatureSpace } from "../../../dataset/vocabulary/vocabulary.js";
import { UsageError, nearestName } from "../../../base/errors.js";
import type { SgnsParts } from "../../../compute/kernels/sgns/parts.js";
import { fieldsNamed, type VocabularyLimits } from "../../../dataset/vocabulary/vocabulary-limits.js";
import { wholeOf } from "../../../training/reading/split-parts.js";

export interface SideInformation {
  /** the item's column, then the side columns in the order of the feature space */
  names: string[];
  /** features of whose vectors each item's vector is composed; none for items without events, and for side values */
  parts: SgnsParts;
  /** u8: kind of side information to which each element of the attention belongs */
  kindOf: Uint8Array;
  /** for each side column, the number of items without a known value */
  without: number[];
  /** for each side column, the number of items whose rows have different cells, of which the most frequent is used */
  varying: number[];
}

interface Rows {
  dataset: Dataset;
  rows: Uint32Array;
}

/** @param attends whether the weights of the kinds are learned; if not, they are equal */
export function sideInformationOf(
  space: FeatureSpace,
  { dataset, rows }: Rows,
  attends: boolean,
): SideInformation {
  const item = keyColumn(dataset, dataset.roles.item!);
  const others = space.fields.map(({ name }) => name).filter((name) => name !== item.name);
  const number = space.fields.find(({ kind }) => kind === "number");
  if (number)
    throw new UsageError(
      `--item-fields: '${number.name}' is numeric, but side columns must be categorical: use --numeric ` +
        `${number.name}:bins=10 to bin it, or omit --numeric to use its values as keys`,
    );
  const columns = findItemFields(dataset, rows, item, others, others);
  const all = space.fields.map((_, f) => f);
  const { templates } = itemCatalogue(dataset, rows, bindEncoder(space, dataset), columns, all);
  const fields = [item.name, ...others].map((name) => space.fields.findIndex((field) => field.name === name));
  return {
    ...{ names: [item.name, ...others], ...partsOf(space, fields, templates, attends) },
    varying: others.map((name) => numVarying(item, cellCodes(columnNamed(dataset, name)), rows)),
  };
}

/** Counts the items whose rows differ in a side column. @param cells u32 by row of the dataset: code of the cell */
function numVarying({ codes, dictionary }: KeyColumn, cells: Uint32Array, rows: Uint32Array): number {
  const firstRow = new Int32Array(dictionary.size).fill(-1);
  const varies = new Uint8Array(dictionary.size);
  for (const row of rows) {
    const code = codes[row]!;
    if (code === MISSING) continue;
    if (firstRow[code]! < 0) firstRow[code] = row;
    else if (cells[row] !== cells[firstRow[code]!]) varies[code] = 1;
  }
  return varies.reduce((n, is) => n + is, 0);
}

/** @param fields index of each kind's field in the feature space */
function partsOf(
  { offsets, numFeatures }: FeatureSpace,
  fields: readonly number[],
  templates: FeatureRows,
  attends: boolean,
): Omit<SideInformation, "names" | "varying"> {
  const rowOfItem = new Int32Array(numFeatures).fill(-1);
  const kindOfFeature = new Uint8Array(numFeatures);
  for (const [kind, f] of fields.entries()) kindOfFeature.fill(kind, offsets[f], offsets[f + 1]);
  const hasRow = (feature: number) => !offsets.includes(feature);
  for (let row = 0; row < templates.numRows; row++)
    forEachPair(templates, row, (feature) => {
      if (kindOfFeature[feature] === 0 && hasRow(feature)) rowOfItem[feature] = row;
    });

  const ends = new Uint32Array(numFeatures + 1);
  const [rows, kinds, weights, kindOf]: number[][] = [[], [], [], []];
  const without = fields.map(() => 0);
  for (let v = 0; v < numFeatures; v++) {
    if (rowOfItem[v]! >= 0) {
      const values: [feature: number, weight: number][][] = fields.map(() => []);
      forEachPair(templates, rowOfItem[v]!, (feature, x) => {
        if (hasRow(feature) && x > 0) values[kindOfFeature[feature]!]!.push([feature, x]);
      });
      for (const [kind, pairs] of values.entries()) {
        if (pairs.length === 0) without[kind]!++;
        const sum = pairs.reduce((all, [, x]) => all + x, 0);
        for (const [feature, x] of pairs) {
          rows!.push(feature);
          kinds!.push(kindOf!.length);
          weights!.push(x / sum);
        }
        if (pairs.length > 0) kindOf!.push(kind);
      }
    }
    ends[v + 1] = rows!.length;
  }
  return {
    parts: {
      ends,
      rows: Uint32Array.from(rows!),
      kinds: Uint32Array.from(kinds!),
      weights: Float32Array.from(weights!),
      attends,
    },
    kindOf: Uint8Array.from(kindOf!),
    without: without.slice(1),
  };
}

/** Reports for how many items a value of a side column is missing. */
export function checkSide(
  { names, parts, kindOf, without, varying }: SideInformation,
  { note, warn }: { note: (text: string) => void; warn: (text: string) => void },
): void {
  const numItems = kindOf.reduce((n, kind) => n + (kind === 0 ? 1 : 0), 0);
  if (parts.rows.length === numItems)
    throw new UsageError(
      `no item has a value of ${names
        .slice(1)
        .map((name) => `'${name}'`)
        .join(", ")}: check that the keys of --side match those of '${names[0]}', and --min-count`,
    );
  for (const [i, count] of without.entries()) {
    if (count === 0) continue;
    const text =
      `${count} of ${numItems} items have a missing or rare value of '${names[i + 1]}' and are ` +
      "composed without it";
    if (2 * count > numItems) warn(text);
    else note(text);
  }
  for (const [i, count] of varying.entries()) {
    if (count === 0) continue;
    const text =
      `${count} of ${numItems} items have several values of '${names[i + 1]}' in the log: the ` +
      "most frequent value is used";
    if (20 * count > numItems) warn(text);
    else note(text);
  }
}

// The columns that describe the item: those of --item-fields, or all columns with one value per item.

interface Given extends Partial<VocabularyLimits> {
  itemFields?: string[];
  fields?: string[];
  numeric?: string[];
  multi?: Record<string, string>;
}

/** Reads the columns of --item-fields, even if --fields does not name them. */
export function sideReading(given: Given) {
  const { itemFields = [], fields, numeric = [], multi = {} } = given;
  const bare = [...numeric.map((name) => name.split(":")[0]!), ...Object.keys(multi)];
  const more = itemFields.filter((name) => !fields?.includes(name) && !bare.includes(name));
  return { ...fieldsNamed(given), ...(fields && more.length > 0 && { fields: [...fields, ...more] }) };
}

/** Makes the item and its side columns features. @param given --item-fields; undefined: columns with one value per item */
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

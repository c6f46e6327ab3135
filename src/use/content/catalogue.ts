// A catalogue of items: columns that describe items, independent of their events.
//
//   files ──► one row per item ──► columns of each kind: categorical, multi-valued, numeric, text

import { encodeKeys, keyAt, type Keys } from "../../log/keys.js";
import { cellFormOf, isVectors, splitCells, withLists } from "../../dataset/multi.js";
import { VECTORS } from "../../log/multi-value-cells.js";
import { numericForms, type NumericForm } from "../../dataset/numeric.js";
import type { Column, Dataset, KeyColumn, Roles } from "../../dataset/dataset.js";
import { numberAt, readSide } from "../../dataset/side.js";
import { requireColumn, resolveRoles } from "../../dataset/roles.js";
import { excerpt, UsageError } from "../../base/errors.js";
import type { InputFingerprint } from "../../base/io/fingerprint.js";
import { nullWarnings } from "../../log/nulls.js";
import type { Log } from "../../log/log.js";
import { openLog } from "../../log/open.js";
import type { CellsBesideLog } from "../../training/reading/open-as-trained.js";
import { sideReading } from "../../training/reading/read-dataset.js";
import type { ContentOptions } from "../../training/shared-options/content-options.js";
import type { Watch } from "../../training/session/watch.js";
import { textColumn } from "./text-tokens.js";

/** Maximum ratio of distinct values to items in a categorical column; above it, the column identifies items. */
const NEARLY_UNIQUE = 0.9;
/** Minimum share of a column's cells with a separator for the warning that the column looks multi-valued. */
const LOOKS_LIKE_LISTS = 0.2;
const SEPARATORS = ["|", ";"];

export interface Catalogue {
  /** keys of the items, in the form that they have in the run's table */
  keys: Keys;
  /** the columns that describe items; a column's role is its kind: categorical, multi-valued, numeric or text */
  dataset: Dataset;
  forms: ReadonlyMap<string, NumericForm>;
  inputs: InputFingerprint[];
  /** sentences on columns that were ignored or whose kind was inferred */
  notes: string[];
  warnings: string[];
}

/**
 * @param asTrained converts a key to its form in the run's table
 * @throws {DataError} a key is empty or occurs twice; a cell of a numeric column is not a number
 */
export async function readCatalogue(
  files: readonly string[],
  key: string,
  given: ContentOptions,
  asTrained: (key: string) => string,
  { threads, isNamed, cells }: { threads: number; isNamed: boolean; cells: CellsBesideLog },
  { signal }: Watch,
): Promise<Catalogue> {
  const log = await openLog([...files], { ...sideReading(cells, files), threads });
  try {
    const named = files.join(", ");
    if (!isNamed && !log.columns.includes(key))
      throw new UsageError(
        `${named} has no column '${key}', the item column of the run: name its key column with ` +
          `--content-key; the columns are ${log.columns.join(", ")}`,
      );
    requireColumn("--content-key", key, log.columns);
    const { roles, integers, forms } = rolesOf(log, key, given);
    const side = await readSide(log, named, key, key, "--content-key", "a catalogue");
    signal.throwIfAborted();
    const notes: string[] = [];
    const warnings = nullWarnings(side.nulls);
    const kept = side.columns.filter((column) => {
      const { name, dictionary } = column;
      const used = [roles.fields, roles.numeric, Object.keys(roles.multi), given.contentText ?? []];
      if (dictionary.size < 2 && side.keys.size > 1 && used.some((names) => names.includes(name))) {
        if (Object.hasOwn(roles.multi, name) && isVectors({ separator: roles.multi[name] }))
          throw new UsageError(
            `the vectors in column '${name}' of ${named} are all equal: use --content-ignore ${name}`,
          );
        notes.push(`ignored '${name}', which has at most one value`);
        return false;
      }
      if (!roles.fields.includes(name)) return true;
      const isGiven = given.contentFields?.includes(name) === true;
      if (isGiven || side.keys.size < 2 || dictionary.size <= NEARLY_UNIQUE * side.keys.size) return true;
      notes.push(
        `ignored '${name}', which has a different value for nearly every item (${dictionary.size} of ` +
          `${side.keys.size}): use --content-text ${name} to hash its words, or --content-fields to include it`,
      );
      return false;
    });
    for (const { name } of kept)
      if (integers.has(name) && roles.fields.includes(name))
        notes.push(
          `'${name}' holds integers and is treated as categorical: use --content-numeric ${name} to treat it ` +
            "as numeric",
        );
    for (const column of kept) if (roles.fields.includes(column.name)) warnings.push(...listHints(column));
    const columns = kept.flatMap((column): Column[] => contentColumn(column, roles, given, named));
    if (columns.length === 0)
      throw new UsageError(
        `${named} has no content columns${notes.length > 0 ? ` (${notes.join("; ")})` : ""}: its columns are ` +
          `${log.columns.join(", ")}, and '${key}' is the key`,
      );
    const names = columns.map(({ name }) => name);
    notes.unshift(
      `content of ${side.keys.size} items: ${columns.map((column) => columnDescription(column, given)).join(", ")}`,
    );
    return {
      keys: encodeKeys(Array.from({ length: side.keys.size }, (_, i) => asTrained(keyAt(side.keys, i)))),
      dataset: {
        numRows: side.keys.size,
        columns,
        roles: {
          fields: roles.fields.filter((name) => names.includes(name)),
          numeric: roles.numeric.filter((name) => names.includes(name)),
          multi: Object.fromEntries(
            columns.flatMap((column) => (column.kind === "multi" ? [[column.name, column.separator]] : [])),
          ),
        },
        inputs: side.inputs,
      },
      forms,
      inputs: side.inputs,
      notes,
      warnings,
    };
  } finally {
    await log.close();
  }
}

function rolesOf(
  { columns, sample, multi: lists }: Pick<Log, "columns" | "sample" | "multi">,
  key: string,
  {
    contentFields: fields,
    contentNumeric: numeric = [],
    contentMulti: separators = {},
    contentText: text = [],
    contentVectors: vectors = [],
    contentIgnore: ignore = [],
  }: ContentOptions,
): { roles: Roles; integers: ReadonlySet<string>; forms: Catalogue["forms"] } {
  const forms = numericForms(numeric, columns);
  const multi = { ...separators, ...Object.fromEntries(vectors.map((name) => [name, VECTORS])) };
  const twice = text.find((name) => fields?.includes(name) || forms.has(name) || Object.hasOwn(multi, name));
  if (twice !== undefined)
    throw new UsageError(`column '${twice}' cannot be both --content-text and another kind`);
  const named: [string, readonly string[]][] = [
    ["--content-fields", fields ?? []],
    ["--content-numeric", [...forms.keys()]],
    ["--content-multi", Object.keys(separators)],
    ["--content-vectors", vectors],
    ["--content-text", text],
    ["--content-ignore", ignore],
  ];
  for (const [flag, names] of named) {
    for (const name of names) requireColumn(flag, name, columns);
    if (names.includes(key)) throw new UsageError(`${flag} names column '${key}', which is the item key`);
  }
  // moves the key to the first column, where the rules for side tables expect it
  const order = [key, ...columns.filter((name) => name !== key)];
  const places = order.map((name) => columns.indexOf(name));
  const cells = sample.map((row) => places.map((place) => row[place]!));
  const given = {
    ...(fields && { fields: [key, ...fields] }),
    ...{ item: key, numeric, multi, ignore: [...ignore, ...text], infer: true, unlabelled: false },
  };
  const { roles, integers } = resolveRoles(order, cells, withLists({ multi: lists }, given), 1);
  return {
    roles: { ...roles, fields: roles.fields.filter((name) => name !== key) },
    integers: fields ? new Set() : integers,
    forms,
  };
}

function contentColumn(
  column: KeyColumn,
  roles: Roles,
  { contentText: text = [] }: ContentOptions,
  path: string,
): Column[] {
  const { name, codes, dictionary } = column;
  if (text.includes(name)) return [textColumn(column)];
  const form = cellFormOf(name, roles);
  if (form) return [splitCells(name, codes, dictionary, { ...form, keepsLength: true }, path)];
  if (roles.numeric.includes(name))
    return [
      { kind: "number", name, values: Float64Array.from(codes, (code) => numberAt({ path }, column, code)) },
    ];
  return roles.fields.includes(name) ? [column] : [];
}

function listHints({ name, dictionary }: KeyColumn): string[] {
  const most = Math.min(dictionary.size, 1000);
  for (const separator of SEPARATORS) {
    let count = 0;
    for (let code = 0; code < most; code++) if (keyAt(dictionary, code).includes(separator)) count++;
    if (most > 1 && count >= LOOKS_LIKE_LISTS * most)
      return [
        `'${name}' looks multi-valued, such as ${excerpt(exampleOf(dictionary, separator))}: use ` +
          `--content-multi '${name}:${separator}' to split it`,
      ];
  }
  return [];
}

function exampleOf(dictionary: Keys, separator: string): string {
  for (let code = 0; code < dictionary.size; code++) {
    const cell = keyAt(dictionary, code);
    if (cell.includes(separator)) return cell;
  }
  return separator;
}

function columnDescription(column: Column, { contentText: text = [] }: ContentOptions): string {
  if (column.kind === "number") return `'${column.name}' (numbers)`;
  if (column.kind === "key") return `'${column.name}' (categories)`;
  if (isVectors(column)) return `'${column.name}' (vectors of ${column.dictionary.size} numbers)`;
  return `'${column.name}' (${text.includes(column.name) ? "words" : `multi-valued, ${column.separator}`})`;
}

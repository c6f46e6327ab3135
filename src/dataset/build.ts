// From an opened log to a dataset: rows are filtered and checked as they come, columns are joined at the end.
//
// Memory: 4 bytes a row for each key column, 8 for each number, and the vocabulary; pieces are joined column by column.

import { DataError, UsageError } from "../errors.js";
import type { Log, ReadProgress } from "../log/log.js";
import type { BadRow } from "./bad-rows.js";
import { RowCollector, type Purpose } from "./collect.js";
import type { Column, Dataset, Roles } from "./dataset.js";
import type { DropFilter } from "./filter.js";
import { splitCells } from "./multi.js";
import { numericForms } from "./numeric.js";
import { requireColumn, resolveRoles, type ColumnOptions } from "./roles.js";
import { ofLog, planTimeFields, type TimeFieldOptions } from "./time-fields.js";
import { WhereRows, whereColumns } from "./where-rows.js";
import type { Where } from "./where.js";
import { joinSide, withSideCells, type SideTable } from "./side.js";

export interface BuildOptions extends ColumnOptions, TimeFieldOptions {
  drop: DropFilter[];
  /** rows of which one does not hold are left out; none by default */
  where?: Where[];
  onBadRow: "error" | "skip";
  /** hears of each row that is left out as bad */
  onSkipped?: (row: BadRow) => void;
  /** called once the log is read: rows left out as bad by reason, and all its rows; what it throws ends the building */
  onRead?: (skipped: Record<string, number>, numRead: number) => Promise<void>;
}

export interface BuiltDataset {
  dataset: Dataset;
  /** what nobody named and was inferred, a sentence each */
  inferred: string[];
  /** what a user should know: rows dropped, keys that no side table has */
  notes: string[];
  /** rows left out as bad, by reason */
  skipped: Record<string, number>;
}

/**
 * Reads the log to its end.
 *
 * @throws {UsageError} a flag names a column that no input has
 * @throws {DataError} a label, number or time that is none, with file, line and column; or no row is left
 */
export async function buildDataset(
  log: Log,
  sides: SideTable[],
  options: BuildOptions,
  observe?: (progress: ReadProgress) => void,
): Promise<BuiltDataset> {
  checkSides(log, sides);
  for (const { column } of options.drop) requireColumn("--drop", column, log.columns);
  const columns = [...log.columns, ...sides.flatMap((side) => side.columns.map(({ name }) => name))];
  const { roles, inferred } = resolveRoles(columns, withSideCells(log, sides), ofLog(options));
  const timeColumns = planTimeFields(roles, columns, options);

  const tested = whereColumns(options.where ?? [], log.columns);
  const purposes = purposesOf(roles, log, sides, tested, options);
  const textOf = (column: string) => purposes.findIndex(({ name, as }) => name === column && as === "key");
  const wheres = (options.where ?? []).map((where) => new WhereRows(where, textOf));
  const rows = new RowCollector(purposes, options.onBadRow, options.onSkipped, wheres);
  const read = await log.read(purposes, (batch, keyOf) => rows.add(batch, keyOf), observe);
  const skipped = { ...read.skipped, ...rows.skipped };
  const faulty = Object.values(read.skipped).reduce((sum, count) => sum + count, 0);
  await options.onRead?.(skipped, read.numRows + faulty);
  if (rows.numRows === 0) {
    const file = read.inputs.map(({ path }) => path).join(", ");
    throw new DataError(
      `none of ${read.numRows} rows is left to train on; see --where, --drop and --on-bad-row`,
      {
        file,
      },
    );
  }

  const notes = wheres.flatMap((where) => where.notes());
  const by = wheres.length === 0 ? "--drop" : options.drop.length === 0 ? "--where" : "--drop and --where";
  if (rows.dropped > 0) notes.push(`${rows.dropped} rows left out by ${by}`);
  const own: Column[] = [];
  purposes.forEach(({ name, as, role }, i) => {
    // the text of a column of numbers was read for filters alone
    if (purposes.findLastIndex((other) => other.name === name) !== i) return;
    const dictionary = read.dictionaries[i]!;
    if (role === "time") own.push({ kind: "number", name, values: rows.takeTimes(i) });
    else if (as === "number") own.push({ kind: "number", name, values: rows.take(i) as Float64Array });
    else if (Object.hasOwn(roles.multi, name)) {
      own.push(splitCells(name, rows.take(i) as Uint32Array, dictionary, roles.multi[name]!));
    } else own.push({ kind: "key", name, codes: rows.take(i) as Uint32Array, dictionary });
  });
  own.push(...timeColumns(own));
  const joined = sides.flatMap((side) => joinSide(side, own, roles, options.fields ?? [], notes));
  const used = usedColumns(roles, sides);
  const order = [...columns, ...(options.timeFields ?? [])];
  const dataset: Dataset = {
    numRows: rows.numRows,
    columns: [...own, ...joined]
      .filter(({ name }) => used.has(name))
      .sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name)),
    roles,
    inputs: [...read.inputs, ...sides.map(({ input }) => input)],
  };
  return { dataset, inferred, notes, skipped };
}

/** Names of the columns that a dataset keeps: those with a role, features, and the keys of side tables. */
function usedColumns({ fields, numeric, multi, ...single }: Roles, sides: SideTable[]): Set<string> {
  return new Set([
    ...Object.values(single),
    ...fields,
    ...numeric,
    ...Object.keys(multi),
    ...sides.map(({ key }) => key),
  ]);
}

/** What each column of the log is read for, in the log's order; columns without a purpose are not read. */
function purposesOf(
  roles: Roles,
  log: Log,
  sides: SideTable[],
  tested: ReadonlySet<string>,
  { drop, numeric, unlabelled }: BuildOptions,
): Purpose[] {
  const used = usedColumns(roles, sides);
  const forms = numericForms(numeric, roles.numeric);
  const purposes: Purpose[] = [];
  log.columns.forEach((name, column) => {
    const filters = drop.filter((filter) => filter.column === name);
    const isTested = filters.length > 0 || tested.has(name);
    if (!used.has(name) && !isTested) return;
    const role =
      name === roles.label
        ? "label"
        : name === roles.time
          ? "time"
          : roles.numeric.includes(name)
            ? "numeric"
            : "key";
    const numbers =
      role === "time" ? log.sample.every((row) => isNumberOrEmpty(row[column]!)) : role !== "key";
    const required = role === "label" || role === "time" || (unlabelled && name === roles.item);
    // a filter reads text, even of a column of numbers
    if (isTested && numbers) purposes.push({ name, as: "key", role: "key", required: false, filters });
    const own = numbers ? [] : filters;
    const above = forms.get(name)?.kind === "log1p" ? { above: -1 } : {};
    if (used.has(name))
      purposes.push({ name, as: numbers ? "number" : "key", role, required, filters: own, ...above });
    else if (!numbers) purposes.push({ name, as: "key", role: "key", required: false, filters: own });
  });
  return purposes;
}

function isNumberOrEmpty(cell: string): boolean {
  return /^\s*([-+]?\d+(\.\d*)?)?\s*$/.test(cell);
}

function checkSides(log: Log, sides: SideTable[]): void {
  const seen = new Set(log.columns);
  for (const { path, key, columns } of sides) {
    requireColumn("--side", key, log.columns);
    for (const { name } of columns) {
      if (seen.has(name)) {
        throw new UsageError(
          `column '${name}' of ${path} is in the log or in another side table too: rename one of them`,
        );
      }
      seen.add(name);
    }
  }
}

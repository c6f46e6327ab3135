// From an opened log to a dataset: rows are filtered and checked as they come, and added to its columns.
//
// Memory of a dataset: 4 bytes a row for each key column, 8 for each number, and the vocabulary. Rows that go to another sink cost the vocabulary and a batch.

import { keysOf, type Keys } from "../log/keys.js";
import { DataError, NoRowsError, UsageError } from "../errors.js";
import type { InputFingerprint } from "../io/fingerprint.js";
import type { Log, ReadProgress } from "../log/log.js";
import { nullWarnings } from "../log/nulls.js";
import { repeatedHeaderNote } from "../log/file-columns.js";
import { parseNumber, plainCell } from "../log/number.js";
import { parseTime } from "../log/time.js";
import { truthOf } from "../log/boolean-cells.js";
import type { BadRow } from "./filters/bad-rows.js";
import { RowCollector, type Purpose } from "./collect.js";
import { columnFrom, MemoryColumns, type ColumnPlan, type ColumnSink } from "./columns.js";
import { roleNames, type Beside, type Column, type Dataset, type LabelPlace, type Roles } from "./dataset.js";
import type { DroppedUsers } from "./filters/heavy-users.js";
import type { DropFilter } from "./filters/filter.js";
import { keyWarnings } from "./key-warnings.js";
import { withLists } from "./lists.js";
import { cellFormOf } from "./multi.js";
import { numericForms } from "./numeric.js";
import { choosePositives } from "./filters/positives.js";
import { requireColumn, resolveRoles, type ColumnOptions } from "./roles.js";
import { sparseFields, withoutSparse } from "./sparse-fields.js";
import { SideJoin, withSideCells, type SideTable } from "./side.js";
import { ofLog, planTimeFields, type TimeFieldOptions } from "./time-fields.js";
import { WhereRows, whereColumns } from "./filters/where-rows.js";
import type { Where } from "./filters/where.js";

export interface BuildOptions extends ColumnOptions, TimeFieldOptions {
  drop: DropFilter[];
  /** rows of which one does not hold are left out; none by default */
  where?: Where[];
  onBadRow: "error" | "skip";
  /** hears of each row that is left out as bad */
  onSkipped?: (row: BadRow) => void;
  /** columns whose cells are kept as they stand there, with the rows' numbers, in Dataset.beside; absent: nothing is */
  beside?: readonly string[];
  /** no text of a cell may stand in a warning */
  hidesText?: boolean;
  /** called once the log is read: rows left out as bad by reason, and all its rows; what it throws ends the building */
  onRead?: (skipped: Record<string, number>, numRead: number) => Promise<void>;
}

export interface BuiltDataset {
  dataset: Dataset;
  /** what nobody named and was inferred, a sentence each */
  inferred: string[];
  /** what a user should know: rows dropped, keys that no side table has */
  notes: string[];
  /** what the summary repeats: columns that were left out, or that look like another kind */
  warnings: string[];
  /** rows left out as bad, by reason */
  skipped: Record<string, number>;
}

/** What is known of a dataset when all its rows have gone to a sink. */
export interface StreamedRows extends Omit<BuiltDataset, "dataset"> {
  numRows: number;
  roles: Roles;
  inputs: InputFingerprint[];
  /** Rows of each of the first inputs, the log's files; side tables are inputs after these. */
  fileRows: number[];
  /** as Dataset's */
  firstOther?: LabelPlace;
  /** keys, or cells of several values, of each column; empty for numbers */
  dictionaries: Keys[];
  /** users that a first reading found above --drop-users-above; absent without the option */
  droppedUsers?: DroppedUsers;
}

/**
 * Reads the log to its end, into memory.
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
  let plans: readonly ColumnPlan[] = [];
  let memory = new MemoryColumns(plans);
  const open = (columns: readonly ColumnPlan[]) => (memory = new MemoryColumns((plans = columns)));
  const {
    numRows,
    roles,
    inputs,
    fileRows: _,
    dictionaries,
    firstOther,
    ...given
  } = await streamRows(log, sides, options, open, (progress) => {
    memory.hear(shareRead(progress));
    observe?.(progress);
  });
  const made = plans.map((plan, i) => columnFrom(plan, memory.take(i), dictionaries[i]!));
  const columns = made.filter((_, i) => plans[i]!.isBeside !== true);
  const beside = options.beside && besideOf(made.filter((_, i) => plans[i]!.isBeside));
  const all = {
    numRows,
    columns,
    roles,
    inputs,
    firstOther,
    beside,
  };
  const { dataset, notes } = choosePositives(all);
  return { dataset, ...given, notes: [...given.notes, ...notes] };
}

/** The share of a log that was read, as far as its files tell. */
function shareRead({ bytes, totalBytes }: ReadProgress): number {
  return totalBytes === undefined || bytes === 0 ? 1 : bytes / totalBytes;
}

function besideOf(columns: readonly Column[]): Beside {
  const texts = columns.filter((column) => column.kind === "key");
  const numbers = columns.find((column) => column.kind === "number")!;
  return { texts, rowNumbers: numbers.values };
}

/**
 * Reads the log to its end and hands its rows, joined with the side tables, to a sink.
 *
 * @param open makes the sink for the columns: the log's in its order, then the side tables'; roles as they are so far
 * @throws as buildDataset
 */
export async function streamRows(
  log: Log,
  sides: SideTable[],
  given: BuildOptions,
  open: (columns: readonly ColumnPlan[], roles: Roles) => ColumnSink,
  observe?: (progress: ReadProgress) => void,
): Promise<StreamedRows> {
  checkSides(log, sides);
  // what later files have beside the first is no column that could be left out
  const options = { ...given, ignore: given.ignore.filter((name) => !log.laterColumns.has(name)) };
  refuseLaterColumns(log, options);
  for (const { column } of options.drop) requireColumn("--drop", column, log.columns);
  for (const name of options.beside ?? []) requireColumn("--keep", name, log.columns);
  refuseNullFilters(log, options);
  const names = [...log.columns, ...sides.flatMap((side) => side.columns.map(({ name }) => name))];
  const resolved = resolveRoles(
    names,
    withSideCells(log, sides),
    withLists(log, ofLog(options)),
    log.columns.length,
  );
  const { roles, inferred, unnamed } = resolved;

  // what cannot be made of the time is reported before a long reading
  planTimeFields({ ...roles, fields: [...roles.fields] }, names, options);
  const tested = whereColumns(options.where ?? [], log.columns);
  const purposes = purposesOf(roles, log, sides, tested, options);
  const used = usedColumns(roles, sides);
  // of two readings of one column, the first is its filters'
  const isLastOf = (i: number) => {
    const next = purposes[i + 1];
    return next === undefined || next.isBeside === true || next.name !== purposes[i]!.name;
  };
  const kept = [...purposes.keys()].filter(
    (i) => purposes[i]!.isBeside ?? (used.has(purposes[i]!.name) && isLastOf(i)),
  );
  const sideNotes: string[] = [];
  const joins = sides.map((side) => ({
    join: new SideJoin(side, roles, options.fields ?? [], sideNotes),
    keyAt:
      kept.find((i) => {
        const { name, role, isBeside } = purposes[i]!;
        return name === side.key && role === "key" && !isBeside;
      }) ?? noKey(side),
  }));
  const textOf = (column: string) => purposes.findIndex(({ name, as }) => name === column && as === "key");
  const wheres = (options.where ?? []).map((where) => new WhereRows(where, textOf, plainCell(log.numbers)));
  const plans = [
    ...kept.map((i) => planOf(purposes[i]!, roles)),
    ...joins.flatMap(({ join }) => join.plans),
    ...(options.beside ? [ROW_NUMBERS] : []),
  ];
  const sink = open(plans, roles);
  const counted = [...unnamed, roles.user, roles.item].filter((name) => name !== undefined);
  const rows = new RowCollector(purposes, { ...options, numbersRows: options.beside !== undefined }, wheres, {
    append(cells, numRows, keyOf, rowNumbers) {
      const joined = joins.flatMap(({ join, keyAt }) =>
        join.cellsOf(cells[keyAt] as Uint32Array, (code) => keyOf(keyAt, code)),
      );
      const all = [...kept.map((i) => cells[i]!), ...joined, ...(rowNumbers ? [rowNumbers] : [])];
      return sink.append(all, numRows);
    },
  });
  const read = await log.read(purposes, (batch, keyOf) => rows.add(batch, keyOf), observe);
  const skipped = { ...read.skipped, ...rows.skipped };
  const faulty = Object.values(read.skipped).reduce((sum, count) => sum + count, 0);
  await options.onRead?.(skipped, read.numRows + faulty);
  if (rows.numRows === 0) {
    const file = read.inputs.map(({ path }) => path).join(", ");
    throw new NoRowsError(`no rows left of ${read.numRows}; check --where, --drop and --on-bad-row`, {
      file,
    });
  }
  const notes = [...sideNotes, ...wheres.flatMap((where) => where.notes())];
  const flags = [...options.drop.map(({ flag = "--drop" }) => flag), ...wheres.map(() => "--where")];
  const by = [...new Set(flags)].join(" and ");
  if (rows.dropped > 0) notes.push(`${rows.dropped} rows excluded by ${by}`);
  if (read.repeatedHeaders) notes.push(repeatedHeaderNote(read.repeatedHeaders));
  if (read.repeats) notes.push(`${read.repeats} duplicate rows dropped by --dedupe`);
  for (const { join, keyAt } of joins) notes.push(...join.unmatched(read.dictionaries[keyAt]!));
  const nulls = new Map([
    ...read.nulls.map((found, i) => [purposes[i]!.name, found] as const),
    ...sides.flatMap((side) => [...side.nulls]),
  ]);
  const dictionaries = [
    ...kept.map((i) => read.dictionaries[i]!),
    ...joins.flatMap(({ join }) => join.dictionaries),
    ...(options.beside ? [keysOf([])] : []),
  ];
  const toCount = plans.flatMap(({ name, kind }, at) =>
    options.infer && kind === "key" && counted.includes(name)
      ? [{ name, at, numKeys: dictionaries[at]!.size }]
      : [],
  );
  const densities = sink.densities(toCount).map((density, i) => ({ name: toCount[i]!.name, ...density }));
  const { sparse, warnings } = sparseFields(roles, densities, (name) => resolved.integers.has(name));
  return {
    numRows: rows.numRows,
    roles: withoutSparse(roles, sparse),
    warnings: [
      ...log.warnings,
      ...(read.warnings ?? []),
      ...resolved.warnings,
      ...nullWarnings(nulls),
      ...plans.flatMap((plan, i) => keyWarnings(plan, dictionaries[i]!, log, roles, options)),
      ...warnings,
    ],
    firstOther: rows.firstOther,
    inputs: [...read.inputs, ...sides.flatMap(({ inputs }) => inputs)],
    fileRows: read.inputs.map(({ path }) => rows.rowsOfFiles.get(path) ?? 0),
    dictionaries,
    inferred,
    notes,
    skipped,
  };
}

/** What rows know of their place in the log. */
const ROW_NUMBERS: ColumnPlan = { name: "row", kind: "number", isBeside: true };

function planOf({ name, as, role, isBeside }: Purpose, roles: Roles): ColumnPlan {
  if (isBeside) return { name, kind: "key", isBeside };
  if (role === "time" || role === "label" || as === "number") return { name, kind: "number" };
  const form = cellFormOf(name, roles);
  return form ? { name, kind: "multi", ...form } : { name, kind: "key" };
}

function noKey({ path, key }: SideTable): never {
  throw new UsageError(
    `--side joins ${path} on column '${key}', which must be a key column but is numeric or a time`,
  );
}

/** Names of the columns that a dataset keeps: those with a role, features, and the keys of side tables. */
function usedColumns(
  { fields, numeric, multi, multiWeights: _, positives: __, leftOut: ___, ...single }: Roles,
  sides: SideTable[],
): Set<string> {
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
  { drop, numeric, unlabelled, timeFormat, labelIsName, edges, beside = [] }: BuildOptions,
): Purpose[] {
  const used = usedColumns(roles, sides);
  const forms = numericForms(numeric, roles.numeric);
  const purposes: Purpose[] = [];
  log.columns.forEach((name, column) => {
    const filters = drop.filter((filter) => filter.column === name);
    const isTested = filters.length > 0 || tested.has(name);
    const keepText = () => {
      if (beside.includes(name))
        purposes.push({ name, as: "key", role: "key", required: false, filters: [], isBeside: true });
    };
    if (!used.has(name) && !isTested) {
      keepText();
      return;
    }
    const role =
      name === roles.label
        ? labelIsName
          ? "class"
          : "label"
        : name === roles.time
          ? "time"
          : name === roles.weight
            ? "weight"
            : roles.numeric.includes(name)
              ? "numeric"
              : "key";
    // a text for missing cells that is a time itself is compared with the texts of cells, which numbers do not have
    const isTime =
      role === "time" &&
      timeFormat === undefined &&
      log.times?.has(name) === true &&
      log.nulls.every((text) => Number.isNaN(parseTime(text)));
    const numbers =
      role === "time"
        ? isTime || (timeFormat === undefined && log.sample.every((row) => isNumberOrEmpty(row[column]!)))
        : role === "label"
          ? !areTruths(log.sample.map((row) => row[column]!))
          : role !== "key" && role !== "class";
    const required =
      ["label", "class", "time", "weight"].includes(role) ||
      (unlabelled && name === roles.item) ||
      name === edges?.source ||
      name === edges?.target;
    // a filter reads text, even of a column of numbers
    if (isTested && numbers) purposes.push({ name, as: "key", role: "key", required: false, filters });
    const own = numbers ? [] : filters;
    const form = cellFormOf(name, roles);
    const weighted = form?.weighted ? { cells: form } : {};
    const above = forms.get(name)?.kind === "log1p" ? { above: -1 } : {};
    const range = role === "weight" ? { range: edges ? EDGE_WEIGHTS : { from: 0, to: Infinity } } : {};
    const advice =
      role === "label" && log.sample.every((row) => !isLabel(row[column]!))
        ? { advice: ADVICE_OF_NAMES }
        : {};
    if (used.has(name))
      purposes.push({
        name,
        as: numbers ? "number" : "key",
        ...(isTime && { isTime }),
        role,
        required,
        filters: own,
        ...above,
        ...range,
        ...advice,
        ...weighted,
      });
    else if (!numbers) purposes.push({ name, as: "key", role: "key", required: false, filters: own });
    keepText();
  });
  return purposes;
}

/** An edge that weighs nothing is no edge, though its row says that there is one; graphs hold weights as f32. */
const EDGE_WEIGHTS = {
  from: 2 ** -126,
  to: (2 - 2 ** -23) * 2 ** 127,
  expected: "expected an edge weight: a positive number in the range of a 32-bit float",
};

/** Whether cells are true or false, as far as they are not empty. */
function areTruths(cells: readonly string[]): boolean {
  const present = cells.filter((cell) => cell.trim() !== "");
  return present.length > 0 && present.every((cell) => truthOf(cell) !== undefined);
}

const ADVICE_OF_NAMES =
  "class names need --task multiclass; other tasks need numbers, or true and false";

function isLabel(cell: string): boolean {
  return parseNumber(cell) !== undefined || truthOf(cell) !== undefined;
}

function isNumberOrEmpty(cell: string): boolean {
  return /^\s*([-+]?\d+(\.\d*)?)?\s*$/.test(cell);
}

/** @throws {DataError} a column is named that later files of the log have and the first has not */
function refuseLaterColumns({ laterColumns }: Pick<Log, "laterColumns">, options: BuildOptions): void {
  if (laterColumns.size === 0) return;
  const { fields = [], numeric, multi, drop, where = [] } = options;
  const named = [
    ...roleNames.map((role) => options[role]),
    ...[fields, Object.keys(multi)].flat(),
    ...drop.map(({ column }) => column),
    ...where.flatMap(({ tests }) => tests.map(({ column }) => column)),
  ];
  const isNamed = (name: string) =>
    named.includes(name) || numeric.some((given) => given === name || given.startsWith(`${name}:`));
  const later = [...laterColumns].find(([name]) => isNamed(name));
  if (!later) return;
  const [column, { has, lacks }] = later;
  throw new DataError(
    `the file lacks this column, which is used by an option and present in '${has}': all files of a log must ` +
      "have it",
    { file: lacks, column },
  );
}

/** @throws {UsageError} a filter asks for a text that is read as missing, and would never find it */
function refuseNullFilters({ nulls }: Pick<Log, "nulls">, { drop, where = [] }: BuildOptions): void {
  const dropped = drop.find(({ text }) => text !== undefined && nulls.includes(text));
  const tests = where.flatMap(({ source, tests }) => tests.map((test) => ({ source, ...test })));
  const tested = tests.find(({ texts }) => texts.some((text) => nulls.includes(text)));
  if (!dropped && !tested) return;
  const [flag, text, instead] = dropped
    ? [`--drop '${dropped.source}'`, dropped.text!, `use '${dropped.column}=' to match missing cells`]
    : [
        `--where '${tested!.source}'`,
        tested!.texts.find((each) => nulls.includes(each))!,
        `use '${tested!.column} is missing' to match them`,
      ];
  throw new UsageError(
    `${flag} compares with '${text}', but such cells are read as missing: ${instead}, or keep the text with ` +
      "--null ''",
  );
}

function checkSides(log: Log, sides: SideTable[]): void {
  const seen = new Set(log.columns);
  for (const { path, key, columns } of sides) {
    requireColumn("--side", key, log.columns);
    for (const { name } of columns) {
      if (seen.has(name)) {
        throw new UsageError(
          `column '${name}' of ${path} also exists in the log or in another side table: rename one of them`,
        );
      }
      seen.add(name);
    }
  }
}

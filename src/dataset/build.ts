// Builds a dataset from an opened log: rows are filtered and checked as they are read, and appended to its columns.
//
// Memory of a dataset: 4 bytes per row and key column, 8 per number, and the vocabulary. If the rows are written to
// files instead, only the vocabulary and one batch of rows are in memory.

import { encodeKeys, type Keys, keyAt } from "../log/keys.js";
import { NoRowsError, UsageError } from "../base/errors.js";
import type { InputFingerprint } from "../base/io/fingerprint.js";
import type { Batch, Log, ReadProgress } from "../log/log.js";
import { nullWarnings, placeholderKeys, placeholderWarnings } from "../log/nulls.js";
import { columnsIn, lackingColumn, partialColumnWarnings, repeatedHeaderNote } from "../log/file-columns.js";
import { plainCell } from "../log/number.js";
import { RowCollector, type BadRow, type Cells, type KeyOf, type Purpose } from "./collect.js";
import { purposesOf, usedColumns } from "./purposes.js";
import { columnFrom, MemoryColumns, type ColumnPlan, type ColumnSink, keyWarnings } from "./columns.js";
import {
  OwnCodes,
  type OriginalCells,
  type Column,
  type Dataset,
  type LabelPlace,
  type ReadingStep,
  type Roles,
} from "./dataset.js";
import { SpooledRows, type SpoolOptions } from "./filters/spooled-rows.js";
import { withLists, cellFormOf } from "./multi.js";
import { positiveSteps } from "./filters/positives.js";
import { requireColumn, resolveRoles, type ColumnOptions } from "./roles.js";
import { sparseFields, withoutSparse } from "./sparse-fields.js";
import { SideJoin, withSideCells, type SideTable } from "./side.js";
import { weightFlags, type EventWeightOptions } from "./sequences/event-weights.js";
import { ofLog, planTimeFields, type TimeFieldOptions } from "./time-fields.js";
import { readerSteps, runSteps, sumOf, withStep } from "./steps.js";
import { WhereRows, whereColumns } from "./filters/where-rows.js";
import type { Where } from "./filters/where.js";

export interface BuildOptions
  extends ColumnOptions, TimeFieldOptions, Pick<EventWeightOptions, "eventWeight"> {
  filters: readonly Where[];
  /** limits on users' events, if their rows are dropped before the sink has them */
  userLimits?: SpoolOptions;
  onBadRow: "error" | "skip";
  onSkipped?: (row: BadRow) => void;
  /** columns whose original cells are stored in Dataset.beside, together with row numbers; absent: none */
  beside?: readonly string[];
  /** true if warnings must not contain text of cells */
  hidesText?: boolean;
  /** called after the whole log is read, with the bad rows per reason and the number of all rows; it may throw */
  onRead?: (skipped: Record<string, number>, numRead: number) => Promise<void>;
}

export interface BuiltDataset {
  dataset: Dataset;
  /** sentences that describe the inferred roles, one per column */
  inferred: string[];
  /** notes for the user, such as keys that are not in a side table */
  notes: string[];
  /** warnings that the summary prints again: ignored columns, and columns that look like another type */
  warnings: string[];
  skipped: Record<string, number>;
  /** the steps that the rows have been through */
  steps: ReadingStep[];
}

/** Result of reading a log whose rows were sent to a sink instead of memory. */
export interface StreamedRows extends Omit<BuiltDataset, "dataset"> {
  numRows: number;
  roles: Roles;
  inputs: InputFingerprint[];
  /** Number of rows of each log file. In `inputs`, the files of the log precede the side tables. */
  fileRows: number[];
  /** position of the first label that is neither 0 nor 1, for messages; absent if there is none */
  firstOther?: LabelPlace;
  /** distinct keys of each column, or distinct whole cells of a multi-valued column; empty for numbers */
  dictionaries: Keys[];
}

/**
 * Reads the log to its end into memory.
 *
 * @throws {UsageError} a flag names a column that is in no input
 * @throws {DataError} a label, number or time is invalid, with file, line and column; or no row is left
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
  const dataset = { numRows, columns, roles, inputs, firstOther, beside };
  return runSteps({ dataset, ...given }, positiveSteps(roles));
}

function shareRead({ bytes, totalBytes }: ReadProgress): number {
  return totalBytes === undefined || bytes === 0 ? 1 : bytes / totalBytes;
}

function besideOf(columns: readonly Column[]): OriginalCells {
  const texts = columns.filter((column) => column.kind === "key");
  const numbers = columns.find((column) => column.kind === "number")!;
  return { texts, rowNumbers: numbers.values };
}

/**
 * Reads the log to its end, joins the side tables, and sends the rows to a sink.
 *
 * @param open creates the sink. Its arguments are the columns of the log in their order, followed by those of the side
 * tables, and the roles as known before the rows are read.
 * @throws the errors of buildDataset
 */
export async function streamRows(
  log: Log,
  sides: SideTable[],
  given: BuildOptions,
  open: (columns: readonly ColumnPlan[], roles: Roles) => ColumnSink,
  observe?: (progress: ReadProgress) => void,
): Promise<StreamedRows> {
  checkSides(log, sides);
  const options = { ...given, dedupedBy: log.dedupedBy };
  const { filters } = options;
  const [wheres, drops] = [true, false].map((is) =>
    filters.filter(({ flag }) => (flag === "--where") === is),
  );
  for (const { flag, tests } of drops!) requireColumn(flag, tests[0]!.column, log.columns);
  for (const name of options.beside ?? []) requireColumn("--keep", name, log.columns);
  refuseNullFilters(log, options);
  const names = [...log.columns, ...sides.flatMap((side) => side.columns.map(({ name }) => name))];
  const resolved = resolveRoles(
    names,
    withSideCells(log, sides),
    withLists(
      {
        ...log,
        multi: Object.fromEntries([log, ...sides].flatMap(({ multi }) => Object.entries(multi ?? {}))),
      },
      ofLog(options),
    ),
    log.columns.length,
  );
  const { roles, inferred, unnamed } = resolved;

  // reports invalid options for time fields now, before the log is read, which may take long
  planTimeFields({ ...roles, fields: [...roles.fields] }, names, options);
  const tested = new Set([...whereColumns(wheres!, log.columns), ...filterColumns(drops!)]);
  const purposes = purposesOf(roles, log, sides, tested, options);
  if (options.onBadRow === "error") refuseLackingFiles(log, purposes);
  const used = usedColumns(roles, sides);
  // a column that filters test and that the dataset stores in another form has two entries in `purposes`: the filters
  // use the first, the dataset stores the last
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
  const filtering = filters.map((filter) => new WhereRows(filter, textOf, plainCell(log.numbers)));
  const plans = [
    ...kept.map((i) => planOf(purposes[i]!, roles)),
    ...joins.flatMap(({ join }) => join.plans),
    ...(options.beside ? [ROW_NUMBERS] : []),
  ];
  const sink = open(plans, roles);
  // keys that only rows of weight 0 have are in no dictionary, as if the log did not have these rows
  const own = (roles.weight ?? options.eventWeight) === undefined ? [] : kept.map(() => new OwnCodes());
  const counted = [...unnamed, roles.user, roles.item].filter((name) => name !== undefined);
  const send = (cells: Cells[], count: number, keyOf: KeyOf) => {
    const joined = joins.flatMap(({ join, keyAt: i }) =>
      join.cellsOf(cells[kept.indexOf(i)] as Uint32Array, (code) => keyOf(i, code)),
    );
    const [ownCells, rowNumbers] = [cells.slice(0, kept.length), cells.slice(kept.length)];
    ownCells.forEach((column, at) => column instanceof Uint32Array && own[at]?.renumber(column));
    return sink.append([...ownCells, ...joined, ...rowNumbers], count);
  };
  const spooledPlans = [...plans.slice(0, kept.length), ...(options.beside ? [ROW_NUMBERS] : [])];
  const spooled = options.userLimits && new SpooledRows(spooledPlans, roles, options.userLimits);
  let file = "";
  const rows = new RowCollector(
    purposes,
    { ...options, numbersRows: options.beside !== undefined },
    filtering,
    {
      append(cells, numRows, keyOf, rowNumbers) {
        const all = [...kept.map((i) => cells[i]!), ...(rowNumbers ? [rowNumbers] : [])];
        return spooled ? spooled.append(all, numRows, file) : send(all, numRows, keyOf);
      },
    },
  );
  const add = (batch: Batch, keyOf: KeyOf) => {
    if (batch.numRows > 0) ({ file } = batch.placeOf(0));
    return rows.add(batch, keyOf);
  };
  const read = await log.read(purposes, add, observe);
  const skipped = { ...read.skipped, ...rows.skipped };
  await options.onRead?.(skipped, read.numRows + sumOf(read.skipped));
  if (spooled && rows.numRows > 0) {
    const textAt: KeyOf = (i, code) => keyAt(read.dictionaries[i]!, code);
    const keysOf = (at: number) => read.dictionaries[kept[at]!]!;
    await spooled.replay(keysOf, options.hidesText === true, (cells, n) => send(cells, n, textAt));
  }
  const rowsOf = (path: string) => (rows.rowsOfFiles.get(path) ?? 0) - (spooled?.dropped.get(path) ?? 0);
  const numDropped = sumOf(Object.fromEntries(spooled?.dropped ?? []));
  const numRows = rows.numRows - numDropped;
  const bad = sumOf(rows.skipped);
  const weighted = weightFlags(roles.weight, options);
  const steps = [
    ...filters.map(({ flag, source }, f) => ({
      ...{ step: flag.slice(2), by: `${flag} ${source}`, dropped: rows.dropped[f]! },
    })),
    ...(weighted === undefined ? [] : [{ step: "weight", by: weighted, dropped: rows.weightless }]),
    ...(bad === 0 ? [] : [{ step: "bad cells", dropped: bad }]),
    ...(spooled
      ? [{ step: "users", by: spooled.flags.join(" and "), users: spooled.users, dropped: numDropped }]
      : []),
  ].reduce<ReadingStep[]>(withStep, readerSteps(read));
  if (rows.numRows === 0) {
    const zeros = rows.weightless > 0 ? ` (${rows.weightless} have weight 0)` : "";
    throw new NoRowsError(`no rows left of ${read.numRows}${zeros}; check --where, --drop and --on-bad-row`, {
      file: read.inputs.map(({ path }) => path).join(", "),
    });
  }
  const notes = [...sideNotes, ...filtering.flatMap((filter) => filter.notes())];
  if (read.repeatedHeaders) notes.push(repeatedHeaderNote(read.repeatedHeaders));
  for (const { join, keyAt } of joins) notes.push(...join.unmatched(read.dictionaries[keyAt]!));
  const nulls = new Map([
    ...read.nulls.map((found, i) => [purposes[i]!.name, found] as const),
    ...sides.flatMap((side) => [...side.nulls]),
  ]);
  const dictionaries = [
    ...kept.map((i, at) => own[at]?.keysOf(read.dictionaries[i]!) ?? read.dictionaries[i]!),
    ...joins.flatMap(({ join }) => join.dictionaries),
    ...(options.beside ? [encodeKeys([])] : []),
  ];
  const toCount = plans.flatMap(({ name, kind }, at) =>
    options.infer && kind === "key" && counted.includes(name)
      ? [{ name, at, numKeys: dictionaries[at]!.size }]
      : [],
  );
  const densities = sink.densities(toCount).map((density, i) => ({ name: toCount[i]!.name, ...density }));
  const ids = new Set([roles.user, roles.item, roles.session, options.edges?.source, options.edges?.target]);
  const placeholders = plans.flatMap(({ name, kind, isBeside }, i) => {
    if (kind !== "key" || isBeside || log.dedupedBy?.includes(name)) return [];
    const found = placeholderKeys(dictionaries[i]!, (code) => sink.rowsWith(i, code));
    // in columns other than ids, a placeholder such as `None` is reported only if it is frequent, because it may be a
    // real category
    const isMany = ({ rows: own }: { rows: number }) => ids.has(name) || own >= MANY_PLACEHOLDERS * numRows;
    return placeholderWarnings(name, found.filter(isMany), log.nulls);
  });
  const { sparse, warnings } = sparseFields(roles, densities, (name) => resolved.integers.has(name));
  return {
    numRows,
    roles: withoutSparse(roles, sparse),
    warnings: [
      ...(spooled?.warnings ?? []),
      ...log.warnings,
      ...(read.warnings ?? []),
      ...partialColumnWarnings(log.files, new Set(purposes.map(({ name }) => name)), rowsOf),
      ...resolved.warnings,
      ...nullWarnings(nulls),
      ...placeholders,
      ...plans.flatMap((plan, i) => keyWarnings(plan, dictionaries[i]!, log, roles, options)),
      ...warnings,
    ],
    firstOther: rows.firstOther,
    inputs: [...read.inputs, ...sides.flatMap(({ inputs }) => inputs)],
    fileRows: read.inputs.map(({ path }) => rowsOf(path)),
    dictionaries,
    inferred,
    notes,
    skipped,
    steps,
  };
}

/** Minimum share of rows with the text `null` for which a warning is printed, unless the column contains ids. */
const MANY_PLACEHOLDERS = 0.01;

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

/** @throws {DataError} a file lacks a column that must not have empty cells, and bad rows are not skipped */
function refuseLackingFiles({ files }: Pick<Log, "files">, purposes: readonly Purpose[]): void {
  const required = purposes.filter((purpose) => purpose.required);
  let first = required.length;
  let lacking: Log["files"][number] | undefined;
  for (const file of files) {
    const columns = new Set(columnsIn(file));
    const at = required.findIndex(({ name }) => !columns.has(name));
    if (at !== -1 && at < first) [first, lacking] = [at, file];
  }
  if (lacking) throw lackingColumn(lacking, required[first]!.name);
}

/** @throws {UsageError} a filter compares cells with a text that is read as missing, so it would never match */
function refuseNullFilters({ nulls }: Pick<Log, "nulls">, { filters }: BuildOptions): void {
  for (const { flag, source, tests } of filters)
    for (const { column, texts } of tests) {
      const text = texts.find((each) => nulls.includes(each));
      if (text === undefined) continue;
      const instead =
        flag === "--drop" ? `'${column}=' to match missing cells` : `'${column} is missing' to match them`;
      throw new UsageError(
        `${flag} '${source}' compares with '${text}', but such cells are read as missing: use ${instead}, or keep ` +
          "the text with --null ''",
      );
    }
}

function filterColumns(filters: readonly Where[]): string[] {
  return filters.flatMap(({ tests }) => tests.map(({ column }) => column));
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

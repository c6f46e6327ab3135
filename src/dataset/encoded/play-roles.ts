// Applies the roles that a command requests to an encoded dataset; decisions made at encoding remain.

import { ascending } from "../../base/numeric/indices.js";
import { skipAdvice } from "../../log/skip-advice.js";
import { MISSING } from "../../log/keys.js";
import { DataError, UsageError } from "../../base/errors.js";
import { cellReadingOf, type ReadOptions } from "../../log/log.js";
import {
  besideOfEncoded,
  columnNamed,
  roleNames,
  rowsWhere,
  selectRows,
  type Column,
  type Dataset,
  type Roles,
} from "../dataset.js";
import { firstRowWith, storedRowsAsLog } from "../stored-columns.js";
import { labelOfEvents, positivesFrom, positiveSteps } from "../filters/positives.js";
import { userLimitFlags, type UserLimits } from "../filters/heavy-users.js";
import type { ColumnOptions } from "../roles.js";
import { rowWeights, weightFlags, type EventWeightOptions } from "../sequences/event-weights.js";
import { skippedNotes, type DatasetStep } from "../steps.js";
import type { TimeFieldOptions } from "../time-fields.js";
import type { Description, ShapingOptions } from "./description.js";
import type { EncodedDataset } from "./read.js";

/** Settings that an encoded dataset provides in place of flags. */
export type EncodedShaping = Pick<RoleRequest, "sides" | "drop" | "where" | "numeric" | "timeFormat"> &
  TimeFieldOptions &
  UserLimits & { reading: ReadOptions };

/** Returns the encoding options that the run of a training stores. */
export function shapingOf(
  { options, roles }: Description,
  {
    numeric: given,
    timeFields,
    timeZone,
    reading,
    dropUsersAbove,
    dropUsersAbovePerDay,
  }: Pick<RoleRequest, "numeric" | "timeFields" | "timeZone" | keyof UserLimits> & { reading: ReadOptions },
): EncodedShaping {
  const bare = (name: string) => bareName(name, roles.numeric);
  const kept = options.numeric.filter((name) => !given.some((other) => bare(other) === bare(name)));
  const { sides, drop, where = [], timeFormat } = options;
  const own = options.timeFields ? options : { timeFields, timeZone };
  return {
    sides,
    drop,
    where,
    dropUsersAbove: options.dropUsersAbove ?? dropUsersAbove,
    dropUsersAbovePerDay: options.dropUsersAbovePerDay ?? dropUsersAbovePerDay,
    numeric: [...given, ...kept],
    timeFormat,
    timeFields: own.timeFields,
    timeZone: own.timeZone,
    reading: { ...reading, nulls: [], ...cellReadingOf(options.reading) },
  };
}

export interface RoleRequest
  extends
    ColumnOptions,
    TimeFieldOptions,
    UserLimits,
    Pick<ShapingOptions, "sides" | "drop" | "where">,
    Pick<EventWeightOptions, "eventWeight"> {
  onBadRow: "error" | "skip";
  /** columns whose cells are stored in Dataset.beside */
  beside?: readonly string[];
}

/**
 * Returns the dataset with the requested roles, and the steps after which its rows are those of the log, read with the
 * same options.
 *
 * @throws {UsageError} an option contradicts the encoding; or the dataset has labels, although all its rows
 *   would be read as events that happened
 * @throws {DataError} events are requested and a row has no item
 */
export function playRoles(
  encoded: EncodedDataset,
  request: RoleRequest,
): { dataset: Dataset; roleSteps: DatasetStep[] } {
  const { path } = encoded;
  const dataset = request.infer ? asEncoded(encoded, request) : asGiven(encoded, request);
  const by = weightFlags(dataset.roles.weight, request);
  const { beside: names } = request;
  return {
    roleSteps: [
      { step: "weights", run: (rows) => checkedWeights(path, rows) },
      ...(by === undefined
        ? []
        : [{ step: "weight", by, run: (rows: Dataset) => withoutWeightless(path, rows, request) }]),
      ...positiveSteps(dataset.roles),
      ...(request.unlabelled
        ? [{ step: "no item", run: (rows: Dataset) => withItems(path, rows, request) }]
        : []),
    ],
    dataset: { ...dataset, ...(names && { beside: besideOfEncoded(encoded.dataset, names) }) },
  };
}

/**
 * Checks that the rows were deduplicated, and their keys read, as requested, because the dataset may lack the columns or
 * the cells to do so now.
 *
 * @throws {UsageError} they were not deduplicated, or by other columns; or the keys are in another case
 */
export function checkReading(
  path: string,
  encoded: FixedReading,
  { dedupe, dedupeBy, dedupeKeep, keyCase }: FixedReading,
  infer = true,
): void {
  if (keyCase !== encoded.keyCase && !(infer && keyCase === undefined)) {
    const caseOf = (one = "the log's") => `in ${one} case`;
    throw new UsageError(
      `--key-case: the keys of dataset '${path}' are ${caseOf(encoded.keyCase)}, but ${caseOf(keyCase)} ones are ` +
        "needed: encode the log again",
    );
  }
  const keep = dedupeKeep ?? "first";
  const isSame = dedupeBy?.join() === encoded.dedupeBy?.join() && keep === (encoded.dedupeKeep ?? "first");
  if (dedupeBy ? isSame : dedupe !== true || encoded.dedupe === true) return;
  const flag = dedupeBy ? `--dedupe-by ${dedupeBy.join(",")} --dedupe-keep ${keep}` : "--dedupe";
  throw new UsageError(
    `${flag} contradicts dataset '${path}', which was encoded without it: omit the option, or encode the log ` +
      "again with it",
  );
}

type FixedReading = Pick<ReadOptions, "dedupe" | "dedupeBy" | "dedupeKeep" | "keyCase">;

/** Returns the dataset's own roles. Flags may repeat them, but not contradict them. */
function asEncoded({ path, dataset, description }: EncodedDataset, request: RoleRequest): Dataset {
  const { roles, columns } = dataset;
  const { options } = description;
  const contradiction = (flag: string, holds: string) =>
    new UsageError(
      `${flag} contradicts dataset '${path}', ${holds}: omit the option, or encode the log again with it`,
    );
  for (const role of roleNames) {
    const [given, own] = [request[role], roles[role]];
    if (given === undefined || given === own) continue;
    // --event may name any column of keys, not only the one that was the event column at encoding
    if (role === "event" && columns.some(({ name, kind }) => name === given && kind === "key")) continue;
    throw contradiction(
      `--${role} ${given}`,
      own === undefined ? `which has no ${role} column` : `whose ${role} is '${own}'`,
    );
  }
  const fields = fieldsAsAsked(dataset, request);
  if (!fields)
    throw contradiction(
      `--fields ${request.fields!.join(",")}`,
      `whose fields are ${roles.fields.join(",")}`,
    );
  for (const given of request.numeric) {
    if (!roles.numeric.includes(bareName(given, roles.numeric)))
      throw contradiction(`--numeric ${given}`, "where it is not a numeric feature");
  }
  for (const [name, separator] of Object.entries(request.multi)) {
    if (!Object.hasOwn(roles.multi, name) || roles.multi[name] !== separator)
      throw contradiction(`--multi '${name}:${separator}'`, "where its cells are not split this way");
  }
  for (const name of request.multiWeights ?? []) {
    if (!roles.multiWeights?.includes(name))
      throw contradiction(`--multi-weights ${name}`, "where its values have no weights");
  }
  if (request.timeFormat !== undefined && request.timeFormat !== options.timeFormat)
    throw contradiction(
      `--time-format '${request.timeFormat}'`,
      options.timeFormat === undefined ? "encoded without it" : `encoded with '${options.timeFormat}'`,
    );
  if (options.timeFields && request.timeFields && !sameNames(request.timeFields, options.timeFields))
    throw contradiction(
      `--time-fields ${request.timeFields.join(",")}`,
      `encoded with ${options.timeFields.join(",")}`,
    );
  if (options.timeFields && request.timeZone !== undefined && request.timeZone !== (options.timeZone ?? "Z"))
    throw contradiction(`--time-zone ${request.timeZone}`, `encoded with ${options.timeZone ?? "Z"}`);
  // when a run is evaluated, the limits on users come from the run, and other ones than here may be left to run
  const limits = userLimitFlags(options);
  const limit = userLimitFlags(request).find((flag) => !limits.includes(flag));
  if (limit !== undefined && limits.length > 0)
    throw contradiction(limit, `encoded with ${limits.join(" and ")}`);
  const isLabelIgnored =
    request.unlabelled && roles.label !== undefined && request.ignore.includes(roles.label);
  for (const name of request.ignore) {
    if ((isLabelIgnored && name === roles.label) || roles.leftOut?.includes(name)) continue;
    if (columns.some((column) => column.name === name))
      throw contradiction(`--ignore ${name}`, "which holds the column");
  }
  for (const [flag, given, own] of [
    ["side", request.sides, options.sides],
    ["drop", request.drop, options.drop],
    ["where", request.where ?? [], options.where ?? []],
  ] as const) {
    const unknown = given.find((text) => !own.includes(text));
    if (unknown !== undefined) throw contradiction(`--${flag} '${unknown}'`, "which was encoded without it");
  }
  const played = withEvent({ ...dataset, roles: fields }, request);
  return isLabelIgnored ? withoutLabel(played) : asEvents(played, request);
}

/** Returns the roles with the fields that options name; undefined if one is neither a field nor an excluded column. */
function fieldsAsAsked({ roles, columns }: Dataset, { fields, keep = [] }: RoleRequest): Roles | undefined {
  const { leftOut = [], ...others } = roles;
  const wanted = new Set([...(fields ?? roles.fields), ...leftOut.filter((name) => keep.includes(name))]);
  const known = new Set([...roles.fields, ...leftOut]);
  if (![...wanted].every((name) => known.has(name)) || !roles.fields.every((name) => wanted.has(name)))
    return undefined;
  const stay = leftOut.filter((name) => !wanted.has(name));
  if (stay.length === leftOut.length) return roles;
  const inOrder = columns.map(({ name }) => name).filter((name) => wanted.has(name));
  return { ...others, fields: inOrder, ...(stay.length > 0 && { leftOut: stay }) };
}

function withoutLabel(dataset: Dataset): Dataset {
  const { label, ...roles } = dataset.roles;
  return { ...dataset, roles, columns: dataset.columns.filter(({ name }) => name !== label) };
}

/** Sets the rule by which labels select the rows that are events, if events without labels are requested. */
function asEvents(dataset: Dataset, { unlabelled, positiveFrom }: RoleRequest): Dataset {
  const { label } = dataset.roles;
  if (!unlabelled || (label === undefined && positiveFrom === undefined)) return dataset;
  if (positiveFrom !== undefined)
    return { ...dataset, roles: { ...dataset.roles, positives: positivesFrom(label, positiveFrom) } };
  const column = columnNamed(dataset, label!);
  throw labelOfEvents(label!, column.kind === "number" ? [...column.values] : [], "encoded");
}

/** Assigns the event role to a column, which is then a feature only if --fields names it. */
function withEvent(dataset: Dataset, { event, fields }: RoleRequest): Dataset {
  const { roles } = dataset;
  if (event === undefined) return dataset;
  const others = fields ? roles.fields : roles.fields.filter((name) => name !== event);
  return { ...dataset, roles: { ...roles, event, fields: others } };
}

/** Returns the roles of another log, all of whose columns must be in the dataset. */
function asGiven({ path, dataset, description }: EncodedDataset, request: RoleRequest): Dataset {
  const {
    user,
    item,
    label,
    time,
    weight,
    event,
    session,
    fields = [],
    multi,
    multiWeights,
    drop,
    where = [],
    labelIsName,
    positives,
  } = request;
  const names = dataset.columns.map(({ name }) => name);
  const numeric = request.numeric.map((given) => bareName(given, names));
  const { options } = description;
  if (!sameNames(drop, options.drop) || !sameNames(where, options.where ?? [])) {
    const shown = (drops: string[], wheres: string[]) =>
      [...drops.map((text) => `--drop '${text}'`), ...wheres.map((text) => `--where '${text}'`)].join(" ") ||
      "no filter";
    throw new UsageError(
      `dataset '${path}' was encoded with ${shown(options.drop, options.where ?? [])}, but the other rows ` +
        `are read with ${shown(drop, where)}: encode the log again with the same options`,
    );
  }
  const single = Object.entries({ user, item, label, time, weight, event, session }).filter(
    ([, name]) => name !== undefined,
  );
  const roles: Roles = { ...Object.fromEntries(single), fields, numeric, multi };
  if (multiWeights) roles.multiWeights = multiWeights;
  if (positives) Object.assign(roles, { positives, label: positives.label });
  const need = (name: string, kind: Column["kind"], separator?: string): void => {
    const column = dataset.columns.find((candidate) => candidate.name === name);
    if (column?.kind === kind && (column.kind !== "multi" || column.separator === separator)) return;
    const found = column ? `has it as ${column.kind}` : "does not have it";
    throw new UsageError(
      `column '${name}' must be of kind ${kind}, but dataset '${path}' ${found}: encode the log again with ` +
        "the run's column options",
    );
  };
  for (const name of event === undefined ? fields : [...fields, event]) need(name, "key");
  for (const name of [
    ...numeric,
    ...[labelIsName ? undefined : label, time, weight, positives?.label].filter((role) => role !== undefined),
  ])
    need(name, "number");
  for (const [name, separator] of Object.entries(multi)) need(name, "multi", separator);
  for (const name of Object.keys(multi)) {
    const isWeighted = multiWeights?.includes(name) ?? false;
    if ((dataset.roles.multiWeights?.includes(name) ?? false) === isWeighted) continue;
    const [here, there] = isWeighted ? ["without", "with"] : ["with", "without"];
    throw new UsageError(
      `dataset '${path}' has '${name}' ${here} weights (--multi-weights), but the other rows are read ` +
        `${there}: encode the log again`,
    );
  }
  const used = new Set([
    ...[...single.map(([, name]) => name), positives?.label],
    ...[fields, numeric, Object.keys(multi)].flat(),
  ]);
  return { ...dataset, roles, columns: dataset.columns.filter(({ name }) => used.has(name)) };
}

/** Checks the weights also if the dataset says that they were. @throws {DataError} a weight is missing or below 0 */
function checkedWeights(path: string, dataset: Dataset): { dataset: Dataset } {
  const { weight } = dataset.roles;
  const column = weight === undefined ? undefined : columnNamed(dataset, weight);
  const values = column?.kind === "number" ? column.values : new Float64Array();
  const bad = values.findIndex((x) => !(x >= 0 && x < Infinity));
  if (bad < 0) return { dataset };
  throw new DataError(
    `expected a finite weight of at least 0, row ${bad + 1} has ${values[bad]}: encode the log again with ` +
      `--weight ${weight}, which checks the weights`,
    { file: path, column: weight },
  );
}

/** @throws {UsageError} a kind of event has no weight @throws {DataError} no row is left */
function withoutWeightless(
  path: string,
  dataset: Dataset,
  options: EventWeightOptions,
): { dataset: Dataset } {
  const weights = rowWeights(dataset, ascending(dataset.numRows), options);
  const rows = weights?.includes(0) ? rowsWhere(dataset.numRows, (row) => weights[row]! > 0) : undefined;
  if (!rows) return { dataset };
  if (rows.length === 0) throw new DataError(`all ${dataset.numRows} rows have weight 0`, { file: path });
  return { dataset: storedRowsAsLog(dataset, rows) };
}

/** Drops events without an item, which count as bad rows. */
function withItems(
  path: string,
  dataset: Dataset,
  { onBadRow }: RoleRequest,
): { dataset: Dataset; warnings: string[] } {
  const { item } = dataset.roles;
  const column = dataset.columns.find(({ name }) => name === item);
  const empty = column?.kind === "key" ? firstRowWith(MISSING, column, dataset.numRows) : -1;
  if (column?.kind !== "key" || empty < 0) return { dataset, warnings: [] };
  if (onBadRow === "error") {
    const bad = column.codes.reduce((sum, code) => sum + (code === MISSING ? 1 : 0), 0);
    throw new DataError(
      `expected a value, the cell of row ${empty + 1} is empty; ${skipAdvice(bad, dataset.numRows)}`,
      { file: path, column: column.name },
    );
  }
  const { codes } = column;
  const kept = selectRows(
    dataset,
    rowsWhere(dataset.numRows, (row) => codes[row] !== MISSING),
  );
  const skipped = { [`${column.name}: expected a value`]: dataset.numRows - kept.numRows };
  return { dataset: kept, warnings: skippedNotes(skipped) };
}

/** Removes the form of --numeric, such as `:bins=20`, from a column's name, because the training decides the form. */
function bareName(given: string, names: readonly string[]): string {
  return names.find((name) => name === given) ?? names.find((name) => given.startsWith(`${name}:`)) ?? given;
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name));
}

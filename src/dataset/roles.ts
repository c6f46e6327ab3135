// Decides the roles of columns: roles that the user did not set are inferred from names and first rows.

import { nearestName, UsageError } from "../base/errors.js";
import { inferRoles, type InferredRoles } from "../log/infer.js";
import { lookAlikes, lookAlikeWarnings, unixTimeWarnings } from "../log/look-alikes.js";
import { parseNumber, truthOf } from "../log/number.js";
import { roleNames, type Positives, type Roles } from "./dataset.js";
import { numericForms } from "./numeric.js";
import { labelOfEvents, positivesFrom } from "./filters/positives.js";

/** Options that set the roles of columns; the roles of other columns are inferred. */
export interface ColumnOptions {
  user?: string;
  item?: string;
  label?: string;
  time?: string;
  /** format of times in the syntax of --time-format; absent for Unix time and ISO 8601 */
  timeFormat?: string;
  /** column with the weight of each row */
  weight?: string;
  /** column with the kind of each event; --event-weight maps kinds to weights */
  event?: string;
  session?: string;
  /** complete list of categorical features, if given */
  fields?: string[];
  /** option that a message names for a missing column, by column, where it is not the option of the column's role */
  askers?: ReadonlyMap<string, string>;
  /** numeric features, each as COLUMN, COLUMN:log1p or COLUMN:bins=N */
  numeric: string[];
  /** separators of multi-valued columns, by column */
  multi: Record<string, string>;
  /** columns of `multi` whose values have the form `key:number`; none by default */
  multiWeights?: string[];
  ignore: string[];
  /** columns that --ids declares as ids, regardless of their cells */
  ids?: string[];
  /** true if integer columns without a role become numeric features */
  integersAreNumbers?: boolean;
  /** true if labels are names of classes, not numbers */
  labelIsName?: boolean;
  /** false to disable inference: only named columns have a role or are features */
  infer: boolean;
  /** true if every row is an event that happened; a label column is an error unless positiveFrom selects rows by it */
  unlabelled: boolean;
  /** minimum label of an event; requires `unlabelled` */
  positiveFrom?: number;
  /** the rule of positiveFrom as an earlier run or an encoded dataset stores it */
  positives?: Positives;
  /** columns of --dedupe-by; without a role, they are features only if an option names them */
  dedupedBy?: readonly string[];
  /** columns that other options name as fields; they are features even if their keys have few rows */
  keep?: string[];
  /** columns with the two ends of an edge, if rows are edges; every row must have both; weights must be above 0 */
  edges?: EdgeColumns;
  /** true to reject a log whose columns have names typical of edges, because no option declares it as edges */
  mayBeEdges?: true;
}

export interface EdgeColumns {
  source: string;
  target: string;
}

export interface ResolvedRoles {
  roles: Roles;
  /** sentences that describe the inferred columns, in the log's order */
  inferred: string[];
  /** names of inferred fields, which are features only if their keys have enough rows */
  unnamed: string[];
  /** names of columns whose first rows are whole numbers */
  integers: ReadonlySet<string>;
  /** warnings about columns that got no role by inference, although the user may have intended one */
  warnings: string[];
}

/**
 * Decides the roles of all columns.
 *
 * @param columns columns of the log, then of side tables
 * @param sample the first rows, each as long as columns
 * @param numOwn number of columns of the log itself
 * @throws {UsageError} a named column does not exist, or is given two incompatible roles; or the log has a label
 *   although all its rows would be read as events that happened
 */
export function resolveRoles(
  columns: string[],
  sample: string[][],
  given: ColumnOptions,
  numOwn = columns.length,
): ResolvedRoles {
  const options = { ...given, numeric: [...numericForms(given.numeric, columns).keys()] };
  checkNamedColumns(columns, options);
  const inference = inferRoles(columns, sample, given.timeFormat, numOwn);
  const roles: Roles = { fields: [], numeric: [], multi: { ...options.multi } };
  if (options.multiWeights?.length) roles.multiWeights = [...options.multiWeights];
  const inferred: string[] = [];

  const named = new Set([
    ...roleNames.map((role) => options[role]),
    ...[options.numeric, options.ignore, Object.keys(options.multi)].flat(),
  ]);
  // A column that an option names is not inferred, except that a user or item column may also be a feature.
  const isFree = (role: (typeof roleNames)[number], name: string) =>
    !named.has(name) &&
    !(role === "label" && options.keep?.includes(name)) &&
    (role === "user" || role === "item" || !(options.fields?.includes(name) || options.ids?.includes(name)));
  for (const role of roleNames) {
    const guess = !options.infer || role === "event" ? undefined : inference.roles[role];
    const name = options[role] ?? (guess !== undefined && isFree(role, guess) ? guess : undefined);
    if (name === undefined) continue;
    roles[role] = name;
    if (options[role] === undefined) inferred.push(`${role} is '${name}'${because(inference, name)}`);
  }

  if (options.infer && options.timeFormat !== undefined && roles.time === undefined)
    throw new UsageError(
      `--time-format '${options.timeFormat}': no column has times in this format; name the time column with ` +
        "--time",
    );

  const taken = new Set([
    ...[roles.label, roles.time, roles.session, roles.weight, roles.event],
    ...options.ignore,
  ]);
  const positives = positivesOf(roles.label, options, sampleColumns(columns, sample, roles.label));
  if (positives) {
    roles.positives = positives;
    roles.label = positives.label;
  }
  const isId = (name: string) => name === roles.user || name === roles.item;
  const unnamed: string[] = [];
  const fields = new Set(options.fields);
  for (const name of columns) {
    if (options.ignore.includes(name)) continue;
    else if (options.ids?.includes(name)) roles.fields.push(name);
    else if (options.numeric.includes(name)) roles.numeric.push(name);
    else if (Object.hasOwn(options.multi, name)) continue;
    else if (options.fields || !options.infer) {
      if (fields.has(name)) roles.fields.push(name);
    } else if (taken.has(name)) continue;
    else if (isId(name)) roles.fields.push(name);
    else if (options.dedupedBy?.includes(name))
      inferred.push(`'${name}' identifies events (--dedupe-by) and is no feature; --fields includes it`);
    else if (inference.numeric.includes(name)) {
      roles.numeric.push(name);
      inferred.push(`'${name}' is numeric${because(inference, name)}`);
    } else if (options.integersAreNumbers && inference.types[name] === "integer") {
      roles.numeric.push(name);
      inferred.push(`'${name}' is numeric (its first rows hold integers)`);
    } else {
      roles.fields.push(name);
      if (!options.keep?.includes(name)) unnamed.push(name);
    }
  }
  if (roles.fields.length + roles.numeric.length + Object.keys(roles.multi).length === 0) {
    const ignored = options.ignore.length > 0 ? `, and --ignore excludes ${options.ignore.join(", ")}` : "";
    throw new UsageError(`no feature columns left: the log has ${columns.join(", ")}${ignored}`);
  }
  const integers = new Set(columns.filter((name) => inference.types[name] === "integer"));
  const cells = (name: string) => sampleColumns(columns, sample, name);
  const hasTime = roles.time !== undefined;
  if (options.edges) inferred.push(...edgeNotes(columns, roles, options.edges));
  const alike = lookAlikes(unnamed, cells, inference, hasTime);
  const warnings = [
    ...lookAlikeWarnings(alike, unnamed, inference, hasTime),
    ...(options.timeFormat === undefined ? unixTimeWarnings(roles.time, cells) : []),
    ...(options.edges ? edgeWarnings(options.edges) : []),
  ];
  return { roles, inferred, unnamed, integers, warnings };
}

/** Returns notes about the columns of a list of edges, including unused columns, to reveal a forgotten weight. */
function edgeNotes(
  columns: readonly string[],
  { weight, time }: Roles,
  { source, target }: EdgeColumns,
): string[] {
  const unused = columns.filter((name) => ![source, target, weight, time].includes(name));
  if (unused.length === 0) return [];
  const named = unused.map((name) => `'${name}'`).join(", ");
  const hint = weight === undefined ? `: use --weight ${unused[0]} to weight edges by '${unused[0]}'` : "";
  return [`source '${source}', target '${target}'; ${named} not used${hint}`];
}

/** Warns about a header that consists of numbers, because it is probably an edge. */
function edgeWarnings({ source, target }: EdgeColumns): string[] {
  if (![source, target].every((name) => /^\d+$/u.test(name))) return [];
  return [
    `the columns are named '${source}' and '${target}', so the first line may be an edge: use --no-header to ` +
      "read it as one (columns are then c0 and c1)",
  ];
}

const SOURCES = /^(source|src|from|head)(_?id)?$/iu;
const TARGETS = /^(target|dst|to|tail|destination)(_?id)?$/iu;

/** @throws {UsageError} two columns have names that are typical of the ends of an edge, and no option declares edges */
function refuseUnnamedEdges(columns: readonly string[], { session, user, item }: ColumnOptions): void {
  const source = columns.find((name) => SOURCES.test(name));
  const target = columns.find((name) => TARGETS.test(name));
  if (source === undefined || target === undefined || (session ?? user ?? item) !== undefined) return;
  throw new UsageError(
    `the log looks like an edge list from '${source}' to '${target}': use --source ${source} --target ` +
      `${target}, or name --item and --session or --user to build edges from sessions`,
  );
}

/** @throws {UsageError} the log lacks a column, or both ends are the same column */
function checkEdges(columns: readonly string[], { source, target }: EdgeColumns): void {
  if (source === target) throw new UsageError(`--source and --target both name column '${source}'`);
  if (columns.length === 1)
    throw new UsageError(
      `--source and --target need two columns, but the log has only '${columns[0]}': set the delimiter, such ` +
        "as --delimiter ' ', or --no-header if the first line is an edge",
    );
  const isNumbered = [source, target].every((name) => /^c\d+$/u.test(name) && !columns.includes(name));
  if (isNumbered)
    throw new UsageError(
      `--source names column '${source}', which does not exist: the columns are ${columns.join(", ")} (c0, ` +
        "c1, ... with --no-header)",
    );
  requireColumn("--source", source, columns);
  requireColumn("--target", target, columns);
}

/** Returns the rule that makes rows with labels events. @throws {UsageError} no option sets it, or there is no label */
function positivesOf(
  label: string | undefined,
  { unlabelled, positiveFrom, positives, label: given }: ColumnOptions,
  cells: readonly string[],
): Positives | undefined {
  if (positives || !unlabelled) return positives;
  if (positiveFrom !== undefined) return positivesFrom(label, positiveFrom);
  if (label === undefined) return undefined;
  const labels = cells.map((cell) => parseNumber(cell) ?? truthOf(cell) ?? NaN);
  const truth = cells.find((cell) => truthOf(cell) === 1);
  throw labelOfEvents(label, labels, given === undefined ? "inferred" : "named", truth);
}

function sampleColumns(
  columns: readonly string[],
  sample: readonly string[][],
  name: string | undefined,
): string[] {
  const c = name === undefined ? -1 : columns.indexOf(name);
  return c < 0 ? [] : sample.map((row) => row[c]!);
}

function because({ why }: InferredRoles, name: string): string {
  return Object.hasOwn(why, name) ? ` (${why[name]})` : "";
}

/** Returns the flag that sets the column of a role; for the event role, this flag also sets the weights. */
function roleFlag(role: (typeof roleNames)[number]): string {
  return role === "event" ? "--event-weight" : `--${role}`;
}

function checkNamedColumns(columns: string[], options: ColumnOptions): void {
  if (options.edges) checkEdges(columns, options.edges);
  if (options.mayBeEdges) refuseUnnamedEdges(columns, options);
  const uses: [flag: string, name: string | undefined][] = [
    ...roleNames.map((role): [string, string | undefined] => [roleFlag(role), options[role]]),
    ...(options.fields ?? []).map((name): [string, string] => ["--fields", name]),
    ...options.numeric.map((name): [string, string] => ["--numeric", name]),
    ...Object.keys(options.multi).map((name): [string, string] => ["--multi", name]),
    ...(options.multiWeights ?? []).map((name): [string, string] => ["--multi-weights", name]),
    ...options.ignore.map((name): [string, string] => ["--ignore", name]),
    ...(options.ids ?? []).map((name): [string, string] => ["--ctr or --entity", name]),
    ["the run's --positive-from", options.positives?.label],
  ];
  const known = new Set(columns);
  for (const [flag, name] of uses) {
    if (name !== undefined && !known.has(name))
      requireColumn(options.askers?.get(name) ?? flag, name, columns);
  }
  const [both] = options.numeric.filter(
    (name) => options.fields?.includes(name) || Object.hasOwn(options.multi, name),
  );
  if (both !== undefined) throw new UsageError(`column '${both}' cannot be both numeric and categorical`);
  const notIds = [...options.numeric, ...options.ignore, ...Object.keys(options.multi)];
  const roleOf = (name: string) =>
    roleNames.find((role) => role !== "user" && role !== "item" && options[role] === name);
  const odd = options.ids?.find((name) => notIds.includes(name) || roleOf(name));
  if (odd !== undefined)
    throw new UsageError(
      `--ctr or --entity names column '${odd}', which another option declares not to be an id column`,
    );
  for (const [i, role] of roleNames.entries()) {
    const name = options[role];
    const other = roleNames.slice(0, i).find((earlier) => name !== undefined && options[earlier] === name);
    if (other)
      throw new UsageError(`column '${name}' cannot be both ${roleFlag(other)} and ${roleFlag(role)}`);
  }
  for (const name of options.multiWeights ?? []) {
    if (Object.hasOwn(options.multi, name)) continue;
    throw new UsageError(
      `--multi-weights names '${name}', which is not multi-valued: declare its separator, as in --multi ` +
        `'${name}:|'`,
    );
  }
  const { label } = options;
  const feature =
    label !== undefined &&
    (options.fields?.includes(label) ||
      options.numeric.includes(label) ||
      Object.hasOwn(options.multi, label));
  if (feature) throw new UsageError(`column '${label}' is the label and cannot also be a feature`);
}

/**
 * Checks that a column exists.
 * @throws {UsageError} a flag names a column that does not exist; the message suggests the most similar name
 */
export function requireColumn(flag: string, name: string, columns: readonly string[]): void {
  if (columns.includes(name)) return;
  const near = nearestName(name, columns);
  const hint = near === undefined ? `the columns are ${columns.join(", ")}` : `did you mean '${near}'?`;
  throw new UsageError(`${flag} names column '${name}', which does not exist: ${hint}`);
}

// Which column plays which part: told by the user, else inferred from names and first rows.

import { nearestName, UsageError } from "../errors.js";
import { inferRoles, type InferredRoles } from "../log/infer.js";
import type { Roles } from "./dataset.js";
import { numericForms } from "./numeric.js";

/** What the user said about columns; the rest is inferred. */
export interface ColumnOptions {
  user?: string;
  item?: string;
  label?: string;
  time?: string;
  /** the form of times, as time-format.ts reads it; unix time or ISO 8601 when absent */
  timeFormat?: string;
  /** what each row counts */
  weight?: string;
  /** kinds of events, to which --event-weight gives weights */
  event?: string;
  session?: string;
  /** the full list of categorical features */
  fields?: string[];
  /** COLUMN, COLUMN:log1p or COLUMN:bins=N */
  numeric: string[];
  /** separator by column: one cell holds several values */
  multi: Record<string, string>;
  /** columns of these whose values carry a number, `key:number`; none by default */
  multiWeights?: string[];
  ignore: string[];
  /** columns of ids, whatever their cells look like; a flag's */
  ids?: string[];
  /** columns of whole numbers without a role are numeric, too */
  integersAreNumbers?: boolean;
  /** the label is the name of a class, not a number */
  labelIsName?: boolean;
  /** false: only what is named has a role or is a feature */
  infer: boolean;
  /** the log is one of positive events: a column that would be inferred as its label is left out */
  unlabelled: boolean;
}

export const roleNames = ["user", "item", "label", "time", "weight", "event", "session"] as const;

export interface ResolvedRoles {
  roles: Roles;
  /** one sentence a column that nobody named, in the log's order */
  inferred: string[];
}

/**
 * Decides the roles of all columns.
 *
 * @param columns of the log, then of side tables
 * @param sample the first rows, as long as columns
 * @throws {UsageError} a named column does not exist, or is asked to play two incompatible parts
 */
export function resolveRoles(columns: string[], sample: string[][], told: ColumnOptions): ResolvedRoles {
  const options = { ...told, numeric: [...numericForms(told.numeric, columns).keys()] };
  checkNames(columns, options);
  const inference = inferRoles(columns, sample, told.timeFormat);
  const roles: Roles = { fields: [], numeric: [], multi: { ...options.multi } };
  if (options.multiWeights?.length) roles.multiWeights = [...options.multiWeights];
  const inferred: string[] = [];

  const named = new Set([
    ...roleNames.map((role) => options[role]),
    ...[options.numeric, options.ignore, Object.keys(options.multi)].flat(),
  ]);
  // a user or an item may be a feature too; what has another role may not
  const isFree = (role: (typeof roleNames)[number], name: string) =>
    !named.has(name) &&
    (role === "user" || role === "item" || !(options.fields?.includes(name) || options.ids?.includes(name)));
  for (const role of roleNames) {
    const guess =
      !options.infer || role === "event" || (role === "label" && options.unlabelled)
        ? undefined
        : inference.roles[role];
    const name = options[role] ?? (guess !== undefined && isFree(role, guess) ? guess : undefined);
    if (name === undefined) continue;
    roles[role] = name;
    if (options[role] === undefined) inferred.push(`${role} is '${name}'${because(inference, name)}`);
  }

  if (options.infer && options.timeFormat !== undefined && roles.time === undefined)
    throw new UsageError(
      `--time-format '${options.timeFormat}' is given, and no column looks like times of that form: name it with --time`,
    );

  const taken = new Set([
    ...[roles.label, roles.time, roles.session, roles.weight, roles.event],
    ...options.ignore,
  ]);
  const unused = inference.roles.label;
  if (options.unlabelled && options.infer && unused !== undefined && !named.has(unused)) {
    taken.add(unused);
    inferred.push(`'${unused}' looks like a label and is left out: every row counts as an event`);
  }
  for (const name of columns) {
    if (options.ignore.includes(name)) continue;
    else if (options.ids?.includes(name)) roles.fields.push(name);
    else if (options.numeric.includes(name)) roles.numeric.push(name);
    else if (Object.hasOwn(options.multi, name)) continue;
    else if (options.fields || !options.infer) {
      if (options.fields?.includes(name)) roles.fields.push(name);
    } else if (taken.has(name)) continue;
    else if (name === roles.user || name === roles.item) roles.fields.push(name);
    else if (inference.numeric.includes(name)) {
      roles.numeric.push(name);
      inferred.push(`'${name}' is numeric${because(inference, name)}`);
    } else if (options.integersAreNumbers && inference.types[name] === "integer") {
      roles.numeric.push(name);
      inferred.push(`'${name}' is numeric (its first rows hold whole numbers)`);
    } else roles.fields.push(name);
  }
  if (roles.fields.length + roles.numeric.length + Object.keys(roles.multi).length === 0) {
    throw new UsageError(`no column is left to be a feature: the log has ${columns.join(", ")}`);
  }
  return { roles, inferred };
}

function because({ why }: InferredRoles, name: string): string {
  return Object.hasOwn(why, name) ? ` (${why[name]})` : "";
}

function checkNames(columns: string[], options: ColumnOptions): void {
  const uses: [flag: string, name: string | undefined][] = [
    ...roleNames.map((role): [string, string | undefined] => [`--${role}`, options[role]]),
    ...(options.fields ?? []).map((name): [string, string] => ["--fields", name]),
    ...options.numeric.map((name): [string, string] => ["--numeric", name]),
    ...Object.keys(options.multi).map((name): [string, string] => ["--multi", name]),
    ...(options.multiWeights ?? []).map((name): [string, string] => ["--multi-weights", name]),
    ...options.ignore.map((name): [string, string] => ["--ignore", name]),
    ...(options.ids ?? []).map((name): [string, string] => ["--ctr or --entity", name]),
  ];
  for (const [flag, name] of uses) {
    if (name !== undefined) requireColumn(flag, name, columns);
  }
  const [both] = options.numeric.filter((name) => options.fields?.includes(name) || name in options.multi);
  if (both !== undefined) throw new UsageError(`column '${both}' cannot be both numeric and categorical`);
  const notIds = [...options.numeric, ...options.ignore, ...Object.keys(options.multi)];
  const roleOf = (name: string) =>
    roleNames.find((role) => role !== "user" && role !== "item" && options[role] === name);
  const odd = options.ids?.find((name) => notIds.includes(name) || roleOf(name));
  if (odd !== undefined)
    throw new UsageError(
      `--ctr or --entity names column '${odd}', which another flag says is no column of ids`,
    );
  for (const [i, role] of roleNames.entries()) {
    const name = options[role];
    const other = roleNames.slice(0, i).find((earlier) => name !== undefined && options[earlier] === name);
    if (other) throw new UsageError(`column '${name}' cannot be both --${other} and --${role}`);
  }
  for (const name of options.multiWeights ?? []) {
    if (Object.hasOwn(options.multi, name)) continue;
    throw new UsageError(
      `--multi-weights names '${name}', whose cells hold one value: name its separator too, as in --multi '${name}:|'`,
    );
  }
  const { label } = options;
  const feature =
    label !== undefined &&
    (options.fields?.includes(label) || options.numeric.includes(label) || label in options.multi);
  if (feature) throw new UsageError(`column '${label}' is the label and cannot be a feature too`);
}

/** @throws {UsageError} no column has the name that a flag gives, with the nearest one that does */
export function requireColumn(flag: string, name: string, columns: readonly string[]): void {
  if (columns.includes(name)) return;
  const near = nearestName(name, columns);
  const hint = near === undefined ? `the columns are ${columns.join(", ")}` : `did you mean '${near}'?`;
  throw new UsageError(`${flag} names column '${name}', which no input has: ${hint}`);
}

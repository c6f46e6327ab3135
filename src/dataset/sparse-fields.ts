// Detects columns that are nearly unique per row: times, row numbers, request ids. As fields, they would be tables of
// keys that were each seen once: a model would memorize its training rows and learn nothing about other rows. The same
// counts detect a user or item column whose keys do not repeat, so that it links no rows.

import { UsageError } from "../base/errors.js";
import type { Roles } from "./dataset.js";

/** Minimum number of rows per key of a feature column, unless an option names the column. */
const LEAST_ROWS_PER_KEY = 2;
/** Minimum number of rows of a log in which columns are excluded; in smaller logs, columns often look unique. */
const LEAST_ROWS = 200;
/** Minimum share of rows with a unique key for which a user or item column is reported as linking no rows. */
const UNIQUE = 0.95;
const MOST_NAMED = 5;

/** Number of distinct keys of a column, and number of rows with a key. */
export interface Density {
  name: string;
  keys: number;
  /** number of rows with a key */
  rows: number;
}

/** Whether a column has so few rows per key that a model could learn nothing about most keys. */
export function isSparse({ keys, rows }: Omit<Density, "name">): boolean {
  return rows >= LEAST_ROWS && keys * LEAST_ROWS_PER_KEY > rows;
}

export function isUnique({ keys, rows }: Omit<Density, "name">): boolean {
  return rows >= LEAST_ROWS && keys > UNIQUE * rows;
}

/** Returns a text such as `6,000 keys in 6,000 rows`. */
export function densityText({ keys, rows }: Omit<Density, "name">): string {
  return `${keys.toLocaleString("en")} keys in ${rows.toLocaleString("en")} rows`;
}

/** @param events u32: the number of rows of each key */
export function densityOf(events: Uint32Array): Omit<Density, "name"> {
  let [keys, rows] = [0, 0];
  for (let code = 0; code < events.length; code++) {
    rows += events[code]!;
    if (events[code]! > 0) keys++;
  }
  return { keys, rows };
}

/**
 * Returns the columns that have too few rows per key to be features, and warnings about them.
 *
 * @param densities densities of the inferred fields and of the user and item columns
 * @param isInteger whether a column's first rows are whole numbers, which may be meant as numbers
 */
export function sparseFields(
  roles: Pick<Roles, "user" | "item">,
  densities: readonly Density[],
  isInteger: (name: string) => boolean,
): { sparse: Density[]; warnings: string[] } {
  const warnings = (["user", "item"] as const).flatMap((role) => {
    const found = densities.find(({ name }) => name === roles[role]);
    if (!found || !isUnique(found)) return [];
    return [
      `nearly every row has a different ${role} ('${found.name}': ${densityText(found)}), so little can be ` +
        `learned about ${role}s: name another column with --${role}, or join a table of ${role}s with --side`,
    ];
  });
  const isRole = (name: string) => name === roles.user || name === roles.item;
  const sparse = densities.filter((one) => !isRole(one.name) && isSparse(one));
  if (sparse.length > 0) warnings.push(sparseWarning(sparse, isInteger));
  return { sparse, warnings };
}

/** Returns the roles without features that have too few rows per key. @throws {UsageError} no feature is left */
export function withoutSparse(roles: Roles, sparse: readonly Density[]): Roles {
  if (sparse.length === 0) return roles;
  const leftOut = sparse.map(({ name }) => name);
  const fields = roles.fields.filter((name) => !leftOut.includes(name));
  if (fields.length + roles.numeric.length + Object.keys(roles.multi).length === 0)
    throw new UsageError(
      `no feature columns left: ${listed(sparse)} ${sparse.length === 1 ? "has" : "have"} fewer than two ` +
        `rows per key; use --fields ${leftOut.join(",")} to include ${sparse.length === 1 ? "it" : "them"} ` +
        "anyway",
    );
  return { ...roles, fields, leftOut };
}

function sparseWarning(sparse: readonly Density[], isInteger: (name: string) => boolean): string {
  const all = sparse.map(({ name }) => name).join(",");
  const numbers = sparse.filter(({ name }) => isInteger(name)).map(({ name }) => name);
  const [have, it] = sparse.length === 1 ? ["has", "it"] : ["have", "them"];
  return (
    `${listed(sparse)} ${have} fewer than two rows per key and ${sparse.length === 1 ? "is" : "are"} not ` +
    `used as ${sparse.length === 1 ? "a feature" : "features"}: --ignore ${all} silences this warning, ` +
    `--fields with all feature names includes ${it}` +
    (numbers.length > 0 ? `, --numeric ${numbers.join(",")} treats integers as numeric` : "")
  );
}

/** Returns a text such as `'a' (6,000 keys in 6,000 rows), 'b' (...) and 2 more`. */
function listed(sparse: readonly Density[]): string {
  const named = sparse.slice(0, MOST_NAMED).map((one) => `'${one.name}' (${densityText(one)})`);
  const others = sparse.length - named.length;
  return named.join(", ") + (others > 0 ? ` and ${others} more` : "");
}

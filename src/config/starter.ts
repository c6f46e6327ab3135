// The starter config of `embed inspect --write-config`: what was inferred, written down to be changed.

import { printable, visibleText } from "../errors.js";

/** The role of a column that is no feature unless it is named. */
export const LEFT_OUT = "left out";

/** What is known of a column. */
export interface StarterColumn {
  name: string;
  /** user, item, label, time, weight, session, numeric, field or left out */
  role: string;
  distinct: number;
  missing: number;
  /** why the role was inferred; of a field, what it looks like and is not read as */
  why?: string;
}

/** YAML text with a comment for every choice. @param logs as they were named @param trainer the command that the comments name */
export function starterConfig(
  logs: readonly string[],
  rows: number,
  columns: readonly StarterColumn[],
  trainer: string,
  timeFormat?: string,
): string {
  const named = (...roles: string[]) => columns.filter(({ role }) => roles.includes(role));
  const role = (name: string, comment: string) => {
    const [column] = named(name);
    return column ? `${name}: ${scalarOf(column.name)}` : `# ${name}: COLUMN    ${comment}`;
  };
  const list = (key: string, listed: readonly StarterColumn[]) =>
    listed.length === 0
      ? `# ${key}: [COLUMN, COLUMN]`
      : [`${key}:`, ...listed.map((column) => `  - ${scalarOf(column.name)} # ${countsOf(column)}`)].join(
          "\n",
        );
  return `# ${logs.map(printable).join(", ")}: ${rows.toLocaleString("en")} rows. What embed inspect inferred; change what is wrong, then
#   embed ${trainer} LOG --config THIS-FILE -o run
# Keys are the names of the options that embed ${trainer} --help lists. A flag goes before an environment variable
# (EMBED_DIM=8), that before this file, and this file before the default.

# Which column is what
${role("user", "column of the user: who acted")}
${role("item", "column of the item: what was acted on")}
${role("label", "what is predicted; for a log of positive events alone, negatives: 4")}
${role("time", "when: unix time or ISO 8601")}
${timeFormat === undefined ? "# time-format: '%d/%m/%Y %H:%M'    another form of it" : `time-format: ${JSON.stringify(timeFormat)}`}
${role("weight", "what each row counts")}
${role("session", "column of the session: events with the same value belong together")}

# Categorical features, all of them
${list("fields", named("user", "item", "field"))}
${leftOutLines(named(LEFT_OUT))}
# Features that are numbers: standardised, or with a form, as in "price:log1p" or "price:bins=20"
${list("numeric", named("numeric"))}

# multi: {COLUMN: "|"}          cells that hold several values, with their separator
# time-fields: [hour, dow]      features made of the time
# where: Quantity > 0           keep the rows of which it holds
# event-weight: type:view=1,cart=3,buy=10    what kinds of events count
# on-bad-row: skip              leave bad rows out, up to max-bad: 1%

# Parts that the model does not see
# valid: 0.1
# test: 0.1

# dim: 16
# epochs: 10
`;
}

/** Comments on columns that are no features, with nothing where there are none. */
export function leftOutLines(columns: readonly StarterColumn[], indent = ""): string {
  return columns
    .map(
      (column) =>
        `${indent}# left out, with fewer than two rows per key: ${printable(column.name)} (${countsOf(column)})\n`,
    )
    .join("");
}

/** `160 distinct, 3 missing`, and what a field looks like and is not read as. */
export function countsOf({ role, distinct, missing, why = "" }: StarterColumn): string {
  const counted = `${distinct.toLocaleString("en")} distinct`;
  const all = missing === 0 ? counted : `${counted}, ${missing.toLocaleString("en")} missing`;
  return role === "field" && why !== "" ? `${all}; ${printable(why)}` : all;
}

/** A name as a YAML scalar: bare where nobody could misread it, else as JSON, which YAML reads alike. */
export function scalarOf(name: string): string {
  const isPlain =
    /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name) && !/^(true|false|null|y|n|yes|no|on|off)$/i.test(name);
  return isPlain ? name : visibleText(JSON.stringify(name));
}

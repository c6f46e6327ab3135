// The starter pipeline that `embed init` writes: inferred roles, a suitable training, and gates around the log's
// current values.

import { printable, visibleText } from "../../base/errors.js";
import type { NewestGate } from "./newest-gate.js";

export interface StarterLog {
  /** names of the log's files or patterns, as written into the pipeline file */
  logs: readonly string[];
  /** a sentence that says which files the names in `logs` denote now and later */
  note: string;
  /** number of files that match the patterns now; undefined if one file is named without a pattern */
  files?: number;
  rows: number;
  columns: readonly StarterColumn[];
  /** lines of the section `reading`: the options that were needed to read the log */
  reading: readonly string[];
  /** lines of the section `columns` for options other than roles, fields and numeric columns */
  otherColumns: readonly string[];
  /** bounds on the newest event; absent if no event has a time */
  newest?: NewestGate;
  /** lines of the bounds on new files and days */
  newRows: readonly string[];
}

/** The kind of training in the starter: class labels, numeric labels, or events without labels. */
export type StarterTraining = "binary" | "regression" | "events";

/** Returns the training that suits a log; undefined if it has neither a label nor users and items. */
export function starterTraining(
  columns: readonly StarterColumn[],
  task: "binary" | "regression" = "binary",
): StarterTraining | undefined {
  const has = (role: string) => columns.some((column) => column.role === role);
  if (has("label")) return task;
  return has("user") && has("item") ? "events" : undefined;
}

export interface StarterTrainer {
  command: string;
  /** comment on the training's command, which is written into the file */
  comment?: string;
  /** lines of the file that state the training's options */
  options: readonly string[];
  /** the metric of the validation split that gates check; undefined if there is none */
  metric?: string | undefined;
  /** the field whose vectors are exported; undefined if the training writes no table of keys */
  field?: string | undefined;
  /** whether the training's vectors can be rotated to match those of the previous version */
  aligns: boolean;
  /** why no gate can bound what the vectors add; absent if the training compares itself with a control */
  uncontrolled?: string | undefined;
  /** what the vectors of the run that the training repeats add, if that fails the gate */
  addsNothing?: string | undefined;
}

/**
 * Returns the training step that `embed init` proposes if neither a run nor a comparison's page decides it.
 *
 * @param isRandom true to split at random although events have times
 */
export function starterTrainer(
  { columns }: Pick<StarterLog, "columns">,
  training: StarterTraining,
  { command, others }: { command: string; others?: string },
  isRandom = false,
): StarterTrainer {
  const named = (name: string) => columns.find(({ role }) => role === name)?.name;
  const by = isRandom || named("time") === undefined ? "a tenth at random" : "the latest tenth";
  return {
    command,
    ...(others !== undefined && { comment: others }),
    options: [
      `valid: 0.1 # ${by} decides when to stop and is what metrics are of`,
      ...(isRandom ? ["split: random # no user of the latest tenth has earlier events"] : []),
      "dim: 16",
    ],
    metric: METRICS[training],
    field: named("item") ?? named("field") ?? "item",
    aligns: true,
  };
}

/** Returns YAML text with a comment for every choice. @param training on which the bounds of the log depend */
export function starterPipeline(log: StarterLog, training: StarterTraining, trainer: StarterTrainer): string {
  const { logs, rows, columns, reading, otherColumns } = log;
  const named = (...roles: string[]) => columns.filter(({ role }) => roles.includes(role));
  const role = (name: string) =>
    named(name)
      .slice(0, 1)
      .map((column) => `  ${name}: ${scalarOf(column.name)}`);
  const list = (key: string, listed: readonly StarterColumn[]) =>
    listed.length === 0
      ? []
      : [`  ${key}:`, ...listed.map((column) => `    - ${scalarOf(column.name)} # ${countsOf(column)}`)];
  const ofLog = [
    ...["user", "item", "label", "time", "weight", "session"].flatMap(role),
    ...list("fields", columns.filter(isField)),
    ...list("numeric", named("numeric")),
    ...otherColumns.map((line) => `  ${line}`),
  ];
  const given = reading.map((line) => `  ${line}`);
  return `# A weekly job, made from ${logs.map(printable).join(", ")}: ${rows.toLocaleString("en")} rows.
#   embed run THIS-FILE --dry-run     what would run, and why
#   embed run THIS-FILE               runs it; what is unchanged is skipped
# Paths are relative to this file. docs/pipeline.md says what every key does, embed run --print-schema its schema.

# Where versions are published: store/items/000001, ..., and store/items/latest
store: store

# Files and patterns, read as one log: ${printable(log.note)}
log:
${logs.map((path) => `  - ${scalarOf(path)}`).join("\n")}
${given.length === 0 ? "" : `\n# How bytes become cells\nreading:\n${given.join("\n")}\n`}
# Which column is what, as embed encode takes it. New columns of the log are left out until they are named here.
columns:
${ofLog.join("\n")}
${leftOutLines(named(LEFT_OUT), "  ")}
# Trainings by the name that they are published under. Options have the names of the command's flags.
train:
  items:
    command: ${trainer.command}${trainer.comment === undefined ? "" : ` # ${printable(trainer.comment)}`}
${trainer.options.map((line) => `    ${line}\n`).join("")}    # of a pipeline: the table has seen held-out rows too, and keys keep the row numbers that they had in the last version
    # refit: true
    # row-order: latest
    # init: latest                    # go on from the last version's vectors
    # expire: 8w                      # then: leave out keys not seen for so long

# What must hold; a failed gate exits 81 and publishes nothing. within: of the last version's value.
gates:
  before:
    rows: { min: ${atLeast(rows)}, within: ${growth(log)} }${growth(log) === "50%" ? "" : " # 50% when the log has more files"}
${gateLines(log, training, trainer)}
${newestLines(log)}
${afterLines(trainer)}
    # norm: { mean: { within: 100% } } # lengths of the vectors, which grow with the epochs that were best
    # overlap: { min: 30%, k: 10 }    # nearest keys shared with the last version
    # displacement: { max: 0.3 }      # 1 - cosine to the last version's vectors, turned onto them
${trainer.aligns ? ALIGN : ""}${exportLines(trainer.field)}`;
}

const ALIGN = `
# Turn each table onto the last version's, so that what was trained on it can read this one
align: true
`;

function exportLines(field: string | undefined): string {
  if (field === undefined) return "";
  return `
# Published with the version, under exports/; \`to\` copies it elsewhere
export:
  - { format: word2vec, field: ${scalarOf(field)}, out: items.txt }
  # - { format: npy, field: ${scalarOf(field)}, out: items, to: /srv/vectors/items }
`;
}

/** Whether a column is a categorical feature; multi-valued ones have their own option. */
function isField({ role, type }: StarterColumn): boolean {
  return ["user", "item", "field"].includes(role) && type !== "multi";
}

function gateLines(log: StarterLog, training: StarterTraining, trainer: StarterTrainer): string {
  const has = (role: string) => log.columns.some((column) => column.role === role);
  return [
    ...(training === "binary" ? ["# of labels above 0", "positiveRate: { within: 50% }"] : []),
    ...(training === "regression" ? ["labelSpread: { within: 50% } # standard deviation of the labels"] : []),
    ...(has("user") ? [`users: { within: ${growth(log)} }`] : []),
    ...(has("item") ? [`items: { within: ${growth(log)} }`] : []),
    missingLine(log),
    ...log.newRows.flatMap((line) => [line, ...(line.startsWith("new") ? newMetric(trainer) : [])]),
  ]
    .map((line) => `    ${line}`)
    .join("\n");
}

/**
 * Returns by how much a log may grow from one version to the next, as a percentage: by two files that are half as large
 * again as the mean, and at least by 50%.
 */
function growth({ files }: StarterLog): string {
  return `${Math.max(50, files === undefined ? 0 : Math.ceil(30 / files) * 10)}%`;
}

function afterLines({ metric, field, uncontrolled, addsNothing }: StarterTrainer): string {
  const ranks = metric === undefined || !ofLabels.includes(metric);
  const zero = ranks
    ? "zero: { max: 30% } # an item of which no known user has an event stays zero"
    : "zero: { max: 5% }";
  const worse = metric === undefined || !Object.hasOwn(WORSE, metric) ? "{ worse: 30% }" : WORSE[metric];
  const lines = [
    ...(metric === undefined
      ? []
      : ["metrics:", `  ${metric}: ${worse} # of the last version's, on the part of \`valid\``]),
    ...(addsNothing === undefined ? [] : [`# ${printable(addsNothing)}`]),
    ...(uncontrolled === undefined
      ? [
          "vectorsAdd: { min: 0 } # the model is better than a control without vectors, with its whole interval",
        ]
      : []),
    ...(field === undefined ? [] : [zero]),
  ];
  const note = uncontrolled === undefined ? [] : [`    # no vectorsAdd: ${uncontrolled}`];
  const after = lines.length === 0 ? ["  after: {}"] : ["  after:", ...lines.map((line) => `    ${line}`)];
  return [...after, ...note].join("\n");
}

/** Returns a bound on missing cells: twice their current share, and at least 5%. */
function missingLine({ rows, columns }: StarterLog): string {
  const most = Math.max(0, ...columns.map(({ missing }) => missing / Math.max(1, rows)));
  return `missing: { max: ${Math.min(100, Math.max(5, Math.ceil(200 * most)))}% }`;
}

function newestLines({ newest }: StarterLog): string {
  const lines = newest
    ? [`# ${newest.why}: fails when the next files stay away`, `newest: ${newest.bounds}`]
    : [
        "# newest: { maxAge: 8d, minAdvance: 0d }   # no column is the time: nothing fails when new files stay away",
      ];
  return lines.map((line) => `    ${line}`).join("\n");
}

/**
 * The gated metric of each task. Between successive weeks of real logs, rmse changed by 5% and ndcgAt20 by 20%. Log
 * loss decreases when positive labels vanish; normalized entropy rises, or is undefined and fails.
 */
const METRICS: Record<StarterTraining, string> = {
  binary: "normalizedEntropy",
  regression: "rmse",
  events: "ndcgAt20",
};
const WORSE: Readonly<Record<string, string>> = {
  normalizedEntropy: "{ worse: 5% }",
  rmse: "{ worse: 10% }",
};
const ofLabels = [METRICS.binary, METRICS.regression];

/** Returns the bound on the metric of the last version's model on new files and days. */
function newMetric({ metric = "" }: StarterTrainer): string[] {
  const found = metric === METRICS.binary ? "auc" : metric;
  const bound = found === "rmse" ? "atMost: 125%" : /^auc$|At\d+$/.test(found) ? "atLeast: 50%" : undefined;
  return bound === undefined
    ? []
    : [`  metrics: { ${found}: { ${bound} } } # of the last version's model on these rows`];
}

/** Returns a minimum for the number of rows: half of the current number, rounded down to two digits. */
function atLeast(rows: number): number {
  const half = Math.floor(rows / 2);
  const unit = 10 ** Math.max(0, String(half).length - 2);
  return Math.floor(half / unit) * unit;
}

/** The role of a column that is no feature, unless the user names it as one. */
export const LEFT_OUT = "left out";

/** The properties of a column that `embed init` knows. */
export interface StarterColumn {
  name: string;
  /** user, item, label, time, weight, session or numeric; `field`; or `left out` */
  role: string;
  distinct: number;
  missing: number;
  /** `multi` if the column's cells hold several values */
  type?: string;
  /** reason for the role; of a field, a type that its cells look like, such as number, though they are read as keys */
  why?: string;
}

/** Returns YAML text with a comment for every choice. @param logs as the user named them @param trainer for comments */
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
# Features that are numbers: standardized, or with a form, as in "price:log1p" or "price:bins=20"
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

function leftOutLines(columns: readonly StarterColumn[], indent = ""): string {
  return columns
    .map(
      (column) =>
        `${indent}# left out, with fewer than two rows per key: ${printable(column.name)} (${countsOf(column)})\n`,
    )
    .join("");
}

/**
 * Returns the counts of a column, such as `160 distinct, 3 missing`. For a field whose cells look like another type,
 * such as numbers, it adds that type, although the cells are read as keys.
 */
function countsOf({ role, distinct, missing, why = "" }: StarterColumn): string {
  const counted = `${distinct.toLocaleString("en")} distinct`;
  const all = missing === 0 ? counted : `${counted}, ${missing.toLocaleString("en")} missing`;
  return role === "field" && why !== "" ? `${all}; ${printable(why)}` : all;
}

/** Returns a name as a YAML scalar: plain if that is unambiguous, else as JSON, which YAML reads in the same way. */
export function scalarOf(name: string): string {
  const isPlain =
    /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name) && !/^(true|false|null|y|n|yes|no|on|off)$/i.test(name);
  return isPlain ? name : visibleText(JSON.stringify(name));
}

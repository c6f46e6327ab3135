// Returns the options with which a run was trained, so that they train in the same way on another log with the same
// columns.
//
//   manifest: request, roles, chosen setting ──► options of encoding and training ──► a command line, a pipeline

import { join } from "node:path";
import { DATASET_MARKER } from "../../dataset/encoded/description.js";
import { roleNames, type Roles } from "../../dataset/dataset.js";
import { DEFAULT_TABLE, type Run } from "../../table/run-directory.js";
import { RUN_MARKER, type TrainingRequest, type VectorsAdd } from "../../table/manifest.js";
import { vectorsAddShape } from "../../table/manifest-shape.js";
import { ArtifactError, UsageError } from "../../base/errors.js";
import { kindOf } from "../../metrics/metrics.js";
import { anything, list, object, path, record, text, flag, type Shape } from "../../base/io/json-shape.js";
import { COMMON_NULLS } from "../../log/nulls.js";
import { modelOf, trainerOf, trainers } from "../../trainers/index.js";
import { checkRanges } from "../../options/check-given.js";
import { definedOf, resolved, type Option, type OptionTable } from "../../options/table.js";
import { commandLine, flagWords } from "../../options/flag-words.js";
import { BEFORE_DATA } from "../../training/session/feature-training.js";
import { columns, hashedIds } from "../../training/shared-options/columns.js";
import { badRows, engine, reading, threads } from "../../training/shared-options/reading.js";
import { holdsOutRows, type SplitFlags } from "../../training/shared-options/split-options.js";
import type { Trainer } from "../../training/session/trainer.js";

/** A run's training as options. Paths are as they were given: relative to the folder in which the run was trained. */
export interface RunRecipe {
  name: string;
  command: string;
  log: string[];
  /** options of `embed encode`, by name: every role and feature of the run, its filters, and options that read cells */
  encoding: Record<string, unknown>;
  /** options of the training command, by name; the setting that --search chose replaces it; no test split */
  training: Record<string, unknown>;
  /** metric of the validation split that judges the run; absent if the run has none */
  metric?: string;
  /** field whose vectors are exported: the item column, or the first field; absent without a table of keys */
  field?: string;
  aligns: boolean;
  /** what the vectors add on the validation split; absent if the training has no control or no such split */
  vectorsAdd?: VectorsAdd;
}

const options = record(anything);

export const recipeShape: Shape = object(
  { name: text, command: text, log: list(path), encoding: options, training: options, aligns: flag },
  { metric: text, field: text, vectorsAdd: vectorsAddShape },
);

/** Options of `embed encode` that a recipe contains: all but those of the output and of servers. */
const ofEncoding = { ...columns, ...hashedIds, ...reading, ...badRows };

/** Options of a training that a recipe does not contain, because a pipeline sets them. */
const NOT_KEPT = ["test", "search", "refit", "rowOrder"];

/**
 * Returns a run's recipe.
 *
 * @param name name of the run in messages
 * @throws {UsageError} as requestOf, or the log was read through a server, or its ids were hashed when it was encoded
 */
export async function recipeOf(run: Run, name: string): Promise<RunRecipe> {
  const { manifest, path } = run;
  const { asked, trainer } = await requestOf(run, "repeat");
  const { log, given } = givenAsFlags(path, asked);
  if (given["engine"] !== undefined)
    throw new UsageError(
      `cannot repeat run '${path}': its log was read through a server, and a pipeline reads files`,
    );
  if (given["onBadRow"] === "skip") given["maxBad"] ??= manifest.options["maxBad"];
  const encoding = Object.fromEntries(
    Object.entries(given).filter(([option]) => Object.hasOwn(ofEncoding, option)),
  );
  const training = Object.fromEntries(
    Object.entries(given).filter(
      ([option]) =>
        !Object.hasOwn({ ...ofEncoding, ...engine, ...threads }, option) &&
        !NOT_KEPT.includes(option) &&
        (trainer.options[option] as Option).only?.["search"] === undefined,
    ),
  );
  if (given["search"] !== undefined)
    Object.assign(training, await searchedOptions(run, trainer.options, given));
  const roles = manifest.roles as Roles;
  return {
    ...{ name, command: trainer.command, log },
    encoding: {
      ...definedOf(encoding),
      ...statedRoles(roles, encoding, columnsRead(trainer.options, training)),
    },
    training,
    ...definedOf({
      metric: judgedBy(run),
      field: await exportedField(run, roles),
      vectorsAdd: manifest.vectorsAdd,
    }),
    aligns: (await modelOf(run))?.rotation !== undefined,
  };
}

/** Returns the log and options as the training's command accepts them, including those of an encoded dataset. */
function givenAsFlags(
  path: string,
  { log, options: own, encoded, inputs }: TrainingRequest,
): { log: string[]; given: Record<string, unknown> } {
  if (!encoded) {
    if (log.some((path) => inputs.some((input) => input.path === join(path, DATASET_MARKER))))
      throw new UsageError(
        `cannot repeat run '${path}': the ids of its dataset were hashed, with a secret that the run does not name; ` +
          "name the log and --hash-keys FILE",
      );
    return { log, given: { ...own } };
  }
  const { reading: read, sides, ...roles } = encoded.options;
  const { nulls, format, ...cells } = read as Record<string, unknown>;
  const given = { ...roles, side: sides, null: nulls, inputFormat: format, ...cells };
  return { log: encoded.log, given: { ...withoutDefaults(ofEncoding, given), ...own } };
}

/** Returns the options that differ from their defaults, because a dataset records every option. */
function withoutDefaults(table: OptionTable, given: Record<string, unknown>): Record<string, unknown> {
  const standard: Record<string, unknown> = { ...resolved(table, {}), null: COMMON_NULLS };
  const isSet = ([name, value]: [string, unknown]) =>
    value !== undefined && JSON.stringify(value) !== JSON.stringify(standard[name]);
  return Object.fromEntries(Object.entries(given).filter(isSet));
}

/** Returns the setting that --search chose, and other options whose default depends on --search. */
async function searchedOptions(
  run: Run,
  table: OptionTable,
  given: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const chosen = (await run.readTrialLines()).find((trial) => trial.chosen);
  const setting = chosen && chosen.trial > 1 ? chosen.options : {};
  const options = { ...given, ...setting };
  const plain: Record<string, unknown> = resolved(table, options, { ...BEFORE_DATA, searches: false });
  const searched = Object.entries(resolved(table, options, { ...BEFORE_DATA, searches: true }));
  const differing = searched.filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(plain[name]));
  return { ...setting, ...Object.fromEntries(differing) };
}

/**
 * Returns options that name every role and feature of the run, so that none is inferred again.
 *
 * @param also columns that options of the training name: a dataset keeps a column only if it has a role or is a field
 */
function statedRoles(
  roles: Roles,
  { numeric = [], timeFields = [] }: { numeric?: unknown; timeFields?: unknown },
  also: readonly string[],
): Record<string, unknown> {
  const single = roleNames
    .filter((role) => role !== "event")
    .map((role) => [role, roles[role] ?? (role === "label" ? roles.positives?.label : undefined)]);
  const named = definedOf(Object.fromEntries(single) as Record<string, string | undefined>);
  const { multi, multiWeights } = roles;
  const known = [...Object.values(named), ...roles.fields, ...roles.numeric, ...Object.keys(multi)];
  const fields = roles.fields.filter((field) => !(timeFields as string[]).includes(field));
  const forms = roles.numeric.map(
    (column) =>
      (numeric as string[]).find((form) => form === column || form.startsWith(`${column}:`)) ?? column,
  );
  return {
    ...named,
    fields: [...new Set([...fields, ...also.filter((column) => !known.includes(column as never))])],
    ...(forms.length > 0 && { numeric: forms }),
    ...(Object.keys(multi).length > 0 && { multi }),
    ...(multiWeights?.length && { multiWeights }),
  };
}

/** Columns that options of a training name, such as --group; `user` and `item` stand for the roles. */
function columnsRead(table: OptionTable, training: Record<string, unknown>): string[] {
  const named = Object.entries(training).flatMap(([name, value]) => {
    const { placeholder = "" } = table[name] as Option;
    if (placeholder === "column" || placeholder === "columns") return [value].flat().map(String);
    return placeholder.startsWith("column:kind") ? [String(value).replace(/:[^:]*$/, "")] : [];
  });
  return named.filter((column) => column !== "user" && column !== "item");
}

/** Returns the metric of the validation split that judges a run: the first one that gates can compare. */
function judgedBy({ manifest: { metrics } }: Run): string | undefined {
  const names = Object.keys(metrics["valid"] ?? {});
  const wanted = ["normalizedEntropy", "rmse", "pairLoss", "ndcgAt20"].find((name) => names.includes(name));
  return (
    wanted ?? names.find((name) => typeof metrics["valid"]![name] === "number" && kindOf(name) !== undefined)
  );
}

async function exportedField(run: Run, { item }: Roles): Promise<string | undefined> {
  if (!run.tables.includes(DEFAULT_TABLE)) return undefined;
  const { fields } = await run.readKeys(DEFAULT_TABLE);
  return item !== undefined && fields.includes(item) ? item : fields[0];
}

/** Returns the command that trains on all rows: validation rows decide when to stop, and --refit trains with them. */
export async function commandForAllRows({
  name,
  command,
  log,
  encoding,
  training,
}: RunRecipe): Promise<string> {
  const { options: table } = (await trainerOf(command))!;
  const { valid = 0, split } = training as Partial<SplitFlags>;
  const refits = holdsOutRows({ valid, test: 0, ...definedOf({ split }) });
  const words = flagWords(table, { ...encoding, ...training, ...(refits && { refit: true }) });
  return commandLine(["embed", command, ...log, ...words, "-o", `${name}-all`]);
}

/**
 * Returns the request that a run records, and its trainer.
 *
 * @param verb the verb of error messages for what the caller does with the run: `reproduce`
 * @throws {UsageError} the run does not come from a training, was changed after it, or has options that this version
 *   does not know
 */
export async function requestOf(
  { path, manifest }: Run,
  verb: string,
): Promise<{ asked: TrainingRequest; trainer: Trainer }> {
  const { command, asked, forgotten, added } = manifest;
  const cannot = `cannot ${verb} run '${path}'`;
  if (forgotten !== undefined)
    throw new UsageError(`${cannot}: keys were forgotten in it, and its log may still contain them`);
  if (added)
    throw new UsageError(
      `${cannot}: items were added to it (transform --append); ${verb} the original run, '${added.run}'`,
    );
  const trainer = await trainerOf(command);
  if (!trainer)
    throw new UsageError(
      `${cannot}: '${command}' is not a training; use a run of ${trainers.map((one) => one.command).join(", ")}`,
    );
  if (!asked)
    throw new UsageError(
      `${cannot}: it was trained by an earlier version of embed (${manifest.version}) that did not record its ` +
        "options; train it again",
    );
  const unknown = Object.keys(asked.options).find((name) => !Object.hasOwn(trainer.options, name));
  if (unknown !== undefined)
    throw new UsageError(
      `${cannot}: option '${unknown}' is unknown to ${command}; it was trained by embed ${manifest.version}, train ` +
        "it again",
    );
  checkRecorded(trainer.options, asked.options, `'${join(path, RUN_MARKER)}'`);
  return { asked, trainer };
}

/**
 * Checks the values of options that a file records.
 *
 * @param where the file, and the place in it, in messages
 * @throws {ArtifactError} an option cannot have its value
 */
export function checkRecorded(table: OptionTable, options: Record<string, unknown>, where: string): void {
  try {
    checkRanges(table, options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new ArtifactError(`${where} is damaged (${error.message}): restore it or train again`, {
      cause: error,
    });
  }
}

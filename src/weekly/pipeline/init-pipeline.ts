// `embed init` inspects a log and writes a commented pipeline file with inferred roles, and gates around the log's
// current values.

import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { encode } from "../../use/encode.js";
import { inspect } from "../../judge/inspect/inspect.js";
import type { Inspection } from "../../judge/inspect/options.js";
import { newestGate } from "../../judge/starter/newest-gate.js";
import {
  starterPipeline,
  starterTrainer,
  starterTraining,
  type StarterColumn,
  type StarterTrainer,
  type StarterTraining,
  scalarOf,
} from "../../judge/starter/pipeline-starter.js";
import { readEncoded } from "../../dataset/encoded/read.js";
import { DataError, GateError, NoInputError, UsageError, nearestName, flagOf } from "../../base/errors.js";
import { addsNothing, vectorsAddText } from "../../metrics/vectors-add.js";
import { checkOutput, writeFileAtomic } from "../../base/io/atomic.js";
import { patternLike, patternsFor } from "../../base/io/glob-for.js";
import { expandPaths, MAGIC } from "../../base/io/glob.js";
import { withTemporaryDirectory } from "../../base/io/leftovers.js";
import { statOf, entriesOf } from "../../base/io/tree.js";
import { filesOfLog } from "../../log/directory.js";
import { firstTrainer, trainerOf } from "../../trainers/index.js";
import { columns as columnOptions, hashedIds } from "../../training/shared-options/columns.js";
import { badRows, firstReadingOf, reading } from "../../training/shared-options/reading.js";
import { omit, type Given, type Option, type OptionTable } from "../../options/table.js";
import type { Progress, Watch } from "../../training/session/watch.js";
import { shortList } from "../gates/bounds.js";
import { newRowsLines } from "../gates/starter-bounds.js";
import { checkLog } from "./log.js";
import { tryPipeline } from "./trial-run.js";
import type { InitOptions } from "./options.js";
import { readHandedOver } from "../../judge/compare/handed-over.js";
import { encodeOptions } from "../../use/options.js";
import { checkRecorded, recipeOf, type RunRecipe } from "../../judge/reproduce/run-recipe.js";
import { RUN_MARKER } from "../../table/manifest.js";
import { openRun } from "../../table/run-directory.js";
import { LATEST_VERSION, NO_PATHS } from "./commands.js";
import { settingsOf } from "../../options/from-file.js";
import { pathExists } from "../../base/io/read-artifact.js";
import { textsOf } from "../../options/flag-words.js";
import { inFolder } from "./exports.js";

/**
 * Inspects a log and writes a pipeline file for it.
 *
 * @param logs files and patterns, which the file names relative to itself
 * @param now  milliseconds since 1970, for the age of the newest event
 * @returns the file's text
 * @throws {UsageError} the log has neither a label nor users and items, so no training can be chosen; or there are
 *   several files, and no pattern matches exactly these
 * @throws {OutputError} the file exists (without force)
 */
export async function initPipeline(
  logs: readonly string[],
  given: InitOptions,
  watch: Watch,
  now = Date.now(),
): Promise<string> {
  const { out, force = false } = given;
  if (logs.includes("-"))
    throw new UsageError("a pipeline cannot read standard input: pass a file or a pattern to embed init");
  if (out !== undefined) await checkOutput(out, force, "file");
  const source = await recipeSource(given);
  const { log, files, note, isUnsure } = await proposedLog(await namedLogs(logs, source));
  checkLog(files);
  const folder = out === undefined ? undefined : dirname(resolve(out));
  const own = optionsOfLog(given);
  const hasPattern = !(log.length === 1 && log[0] === files[0]);
  const inspected = await factsOfLog(files, own, source, hasPattern, watch);
  const { label, text: constant } = inspected.constantLabel ?? {};
  if (label !== undefined) {
    if (given.label !== undefined || source) throw new UsageError(constant!);
    watch.observe({ stage: "warning", text: constant! });
    watch.observe({ stage: "note", text: `the file is made without the label '${label}'` });
    return await initPipeline(logs, { ...given, ignore: [...(given.ignore ?? []), label] }, watch, now);
  }
  const { facts, training, encoding, isEncoded, newRows } = inspected;
  const { rows, columns, newest } = facts;
  for (const text of facts.findings) watch.observe({ stage: "warning", text });
  const gate =
    newest && newest.length > 0
      ? newestGate(
          newest.map(({ time }) => time),
          now,
        )
      : undefined;
  const kind = training ?? "events";
  let isRandom = false;
  const textFor = async (
    read: LogOptions,
    place: { folder: string | undefined; logs: readonly string[] },
  ) => {
    const starter = {
      logs: place.logs.map((path) => pathInFile(path, place.folder)),
      note,
      ...(hasPattern && { files: files.length }),
      rows,
      columns: columns
        .filter(({ name }) => !encoding.timeFields?.includes(name))
        .map((column) => ({ ...column, name: formOf(column, encoding), ...(isEncoded && { why: "" }) })),
      reading: await optionLines({ ...reading, maxBad: badRows.maxBad }, read, place.folder),
      otherColumns: await optionLines(otherColumns, read, place.folder),
      newest: gate,
      newRows,
    };
    const trainer = source
      ? await trainerOfSource(source, place.folder)
      : starterTrainer(starter, kind, firstTrainer[kind === "events" ? "events" : "labels"], isRandom);
    return { text: starterPipeline(starter, kind, trainer), trainer };
  };
  const user = columns.find(({ role }) => role === "user")?.name;
  // the sample holds all texts and duplicates of the log, as CSV
  const { dedupe: _, dedupeBy: __, dedupeKeep: ___, ...raw } = encoding;
  const tryFile = async () => {
    await tryPipeline(
      { files, reading: firstReadingOf(raw), rows, user },
      async (at, path, { multi, multiWeights }) => {
        const cells = omitted(
          encoding,
          "inputFormat",
          "delimiter",
          "header",
          "columns",
          "encoding",
          "comment",
        );
        const lists = { ...(multi && { multi }), ...(multiWeights && { multiWeights }) };
        return (await textFor({ ...lists, ...cells }, { folder: at, logs: [path] })).text;
      },
      watch,
    );
  };
  await tryFile().catch(async (error: unknown) => {
    // a split by time leaves nothing to measure if none of the latest users has earlier events
    const hasTime = columns.some(({ role }) => role === "time");
    const isUnmeasured = error instanceof UsageError && error.cause instanceof GateError;
    if (!isUnmeasured || source || kind !== "events" || !hasTime) throw error;
    isRandom = true;
    await tryFile().catch(() => {
      throw error;
    });
    const text =
      "no user of the latest tenth of the rows has earlier events, so that the file splits at random";
    watch.observe({ stage: "warning", text });
  });
  const { text, trainer } = await textFor(encoding, { folder, logs: log });
  watch.observe({ stage: isUnsure ? "warning" : "note", text: `log: ${note}` });
  if (trainer.addsNothing !== undefined)
    watch.observe({ stage: "warning", text: `the gate 'vectorsAdd' rejects noise: ${trainer.addsNothing}` });
  if (gate?.warning !== undefined) watch.observe({ stage: "warning", text: gate.warning });
  if (out !== undefined) await writeFileAtomic(out, [Buffer.from(text)], force, { signal: watch.signal });
  return text;
}

function omitted<T extends object, K extends keyof T>(options: T, ...names: readonly K[]): Omit<T, K> {
  const kept = Object.entries(options).filter(([name]) => !names.some((other) => other === name));
  return Object.fromEntries(kept) as Omit<T, K>;
}

/** Returns a column as an option names it; for a numeric column, with the kind of its numbers if one was given. */
function formOf({ name }: StarterColumn, { numeric = [] }: LogOptions): string {
  return numeric.find((form) => form.startsWith(`${name}:`)) ?? name;
}

/** Options that name columns for other purposes than as a role, a field or a numeric column. */
const otherColumns = {
  ...omit(columnOptions, "user", "item", "label", "time", "weight", "session", "fields", "numeric"),
  ...hashedIds,
};

type LogOptions = Given<typeof columnOptions & typeof hashedIds & typeof reading & typeof badRows>;

function optionsOfLog(given: InitOptions): LogOptions {
  const names = Object.keys({ ...columnOptions, ...hashedIds, ...reading, ...badRows });
  return Object.fromEntries(Object.entries(given).filter(([name]) => names.includes(name)));
}

/** @throws {UsageError} no log is named @throws {NoInputError} the log of the run is gone */
async function namedLogs(
  logs: readonly string[],
  source: RecipeSource | undefined,
): Promise<readonly string[]> {
  if (logs.length > 0) return logs;
  if (!source)
    throw new UsageError("name the log, such as embed init 'logs/*.csv', or a run with --like or --from");
  const { recipe, title } = source;
  const found = recipe.log.includes("-") ? [] : await expandPaths(recipe.log).catch(() => []);
  const isThere = await Promise.all(found.map(async (path) => (await statOf(path)) !== undefined));
  if (found.length > 0 && isThere.every(Boolean)) return recipe.log;
  throw new NoInputError(
    `the log of ${title} is not there (${recipe.log.join(", ")}): name the log, embed init LOG with the same options`,
  );
}

/**
 * Inspects the log and encodes it as the pipeline will encode it, so that the bounds fit the rows and columns that
 * remain. If options or a run state the roles of its columns, the facts are those of the encoded rows.
 */
async function factsOfLog(
  files: readonly string[],
  own: LogOptions,
  source: RecipeSource | undefined,
  hasPattern: boolean,
  watch: Watch,
): Promise<LogToInit> {
  const encoding: LogOptions = { ...source?.recipe.encoding, ...own };
  const { timeFormat: _, ignore: __, ...others } = { ...columnOptions, ...hashedIds };
  const isEncoded = Object.keys(encoding).some((name) => Object.hasOwn(others, name));
  const inspected = isEncoded ? undefined : await inspect(files, encoding, watch);
  const ofConstant = inspected && withConstantLabel(inspected, encoding);
  if (ofConstant) return ofConstant;
  const quiet = {
    ...watch,
    observe: (progress: Progress) => progress.stage === "reading" && watch.observe(progress),
  };
  if (inspected) trainingOf(inspected, source);
  const roles = inspected && inferredOptions(inspected.columns);
  return await withTemporaryDirectory("init", async (folder) => {
    const dataset = join(folder, "dataset");
    try {
      await encode(files, { ...encoding, ...roles, out: dataset }, quiet);
    } catch (error) {
      // rows without a label end the reading; inspection shows whether the other rows have the same label
      const column = error instanceof DataError ? error.place?.column : undefined;
      const facts =
        column === undefined ? undefined : await inspect(files, { ...own, badRows: undefined }, quiet);
      const constant = facts && withConstantLabel(facts, encoding);
      if (constant?.constantLabel?.label === column && constant) return constant;
      if (!(error instanceof UsageError) || !source) throw error;
      throw new UsageError(
        `${files.join(", ")} ${files.length === 1 ? "is" : "are"} not a log for ${source.title}: ${error.message}`,
      );
    }
    const facts = inspected ?? (await inspect([dataset], {}, quiet));
    const constant = withConstantLabel(facts, encoding);
    if (constant) return constant;
    const training = trainingOf(facts, source);
    const newRows = newRowsLines(await readEncoded(dataset, 0), training ?? "events", hasPattern);
    return { facts, training, encoding, isEncoded, newRows };
  });
}

interface LogToInit {
  facts: Inspection;
  /** undefined if only the training of a run suits the log */
  training: StarterTraining | undefined;
  encoding: LogOptions;
  isEncoded: boolean;
  /** lines of the bounds on new files and days */
  newRows: string[];
  /** the label, if it has one value only, with the finding about it; there are no bounds then */
  constantLabel?: { label: string; text: string };
}

/** Undefined if the label has several values, or there is none. */
function withConstantLabel(facts: Inspection, encoding: LogOptions): LogToInit | undefined {
  const label = facts.columns.find(({ role, distinct }) => role === "label" && distinct <= 1)?.name;
  const text = facts.findings.find((one) => one.startsWith(`the label '${label}'`));
  if (label === undefined || text === undefined) return undefined;
  return {
    facts,
    training: undefined,
    encoding,
    isEncoded: false,
    newRows: [],
    constantLabel: { label, text },
  };
}

/** @throws {UsageError} the log has no label, nor users and items, and there is no run whose training is repeated */
function trainingOf(
  { columns, task }: Inspection,
  source: RecipeSource | undefined,
): StarterTraining | undefined {
  const training = starterTraining(columns, task);
  if (training || source) return training;
  const names = columns.map(({ name }) => name).join(", ");
  throw new UsageError(
    `found neither a label column nor user and item columns among ${names}: name them with --label, or --user and --item`,
  );
}

function inferredOptions(columns: Inspection["columns"]): LogOptions {
  const named = (...roles: string[]) =>
    columns.filter(({ role, type }) => roles.includes(role) && type !== "multi").map(({ name }) => name);
  const single = ["user", "item", "label", "time", "weight", "session"] as const;
  const roles = single.flatMap((role) => named(role).map((name) => [role, name]));
  return {
    ...(Object.fromEntries(roles) as LogOptions),
    fields: named("user", "item", "field"),
    numeric: named("numeric"),
  };
}

interface ProposedLog {
  log: readonly string[];
  files: string[];
  /** a sentence that says whether and how later files are read */
  note: string;
  /** true if the names of later files may not match the pattern */
  isUnsure: boolean;
}

/**
 * Determines the value of `log:` from the arguments of `embed init`, so that later files are read, too: a shell expands
 * logs/*.csv before embed sees it, and a list of today's files would never include new ones.
 *
 * @param logs as given on the command line
 * @throws {UsageError} several files that no pattern distinguishes from others, or a directory beside files
 * @throws {NoInputError} a pattern matches nothing
 */
async function proposedLog(logs: readonly string[]): Promise<ProposedLog> {
  const files = await expandPaths(logs);
  const isDirectory = await Promise.all(
    files.map(async (path) => (await statOf(path))?.isDirectory === true),
  );
  // names the directories themselves in `log:`, which then includes the files that are added to them later
  if (files.length === logs.length && isDirectory.every(Boolean)) return await directories(logs);
  const mixed = files.find((_, i) => isDirectory[i]);
  if (mixed !== undefined)
    throw new UsageError(
      `'${mixed}' is a directory but other logs are files: name only directories, or only files`,
    );
  const isGiven = logs.some((path) => MAGIC.test(path) && !files.includes(path));
  if (isGiven) return { log: logs, files, note: noteOf(logs, files), isUnsure: false };
  if (files.length === 1) return await oneFile(files[0]!);
  const { patterns, nearest } = await patternsFor(files);
  if (patterns) return { log: patterns, files, note: noteOf(patterns, files), isUnsure: false };
  const tried = nearest
    ? `'${nearest.pattern}' also matches ${shortList(nearest.others.map((path) => `'${path}'`))}`
    : "they have no common folder and name";
  throw new UsageError(
    `no pattern matches exactly these ${files.length} files: ${tried}. A weekly job needs a pattern to find ` +
      `next week's files: pass one in quotes (embed init '${nearest?.pattern ?? "logs/**/*.csv"}' ...), or ` +
      "name one file and add the others under log:",
  );
}

async function directories(logs: readonly string[]): Promise<ProposedLog> {
  const { files } = await filesOfLog(logs);
  const paths = files.map(({ path }) => path);
  return { log: logs, files: paths, note: noteOf(logs, paths, "hold"), isUnsure: false };
}

async function oneFile(file: string): Promise<ProposedLog> {
  const pattern = patternLike(file);
  const only = `only '${file}' is read in each run`;
  if (pattern === undefined) return { log: [file], files: [file], note: only, isUnsure: false };
  const matches = await expandPaths([pattern]).catch(() => []);
  const advice =
    `if next week's rows are in another file, pass a pattern in quotes: embed init '${pattern}' ` +
    `(currently ${fileCountText(matches.length)})`;
  return { log: [file], files: [file], note: `${only}; ${advice}`, isUnsure: true };
}

function noteOf(patterns: readonly string[], files: readonly string[], verb = "match"): string {
  const each = patterns.map((pattern) => `'${pattern}'`).join(" and ");
  return `${each} ${verb}${patterns.length === 1 ? (verb === "match" ? "es" : "s") : ""} ${fileCountText(files.length)} now, and later ones when they come`;
}

function fileCountText(files: number): string {
  return `${files} ${files === 1 ? "file" : "files"}`;
}

// Finds the run from which `embed init` makes a pipeline: a run in a page of `embed compare`, in a folder of runs, or
// at a path.

/** A recipe, the options that repeat a run's training, with paths relative to the working directory. */
interface RecipeSource {
  recipe: RunRecipe;
  /** description for messages and comments, such as `run 'clicks-runs/fm'` */
  title: string;
}

/** Undefined if the options name no run. @throws {UsageError} no run can be found, chosen or repeated */
async function recipeSource({ from, like, run }: InitOptions): Promise<RecipeSource | undefined> {
  if (like !== undefined) return await ofRun(like);
  if (from === undefined) return undefined;
  const found = await statOf(from);
  return found?.isDirectory ? await ofFolder(from, run) : await ofPage(from, run);
}

async function ofRun(path: string): Promise<RecipeSource> {
  const run = await openRun(path);
  return await placed(await recipeOf(run, path), relative(".", run.givenIn ?? ".") || ".", `run '${path}'`);
}

/** Makes paths relative to the working directory instead of `folder`. @throws {UsageError} unknown options */
async function placed(recipe: RunRecipe, folder: string, title: string): Promise<RecipeSource> {
  const { command, log, encoding, training } = recipe;
  const trainer = await trainerOf(command);
  const known = { ...encodeOptions, ...trainer?.options };
  const unknown = Object.keys({ ...encoding, ...training }).find((name) => !Object.hasOwn(known, name));
  if (!trainer || unknown !== undefined)
    throw new UsageError(
      `${title} was trained by another version of embed: this one has no ${trainer ? `option '${unknown}'` : `command '${command}'`}`,
    );
  checkRecorded(known, { ...encoding, ...training }, title);
  return {
    recipe: {
      ...recipe,
      log: log.map((path) => (path === "-" ? path : inFolder(folder, path))),
      encoding: await pathsFrom(encodeOptions, encoding, folder),
      training: await pathsFrom(trainer.options, training, folder),
    },
    title,
  };
}

/** @param folder folder of the pipeline file; undefined if the file is printed */
async function trainerOfSource(
  { recipe, title }: RecipeSource,
  folder: string | undefined,
): Promise<StarterTrainer> {
  const { command, metric, field, aligns, vectorsAdd } = recipe;
  const training = { ...recipe.training };
  const { init } = training;
  // a run that was trained from an earlier run starts each version from the latest one; a start from the table of
  // another command is kept
  if (
    typeof init === "string" &&
    !NO_PATHS.includes(init) &&
    (await openRun(init)).manifest.command === command
  )
    training["init"] = LATEST_VERSION;
  const { options: table } = (await trainerOf(command))!;
  return {
    ...{ command, comment: `as ${title} was trained` },
    options: await optionLines(table, training, folder),
    ...{ metric, field, aligns },
    ...(!vectorsAdd && {
      uncontrolled:
        metric === undefined
          ? "the training has no validation split (valid)"
          : "the training has no control without vectors",
    }),
    ...(vectorsAdd &&
      addsNothing(vectorsAdd) && {
        addsNothing: `${title} fails this: its vectors add ${vectorsAddText(vectorsAdd)}`,
      }),
  };
}

async function ofPage(page: string, name: string | undefined): Promise<RecipeSource> {
  const { recipes, best, from } = await readHandedOver(page);
  const wanted = name ?? best;
  if (wanted === undefined)
    throw new UsageError(
      `'${page}' has only baselines: choose one with --run, ${recipes.map((one) => one.name).join(", ")}`,
    );
  const recipe = recipes.find((one) => one.name === wanted);
  if (!recipe)
    throw noSuchRun(
      page,
      wanted,
      recipes.map((one) => one.name),
    );
  return await placed(recipe, join(dirname(page), from), `'${wanted}' of '${page}'`);
}

/** The folder does not record which of its runs is best. */
async function ofFolder(folder: string, name: string | undefined): Promise<RecipeSource> {
  if (await pathExists(join(folder, RUN_MARKER))) return await ofRun(folder);
  const names: string[] = [];
  for (const entry of await entriesOf(folder))
    if (await pathExists(join(folder, entry.name, RUN_MARKER))) names.push(entry.name);
  if (names.length === 0)
    throw new UsageError(`'${folder}' has no runs: name a page of embed compare, or a run`);
  const wanted = name ?? (names.length === 1 ? names[0]! : undefined);
  if (wanted === undefined)
    throw new UsageError(
      `'${folder}' has several runs: choose one with --run, ${names.join(", ")}; the page of the comparison knows the best`,
    );
  if (!names.includes(wanted)) throw noSuchRun(folder, wanted, names);
  return await ofRun(join(folder, wanted));
}

function noSuchRun(where: string, name: string, names: readonly string[]): UsageError {
  const near = nearestName(name, names);
  return new UsageError(
    `'${where}' has no run '${name}'${near === undefined ? "" : `, did you mean '${near}'?`}: it has ${names.join(", ")}`,
  );
}

/** @param folder folder of the file that contains the path; undefined for a file that is printed */
function pathInFile(path: string, folder: string | undefined): string {
  return folder === undefined || isAbsolute(path) ? path : relative(folder, resolve(path));
}

/** Only options that the table declares. @param folder of the file; undefined for a file that is printed */
export async function optionLines(
  table: OptionTable,
  given: Readonly<Record<string, unknown>>,
  folder: string | undefined,
): Promise<string[]> {
  const placed = await movedPaths(table, given, (path) => pathInFile(path, folder));
  return Object.entries(placed).flatMap(([option, value]) => {
    if (value === undefined || !Object.hasOwn(table, option)) return [];
    const declared = table[option] as Option;
    const scalars = valuesOf(declared, value).map((one) =>
      typeof one === "string" ? scalarOf(one) : String(one),
    );
    // if the option's names are separated by commas, writes even one name as a list, so that a comma in the name does
    // not split it
    const isList = declared.commas === true || scalars.length !== 1;
    return `${flagOf(option).slice(2)}: ${isList ? `[${scalars.join(", ")}]` : scalars[0]!}`;
  });
}

/** A text for each name of a list; a number or a boolean is kept unchanged. */
function valuesOf(option: Option, value: unknown): readonly (string | number | boolean)[] {
  if (typeof value === "number" || typeof value === "boolean") return [value];
  return option.commas && Array.isArray(value) ? value.map(String) : textsOf(option, value);
}

/** Returns the options with their paths relative to the working directory instead of a folder. */
async function pathsFrom<T extends Readonly<Record<string, unknown>>>(
  table: OptionTable,
  given: T,
  folder: string,
): Promise<T> {
  return await movedPaths(table, given, (path) => inFolder(folder, path), folder);
}

/** @param folder folder in which a value that may be a path is looked up */
async function movedPaths<T extends Readonly<Record<string, unknown>>>(
  table: OptionTable,
  given: T,
  move: (path: string) => string,
  folder = ".",
): Promise<T> {
  const kinds = new Map(settingsOf(table).map(({ name, path }) => [name, path]));
  const moved: Record<string, unknown> = { ...given };
  for (const [option, value] of Object.entries(given)) {
    const kind = kinds.get(flagOf(option).slice(2));
    const isPath = async (one: unknown): Promise<boolean> =>
      typeof one === "string" &&
      !NO_PATHS.includes(one) &&
      (kind === "always" || (await pathExists(inFolder(folder, one))));
    const place = async (one: unknown) => ((await isPath(one)) ? move(one as string) : one);
    if (kind) moved[option] = Array.isArray(value) ? await Promise.all(value.map(place)) : await place(value);
  }
  return moved as T;
}

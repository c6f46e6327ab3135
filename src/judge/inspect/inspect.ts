import { firstTrainer } from "../../trainers/index.js";
import { LEFT_OUT, starterConfig } from "../starter/pipeline-starter.js";
import { UsageError } from "../../base/errors.js";
import { checkOutput, writeFileAtomic } from "../../base/io/atomic.js";
import { version } from "../../base/io/package-version.js";
import { numberParser } from "../../log/number.js";
import type { ColumnShape } from "../report/page/log-page.js";
import { eventsOfRoles, ShapeCounter } from "./column-shapes.js";
import { keyAt } from "../../log/keys.js";
import { inferRoles, type InferredRoles } from "../../log/infer.js";
import type { Log } from "../../log/log.js";
import { lookAlikes, lookAlikeWarnings, unixTimeWarnings } from "../../log/look-alikes.js";
import { partialColumnWarnings, repeatedHeaderNote } from "../../log/file-columns.js";
import { roundedKeyWarnings } from "../../log/rounded-keys.js";
import { nullWarnings } from "../../log/nulls.js";
import { openLogWith, badRowHandling } from "../../training/reading/read-dataset.js";
import { encodedAmong } from "../../dataset/encoded/open.js";
import { requireColumn } from "../../dataset/roles.js";
import { readerSteps, skippedNotes, sumOf } from "../../dataset/steps.js";
import { isVectors } from "../../dataset/multi.js";
import { densityText, sparseFields, type Density } from "../../dataset/sparse-fields.js";
import { firstReadingOf } from "../../training/shared-options/reading.js";
import { badRowsOf } from "../../training/reading/bad-row-report.js";
import {
  logOptions,
  type InspectOptions,
  type InspectedColumn,
  type Inspection,
  type PageFacts,
} from "./options.js";
import { inspectDataset } from "./inspect-dataset.js";
import { KeyFactsCounter } from "./key-facts.js";
import { LogFacts } from "./log-facts.js";
import type { Watch } from "../../training/session/watch.js";

const FIRST_ROWS = 5;
/** Maximum number of distinct values of an integer field that is shown as numbers; others are shown as keys. */
const MOST_STEPS = 200;
/** Roles whose columns contain keys. */
const KEYS = new Set(["user", "item", "session", "field"]);

/** Inspects a log or dataset. @throws {DataError} too many bad rows @throws {UsageError} a dataset and other inputs */
export async function inspect(
  paths: readonly string[],
  given: InspectOptions,
  watch: Watch,
): Promise<Inspection> {
  const { writeConfig, timeFormat, force = false, html } = given;
  if (html !== undefined) await checkPage(html, force);
  const { page, ...found } = (await datasetFacts(paths, given)) ?? (await inspectLog(paths, given, watch));
  if (html !== undefined) {
    const { logPage } = await import("../report/page/log-page.js");
    const columns = found.columns.map((column, c) => ({ ...column, shape: page!.shapes[c] }));
    const text = await logPage({ version, paths, ...found, ...page!, columns });
    await writeFileAtomic(html, [Buffer.from(text)], force, { signal: watch.signal });
  }
  if (writeConfig !== undefined) {
    const text = starterConfig(paths, found.rows, found.columns, firstTrainer.labels.command, timeFormat);
    await writeFileAtomic(writeConfig, [Buffer.from(text, "utf8")], force);
  }
  return found;
}

const [VECTORS_TEXT, MOST_SHOWN] = ["vectors", 40];

type WithPage = Inspection & { page?: PageFacts };

async function checkPage(html: string, force: boolean): Promise<void> {
  if (html === "-") throw new UsageError("--html names a file: the facts are printed on standard output");
  await checkOutput(html, force, "file");
}

async function datasetFacts(
  paths: readonly string[],
  { top = logOptions.top.default, html, ...given }: InspectOptions,
): Promise<WithPage | undefined> {
  const path = await encodedAmong(paths, { engineAdvice: given.engine && "" });
  if (path === undefined) return undefined;
  const how = { firstRows: FIRST_ROWS, top, reading: firstReadingOf(given), hasPage: html !== undefined };
  return await inspectDataset(path, how);
}

async function inspectLog(
  paths: readonly string[],
  given: InspectOptions,
  { observe, signal }: Watch,
): Promise<WithPage> {
  const { ignore = [], timeFormat, top = logOptions.top.default } = given;
  const { badRows, ...bad } = badRowsOf(given);
  await badRows?.check(paths);
  const { onSkipped, onRead } = badRowHandling(paths, { badRows, ...bad }, signal);
  const opened = await openLogWith(
    paths,
    { ...firstReadingOf(given), ignore: [...ignore], keepBadRows: badRows !== undefined },
    { observe, signal },
  );
  try {
    for (const name of ignore) requireColumn("--ignore", name, opened.columns);
    const log = withoutColumns(opened, ignore);
    const inference = inferRoles(log.columns, log.sample, timeFormat);
    const { time, label, weight } = inference.roles;
    const missing = log.columns.map(() => 0);
    const keys = new KeyFactsCounter(log.columns, inference.roles);
    const facts = new LogFacts(log.columns, inference.roles, log.numbers, timeFormat);
    const rowsOfFiles = new Map<string, number>();
    const shapes = given.html === undefined ? undefined : new ShapeCounter(log.columns.length);
    const read = await log.read(
      log.columns.map((name) => ({
        ...{ name, as: "key" as const },
        ...([time, label, weight].includes(name) && { keepsCase: true as const }),
      })),
      (batch, keyOf) => {
        signal.throwIfAborted();
        const { file } = batch.numRows > 0 ? batch.placeOf(0) : { file: "" };
        rowsOfFiles.set(file, (rowsOfFiles.get(file) ?? 0) + batch.numRows);
        facts.see(batch, keyOf);
        keys.see(batch.columns as Uint32Array[], batch.numRows, batch.sizes);
        shapes?.see(batch.columns as Uint32Array[], batch.numRows, batch.sizes);
        for (const row of batch.faultyRows) onSkipped?.(row);
        batch.columns.forEach((codes, c) => {
          for (let row = 0; row < batch.numRows; row++) if (codes[row] === 0xffffffff) missing[c]!++;
        });
      },
      (progress) => observe({ stage: "reading", ...progress }),
    );
    await onRead(read.skipped, read.numRows + sumOf(read.skipped));
    const placeOf = new Map(log.columns.map((name, c) => [name, c]));
    const cellsOf = (name: string) => log.sample.map((row) => row[placeOf.get(name)!]!);
    const densities = log.columns.map((name, c) => ({
      name,
      keys: read.dictionaries[c]!.size,
      rows: read.numRows - missing[c]!,
    }));
    const { roleOf, why, warnings } = describeColumns(log, inference, densities, cellsOf);
    const columns = log.columns.map((name, c): InspectedColumn => ({
      name,
      role: roleOf(name),
      type: inference.types[name]!,
      why: why(name),
      distinct: read.dictionaries[c]!.size,
      missing: missing[c]!,
      first: log.sample.slice(0, FIRST_ROWS).map((row) => shownCell(row[c]!, why(name))),
    }));
    if (timeFormat === undefined) warnings.push(...unixTimeWarnings(inference.roles.time, cellsOf));
    warnings.push(...nullWarnings(new Map(read.nulls.map((found, c) => [log.columns[c]!, found]))));
    columns.forEach(({ name, role }, c) => {
      if (!KEYS.has(role)) return;
      const { user, item } = inference.roles;
      const origin = { isFloat: log.floats?.has(name) === true, isId: name === user || name === item };
      warnings.push(...roundedKeyWarnings(name, read.dictionaries[c]!, origin));
    });
    warnings.push(...skippedNotes(read.skipped));
    if (read.repeatedHeaders) warnings.push(repeatedHeaderNote(read.repeatedHeaders));
    warnings.push(
      ...log.warnings,
      ...(read.warnings ?? []),
      ...partialColumnWarnings(log.files, new Set(log.columns), (path) => rowsOfFiles.get(path) ?? 0),
    );
    const keyFacts = keys.found((c) => read.dictionaries[c]!, top, log);
    warnings.push(...keyFacts.warnings, ...keyFacts.findings);
    const steps = readerSteps(read);
    const found = {
      rows: read.numRows,
      steps,
      delimiter: log.delimiter,
      columns,
      ...facts.found(),
      ...keyFacts,
    };
    const textOf = (c: number) => (code: number) => keyAt(read.dictionaries[c]!, code);
    const page = shapes && {
      shapes: columns.map((column, c) => cellDistribution(shapes, c, column, textOf(c), log.numbers)),
      keys: eventsOfRoles(shapes, inference.roles, log.columns, textOf, top),
      days: facts.days(),
    };
    return { ...found, warnings, ...(page && { page }) };
  } finally {
    await opened.close();
  }
}

/** Returns the distribution of a column's cells for the HTML page; undefined for times, which it shows by day. */
function cellDistribution(
  shapes: ShapeCounter,
  c: number,
  { role, type, distinct }: Pick<InspectedColumn, "role" | "type" | "distinct">,
  textOf: (code: number) => string,
  numbers: Log["numbers"],
): ColumnShape | undefined {
  if (role === "time" || type === "time" || type === "empty") return undefined;
  // integers are ids, except those of a field with few values, which are a scale, such as a rating
  const isScale = role === "field" && distinct <= MOST_STEPS;
  const isNumber = type === "number" || (type === "integer" && (!KEYS.has(role) || isScale));
  return isNumber ? shapes.numbers(c, textOf, numberParser(numbers)) : shapes.keys(c, textOf);
}

/** Returns a cell, or the start of a vector. */
function shownCell(cell: string, why: string): string {
  return why === VECTORS_TEXT && cell.length > MOST_SHOWN ? `${cell.slice(0, MOST_SHOWN)}…` : cell;
}

function withoutColumns(log: Log, ignore: readonly string[]): Log {
  const kept = log.columns.map((_, c) => c).filter((c) => !ignore.includes(log.columns[c]!));
  return {
    ...log,
    columns: kept.map((c) => log.columns[c]!),
    sample: log.sample.map((row) => kept.map((c) => row[c]!)),
  };
}

function describeColumns(
  { multi = {}, dedupedBy = [] }: Pick<Log, "multi" | "dedupedBy">,
  inference: InferredRoles,
  densities: readonly Density[],
  cellsOf: (name: string) => string[],
) {
  const { roles, types, numeric, why } = inference;
  const named = new Map(Object.entries(roles).map(([role, name]) => [name, role]));
  const isEventKey = (name: string) => dedupedBy.includes(name) && !named.has(name);
  const isUnnamed = (name: string) =>
    !named.has(name) && !numeric.includes(name) && !Object.hasOwn(multi, name) && !isEventKey(name);
  const evaluated = densities.filter(
    ({ name }) => isUnnamed(name) || name === roles.user || name === roles.item,
  );
  const { sparse, warnings } = sparseFields(roles, evaluated, (name) => types[name] === "integer");
  const leftOut = new Map(
    sparse.map((one) => [one.name, `fewer than two rows per key: ${densityText(one)}`]),
  );
  for (const name of dedupedBy.filter(isEventKey)) leftOut.set(name, "identifies events (--dedupe-by)");
  const unnamed = densities.map(({ name }) => name).filter(isUnnamed);
  const hasTime = roles.time !== undefined;
  const alike = lookAlikes(unnamed, cellsOf, inference, hasTime);
  const looksOf = new Map(alike.map(({ name, looks }) => [name, looks]));
  return {
    roleOf: (name: string) =>
      named.get(name) ?? (leftOut.has(name) ? LEFT_OUT : numeric.includes(name) ? "numeric" : "field"),
    why: (name: string) =>
      (Object.hasOwn(multi, name) && isVectors({ separator: multi[name]! }) ? VECTORS_TEXT : undefined) ??
      leftOut.get(name) ??
      looksOf.get(name) ??
      (Object.hasOwn(why, name) ? why[name]! : ""),
    warnings: [...warnings, ...lookAlikeWarnings(alike, unnamed, inference, hasTime)],
  };
}

// `embed report`: writes a page that shows runs and their quality.
//
//   runs (manifests, metrics.jsonl, tables) ──► measured by this module ──► drawn by src/judge/report/page/ ──► one HTML file
//
// The same runs give the same page: hashes of keys decide samples, and the page contains no time of its creation.

import { join } from "node:path";
import { gatesIfAny } from "../../table/gate-file.js";
import { GATE_FILE, readPublication } from "../../table/publication.js";
import { DEFAULT_TABLE, openRun, type Run } from "../../table/run-directory.js";
import { UsageError, EmbedError, ArtifactError } from "../../base/errors.js";
import { K } from "./plane.js";
import { checkOutput, writeFileAtomic } from "../../base/io/atomic.js";
import { version } from "../../base/io/package-version.js";
import type { ReportedRun, ReportedDrift, VersionPoint } from "./page/content.js";
import { MOST_RUNS, reportPage } from "./page/page.js";
import { modelOf } from "../../trainers/index.js";
import { readingOf } from "../../training/shared-options/reading.js";
import { resolved, definedOf } from "../../options/table.js";
import type { Watch } from "../../training/session/watch.js";
import { Names, readNames } from "../../use/key-names.js";
import { labelsOfKeys } from "./map-labels.js";
import {
  reportOptions,
  type ReportOptions,
  type ReportSummary,
  type GivenReport,
  type ReportSources,
} from "./options.js";
import { fieldToShow, keysGiven, reportTable, SPENT, type SharedByRuns } from "./table.js";
import { modelCard } from "./model-card.js";
import { nameAmong, withOpenKeyed, type OpenKeyed } from "../../use/tables.js";
import type { CurveBin } from "../../metrics/scored-metrics.js";
import { scoreRows } from "../../use/predict/scored-rows.js";
import { silently } from "../../training/reading/split-parts.js";
import { pathExists } from "../../base/io/read-artifact.js";
import { diffField } from "../diff.js";

/** Maximum number of keys of all runs of a page, each on up to two maps; it keeps the page below 2 MB. */
const MOST_POINTS = 4000;

/**
 * Writes a page about runs.
 *
 * @param paths run directories, at most MOST_RUNS
 * @throws {UsageError} a run lacks a table, field or key that an option names, or options exclude each other
 * @throws {OutputError} the page exists and may not be replaced
 */
export async function report(
  paths: readonly string[],
  given: GivenReport,
  sources: ReportSources,
  watch: Watch,
): Promise<ReportSummary> {
  const start = performance.now();
  const options = { ...resolved(reportOptions, given), reading: readingOf(given), ...sources };
  if (paths.length === 0) throw new UsageError("no run given: name one or several runs");
  if (paths.length > MOST_RUNS)
    throw new UsageError(
      `a page can show at most ${MOST_RUNS} runs, got ${paths.length}: write several pages`,
    );
  const { out, force, leaderboard, handedOver } = options;
  if (!options.write) await checkOutput(out, force, "file");
  const runs = await Promise.all(paths.map(openRun));
  const names = await distinctNames(runs);
  const written = async (text: string, absent: readonly string[]): Promise<ReportSummary> => {
    const page = Buffer.from(text);
    if (options.write) await options.write(page);
    else await writeFileAtomic(out, [page], force, { signal: watch.signal });
    const seconds = (performance.now() - start) / 1000;
    return {
      command: "report",
      version,
      out,
      seconds,
      bytes: page.length,
      runs: [...paths],
      absent: [...absent],
    };
  };
  if (options.format === "markdown") {
    if (runs.length > 1) throw new UsageError("a model card (--format markdown) describes one run: name one");
    return await written(await modelCard(runs[0]!, names[0]!, watch), []);
  }
  const { measured, absent: unscored, scoredOn } = await scoreForReport(runs, options, watch);
  const reported: ReportedRun[] = [];
  const absent = new Set(unscored);
  const points = Math.min(options.points, Math.floor(MOST_POINTS / runs.length));
  const shared: SharedByRuns = { names: new Names([]) };
  for (const [i, run] of runs.entries()) {
    watch.signal.throwIfAborted();
    const shown = await reportRun(run, names[i]!, { ...options, points }, shared, watch);
    reported.push({ ...shown.run, ...(measured[i] && { calibration: measured[i] }) });
    for (const text of shown.absent) absent.add(runs.length > 1 ? `${shown.run.name}: ${text}` : text);
  }
  for (const note of shared.names.notes()) absent.add(note);
  const content = {
    version,
    runs: reported,
    absent: [...absent],
    ...definedOf({ scoredOn, leaderboard, handedOver }),
  };
  return await written(await reportPage(content), [...absent]);
}

/** Returns distinct names of runs: NAME/VERSION in a store, else the folder's name; repeated names get a number. */
async function distinctNames(runs: readonly Run[]): Promise<string[]> {
  const paths = runs.map(({ path }) => path);
  const names: string[] = [];
  for (const [i, path] of paths.entries()) {
    const published = await readPublication(path);
    const name = published ? `${published.name}/${published.version}` : nameAmong(paths, i);
    names.push(names.includes(name) ? `${name} (${i + 1})` : name);
  }
  return names;
}

async function sharedTable(opened: OpenKeyed, options: ReportOptions, shared: SharedByRuns, watch: Watch) {
  if (shared.keys === undefined) {
    shared.names = await readNames(opened, options);
    shared.labels = await labelsOfKeys(opened, fieldToShow(opened, options.field), options);
  }
  const keys = shared.keys ?? keysGiven(opened, options);
  const table = await reportTable(opened, options, { ...shared, keys }, watch);
  shared.keys ??= table.neighbors.map(({ key }) => key);
  return table;
}

/** Calls `use` with the table of a run that the HTML page shows. If there is none with keys, adds the reason to `absent`. */
async function withTableToShow<T>(
  run: Run,
  { table }: ReportOptions,
  absent: string[],
  use: (opened: OpenKeyed | undefined) => Promise<T>,
): Promise<T> {
  if (table !== undefined || run.tables.includes(DEFAULT_TABLE))
    return await withOpenKeyed(run.path, table, use);
  absent.push(
    run.tables.length === 0
      ? "norms, map and neighbors: the run holds no table"
      : `norms, map and neighbors: the run has no table of keys, only ${run.tables.join(", ")} (--table shows one of them)`,
  );
  return await use(undefined);
}

async function reportRun(run: Run, name: string, options: ReportOptions, shared: SharedByRuns, watch: Watch) {
  const absent: string[] = [];
  const { table, drift } = await withTableToShow(run, options, absent, async (opened) => {
    if (!opened) return {};
    const table = await sharedTable(opened, options, shared, watch);
    const lacksUmap =
      table.map && options.map !== "pca" && !table.map.layouts.some(({ by }) => by === "umap");
    if (lacksUmap && watch.timeLeft && watch.timeLeft() <= 0)
      absent.push(`${SPENT} before its keys were laid out by UMAP: embed report ${run.path} shows them`);
    else if (lacksUmap)
      absent.push(
        `a UMAP map: ${table.map!.points.length} keys with a vector are too few, it takes ${K + 1}`,
      );
    return { table, drift: await reportedDrift(opened, options, watch, shared.names, absent) };
  });
  const history = await versionHistory(run, options, watch, absent);
  const { importances, shares } = (await (await modelOf(run))?.reported?.(run)) ?? {};
  const gates = await gatesIfAny(join(run.path, GATE_FILE));
  const trials = await run.readTrialLines();
  const reported: ReportedRun = {
    name,
    path: run.path,
    manifest: run.manifest,
    lines: await run.readMetricsLines(),
    ...(trials.length > 0 && { trials }),
    ...definedOf({ importances, shares, table, drift, gates, history }),
  };
  return { run: reported, absent };
}

const TEST_PART = "the test part";

interface ReportCalibration {
  /** calibration curve of each run; undefined for a run without one */
  measured: (readonly CurveBin[] | undefined)[];
  absent: string[];
  /** phrase that names the scored rows, such as `the log given by --on` */
  scoredOn?: string;
}

/**
 * Scores a held-out split of each run again, because runs store no calibration curves: the number of bins is an option.
 * If the log no longer exists, the page says so; if --on or --part names it, that is an error.
 */
async function scoreForReport(
  runs: readonly Run[],
  options: ReportOptions,
  watch: Watch,
): Promise<ReportCalibration> {
  const { on, part, bins, hashKeys, reading, curves: given } = options;
  if (given) {
    const found = runs.map(({ path }) => (Object.hasOwn(given, path) ? given[path] : undefined));
    return { measured: found, absent: [], ...(found.some(Boolean) && { scoredOn: TEST_PART }) };
  }
  if (on && part !== undefined && part !== "none") throw new UsageError("--on and --part cannot be combined");
  const measured: ReportCalibration["measured"] = runs.map(() => undefined);
  const scorable = runs.map((run, i) => ({ run, i })).filter(({ run }) => "logLoss" in allMetrics(run));
  if (part === "none" || scorable.length === 0) return { measured, absent: [] };
  const shared = (["test", "valid"] as const).find((name) =>
    scorable.every(({ run }) => run.manifest.split[name] > 0),
  );
  const from = on ? { on } : { part: part ?? shared };
  if (!on && !from.part)
    return {
      measured,
      absent: ["calibration: the runs held out no part that all have (--on LOG names a log)"],
    };
  const absent: string[] = [];
  for (const { run, i } of scorable) {
    const asked = { ...from, reading, bootstrap: 0, bins, hashKeys };
    try {
      const { curves } = await scoreRows([{ run, name: "run" }], asked, silently(watch));
      measured[i] = curves["run"];
    } catch (error) {
      if (on || part || !(error instanceof EmbedError)) throw error;
      absent.push(`calibration of '${run.path}': ${error.message}`);
    }
  }
  const scoredOn = on ? "the log given by --on" : from.part === "test" ? TEST_PART : "the validation part";
  return { measured, absent, scoredOn };
}

/** Returns the metrics of all splits in one object; the object has the member logLoss if labels are binary. */
function allMetrics({ manifest: { metrics } }: Run): object {
  return { ...metrics["train"], ...metrics["valid"], ...metrics["test"] };
}

/** Number of nearest neighbors that are compared, and number of listed keys with the greatest displacements. */
const NEIGHBORS = 10;
/** Number of rows of a field that are compared; the duration is proportional to its square. */
const COMPARED_ROWS = 2000;

/** Maximum number of versions that a page shows: half a year of weekly versions. */
const MOST_VERSIONS = 26;

/** Returns the versions of a name up to a run, oldest first, without damaged ones; undefined if fewer than two. */
async function versionHistory(
  run: Run,
  options: ReportOptions,
  watch: Watch,
  absent: string[],
): Promise<VersionPoint[] | undefined> {
  const versions = options.history?.get(run.path)?.slice(-MOST_VERSIONS);
  if (!versions || versions.length < 2) return undefined;
  const points: VersionPoint[] = [];
  let before: string | undefined;
  for (const { version, path } of versions) {
    watch.signal.throwIfAborted();
    try {
      const { manifest, tables } = await openRun(path);
      const change =
        tables.length > 0 && before !== undefined ? await changeSince(before, path, options, watch) : {};
      const { rows, metrics, split } = manifest;
      points.push({ version, rows, metrics, ...definedOf({ newest: split?.newest }), ...change });
      before = tables.length > 0 ? path : undefined;
    } catch (error) {
      // leaves out a damaged version, so that the report on the other versions is not prevented
      if (!(error instanceof ArtifactError)) throw error;
      absent.push(`version ${version}: ${error.message}`);
    }
  }
  return points;
}

async function changeSince(
  before: string,
  now: string,
  { table, field: given, reading }: ReportOptions,
  { signal }: Watch,
): Promise<Pick<VersionPoint, "keys" | "change">> {
  return await withOpenKeyed(now, table, async (opened) =>
    withOpenKeyed(before, table, async (earlier) => {
      const field = fieldToShow(opened, given);
      if (!earlier.table.fields.includes(field)) return {};
      const how = { k: NEIGHBORS, top: 0, threads: reading.threads, signal };
      const { rows, neighborOverlap, displacement } = await diffField(
        field,
        earlier,
        opened,
        how,
        COMPARED_ROWS,
      );
      const { gained, lost, b: keys } = rows;
      const moved = displacement && { median: displacement.median, p90: displacement.p90 };
      return { keys, change: { gained, lost, neighborOverlap, ...moved } };
    }),
  );
}

/** Returns the changes since the run of --against or else the previous version in the store; undefined without both. */
async function reportedDrift(
  opened: OpenKeyed,
  { against: given, table: name, reading }: ReportOptions,
  { signal }: Watch,
  names: Names,
  absent: string[],
): Promise<ReportedDrift | undefined> {
  const against = given ?? (await versionBefore(opened.run.path));
  if (against === undefined || against === opened.run.path) return undefined;
  return await withOpenKeyed(against, name, async (before) => {
    const fields = before.table.fields.filter((field) => opened.table.fields.includes(field));
    if (fields.length === 0) {
      absent.push(`drift: '${against}' has none of its fields`);
      return undefined;
    }
    const options = { k: NEIGHBORS, top: NEIGHBORS, threads: reading.threads, signal };
    const compared = [];
    for (const field of fields) {
      const found = await diffField(field, before, opened, options, COMPARED_ROWS);
      compared.push({ ...found, moved: found.moved.map(names.ofField(opened, field)) });
    }
    return { against, k: NEIGHBORS, fields: compared, metrics: before.run.manifest.metrics };
  });
}

async function versionBefore(path: string): Promise<string | undefined> {
  const previous = (await readPublication(path))?.previous;
  if (!previous) return undefined;
  const before = join(path, "..", previous);
  return (await pathExists(before)) ? before : undefined;
}

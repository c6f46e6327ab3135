// `embed report`: writes a page that shows runs and their quality.
//
//   runs (manifests, metrics.jsonl, tables) ──► measured by this module ──► drawn by src/report/ ──► one HTML file
//
// The same runs give the same page: hashes of keys decide samples, and the page contains no time of its creation.

import { join } from "node:path";
import { gatesIfAny } from "../../embedding/gate-file.js";
import { GATE_FILE, readPublication } from "../../embedding/publication.js";
import { DEFAULT_TABLE, openRun, type Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { K } from "../../evaluation/plane.js";
import { checkOutput, writeFileAtomic } from "../../io/atomic.js";
import { version } from "../../io/package-version.js";
import type { Gate, ReportedRun } from "../../report/content.js";
import { MOST_RUNS, reportPage } from "../../report/page.js";
import { modelOf } from "../../trainers/index.js";
import { reportedDrift, versionHistory } from "./history.js";
import { readingOf } from "../../training/options/reading.js";
import { resolved } from "../../training/options/table.js";
import type { Watch } from "../../training/session/watch.js";
import { definedOf } from "../../training/options/defined.js";
import { scoreForReport } from "./calibration.js";
import { labelsOfKeys, type MapLabels } from "./labels.js";
import { Names, readNames } from "./names.js";
import {
  reportOptions,
  type ReportOptions,
  type ReportSummary,
  type GivenReport,
  type ReportSources,
} from "./options.js";
import { fieldToShow, keysGiven, reportTable } from "./table.js";
import { SPENT } from "./map.js";
import { nameAmong, withOpenKeyed, type OpenKeyed } from "../tables.js";

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
  const { measured, absent: unscored, scoredOn } = await scoreForReport(runs, options, watch);
  const reported: ReportedRun[] = [];
  const absent = new Set(unscored);
  const points = Math.min(options.points, Math.floor(MOST_POINTS / runs.length));
  const shared: SharedByRuns = { names: new Names([]) };
  const names = await distinctNames(runs);
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
  const page = Buffer.from(await reportPage(content));
  if (options.write) await options.write(page);
  else await writeFileAtomic(out, [page], force, { signal: watch.signal });
  return {
    command: "report",
    version,
    out,
    seconds: (performance.now() - start) / 1000,
    bytes: page.length,
    runs: [...paths],
    absent: [...absent],
  };
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

/** Names, labels and keys, read for the first run with a table, with which the HTML page shows all runs. */
interface SharedByRuns {
  names: Names;
  labels?: MapLabels | undefined;
  /** keys for which every run's section lists nearest neighbors */
  keys?: readonly string[];
}

/** Measures the table of a run for the HTML page, with the names, labels and keys that are used for all runs. */
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

/** Returns what the HTML page shows of a run, except calibration, and sentences about what it cannot show. */
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
  const { importances, shares } = await reportedOf(run);
  const gates = await gatesOf(run);
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

/** Returns importances of columns or shares of side information, if the model has any. @throws {ArtifactError} */
async function reportedOf(run: Run): Promise<Pick<ReportedRun, "importances" | "shares">> {
  return (await (await modelOf(run))?.reported?.(run)) ?? {};
}

/** Returns the outcomes of the gates of a published version. @throws {ArtifactError} gate.json is damaged */
async function gatesOf({ path }: Run): Promise<Gate[] | undefined> {
  return await gatesIfAny(join(path, GATE_FILE));
}

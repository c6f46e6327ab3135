// `embed report` for runs and for names in a store: their latest version, with the history of the versions before.

import { basename, dirname, join, resolve } from "node:path";
import { report } from "../../judge/report/report.js";
import type { GivenReport, ReportSummary } from "../../judge/report/options.js";
import type { Watch } from "../../training/session/watch.js";
import { UsageError } from "../../base/errors.js";
import { RUN_MARKER } from "../../table/manifest.js";
import { pathExists } from "../../base/io/read-artifact.js";
import { statOf } from "../../base/io/tree.js";
import { isStoreName, listVersions, namedLatest, storeNames, type Publication } from "./store.js";

/**
 * Writes a page about runs like `report`; STORE/NAME denotes its latest version with its history.
 *
 * @throws {UsageError} as `report`, or a store is given without a name @throws {ArtifactError} the latest version is
 * damaged
 */
export async function reportVersions(
  paths: readonly string[],
  given: GivenReport,
  write: (page: Uint8Array) => Promise<void>,
  watch: Watch,
): Promise<ReportSummary> {
  const history = new Map<string, readonly { version: string; path: string }[]>();
  const runs: string[] = [];
  for (const reported of paths) {
    // `.` and `..` are resolved, because their last part is not a name
    const path = /^\.*$/.test(basename(reported)) ? resolve(reported) : reported;
    const latest = (await pathExists(join(path, RUN_MARKER))) ? undefined : await latestOf(path);
    if (!latest) await checkNotStore(path);
    if (latest) {
      const versions = await versionsAt(path);
      // after a rollback the latest version is not the last one: rolled-back versions are not part of its history
      history.set(
        latest.path,
        versions.filter(({ version }) => Number(version) <= Number(latest.version)),
      );
    }
    runs.push(latest?.path ?? reported);
  }
  return await report(runs, given, { history, ...(given.out === "-" && { write }) }, watch);
}

async function checkNotStore(path: string): Promise<void> {
  if (!(await statOf(path))?.isDirectory || (await pathExists(join(path, RUN_MARKER)))) return;
  const folders = (await storeNames(path)).map((name) => join(path, name));
  const names: string[] = [];
  for (const folder of folders) if ((await versionsAt(folder)).length > 0) names.push(`'${folder}'`);
  if (names.length > 0)
    throw new UsageError(`'${path}' is a store: choose one of its names, ${names.join(", ")}`);
}

/** Undefined if the path is not a name in a store. */
async function latestOf(path: string): Promise<Publication | undefined> {
  if ((await versionsAt(path)).length === 0) return undefined;
  return await namedLatest(dirname(path), basename(path));
}

/** The oldest first; none if the path is not a name in a store. */
async function versionsAt(path: string): Promise<Publication[]> {
  return isStoreName(basename(path)) ? await listVersions(dirname(path), basename(path)) : [];
}

// `embed report` of runs, and of names in a store: their latest version, and how it came to be.

import { basename, dirname, join } from "node:path";
import { report } from "../api/report.js";
import type { ReportOptions, ReportSummary } from "../api/report-options.js";
import type { Watch } from "../api/progress.js";
import { RUN_MARKER } from "../embedding/run-directory.js";
import { pathExists } from "../io/read-artifact.js";
import { listVersions, namedLatest } from "./store.js";

/**
 * Writes a page about runs, as `report` does; STORE/NAME stands for its latest version with the history of those before.
 *
 * @throws {UsageError} as `report` @throws {ArtifactError} the latest version is damaged
 */
export async function reportVersions(
  paths: readonly string[],
  options: ReportOptions,
  watch: Watch,
): Promise<ReportSummary> {
  const history = new Map<string, readonly { version: string; path: string }[]>();
  const runs: string[] = [];
  for (const path of paths) {
    const latest = (await pathExists(join(path, RUN_MARKER))) ? undefined : await latestOf(path);
    if (latest) {
      const versions = await listVersions(dirname(path), basename(path));
      // after a rollback the latest is not the last: what was given up is no part of how it came to be
      history.set(
        latest.path,
        versions.filter(({ version }) => Number(version) <= Number(latest.version)),
      );
    }
    runs.push(latest?.path ?? path);
  }
  return await report(runs, { ...options, history }, watch);
}

/** The latest version of a path that is a name in a store; undefined of any other. */
async function latestOf(path: string) {
  const versions = await listVersions(dirname(path), basename(path));
  return versions.length > 0 ? await namedLatest(dirname(path), basename(path)) : undefined;
}

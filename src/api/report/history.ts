// History of a run for a report: differences between its table and an earlier one, and metrics and changes of the
// versions with its name in a store.

import { join } from "node:path";
import { readPublication } from "../../embedding/publication.js";
import { openRun, type Run } from "../../embedding/run-directory.js";
import { ArtifactError } from "../../errors.js";
import { pathExists } from "../../io/read-artifact.js";
import type { ReportedDrift, VersionPoint } from "../../report/content.js";
import { diffField } from "../diff.js";
import type { Names } from "./names.js";
import type { ReportOptions } from "./options.js";
import { definedOf } from "../../training/options/table.js";
import { fieldToShow } from "./table.js";
import { withOpenKeyed, type OpenKeyed } from "../tables.js";
import type { Watch } from "../../training/session/watch.js";

/** Number of nearest neighbors that are compared, and number of listed keys with the greatest displacements. */
const NEIGHBORS = 10;
/** Number of rows of a field that are compared; the duration is proportional to its square. */
const COMPARED_ROWS = 2000;

/** Maximum number of versions that a page shows: half a year of weekly versions. */
const MOST = 26;

/**
 * Returns the versions of a name up to a run, oldest first; undefined if there are fewer than two.
 *
 * @param absent receives a sentence per damaged version, which is left out
 */
export async function versionHistory(
  run: Run,
  options: ReportOptions,
  watch: Watch,
  absent: string[],
): Promise<VersionPoint[] | undefined> {
  const versions = options.history?.get(run.path)?.slice(-MOST);
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

/** Returns how the field on the page changed since an earlier version; empty if that version lacks the field. */
async function changeSince(
  before: string,
  now: string,
  options: ReportOptions,
  watch: Watch,
): Promise<Pick<VersionPoint, "keys" | "change">> {
  const { table } = options;
  return await withOpenKeyed(now, table, async (opened) =>
    withOpenKeyed(before, table, async (earlier) => await fieldChange(earlier, opened, options, watch)),
  );
}

async function fieldChange(
  before: OpenKeyed,
  now: OpenKeyed,
  { field: given, reading }: ReportOptions,
  { signal }: Watch,
): Promise<Pick<VersionPoint, "keys" | "change">> {
  const field = fieldToShow(now, given);
  if (!before.table.fields.includes(field)) return {};
  const how = { k: NEIGHBORS, top: 0, threads: reading.threads, signal };
  const { rows, neighborOverlap, displacement } = await diffField(field, before, now, how, COMPARED_ROWS);
  return {
    keys: rows.b,
    change: {
      gained: rows.gained,
      lost: rows.lost,
      neighborOverlap,
      ...(displacement && { median: displacement.median, p90: displacement.p90 }),
    },
  };
}

/** Returns the changes since the run of --against or else the previous version in the store; undefined without both. */
export async function reportedDrift(
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

/** Returns the path of the previous version, if it still exists. */
async function versionBefore(path: string): Promise<string | undefined> {
  const previous = (await readPublication(path))?.previous;
  if (!previous) return undefined;
  const before = join(path, "..", previous);
  return (await pathExists(before)) ? before : undefined;
}

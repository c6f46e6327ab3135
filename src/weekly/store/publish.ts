// embed publish makes a run the next version of a name in a store.

import { basename, isAbsolute, join, relative, resolve, sep } from "node:path";
import { readPublication } from "../../table/publication.js";
import { openRun } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import { checkFinite } from "../../metrics/table-facts.js";
import type { LockOptions } from "../../base/io/lock.js";
import { version as tool } from "../../base/io/package-version.js";
import { checkArtifact } from "../../base/io/read-artifact.js";
import type { GivenTo } from "../../options/table.js";
import type { publishOptions } from "./options.js";
import { namedLatest, nextVersion, publishRun, withStoreLock } from "./store.js";

export interface PublishSummary {
  command: "publish";
  version: string;
  /** path of the version that was published */
  out: string;
  published: { name: string; version: string; previous: string | null };
  dryRun: boolean;
}

/**
 * Publishes a run; a reader of `latest` sees the old version or the new one.
 *
 * @throws {LockedError} another writer is running
 * @throws {UsageError} the store would be inside the run
 * @throws {NoInputError} there is no such run, or no such extra file
 * @throws {ArtifactError} the run is damaged: nothing is published
 */
export async function publish(
  run: string,
  { store, name, extra = [], dryRun = false, ...lock }: GivenTo<typeof publishOptions> & LockOptions,
): Promise<PublishSummary> {
  const extras = new Map(extra.map(placeAndPath));
  checkStore(store, run);
  const reported = { command: "publish" as const, version: tool, dryRun };
  if (dryRun) {
    const opened = await openRun(run);
    await checkFinite(opened);
    const { manifest, root } = opened;
    for (const [file, expected] of Object.entries(manifest.files)) {
      await checkArtifact(join(root, file), expected);
    }
    const previous = (await namedLatest(store, name))?.version ?? null;
    const version = await nextVersion(store, name);
    return { ...reported, out: join(store, name, version), published: { name, version, previous } };
  }
  // the run is checked before the name is created, so that a wrong path creates no name
  await openRun(run);
  return await withStoreLock(store, name, lock, async () => {
    const { version, path } = await publishRun(run, store, name, extras, lock.signal);
    const previous = (await readPublication(path))?.previous ?? null;
    return { ...reported, out: path, published: { name, version, previous } };
  });
}

/** @throws {UsageError} the store is inside the run, so that each version would contain the store */
function checkStore(store: string, run: string): void {
  const path = relative(resolve(run), resolve(store));
  if (path === ".." || path.startsWith(`..${sep}`) || isAbsolute(path)) return;
  throw new UsageError(
    `store '${store}' is inside the run '${run}': name a directory outside of it with --store`,
  );
}

/** The place of a path without one is its last part. */
function placeAndPath(text: string): [place: string, path: string] {
  const at = text.indexOf("=");
  const [place, path] = at < 0 ? [basename(text), text] : [text.slice(0, at), text.slice(at + 1)];
  if (place === "" || path === "")
    throw new UsageError(
      `--extra expects a path or PLACE=PATH, such as exports/items.txt=items.txt, got '${text}'`,
    );
  return [place, path];
}

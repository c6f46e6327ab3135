// embed rollback points `latest` back to an earlier version, which is verified before; only the link is written.

import { join } from "node:path";
import { readPublication } from "../../table/publication.js";
import { ArtifactError, EmbedError, NoInputError } from "../../base/errors.js";
import { version as tool } from "../../base/io/package-version.js";
import { movePointer } from "../../base/io/tree.js";
import {
  LATEST,
  checkVersion,
  latestNumber,
  namePath,
  versionCalled,
  versionsOf,
  withStoreLock,
  type Publication,
} from "./store.js";
import type { rollbackOptions, WriterOptions } from "./options.js";

export interface RollbackSummary {
  command: "rollback";
  version: string;
  out: string;
  rollback: { name: string; from: string | null; to: string; skipped: string[] };
  dryRun: boolean;
}

/**
 * Points `latest` to an earlier version. The later ones stay, and their numbers are not assigned again.
 *
 * @throws {NoInputError} there is no such name or version, or none before the latest
 * @throws {ArtifactError} the requested version is damaged, or every earlier one is
 * @throws {LockedError} another writer is running
 */
export async function rollback(
  store: string,
  name: string,
  { to, dryRun = false, ...lock }: WriterOptions<typeof rollbackOptions>,
): Promise<RollbackSummary> {
  const versions = await versionsOf(store, name);
  const go = async (): Promise<RollbackSummary> => {
    const pointer = join(namePath(store, name), LATEST);
    const from = (await latestNumber(store, name)) ?? null;
    const { chosen, skipped } =
      to === undefined
        ? await beforeLatest(versions, from, `${store}/${name}`)
        : { chosen: await checked(versionCalled(versions, to, `${store}/${name}`)), skipped: [] };
    if (!dryRun) await movePointer(pointer, chosen.version);
    return {
      command: "rollback",
      version: tool,
      out: chosen.path,
      rollback: { name, from, to: chosen.version, skipped },
      dryRun,
    };
  };
  return dryRun ? await go() : await withStoreLock(store, name, lock, go);
}

async function checked(version: Publication): Promise<Publication> {
  await checkVersion(version.path);
  return version;
}

/** Returns the version that was the latest before this one was published, or else the newest intact one before it. */
async function beforeLatest(
  versions: Publication[],
  from: string | null,
  what: string,
): Promise<{ chosen: Publication; skipped: string[] }> {
  const latest = versions.find(({ version }) => version === from);
  // ignores errors, because a damaged version may lack its publication record
  const reported = latest && (await readPublication(latest.path).catch(() => undefined))?.previous;
  const earlier = versions
    .filter(({ version }) => from === null || Number(version) < Number(from))
    .toReversed();
  const before = earlier.filter(({ version }) => version === reported);
  const skipped: string[] = [];
  for (const candidate of [...before, ...earlier.filter((other) => !before.includes(other))]) {
    try {
      return { chosen: await checked(candidate), skipped };
    } catch (error) {
      if (!(error instanceof EmbedError)) throw error;
      skipped.push(candidate.version);
    }
  }
  if (skipped.length === 0) {
    throw new NoInputError(
      `'${what}' has no version before ${from ?? "the first"}; it has ${versions.map(({ version }) => version).join(", ")}`,
    );
  }
  throw new ArtifactError(
    `every version of '${what}' before ${from ?? "the newest"} is damaged (${skipped.join(", ")}): publish a new one`,
  );
}

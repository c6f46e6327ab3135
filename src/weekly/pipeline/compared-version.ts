// Chooses the version that gates compare with: the base of a training, or the newest version before it that satisfies
// today's bounds.
//
// A version that was published with weaker bounds may itself be wrong, and the next good one would be rejected because
// it differs. The search follows `previous`, so it never considers a version that was rolled back.

import { join } from "node:path";
import type { GateBounds } from "../gates/gates-schema.js";
import { readPublication } from "../../table/publication.js";
import { RUN_MARKER } from "../../table/manifest.js";
import { openRun } from "../../table/run-directory.js";
import { brokenBounds } from "../gates/version-bounds.js";
import { EmbedError } from "../../base/errors.js";
import { fingerprintOf, pathExists } from "../../base/io/read-artifact.js";

/** A version that a training starts from and is compared with. */
export interface BaseVersion {
  version: string;
  path: string;
  /** SHA-256 of the version's manifest when the version was chosen */
  manifest: string;
}

export interface ComparedVersion {
  /** version that gates compare with; undefined if there is none */
  version: { version: string; path: string } | undefined;
  /** later versions that do not satisfy today's bounds, the newest first, each with the messages of the bounds */
  passedOver: { version: string; broken: string[] }[];
}

/** Returns the version that gates compare with. @param latest the base of the training; returned if it is damaged */
export async function comparedVersion(
  store: string,
  name: string,
  latest: { version: string; path: string } | undefined,
  bounds: GateBounds,
): Promise<ComparedVersion> {
  const passedOver: ComparedVersion["passedOver"] = [];
  for (let version = latest; version;) {
    // gc has removed this version, so there are no earlier ones
    if (!(await pathExists(version.path))) break;
    try {
      const broken = await brokenBounds(await openRun(version.path), bounds);
      if (broken.length === 0) return { version, passedOver };
      passedOver.push({ version: version.version, broken });
      const before: string | null = (await readPublication(version.path))?.previous ?? null;
      version = before === null ? undefined : { version: before, path: join(store, name, before) };
    } catch (error) {
      if (!(error instanceof EmbedError)) throw error;
      // a damaged base version is returned, so that the steps report it; a damaged earlier version ends the search, as
      // a removed one does
      return { version: version === latest ? latest : undefined, passedOver };
    }
  }
  return { version: undefined, passedOver };
}

/** Undefined if there are no such versions. */
export function passedOverText(
  { version, passedOver }: ComparedVersion,
  latest: string | undefined,
  place: string,
): string | undefined {
  const [newest] = passedOver;
  if (!newest) return undefined;
  const versions = passedOver.map((each) => each.version).join(", ");
  const one = passedOver.length === 1;
  return (
    `${one ? "version" : "versions"} ${versions} ${one ? "does" : "do"} not hold today's bounds ` +
    `(${newest.broken.join("; ")}): gates ` +
    (version ? `compare with version ${version.version}` : "have no earlier version to compare with") +
    (newest.version === latest ? `; to stop serving version ${latest}: ${rollbackCommand(place)}` : "")
  );
}

export function rollbackCommand(place: string): string {
  return `embed rollback ${place}`;
}

/** @throws {ArtifactError} its publication is damaged */
export async function baseOf({
  version: number,
  path,
}: Pick<BaseVersion, "version" | "path">): Promise<BaseVersion> {
  const publication = await readPublication(path);
  const sha256 =
    publication?.files[RUN_MARKER]?.sha256 ?? (await fingerprintOf(join(path, RUN_MARKER))).sha256;
  return { version: number, path, manifest: sha256 };
}

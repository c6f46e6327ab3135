// Why a path that was named as a run is none: another thing was named, or a run lost its manifest.

import { join } from "node:path";
import { ArtifactError, UsageError, type EmbedError } from "../errors.js";
import { pathExists } from "../io/read-artifact.js";
import { entriesOf, statOf } from "../io/tree.js";
import { PUBLICATION_FILE } from "./publication.js";

/** Files that only the folder of a run has. */
const OF_A_RUN = /^(embeddings(\..+)?\.arrow|metrics\.jsonl|model)$/;

/**
 * The error for a path without a manifest: damage (82) where other files of a run are there, else a wrong request (64) that
 * names what it is and what to name in its place.
 *
 * @param path as it was named @param root the same with links followed; it exists
 */
export async function notARun(path: string, root: string): Promise<EmbedError> {
  if (!(await statOf(root))?.isDirectory)
    return new UsageError(
      `'${path}' is a file, not a run: name the directory that a train command or embed import wrote with -o`,
    );
  const names = (await entriesOf(root)).map(({ name }) => name);
  if (names.includes(PUBLICATION_FILE) || names.some((name) => OF_A_RUN.test(name)))
    return new ArtifactError(
      `run '${path}' has ${names.join(", ")} but no manifest.json: it is damaged; restore it or train again`,
    );
  if (names.includes("dataset.json"))
    return new UsageError(
      `'${path}' is an encoded dataset, not a run: train on it (a train command reads it in place of a log) and name that run`,
    );
  const versions = await versionsBelow(path, root, names);
  if (versions.length > 0)
    return new UsageError(
      `'${path}' is part of a store, not a run: name a version, ${versions.join(" or ")}`,
    );
  return new UsageError(
    `'${path}' is not a run directory: it has no manifest.json; name a directory that a train command or embed import wrote with -o`,
  );
}

/** The latest versions of a store or of a name in one, quoted. */
async function versionsBelow(path: string, root: string, names: readonly string[]): Promise<string[]> {
  if (names.includes("latest")) return [`'${join(path, "latest")}'`];
  const found: string[] = [];
  for (const name of names) {
    if (await pathExists(join(root, name, "latest"))) found.push(`'${join(path, name, "latest")}'`);
  }
  return found;
}

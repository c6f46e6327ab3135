// Decides what --force may replace: a directory that this program wrote and that contains nothing else. A file with a
// known name is no proof (web pages, browser extensions and other tools have a manifest.json too), so each kind of
// directory declares its files by the list in its description; a directory with any other file is not replaced.

import { join } from "node:path";
import { OutputError } from "../errors.js";
import { foldersOf } from "./listed-files.js";
import { entriesOf, kindAt } from "./tree.js";

/** A kind of directory that this program writes. */
export interface OwnDirectory {
  /** noun for messages: `a run` */
  what: string;
  /** name of the file that identifies such a directory, for messages */
  marker: string;
  /** Returns the files, with slashes, that such a directory lists; undefined if this program did not write it. */
  filesOf(dir: string): Promise<readonly string[] | undefined>;
}

/**
 * A kind of directory without a description: it contains `marker`, and no files with other names than the given ones.
 */
export function ownFiles(what: string, marker: string, names: readonly string[]): OwnDirectory {
  const filesOf = async (dir: string) =>
    (await kindAt(join(dir, marker))) === "file" ? [marker, ...names] : undefined;
  return { what, marker, filesOf };
}

/**
 * Checks that a directory may be replaced. An empty directory may always be replaced.
 *
 * @throws {OutputError} this program did not write it, or it contains another file; the message names it
 */
export async function checkReplaceable(target: string, own: OwnDirectory): Promise<void> {
  if ((await entriesOf(target)).length === 0) return;
  const files = await own.filesOf(target);
  const advice = "--force does not delete it; choose another output, or move it away first";
  if (!files) {
    throw new OutputError(
      `output '${target}' is not ${own.what} written by this tool (it has no ${own.marker} of this tool): ` +
        advice,
    );
  }
  const foreign = await foreignEntry(target, files);
  if (foreign !== undefined) {
    throw new OutputError(
      `output '${target}' contains '${foreign}', which is not part of ${own.what}: ${advice}`,
    );
  }
}

async function foreignEntry(dir: string, files: readonly string[]): Promise<string | undefined> {
  const [known, folders] = [new Set(files), new Set(files.flatMap(foldersOf))];
  const within = async (folder: string): Promise<string | undefined> => {
    for (const { name, kind } of await entriesOf(join(dir, folder))) {
      const path = folder === "" ? name : `${folder}/${name}`;
      const found =
        kind === "directory" && folders.has(path)
          ? await within(path)
          : kind === "file" && known.has(path)
            ? undefined
            : path;
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return await within("");
}

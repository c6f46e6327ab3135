// What --force may replace: a directory that this tool wrote and in which nothing else lies. A file of a known name proves nothing
// (web pages, browser extensions and other tools have a manifest.json too), so each kind of directory says which files it has, by
// what its description lists; one file more, and the directory stays.

import { join } from "node:path";
import { OutputError } from "../errors.js";
import { foldersOf } from "./listed-files.js";
import { entriesOf, kindAt } from "./tree.js";

/** A kind of directory that this tool writes. */
export interface OwnDirectory {
  /** for messages: `a run` */
  what: string;
  /** the file by which one is known, for messages */
  marker: string;
  /** Names of all files of such a directory, with slashes; undefined of one that this tool did not write. */
  filesOf(dir: string): Promise<readonly string[] | undefined>;
}

/** A directory without a description: it holds `marker`, and no file of another name than these. */
export function ownFiles(what: string, marker: string, names: readonly string[]): OwnDirectory {
  const filesOf = async (dir: string) =>
    (await kindAt(join(dir, marker))) === "file" ? [marker, ...names] : undefined;
  return { what, marker, filesOf };
}

/**
 * Checks that a directory may be replaced; an empty one may.
 *
 * @throws {OutputError} this tool did not write it, or something else lies in it; names what
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

/** The first thing in a directory that is none of the files; undefined when there is none. */
export async function foreignEntry(dir: string, files: readonly string[]): Promise<string | undefined> {
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

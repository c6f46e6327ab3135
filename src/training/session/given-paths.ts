// Paths of a training's inputs, as its manifest states them → where they are read again: they resolve against the folder where
// the training was given them, from wherever a command runs now.

import { isAbsolute, join, resolve } from "node:path";
import { parseSide } from "../../dataset/side.js";
import type { Run } from "../../embedding/run-directory.js";
import { NoInputError } from "../../errors.js";
import { expandPaths } from "../../io/glob.js";
import { statOf } from "../../io/tree.js";
import { isCut } from "../options/split-options.js";

/** Options of a training that name inputs. */
interface NamedInputs {
  log: string[];
  sides: string[];
  valid: number | string;
  test: number | string;
}

/**
 * The same options with each path where it is now: from the training's folder, or else from the current one, as runs of earlier
 * versions have it. What is read is checked against the manifest's checksums by the caller.
 *
 * @throws {NoInputError} a path leads to nothing in either place; names both
 */
export async function placedInputs(run: Run, { log, sides, valid, test }: NamedInputs): Promise<NamedInputs> {
  const placed = (path: string) => placedPath(run, path);
  const part = async (given: number | string) =>
    typeof given === "string" && !isCut(given) ? (await placed(given))[0]! : given;
  const side = async (given: string) => {
    const { path } = parseSide(given);
    return `${(await placed(path))[0]!}${given.slice(path.length)}`;
  };
  return {
    log: (await Promise.all(log.map(placed))).flat(),
    sides: await Promise.all(sides.map(side)),
    valid: await part(valid),
    test: await part(test),
  };
}

/** A path or the files that a pattern matches. */
async function placedPath({ givenIn, path: run }: Run, path: string): Promise<string[]> {
  const places = isAbsolute(path) ? [path] : [...(givenIn === undefined ? [] : [join(givenIn, path)]), path];
  for (const place of places) {
    const found = await expandPaths([place]).catch((error: unknown) => {
      if (error instanceof NoInputError) return [];
      throw error;
    });
    const kinds = await Promise.all(found.map(statOf));
    // the path may be a stranger's: a pipe or a device is none that a training can be read again from
    if (found.length > 0 && kinds.every((kind) => kind?.isFile || kind?.isDirectory)) return found;
  }
  const tried = [...new Set(places.map((place) => resolve(place)))]
    .map((place) => `'${place}'`)
    .join(" and ");
  throw new NoInputError(`'${path}', recorded in run '${run}', was not found at ${tried}: restore it there`);
}

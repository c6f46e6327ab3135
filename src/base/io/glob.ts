// Expands patterns that the shell did not expand ('logs/*.csv.gz' in quotes, or from a crontab) to the files that
// match.

import { readdir, stat } from "node:fs/promises";
import { NoInputError } from "../errors.js";

/**
 * Special characters of patterns; a path that contains one of them is a pattern unless a file with this name exists.
 */
export const MAGIC = /[*?[]/;

/**
 * Replaces patterns by the files that match them, in the order of the UTF-16 units of their names.
 *
 * `*` matches any text within a name, `?` one character, `[abc]` and `[!a-z]` one of a set, `**` any folders. Names
 * that start with a dot match only if the pattern has the dot. An existing path denotes itself, whatever characters it
 * has.
 *
 * @throws {NoInputError} a pattern matches nothing
 */
export async function expandPaths(paths: readonly string[]): Promise<string[]> {
  const expanded: string[] = [];
  for (const path of paths) {
    if (!MAGIC.test(path) || (await exists(path))) {
      expanded.push(path);
      continue;
    }
    const matches = await matching(path);
    if (matches.length === 0) throw new NoInputError(`'${path}' matches no files`);
    expanded.push(...matches);
  }
  return expanded;
}

async function matching(pattern: string): Promise<string[]> {
  const isAbsolute = pattern.startsWith("/");
  const parts = pattern.split("/").filter((part) => part !== "");
  let found = [isAbsolute ? "/" : ""];
  for (const [depth, part] of parts.entries()) {
    const isLast = depth === parts.length - 1;
    const next: string[] = [];
    for (const folder of found) next.push(...(await step(folder, part, isLast)));
    found = [...new Set(next)];
  }
  return found.sort(byUnits);
}

/** Expands one component of a path pattern in a folder; the last component matches files only. */
async function step(folder: string, part: string, isLast: boolean): Promise<string[]> {
  const join = (name: string) => (folder === "" || folder === "/" ? `${folder}${name}` : `${folder}/${name}`);
  if (part === "**") {
    const folders = await descendants(folder, join);
    return isLast ? (await Promise.all(folders.map((inner) => step(inner, "*", true)))).flat() : folders;
  }
  if (!MAGIC.test(part)) return (await exists(join(part))) ? [join(part)] : [];
  const test = patternOf(part);
  const names = (await entries(folder)).filter(
    (name) => test.test(name) && (part.startsWith(".") || !name.startsWith(".")),
  );
  const kept: string[] = [];
  for (const name of names) if (!isLast || !(await isFolder(join(name)))) kept.push(join(name));
  return kept;
}

/** Lists a folder and all folders below it. Links are not followed, because they may form a loop. */
async function descendants(folder: string, join: (name: string) => string): Promise<string[]> {
  const all = [folder];
  let inner: string[] = [];
  try {
    const listed = await readdir(folder || ".", { withFileTypes: true });
    inner = listed
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
      .map(({ name }) => name);
  } catch {
    // a folder that cannot be listed matches nothing
  }
  for (const name of inner) {
    const path = join(name);
    all.push(...(await descendants(path, (below) => `${path}/${below}`)));
  }
  return all;
}

function patternOf(part: string): RegExp {
  let source = "";
  for (let at = 0; at < part.length; at++) {
    const char = part[at];
    const close = char === "[" ? part.indexOf("]", at + 2) : -1;
    if (char === "*") source += "[^]*";
    else if (char === "?") source += "[^]";
    else if (close !== -1) {
      const set = part.slice(at + 1, close).replaceAll(/[\\\]^[]/g, "\\$&");
      source += set.startsWith("!") ? `[^${set.slice(1)}]` : `[${set}]`;
      at = close;
    } else source += char.replaceAll(/[$()*+.?[\\\]^{|}]/g, "\\$&");
  }
  try {
    return new RegExp(`^${source}$`, "u");
  } catch {
    // an invalid set such as [z-a] matches no name
    return /(?!)/;
  }
}

async function entries(folder: string): Promise<string[]> {
  try {
    return await readdir(folder || ".");
  } catch {
    return [];
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

function byUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

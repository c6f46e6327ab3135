// The files that a description (manifest.json, publication.json, dataset.json) lists of its directory.
//
// A run, a version or a dataset may come from a stranger, and its description with it: a checksum says that a file is the one that
// was listed, not that it lies in the directory. Names are checked before any of them is joined to a path, and what stands under
// them is checked before any of it is opened: a link leads elsewhere, and opening a named pipe waits for ever.
//
// Hard links need no check: nothing here writes into a file of a directory that it has opened.

import { lstat } from "node:fs/promises";
import { join, posix } from "node:path";
import { ArtifactError, excerpt } from "../errors.js";
import { asIoError, codeOf } from "./write.js";

const ADVICE = "it is damaged or was tampered with; do not use it, get a new copy from a trusted source";

/**
 * Why names cannot be those of the files of one directory; undefined when they can. A name is relative, with slashes, and stays in
 * the directory on every system; no two may be one file where case or Unicode composition does not count.
 *
 * @param reserved names that the list must not have
 */
export function whyNotListed(names: readonly string[], reserved: readonly string[] = []): string | undefined {
  const folded = new Set(reserved.map(fold));
  for (const name of names) {
    const why = whyNoName(name);
    if (why !== undefined) return `${excerpt(name)}, which ${why}`;
    if (folded.has(fold(name))) return `${excerpt(name)}, which already exists (names are case-insensitive)`;
    folded.add(fold(name));
  }
  const within = names.find((name) => foldersOf(name).some((folder) => folded.has(fold(folder))));
  return within === undefined ? undefined : `${excerpt(within)}, and one of its folders as a file`;
}

function whyNoName(name: string): string | undefined {
  if (name.startsWith("/") || /^[A-Za-z]:/.test(name)) return "is an absolute path";
  if (/[\0\\]/.test(name)) return "has a NUL or a backslash";
  if (name.split("/").includes("..")) return "points outside its directory";
  if (name === "" || name === "." || name.endsWith("/") || posix.normalize(name) !== name)
    return "is not a plain file path";
  return undefined;
}

/** @param file that lists the names, for the message @throws {ArtifactError} as whyNotListed */
export function checkListed(names: readonly string[], file: string, reserved: readonly string[] = []): void {
  const why = whyNotListed(names, reserved);
  if (why !== undefined) throw new ArtifactError(`'${file}' lists ${why}: ${ADVICE}`);
}

/**
 * Checks that what stands under names in a directory are regular files, reached over no link; one that is missing is left to
 * whoever reads it.
 *
 * @throws {ArtifactError} a link, a named pipe, a device or a directory stands there @throws {IoError} no permission
 */
export async function checkRegularFiles(dir: string, names: Iterable<string>): Promise<void> {
  const files = [...names];
  const folders = [...new Set(files.flatMap((name) => foldersOf(name)))];
  // at the same time: a run has ten files, and each takes a fraction of a millisecond
  const complaints = await Promise.all([
    ...folders.map((folder) => kindComplaint(join(dir, folder), "directory")),
    ...files.map((name) => kindComplaint(join(dir, name), "regular file")),
  ]);
  const first = complaints.find((complaint) => complaint !== undefined);
  if (first !== undefined) throw first;
}

/** What is wrong with what stands there; undefined when it is of that kind, or missing. */
async function kindComplaint(path: string, expected: "directory" | "regular file"): Promise<unknown> {
  let found;
  try {
    found = await lstat(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    return asIoError(error, `looking at '${path}' failed`);
  }
  if (expected === "directory" ? found.isDirectory() : found.isFile()) return undefined;
  return new ArtifactError(`'${path}' is ${kindOf(found)}, expected a ${expected}: ${ADVICE}`);
}

/** What something is, in words. */
export function kindOf(found: {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
  isFIFO(): boolean;
}): string {
  if (found.isFile()) return "a file";
  if (found.isDirectory()) return "a directory";
  if (found.isSymbolicLink()) return "a symbolic link";
  return found.isFIFO() ? "a named pipe" : "a device or a socket";
}

/** `a`, `a/b` of `a/b/c`. */
export function foldersOf(name: string): string[] {
  const parts = name.split("/").slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join("/"));
}

function fold(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

// Checks the files that a description (manifest.json, publication.json, dataset.json) lists.
//
// A run, a version or a dataset may come from an untrusted source, including its description: a checksum shows that a
// file is the one that was listed, not that it is inside the directory. Names are checked before any of them is joined
// to a path, and the kinds of files before any of them is opened: a link may lead out of the directory, and opening a
// named pipe blocks.
//
// Hard links need no check, because no command writes into a file of a directory that it has opened.

import { lstatSync } from "node:fs";
import { join, posix } from "node:path";
import { ArtifactError, excerpt } from "../errors.js";
import { asIoError, codeOf } from "./write.js";

const ADVICE = "it is damaged or was tampered with; do not use it, get a new copy from a trusted source";

/**
 * Returns why the names cannot denote the files of one directory, or undefined if they can. A name must be relative,
 * use slashes, and stay within the directory on every system. No two names may denote the same file if case or Unicode
 * composition is ignored.
 *
 * @param reserved names that the list must not contain
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

/**
 * Checks the file names that a description, such as a manifest, lists.
 * @param file the description, for messages
 * @throws {ArtifactError} whyNotListed states a reason
 */
export function checkListed(names: readonly string[], file: string, reserved: readonly string[] = []): void {
  const why = whyNotListed(names, reserved);
  if (why !== undefined) throw new ArtifactError(`'${file}' lists ${why}: ${ADVICE}`);
}

/**
 * Checks that the names denote regular files, on paths without links. A missing file is reported later, by its reader.
 *
 * @throws {ArtifactError} one is a link, a named pipe, a device or a directory @throws {IoError} no permission
 */
export function checkRegularFiles(dir: string, names: Iterable<string>): void {
  const files = [...names];
  for (const folder of new Set(files.flatMap((name) => foldersOf(name))))
    checkKind(join(dir, folder), "directory");
  for (const name of files) checkKind(join(dir, name), "regular file");
}

function checkKind(path: string, expected: "directory" | "regular file"): void {
  let found;
  try {
    // a call to the thread pool would take ten times as long
    found = lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (codeOf(error) === "ENOTDIR") return;
    throw asIoError(error, `looking at '${path}' failed`);
  }
  if (!found || (expected === "directory" ? found.isDirectory() : found.isFile())) return;
  throw new ArtifactError(`'${path}' is ${fileKindText(found)}, expected a ${expected}: ${ADVICE}`);
}

export function fileKindText(found: {
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

/** Returns the folders of a name: `a`, `a/b` for `a/b/c`. */
export function foldersOf(name: string): string[] {
  const parts = name.split("/").slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join("/"));
}

function fold(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

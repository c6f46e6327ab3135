// STORE/NAME/latest: a symbolic link to the latest version beside it.
//
//   latest -> 000003            the version
//   latest -> .000003.new-ID    its stand-in while 000003 is being replaced
//
// A link to anything else was not created by this program and is never followed.

import { join } from "node:path";
import { remakeOf } from "../embedding/publication.js";
import { ArtifactError } from "../errors.js";
import { movePointer, readPointer } from "../io/tree.js";

/** File name of the link to the latest version. */
export const LATEST = "latest";

/**
 * The directory that the link names, and its version. While a version is being replaced, the directory is a stand-in
 * for it.
 */
export interface NamedVersion {
  named: string;
  version: string;
}

/** Reads the link `latest`. @param path STORE/NAME @throws {ArtifactError} another target @throws {IoError} */
export async function readLatest(path: string): Promise<NamedVersion | undefined> {
  const link = join(path, LATEST);
  const named = await readPointer(link);
  if (named === undefined) return undefined;
  const version = numberOf(named);
  if (version !== undefined) return { named, version };
  throw new ArtifactError(
    `'${link}' points to '${named}', expected a version such as 000001: another program created this link; ` +
      remakeOf(link),
  );
}

/**
 * Returns the number of the version that the link names, whether it exists or not; undefined without a link. @throws
 * {IoError}
 */
export async function latestNumberIn(path: string): Promise<string | undefined> {
  const named = await readPointer(join(path, LATEST));
  return named === undefined ? undefined : numberOf(named);
}

/**
 * Points the link to its version again if a killed writer left it pointing to the directory that stands in for the
 * version while that is replaced.
 */
export async function settleLatest(path: string): Promise<void> {
  const link = join(path, LATEST);
  const named = await readPointer(link);
  const version = named === undefined ? undefined : standIn.exec(named)?.[1];
  if (version !== undefined) await movePointer(link, version);
}

function numberOf(named: string): string | undefined {
  return /^\d{6,}$/.test(named) ? named : standIn.exec(named)?.[1];
}

const standIn = /^\.(\d{6,})\.new-[^/]*$/;

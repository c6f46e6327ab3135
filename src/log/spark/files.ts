// Lists the files that a name denotes in the file systems of a server, with their sizes and modification times. Which
// files of a directory are logs, and in which order, is decided as for local directories (log/directory.ts).

import type { Data } from "apache-arrow";
import { DataError, IoError, NoInputError, UsageError } from "../../base/errors.js";
import { arrow } from "../../base/io/apache-arrow.js";
import { byUnits, chosenLogs } from "../directory.js";
import type { LogFile } from "../log.js";
import { batchesIn, int64At } from "./batches.js";
import { filesOf, projected } from "./plans.js";
import type { EngineSession } from "./session.js";

/** One file in a file system of the server; `path` is its name in messages and manifests. */
export interface RemoteFile extends LogFile {
  /** URI of the file, as the server lists it and as requests name it */
  uri: string;
  bytes: number;
  /** time of the last modification, in milliseconds since 1970 */
  modified: number;
}

/** Pattern of a name with a scheme: `s3a://bucket/logs`. */
const URI = /^([a-z][a-z0-9+.-]*):\/\/?[^/]*(\/|$)/i;
const GLOB = /[*?[{]/;

/** Escapes those characters of a path that have a meaning in Hadoop's patterns. */
export function literal(uri: string): string {
  return uri.replaceAll(/[*?[\]{}\\]/g, "\\$&");
}

/** Columns of a listing of files; times are in milliseconds, sizes in bytes. */
const LISTED = ["path", "length", "unix_millis(modificationTime) AS modified"];

export function checkRemoteNames(named: readonly string[]): void {
  for (const path of named) {
    if (path === "-")
      throw new UsageError("--engine cannot read standard input: name files, tables or a query");
    if (!URI.test(path) || /^sc:/i.test(path))
      throw new UsageError(
        `'${path}': with --engine, logs are named as the server finds them, such as s3a://bucket/logs/*.parquet, ` +
          "hdfs://host/logs, file:///logs/day.csv (of the server's machines) or table:catalog.database.name",
      );
    if (path.includes("**"))
      throw new UsageError(
        `'${path}': ** is not supported with --engine: name the directory, which is read whole`,
      );
  }
}

/** Returns a log's files as the user orders them. @throws {NoInputError} a name matches no file; as Session.run */
export async function remoteFiles(
  session: EngineSession,
  named: readonly string[],
): Promise<{ files: RemoteFile[]; warnings: string[] }> {
  const files: RemoteFile[] = [];
  const warnings: string[] = [];
  for (const path of named) {
    const found = await chosenFiles(session, path);
    files.push(...found.files);
    warnings.push(...found.warnings);
  }
  return { files, warnings };
}

export async function checkUnchanged(
  session: EngineSession,
  named: readonly string[],
  files: readonly RemoteFile[],
): Promise<void> {
  const now = await remoteFiles(session, named);
  const stateOf = ({ uri, bytes, modified }: RemoteFile) => `${uri} ${bytes} ${modified}`;
  const before = new Set(files.map(stateOf));
  const other = now.files.find((file) => !before.has(stateOf(file)));
  if (!other && now.files.length === files.length) return;
  throw new IoError(
    `${other ? `'${other.path}'` : "the log"} changed while it was read: run the command again when nothing writes there`,
  );
}

type Listed = Omit<RemoteFile, "partition">;

/** Lists the files of a path. If a file with this exact path exists, the path is not interpreted as a pattern. */
async function chosenFiles(session: EngineSession, path: string) {
  if (!GLOB.test(path)) return chosen(path, await listingOf(session, path, path), false);
  try {
    return chosen(path, await listingOf(session, path, literal(path)), false);
  } catch (error) {
    if (!(error instanceof NoInputError)) throw error;
    return chosen(path, await listingOf(session, path, path), true);
  }
}

async function listingOf(session: EngineSession, path: string, pattern: string): Promise<Listed[]> {
  const relation = projected(filesOf("binaryFile", [pattern], { recursiveFileLookup: "true" }), LISTED);
  const listed: Listed[] = [];
  for (const bytes of await session.fetch(relation, `'${path}'`)) {
    for (const { children } of batchesIn(bytes, ["text", "int64", "int64"], `'${path}'`)) {
      const [paths, lengths, times] = children as [Data, Data, Data];
      const texts = new arrow.Vector([paths]);
      for (let row = 0; row < paths.length; row++) {
        const uri = String(texts.get(row) ?? "");
        const [size, modified] = [int64At(lengths, row), int64At(times, row)];
        listed.push({ uri, path: withSlashes(uri), bytes: size, modified });
      }
    }
  }
  return listed.sort((a, b) => byUnits(a.path, b.path));
}

/** Normalizes `file:/logs` to `file:///logs`. */
function withSlashes(uri: string): string {
  return uri.replace(/^([a-z][a-z0-9+.-]*):\/(?!\/)/i, "$1:///");
}

function chosen(
  path: string,
  listed: readonly Listed[],
  isPattern: boolean,
): { files: RemoteFile[]; warnings: string[] } {
  const name = withSlashes(path).replace(/(?!^)\/+$/, "");
  const own = listed.find((file) => file.path === name);
  if (own) return { files: [{ ...own, partition: {} }], warnings: [] };
  if (isPattern) {
    // as on the local disk, a pattern matches only files, so the files in matching directories are excluded
    const depth = name.split("/").length;
    const matching = listed.filter((file) => file.path.split("/").length === depth);
    if (matching.length === 0) throw new NoInputError(`'${path}' matches no files on the server's side`);
    return { files: matching.map((file) => ({ ...file, partition: {} })), warnings: [] };
  }
  if (listed.length === 0)
    throw new NoInputError(
      `'${path}' has no log on the server's side: it is an empty file, or a directory without files that have rows`,
    );
  const below = `${name}/`;
  const stray = listed.find((file) => !file.path.startsWith(below));
  if (stray)
    throw new DataError(`the server lists '${stray.path}', which is not below '${name}'`, { file: path });
  const byName = new Map(listed.map((file) => [file.path.slice(below.length), file]));
  const visible = [...byName.keys()].filter((file) => !/(^|\/)[._]/.test(file));
  const { files, warnings } = chosenLogs(name, visible, (file) => byName.get(file)!.bytes);
  return {
    files: files.map(({ path: file, partition }) => ({
      ...byName.get(file.slice(below.length))!,
      partition,
    })),
    warnings,
  };
}

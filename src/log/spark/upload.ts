// Uploads columns of numbers as rows that a server stores for further commands.
//
//   columns ──► chunks as Arrow streams ──► one checkpoint each on the executors ──► one relation, the union of all
//
// A checkpoint moves a chunk from the driver to the executors' memory and disks, so that the driver never holds all
// rows. No file outlives the session.

import { IoError, UsageError } from "../../base/errors.js";
import { arrow } from "../../base/io/apache-arrow.js";
import { unionOf, type SparkCommand, type Relation } from "./plans.js";
import type { EngineSession } from "./session.js";

/** Number of bytes of the values in a chunk; a server accepts messages of 128 MiB. */
const CHUNK_BYTES = 8 << 20;

/** The first version of Spark whose Connect server stores rows for a session and supports MLlib. */
const FIRST_MAJOR = 4;

/** @throws {UsageError} the version of Spark on the server is too old */
export function checkCanTrain({ shown, version }: Pick<EngineSession, "shown" | "version">): void {
  if (Number.parseInt(version, 10) >= FIRST_MAJOR) return;
  throw new UsageError(
    `--engine-train needs Spark ${FIRST_MAJOR}.0 or later, and ${shown} is Spark ${version || "of no version"}: Connect ` +
      "servers before that keep no rows and have no MLlib; omit --engine-train to train on this machine",
  );
}

/** Columns of equal length, by name. */
export type UploadColumns = Readonly<Record<string, Int32Array | Float32Array | Float64Array>>;

/**
 * Sends rows to the server.
 *
 * @param columns of equal length, with at least one row; int, float and double on the server
 * @param what name of the rows in messages: `the events`
 * @param observe called with the number of rows sent so far
 * @returns a relation with these columns, valid until the session ends; the order of its rows differs from that of the
 * columns
 * @throws {EmbedError} as Session.execute
 */
export async function upload(
  session: EngineSession,
  columns: UploadColumns,
  what: string,
  observe: (numRows: number) => void = () => undefined,
): Promise<Relation> {
  const numRows = Object.values(columns)[0]!.length;
  const rowBytes = Object.values(columns).reduce((sum, { BYTES_PER_ELEMENT: bytes }) => sum + bytes, 0);
  const chunkRows = Math.max(1, Math.floor(CHUNK_BYTES / rowBytes));
  const chunks: Relation[] = [];
  for (let from = 0; from < numRows; from += chunkRows) {
    const to = Math.min(numRows, from + chunkRows);
    chunks.push(await kept(session, localRows(columns, from, to), `sending ${what}`));
    observe(to);
  }
  return unionOf(chunks);
}

/** Returns a relation whose rows are part of the request itself. */
function localRows(columns: UploadColumns, from: number, to: number): Relation {
  const some = Object.entries(columns).map(([name, values]) => [name, values.subarray(from, to)] as const);
  const data = arrow.tableToIPC(arrow.tableFromArrays(Object.fromEntries(some)), "stream");
  return { localRelation: { data } };
}

/** Stores a relation on the executors. @throws {IoError} the response contains no reference to it */
async function kept(session: EngineSession, relation: Relation, what: string): Promise<Relation> {
  const checkpointCommand: SparkCommand = { relation, local: true, eager: true };
  const { checkpointCommandResult } = await session.execute({ checkpointCommand }, what);
  const relationId = checkpointCommandResult?.relation?.relationId;
  if (relationId === undefined)
    throw new IoError(`--engine: ${session.shown} does not say where it keeps the rows: ${what} failed`);
  return { cachedRemoteRelation: { relationId } };
}

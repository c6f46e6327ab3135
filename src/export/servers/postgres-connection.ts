// A connection to PostgreSQL for one writer, with statements and COPY in one transaction; errors are converted to the
// error classes of this project.

import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { EmbedError, IoError, LockedError, OutputError, UsageError } from "../../base/errors.js";
import { optionalPackage } from "../optional-package.js";
import { notUrl, PATIENCE, saidBy, type ServerTarget } from "./server.js";

const POSTGRES_PACKAGE = ["pg", "^8"] as const;
const COPY_PACKAGE = ["pg-copy-streams", "^7"] as const;
const CONNECT_MILLISECONDS = 10_000;

export type PostgresRow = Record<string, unknown>;

/** A transaction, which commits either all of its changes or none. */
export interface Transaction {
  /** Runs a statement and returns its rows. @throws {EmbedError} as postgresError, or the server does not respond */
  query: <T extends PostgresRow = PostgresRow>(sql: string, values?: readonly unknown[]) => Promise<T[]>;
  /** Runs a statement that processes all rows, so it has no time limit. @throws {EmbedError} as postgresError */
  longQuery: (sql: string) => Promise<void>;
  /** Runs a COPY statement with the chunks as its input. @throws {EmbedError} as postgresError or the chunks */
  copy: (sql: string, chunks: AsyncIterable<Uint8Array>) => Promise<void>;
}

/**
 * Calls `work` in a transaction, which is committed at its end and rolled back after an error or interrupt.
 *
 * @throws {UsageError} the packages are not installed, or the URL, its user, password or database is wrong
 * @throws {IoError} the server cannot be reached, or the connection was lost
 */
export async function withTransaction<T>(
  target: ServerTarget,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const { default: pg } = await optionalPackage(target.format, POSTGRES_PACKAGE, () => import("pg"));
  const { from: copyFrom } = await optionalPackage(
    target.format,
    COPY_PACKAGE,
    () => import("pg-copy-streams"),
  );
  const { signal, patience = PATIENCE } = target;
  const client = clientOf(pg.Client, target);
  // the connection's error event is ignored, because the statements that fail report the error
  client.on("error", () => undefined);
  let lost: unknown;
  /** closes the connection immediately, so that the server rolls the transaction back */
  const cut = (error: unknown): void => {
    lost ??= error;
    (client as unknown as { connection: { stream: { destroy: () => void } } }).connection.stream.destroy();
  };
  const onAbort = (): void => cut(signal.reason);
  const typed = (error: unknown): unknown => lost ?? postgresError(error, target);
  const silent = (done: string) => (): void =>
    cut(
      new IoError(
        `timeout: the server of ${target.variable} has ${done} for ${patience / 1000} s; check that it is ` +
          "running and not overloaded",
      ),
    );
  const longQuery: Transaction["longQuery"] = async (sql) => {
    await client.query(sql).catch((error: unknown) => {
      throw typed(error);
    });
  };
  const query: Transaction["query"] = async <R extends PostgresRow>(
    sql: string,
    values: readonly unknown[] = [],
  ) => {
    const timer = setTimeout(silent("not answered"), patience);
    try {
      return (await client.query(sql, [...values])).rows as R[];
    } catch (error) {
      throw typed(error);
    } finally {
      clearTimeout(timer);
    }
  };
  const copy: Transaction["copy"] = async (sql, chunks) => {
    try {
      const onSilence = silent("accepted no rows");
      const rows = Readable.from(taken(chunks, patience, onSilence), { highWaterMark: 1 });
      await pipeline(rows, client.query(copyFrom(sql)));
    } catch (error) {
      throw typed(error);
    }
  };
  try {
    signal.throwIfAborted();
    signal.addEventListener("abort", onAbort);
    await client.connect().catch((error: unknown) => {
      throw typed(error);
    });
    await query("BEGIN");
    const result = await work({ query, longQuery, copy });
    await query("COMMIT");
    return result;
  } catch (error) {
    if (lost === undefined) await query("ROLLBACK").catch(() => undefined);
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
    if (lost === undefined) await client.end().catch(() => undefined);
  }
}

function clientOf(Client: typeof import("pg").Client, target: ServerTarget): import("pg").Client {
  try {
    return new Client({
      connectionString: target.url,
      connectionTimeoutMillis: CONNECT_MILLISECONDS,
      // a statement that processes all rows may take hours, so only TCP keepalive detects that the server is gone
      keepAlive: true,
      keepAliveInitialDelayMillis: PATIENCE,
      application_name: "embed export",
    });
  } catch {
    throw notUrl(target.format, target.variable);
  }
}

/** Yields the chunks; calls `silent` if the consumer does not request the next chunk in time. */
async function* taken(
  chunks: AsyncIterable<Uint8Array>,
  milliseconds: number,
  silent: () => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    const timer = setTimeout(silent, milliseconds);
    try {
      yield chunk;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Returns errors unchanged that are neither the package's nor the server's. */
function postgresError(error: unknown, target: ServerTarget): unknown {
  const { variable, into } = target;
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  const said = saidBy(error, target);
  const isOfServer = typeof code === "string" || /connection|timeout/i.test(said);
  if (error instanceof EmbedError || !isOfServer) return error;
  const state = severity === undefined ? "" : String(code);
  const cause = { cause: new Error(said) };
  const failed = `writing '${into}' to the server of ${variable} failed: ${said}`;
  if (/^(28|3D)/.test(state))
    return new UsageError(
      `the server of ${variable} rejected the connection (${said}): check user, password and database in ` +
        variable,
      cause,
    );
  if (/^(42501|3F)/.test(state)) return new OutputError(failed, cause);
  if (state === "55P03")
    return new LockedError(
      `'${into}' is locked by another transaction (see pg_stat_activity): nothing was replaced; try again later`,
      cause,
    );
  if (state.startsWith("40"))
    return new LockedError(`${failed}; conflict with another transaction: try again later`, cause);
  if (state === "53100") return new IoError(`${failed}; free some space there`, cause);
  return new IoError(state === "" ? failed : `${failed} (SQLSTATE ${state})`, cause);
}

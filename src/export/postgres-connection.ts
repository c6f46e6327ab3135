// A connection to PostgreSQL for one writer: statements, rows by COPY, one transaction; errors are typed.

import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { EmbedError, IoError, LockedError, OutputError, UsageError } from "../errors.js";
import { optionalPackage } from "./optional-package.js";
import { PATIENCE, saidBy, type Target } from "./server.js";

const POSTGRES_PACKAGE = ["pg", "^8"] as const;
const COPY_PACKAGE = ["pg-copy-streams", "^7"] as const;
const CONNECT_MILLISECONDS = 10_000;

/** A row of an answer. */
export type Row = Record<string, unknown>;

/** A transaction, of which all or nothing is kept. */
export interface Transaction {
  /** The rows that a statement gives. @throws {EmbedError} as postgresError */
  query: <T extends Row = Row>(sql: string, values?: readonly unknown[]) => Promise<T[]>;
  /** Copies text of COPY's into what the statement says. @throws {EmbedError} as postgresError, or as the chunks do */
  copy: (sql: string, chunks: AsyncIterable<Uint8Array>) => Promise<void>;
}

/**
 * Does work in a transaction, which is committed when it ends and taken back when it throws or is interrupted.
 *
 * @throws {UsageError} the packages are not installed, or the URL, its user, password or database is wrong
 * @throws {IoError} the server cannot be reached, or went away
 */
export async function withTransaction<T>(
  target: Target,
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
  // the statements that fail report it
  client.on("error", () => undefined);
  let lost: unknown;
  /** ends the connection at once, and with it the transaction */
  const cut = (error: unknown): void => {
    lost ??= error;
    (client as unknown as { connection: { stream: { destroy: () => void } } }).connection.stream.destroy();
  };
  const onAbort = (): void => cut(signal.reason);
  const typed = (error: unknown): unknown => lost ?? postgresError(error, target);
  const query: Transaction["query"] = async <R extends Row>(sql: string, values: readonly unknown[] = []) => {
    try {
      return (await client.query(sql, [...values])).rows as R[];
    } catch (error) {
      throw typed(error);
    }
  };
  const copy: Transaction["copy"] = async (sql, chunks) => {
    const silent = (): void =>
      cut(
        new IoError(
          `timeout: the server of ${target.variable} has accepted no rows for ${patience / 1000} s; check ` +
            "that it is running and not overloaded",
        ),
      );
    try {
      const rows = Readable.from(taken(chunks, patience, silent), { highWaterMark: 1 });
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
    const result = await work({ query, copy });
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

function clientOf(Client: typeof import("pg").Client, target: Target): import("pg").Client {
  try {
    return new Client({
      connectionString: target.url,
      connectionTimeoutMillis: CONNECT_MILLISECONDS,
      keepAlive: true,
      application_name: "embed export",
    });
  } catch {
    throw new UsageError(
      `${target.variable} is not a PostgreSQL URL: expected postgres://USER:PASSWORD@HOST:PORT/DATABASE`,
    );
  }
}

/** The chunks; `silent` is called when one is not taken for so long. */
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

/** An error of the package or the server as what a user can act upon; one that is neither as it is. */
function postgresError(error: unknown, target: Target): unknown {
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
  if (/^(55P03|40)/.test(state))
    return new LockedError(`${failed}; conflict with another transaction: try again later`, cause);
  if (state === "53100") return new IoError(`${failed}; free some space there`, cause);
  return new IoError(state === "" ? failed : `${failed} (SQLSTATE ${state})`, cause);
}

// Replaces a table of PostgreSQL in one transaction. pgvector.ts and list-servers.ts define its columns, and its rows
// as input for COPY.
//
// The new rows are copied into a temporary table, which then gets the indexes and the grants of the old table. Then the
// old table is dropped and the new one renamed, while readers wait for a moment. If the old table has dependent objects
// that the new one would lack (views, policies, triggers, ...), or belongs to another role, its rows are deleted and
// copied in place, in the same transaction: readers do not wait, and see the old rows until the end. Decisions:
// docs/decisions/0010-exports-into-servers.md.

import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { LockedError, OutputError, UsageError } from "../../base/errors.js";
import { withTransaction, type Transaction } from "./postgres-connection.js";
import {
  attachedTo,
  checkColumns,
  findTable,
  indexesOf,
  pointingTo,
  quotedIdentifier,
  rightsOf,
  statisticsTargetsOf,
  vectorIndexesOf,
  type PostgresColumn,
  type FoundTable,
  type Remade,
} from "./postgres-table.js";
import { PATIENCE, type Sent, type ServerTarget } from "./server.js";

/** Maximum number of bytes of a name; PostgreSQL truncates longer names, so two names could become equal. */
const MAX_NAME_BYTES = 63;

/** Waits for a lock, and of readers behind the statement that waits, as shares of PATIENCE, which is one minute. */
const [LOCK_SHARE, TURN_SHARE] = [1 / 2, 1 / 30];
const LOCK_TRIES = 15;

/** Milliseconds between two attempts to lock a table, and milliseconds for all attempts together. */
const LOCK_INTERVAL = 100;
const MOST_WAITING = 2000;

export interface PostgresContent {
  /** Returns the columns in the order of COPY's input. @throws {OutputError} the database lacks a type */
  columns: (transaction: Transaction) => Promise<PostgresColumn[]>;
  /** columns of the primary key that a new table gets */
  key: readonly string[];
  /** Input for COPY; called at most once, and not if the table already has the same content. */
  chunks: () => AsyncIterable<Uint8Array>;
}

interface Place {
  schema: string;
  name: string;
  columns: readonly PostgresColumn[];
}

/**
 * Replaces the rows of a table, or creates the table; after an error the table is unchanged.
 *
 * @throws {LockedError} another export writes to it, or readers do not release it
 * @throws {OutputError} the database lacks a type, or the table has other columns
 * @throws {UsageError} {IoError} as withTransaction
 */
export async function replaceInPostgres(content: PostgresContent, target: ServerTarget): Promise<Sent> {
  const [names, { patience = PATIENCE }] = [schemaAndTable(target.into), target];
  return await withTransaction(target, async (transaction) => {
    // the timeout is set before the first statement that may wait; even CREATE TABLE LIKE waits for a locked table
    await transaction.query(`SET LOCAL lock_timeout = ${Math.ceil(patience * LOCK_SHARE)}`);
    // if a policy hid rows, DELETE would silently keep them; with this setting it fails instead
    await transaction.query("SET LOCAL row_security = off");
    // time limits that the database sets for the role are intended for queries and not for exports
    await transaction.query("SET LOCAL statement_timeout = 0");
    await transaction.query("SET LOCAL idle_in_transaction_session_timeout = 0");
    const { table, place } = await lookUp(transaction, content, names, target);
    const comment = withMark(table?.comment ?? null, target.fingerprint);
    if (table && table.comment === comment && !target.force)
      return { isUnchanged: true, note: `'${target.into}' already has these rows` };
    const reasons = table ? await reasonsToStay(transaction, table) : [];
    if (!table || reasons.length === 0) {
      await replaceTable(transaction, content, place, table, comment, target);
      return { isUnchanged: false, note: `'${target.into}' is ${table ? "replaced" : "created"}` };
    }
    await replaceRows(transaction, content, place, table, comment);
    const how = `row by row, because it has ${reasons.join(", ")}`;
    const stale = await vectorIndexesOf(transaction, table);
    return { isUnchanged: false, note: `'${target.into}' is replaced, ${how}${rebuildAdvice(stale)}` };
  });
}

function rebuildAdvice(indexes: readonly string[]): string {
  if (indexes.length === 0) return "";
  const commands = indexes.map((name) => `REINDEX INDEX CONCURRENTLY ${name};`).join(" ");
  return `; searches find fewer rows than they ask for until you run ${commands}`;
}

function schemaAndTable(into: string): string[] {
  const dot = into.indexOf(".");
  const names = dot < 0 ? [into] : [into.slice(0, dot), into.slice(dot + 1)];
  const isName = (name: string) =>
    name !== "" && Buffer.byteLength(name) <= MAX_NAME_BYTES && !name.includes("\0");
  if (!names.every(isName))
    throw new UsageError(
      `--into '${into}': expected TABLE or SCHEMA.TABLE, with names of at most ${MAX_NAME_BYTES} bytes`,
    );
  if (names.length > 1 && names[0]!.startsWith("pg_temp"))
    throw new UsageError(
      `--into '${into}': tables of schema '${names[0]}' vanish when the connection ends: name another schema`,
    );
  return names;
}

/** @throws {LockedError} {OutputError} the table is locked, or the role may not replace it */
async function lookUp(
  transaction: Transaction,
  content: PostgresContent,
  names: string[],
  { into, variable }: ServerTarget,
): Promise<{ table: FoundTable | undefined; place: Place }> {
  const find = () => findTable(transaction, quotedIdentifier(...names), into);
  const [current] = await transaction.query<{ schema: string | null }>("SELECT current_schema() AS schema");
  const schema = names.length > 1 ? names[0]! : ((await find())?.schema ?? current!.schema);
  if (schema === null)
    throw new OutputError(`the user of ${variable} has no schema for new tables: use --into SCHEMA.TABLE`);
  const name = names.at(-1)!;
  if (!(await takeLock(transaction, `embed export ${quotedIdentifier(schema, name)}`)))
    throw new LockedError(
      `'${into}' of ${variable} is being written by another export: try again when it has finished`,
    );
  const columns = await content.columns(transaction);
  // looks up the table again, because another export may have created or replaced it before the lock was acquired
  const table = await find();
  if (table) await checkColumns(transaction, table, columns, into);
  return { table, place: { schema, name, columns } };
}

/** Waits, because the server may not have released the lock of an export that just ended. */
async function takeLock(transaction: Transaction, name: string): Promise<boolean> {
  for (let waited = 0; ; waited += LOCK_INTERVAL) {
    const [lock] = await transaction.query<{ taken: boolean }>(
      "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS taken",
      [name],
    );
    if (lock!.taken) return true;
    if (waited >= MOST_WAITING) return false;
    await pause(LOCK_INTERVAL);
  }
}

const MARK = /\n?embed export [0-9a-f]{16}$/;

function withMark(comment: string | null, fingerprint: string): string {
  const own = (comment ?? "").replace(MARK, "");
  return `${own}${own === "" ? "" : "\n"}embed export ${fingerprint}`;
}

/** @throws {OutputError} rows of other tables refer to its rows */
async function reasonsToStay(transaction: Transaction, table: FoundTable): Promise<string[]> {
  const pointing = await pointingTo(transaction, table);
  if (pointing.length > 0)
    throw new OutputError(
      `foreign keys of ${pointing.join(", ")} reference rows that would be replaced: drop them, or name ` +
        "another table with --into",
    );
  const attached = await attachedTo(transaction, table);
  return table.isOurs ? attached : [...attached, `the owner ${table.owner}`];
}

async function replaceRows(
  { query, longQuery, copy }: Transaction,
  { chunks }: PostgresContent,
  { schema, name, columns }: Place,
  { isOurs }: FoundTable,
  comment: string,
): Promise<void> {
  const table = quotedIdentifier(schema, name);
  await longQuery(`DELETE FROM ${table}`);
  await copy(`COPY ${table} (${namesIn(columns)}) FROM STDIN`, chunks());
  // only the owner may set the comment with the fingerprint; without it, the next export writes the same rows again
  if (isOurs) await query(`COMMENT ON TABLE ${table} IS ${literal(comment)}`);
}

async function replaceTable(
  transaction: Transaction,
  { key, chunks }: PostgresContent,
  { schema, name, columns }: Place,
  old: FoundTable | undefined,
  comment: string,
  target: ServerTarget,
): Promise<void> {
  const { query, longQuery, copy } = transaction;
  const short = createHash("sha256").update(name).digest("hex").slice(0, 16);
  const temporary = `embed_new_${short}`;
  const table = quotedIdentifier(schema, temporary);
  const indexes = old ? await indexesOf(transaction, old) : [primaryKey(name, key)];
  if (old) {
    await query(
      `CREATE TABLE ${table} (LIKE ${quotedIdentifier(schema, name)} INCLUDING ALL EXCLUDING INDEXES)`,
    );
    if (old.isOfOther) await query(`ALTER TABLE ${table} OWNER TO ${quotedIdentifier(old.owner)}`);
  } else {
    const definitions = columns.map(
      ({ name: column, type, sql = type }) => `${quotedIdentifier(column)} ${sql} NOT NULL`,
    );
    await query(`CREATE TABLE ${table} (${definitions.join(", ")})`);
  }
  // FREEZE: a reader whose snapshot is older than the renaming sees these rows instead of an empty table
  await copy(`COPY ${table} (${namesIn(columns)}) FROM STDIN (FREEZE)`, chunks());
  for (const [i, index] of indexes.entries()) await longQuery(index.sql(`${temporary}_${i}`, table));
  await query(`COMMENT ON TABLE ${table} IS ${literal(comment)}`);
  if (old) for (const sql of await statisticsTargetsOf(transaction, old, table)) await query(sql);
  await longQuery(`ANALYZE ${table}`);

  if (old) {
    // grants are copied last, because those of the old table may deny its owner the rights to fill the new table
    for (const sql of await rightsOf(transaction, old, table)) await query(sql);
    await lockAlone(transaction, quotedIdentifier(schema, name), target);
    await query(`DROP TABLE ${quotedIdentifier(schema, name)}`);
  }
  await query(`ALTER TABLE ${table} RENAME TO ${quotedIdentifier(name)}`);
  for (const [i, { name: index, isConstraint, marks }] of indexes.entries()) {
    const made = `${temporary}_${i}`;
    await query(
      isConstraint
        ? `ALTER TABLE ${quotedIdentifier(schema, name)} RENAME CONSTRAINT ${quotedIdentifier(made)} TO ${quotedIdentifier(index)}`
        : `ALTER INDEX ${quotedIdentifier(schema, made)} RENAME TO ${quotedIdentifier(index)}`,
    );
    for (const mark of marks) await query(mark);
  }
}

function namesIn(columns: readonly PostgresColumn[]): string {
  return columns.map(({ name }) => quotedIdentifier(name)).join(", ");
}

function primaryKey(table: string, key: readonly string[]): Remade {
  const columns = key.map((name) => quotedIdentifier(name)).join(", ");
  const sql: Remade["sql"] = (name, of) =>
    `ALTER TABLE ${of} ADD CONSTRAINT ${quotedIdentifier(name)} PRIMARY KEY (${columns})`;
  // the name that PostgreSQL would choose by default, if it is short enough
  const name = Buffer.byteLength(table) + 5 <= MAX_NAME_BYTES ? `${table}_pkey` : undefined;
  return {
    name: name ?? `embed_${createHash("sha256").update(table).digest("hex").slice(0, 16)}_pkey`,
    isConstraint: true,
    sql,
    marks: [],
  };
}

/** New readers are blocked only for short periods. @throws {LockedError} the current readers do not release it */
async function lockAlone(
  { query }: Transaction,
  table: string,
  { patience = PATIENCE, signal }: ServerTarget,
): Promise<void> {
  const turn = Math.ceil(patience * TURN_SHARE);
  await query(`SET LOCAL lock_timeout = ${turn}`);
  for (let tries = 1; ; tries++) {
    await query("SAVEPOINT alone");
    try {
      await query(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
      return;
    } catch (error) {
      if (!(error instanceof LockedError) || tries === LOCK_TRIES) throw error;
      await query("ROLLBACK TO SAVEPOINT alone");
      await pause(turn / 2, undefined, { signal });
    }
  }
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

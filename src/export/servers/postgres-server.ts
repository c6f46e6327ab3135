// PostgreSQL, straight into a server: a table that is replaced in one transaction. What its columns are, and its rows as COPY's text,
// is said by what is sent: pgvector.ts, list-servers.ts.
//
// The new rows are copied into a table beside NAME, which gets the old one's grants and, when it is full, its indexes; then the old one
// is dropped and the new one renamed, for which readers wait a moment. Where something hangs on the old table that the new one would not
// have (views, policies, triggers, ...), or it is another role's, its rows are deleted and copied in place, in the same transaction:
// readers do not wait, and see the old rows to the end. Decisions: docs/decisions/0010-exports-into-servers.md.

import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { LockedError, OutputError, UsageError } from "../../errors.js";
import { withTransaction, type Transaction } from "./postgres-connection.js";
import {
  attachedTo,
  checkColumns,
  findTable,
  indexesOf,
  pointingTo,
  quoted,
  rightsOf,
  statisticsTargetsOf,
  vectorIndexesOf,
  type Column,
  type FoundTable,
  type Remade,
} from "./postgres-table.js";
import { PATIENCE, type Sent, type Target } from "./server.js";

/** PostgreSQL cuts longer names, so that two may become one. */
const MAX_NAME_BYTES = 63;

/** Shares of the patience: how long a statement waits for a lock, and how long readers wait behind one that waits for all of them. */
const [LOCK_SHARE, TURN_SHARE] = [1 / 2, 1 / 30];
const LOCK_TRIES = 15;

/** Milliseconds between two attempts to take the lock of a table, and how long it is tried. */
const LOCK_INTERVAL = 100;
const MOST_WAITING = 2000;

/** What a table is to hold. */
export interface PostgresContent {
  /** In the order of COPY's text. @throws {OutputError} the database lacks a type */
  columns: (transaction: Transaction) => Promise<Column[]>;
  /** names of those of the primary key, which a new table gets */
  key: readonly string[];
  /** The rows as COPY's text; asked for once, and not where the table holds the same already. */
  chunks: () => AsyncIterable<Uint8Array>;
}

interface Place {
  schema: string;
  name: string;
  columns: readonly Column[];
}

/**
 * Replaces a table's rows, or makes it; what goes wrong leaves it as it was.
 *
 * @throws {LockedError} another export writes to it, or readers do not let it go
 * @throws {OutputError} the database lacks a type, or the table is of another shape
 * @throws {UsageError} {IoError} as withTransaction
 */
export async function replaceInPostgres(content: PostgresContent, target: Target): Promise<Sent> {
  const [names, { patience = PATIENCE }] = [namesOf(target.into), target];
  return await withTransaction(target, async (transaction) => {
    // before the first statement that may have to wait: even CREATE TABLE LIKE does, behind a table that is locked
    await transaction.query(`SET LOCAL lock_timeout = ${Math.ceil(patience * LOCK_SHARE)}`);
    // rows that a policy hides would stay when all are deleted: an error instead
    await transaction.query("SET LOCAL row_security = off");
    // a role's own limits are made for questions
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

/** A table's name, with its schema where it has one. @throws {UsageError} */
function namesOf(into: string): string[] {
  const dot = into.indexOf(".");
  const names = dot < 0 ? [into] : [into.slice(0, dot), into.slice(dot + 1)];
  const isName = (name: string) =>
    name !== "" && Buffer.byteLength(name) <= MAX_NAME_BYTES && !name.includes("\0");
  if (!names.every(isName))
    throw new UsageError(
      `--into '${into}': expected TABLE or SCHEMA.TABLE, with names of at most ${MAX_NAME_BYTES} bytes`,
    );
  return names;
}

/** What is there under the name, with the right to replace it. @throws {LockedError} {OutputError} */
async function lookUp(
  transaction: Transaction,
  content: PostgresContent,
  names: string[],
  { into, variable }: Target,
): Promise<{ table: FoundTable | undefined; place: Place }> {
  const find = () => findTable(transaction, quoted(...names), into);
  const [current] = await transaction.query<{ schema: string | null }>("SELECT current_schema() AS schema");
  const schema = names.length > 1 ? names[0]! : ((await find())?.schema ?? current!.schema);
  if (schema === null)
    throw new OutputError(`the user of ${variable} has no schema for new tables: use --into SCHEMA.TABLE`);
  const name = names.at(-1)!;
  if (!(await takeLock(transaction, `embed export ${quoted(schema, name)}`)))
    throw new LockedError(
      `'${into}' of ${variable} is being written by another export: try again when it has finished`,
    );
  const columns = await content.columns(transaction);
  // once more: another export may have made or replaced it before we had the lock
  const table = await find();
  if (table) await checkColumns(transaction, table, columns, into);
  return { table, place: { schema, name, columns } };
}

/** Takes a lock until the transaction ends. The server keeps that of an export which was ended a moment ago: it is waited for. */
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

/** A table's comment with the rows' fingerprint as its last line. */
function withMark(comment: string | null, fingerprint: string): string {
  const own = (comment ?? "").replace(MARK, "");
  return `${own}${own === "" ? "" : "\n"}embed export ${fingerprint}`;
}

/** Why a table must stay the same one. @throws {OutputError} rows of other tables point to its rows */
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
  const table = quoted(schema, name);
  await longQuery(`DELETE FROM ${table}`);
  await copy(`COPY ${table} (${namesIn(columns)}) FROM STDIN`, chunks());
  // without it the same rows are written again, which is all
  if (isOurs) await query(`COMMENT ON TABLE ${table} IS ${literal(comment)}`);
}

async function replaceTable(
  transaction: Transaction,
  { key, chunks }: PostgresContent,
  { schema, name, columns }: Place,
  old: FoundTable | undefined,
  comment: string,
  target: Target,
): Promise<void> {
  const { query, longQuery, copy } = transaction;
  const short = createHash("sha256").update(name).digest("hex").slice(0, 16);
  const temporary = `embed_new_${short}`;
  const table = quoted(schema, temporary);
  const indexes = old ? await indexesOf(transaction, old) : [primaryKey(name, key)];
  if (old) {
    await query(`CREATE TABLE ${table} (LIKE ${quoted(schema, name)} INCLUDING ALL EXCLUDING INDEXES)`);
    if (old.isOfOther) await query(`ALTER TABLE ${table} OWNER TO ${quoted(old.owner)}`);
  } else {
    const definitions = columns.map(
      ({ name: column, type, sql = type }) => `${quoted(column)} ${sql} NOT NULL`,
    );
    await query(`CREATE TABLE ${table} (${definitions.join(", ")})`);
  }
  // frozen: a reader whose snapshot is older than the rename finds these rows, and not an empty table
  await copy(`COPY ${table} (${namesIn(columns)}) FROM STDIN (FREEZE)`, chunks());
  for (const [i, index] of indexes.entries()) await longQuery(index.sql(`${temporary}_${i}`, table));
  await query(`COMMENT ON TABLE ${table} IS ${literal(comment)}`);
  if (old) for (const sql of await statisticsTargetsOf(transaction, old, table)) await query(sql);
  await longQuery(`ANALYZE ${table}`);

  if (old) {
    // last: the old table may deny to its owner what fills the new one
    for (const sql of await rightsOf(transaction, old, table)) await query(sql);
    await lockAlone(transaction, quoted(schema, name), target);
    await query(`DROP TABLE ${quoted(schema, name)}`);
  }
  await query(`ALTER TABLE ${table} RENAME TO ${quoted(name)}`);
  for (const [i, { name: index, isConstraint, marks }] of indexes.entries()) {
    const made = `${temporary}_${i}`;
    await query(
      isConstraint
        ? `ALTER TABLE ${quoted(schema, name)} RENAME CONSTRAINT ${quoted(made)} TO ${quoted(index)}`
        : `ALTER INDEX ${quoted(schema, made)} RENAME TO ${quoted(index)}`,
    );
    for (const mark of marks) await query(mark);
  }
}

/** Names of columns, for COPY. */
function namesIn(columns: readonly Column[]): string {
  return columns.map(({ name }) => quoted(name)).join(", ");
}

/** Of a table that is new. */
function primaryKey(table: string, key: readonly string[]): Remade {
  const columns = key.map((name) => quoted(name)).join(", ");
  const sql: Remade["sql"] = (name, of) =>
    `ALTER TABLE ${of} ADD CONSTRAINT ${quoted(name)} PRIMARY KEY (${columns})`;
  // the name that PostgreSQL itself would give, where it fits
  const name = Buffer.byteLength(table) + 5 <= MAX_NAME_BYTES ? `${table}_pkey` : undefined;
  return {
    name: name ?? `embed_${createHash("sha256").update(table).digest("hex").slice(0, 16)}_pkey`,
    isConstraint: true,
    sql,
    marks: [],
  };
}

/**
 * Waits for the readers of a table; those that come meanwhile are held up for a moment at a time only.
 *
 * @throws {LockedError} they do not let it go
 */
async function lockAlone(
  { query }: Transaction,
  table: string,
  { patience = PATIENCE, signal }: Target,
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

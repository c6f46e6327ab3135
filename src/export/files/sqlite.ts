// sqlite: a database of one table, in which programs in any language can look up a key without loading the other rows.
//
//   CREATE TABLE embeddings (field TEXT, key TEXT, count INTEGER [, weight REAL], vector BLOB)
//   CREATE UNIQUE INDEX embeddings_key ON embeddings (field, key)
//
// A vector is f32[dim], little-endian. Rows are in the table's order; rows that --row-order left without a key are
// omitted. The file is created under a temporary name, so the database needs no journal.

import { isHole } from "../../table/table.js";
import { unfinishedEnds, unfinishedStarts } from "../../base/io/leftovers.js";
import { savedFormat } from "../format.js";
import { optionalPackage, writtenBy } from "../optional-package.js";
import { byteView, keyBytes, type Selection } from "../selection.js";

const SQLITE_PACKAGE = ["node-sqlite3-wasm", "^0.8"] as const;
const ROWS_AT_A_TIME = 4096;

export const sqlite = savedFormat("sqlite", undefined, {
  summary:
    "SQLite database with one table and an index on field and key; needs the package node-sqlite3-wasm",
  save: saveSqlite,
});

/** @param path an existing empty file */
async function saveSqlite(selection: Selection, path: string, signal?: AbortSignal): Promise<void> {
  const { default: module } = await optionalPackage(
    "sqlite",
    SQLITE_PACKAGE,
    () => import("node-sqlite3-wasm"),
  );
  const lock = `${path}.lock`;
  unfinishedStarts({ path: lock });
  const database = new module.Database(path);
  try {
    execute(database, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN");
    await insertRows(database, selection, signal);
    execute(database, "CREATE UNIQUE INDEX embeddings_key ON embeddings (field, key); COMMIT");
  } finally {
    database.close();
    unfinishedEnds(lock);
  }
}

function execute(database: import("node-sqlite3-wasm").Database, sql: string): void {
  writtenBy("SQLite", () => database.exec(sql));
}

async function insertRows(
  database: import("node-sqlite3-wasm").Database,
  { hasWeights, fields, batches }: Selection,
  signal: AbortSignal | undefined,
): Promise<void> {
  const weight = hasWeights ? ", weight REAL" : "";
  execute(
    database,
    `CREATE TABLE embeddings (field TEXT NOT NULL, key TEXT NOT NULL, count INTEGER NOT NULL${weight}, vector BLOB NOT NULL)`,
  );
  // keys are bound as bytes and cast to text in SQL: a string would have to be created, and would end at a NUL
  const insert = database.prepare(
    `INSERT INTO embeddings VALUES (CAST(? AS TEXT), CAST(? AS TEXT), ?, ${hasWeights ? "?, " : ""}?)`,
  );
  const names = fields.map((name) => Buffer.from(name, "utf8"));
  try {
    for await (const { table, weights } of batches()) {
      const { dim, vectors } = table;
      for (let row = 0; row < table.numRows; row++) {
        if (isHole(table, row)) continue;
        const vector = byteView(vectors.subarray(row * dim, (row + 1) * dim));
        const head = [names[table.fieldOf[row]!]!, keyBytes(table, row), table.counts[row]!];
        const values = weights ? [...head, weights[row]!, vector] : [...head, vector];
        writtenBy("SQLite", () => insert.run(values));
        if ((row + 1) % ROWS_AT_A_TIME > 0) continue;
        // returns to the event loop, so that signals are handled
        await new Promise(setImmediate);
        signal?.throwIfAborted();
      }
    }
  } finally {
    insert.finalize();
  }
}

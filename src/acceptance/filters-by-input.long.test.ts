// Every option that leaves rows out, through every form of input and every engine: as many rows are left as the log is
// planted with, or the command is refused with the option's name. A new option of `encode` must be added to one of the
// two lists.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeOptions } from "../use/options.js";
import { embed, temporaryFolder } from "../testing/embed.js";
import { delimitedOf, jsonLinesOf, parquetOf } from "../testing/forms.js";
import { parseJson } from "../testing/json.js";
import { sparkTests, startSpark } from "../testing/spark.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

const columns = ["row", "event_id", "user", "item", "label", "day"];
/**
 * 300 rows of 10 users and 5 items on 3 days, two of them not numbers where the label is; then the first 30 once more
 * with another label, and the next 20 once more as they are.
 */
const base = Array.from({ length: 300 }, (_, i) => [
  `e${i}`,
  i < 120 ? "u0" : `u${1 + (i % 9)}`,
  `i${i % 5}`,
  i === 150 || i === 151 ? "x" : String(i % 2),
  `2026-01-0${1 + (i % 3)}`,
]);
const again = [
  ...base.slice(0, 30).map((cells) => cells.map((cell, c) => (c === 3 ? String(1 - Number(cell)) : cell))),
  ...base.slice(30, 50),
];
const rows = [...base, ...again].map((cells, i) => [String(Math.floor(i / 1000)), ...cells]);

/** For each option that leaves rows out: the words, and how many of the 350 rows are left, of which two are bad. */
const filters: Record<string, [words: string[], numRows: number]> = {
  onBadRow: [[], 348],
  dedupe: [["--dedupe"], 328],
  dedupeBy: [["--dedupe-by", "event_id"], 298],
  dedupeKeep: [["--dedupe-by", "event_id", "--dedupe-keep", "last"], 298],
  where: [["--where", "item != 'i3'"], 348 - 70],
  drop: [["--drop", "item=i3"], 348 - 70],
  dropUsersAbove: [["--drop-users-above", "100"], 348 - 170],
  dropUsersAbovePerDay: [["--drop-users-above-per-day", "50"], 348 - 170],
};

/** Options that decide how a row is read or what it is for, and leave none out. */
const others = [
  ...[
    "user",
    "item",
    "label",
    "time",
    "timeFormat",
    "keyCase",
    "timeFields",
    "timeZone",
    "weight",
    "session",
    "fields",
    "numeric",
  ],
  ...[
    "multi",
    "multiWeights",
    "ignore",
    "side",
    "hashKeys",
    "hashKeysOf",
    "inputFormat",
    "delimiter",
    "header",
  ],
  ...[
    "columns",
    "decimal",
    "thousands",
    "encoding",
    "comment",
    "null",
    "maxCell",
    "maxBad",
    "badRows",
    "threads",
  ],
  ...["engine", "engineSql", "engineOrder", "engineSlice", "engineTimeout", "engineHash", "out", "force"],
];

const options = [
  "--on-bad-row",
  "skip",
  "--label",
  "label",
  "--time",
  "day",
  "--user",
  "user",
  "--item",
  "item",
];

/** Returns, for each filter whose number of rows differs from the planted one, what happened. */
async function faults(input: readonly string[], env: Record<string, string> = {}): Promise<string[]> {
  const found: string[] = [];
  for (const [name, [words, numRows]] of Object.entries(filters)) {
    const args = ["encode", ...input, ...options, ...words, "-o", at("dataset"), "--force", "--json"];
    const { code, stdout, stderr } = await embed(args, { env });
    const isRefused = code === 64 && words.some((word) => word.startsWith("--") && stderr.includes(word));
    if (code !== 0 && !isRefused) found.push(`${name}: exit ${code}: ${stderr.slice(-300)}`);
    if (code === 0) {
      const { rows } = parseJson<{ rows: number }>(stdout);
      if (rows !== numRows) found.push(`${name}: ${rows} rows in place of ${numRows}`);
    }
  }
  return found;
}

beforeAll(() => {
  writeFileSync(at("log.csv"), delimitedOf(columns, rows, ","));
  writeFileSync(at("log.jsonl"), jsonLinesOf(columns, rows));
  writeFileSync(at("log.parquet"), parquetOf(columns, rows));
});

test("every option of encode is said to leave rows out, or not to", () => {
  const listed = new Set([...Object.keys(filters), ...others]);
  expect(Object.keys(encodeOptions).filter((name) => !listed.has(name))).toEqual([]);
});

test.each(["csv", "jsonl", "parquet"])("a log of %s", async (form) => {
  expect(await faults([at(`log.${form}`)])).toEqual([]);
});

test("a table and a query of DuckDB", async () => {
  const duckdb = await import("@duckdb/node-api").catch(() => undefined);
  if (!duckdb) return console.warn("skipped: @duckdb/node-api is not installed");
  const instance = await duckdb.DuckDBInstance.create(at("log.duckdb"));
  const connection = await instance.connect();
  await connection.run(
    `CREATE TABLE log AS SELECT * REPLACE (row_number() OVER () AS row) FROM read_csv('${at("log.csv")}', all_varchar = true)`,
  );
  connection.closeSync();
  instance.closeSync();
  const order = ["--engine-order", "row", "--ignore", "row"];
  expect(await faults(["table:log", "--engine", `duckdb:${at("log.duckdb")}`, ...order])).toEqual([]);
  const sql = `SELECT row_number() OVER () AS row, * EXCLUDE (row) FROM read_csv('${at("log.csv")}', all_varchar = true)`;
  writeFileSync(at("log.sql"), sql);
  expect(await faults(["--engine", "duckdb:", "--engine-sql", at("log.sql"), ...order])).toEqual([]);
}, 120_000);

const { withSpark, running } = sparkTests(async () => await startSpark());

withSpark("files of a Spark server", async () => {
  const engine = ["--engine", running.server!.address];
  expect(await faults([`file://${at("log.csv")}`, ...engine])).toEqual([]);
  expect(await faults([`file://${at("log.parquet")}`, ...engine])).toEqual([]);
});

// Tests the processing of a part of a log, which does not need a server.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../../base/errors.js";
import { embedOk, temporaryFolder } from "../../testing/embed.js";
import { runOnRows } from "./rows-here.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  const rows = Array.from({ length: 60 }, (_, i) => `u${i % 5},i${i % 7},${i},${i % 2},click\n`);
  writeFileSync(at("log.csv"), `user_id,item_id,hour,label,kind\n${rows.join("")}`);
  const how = ["--where", `kind="click"`, "--ignore", "kind", "--numeric", "hour", "--epochs", "1"];
  await embedOk(["train-fm", at("log.csv"), ...how, "-o", at("run"), "--quiet"]);
});

/** Predicts rows of JSON lines. */
async function predicted(rows: readonly object[]) {
  writeFileSync(at("part.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const job = { command: "predict" as const, given: { keep: ["item_id"] }, named: "table:log" };
  return await runOnRows(job, at("run"), at("part.jsonl"), "jsonl", () => Promise.resolve());
}

const row = { user_id: "u1", item_id: "i1", hour: 3, kind: "click" };

test("a part counts its rows, those that filters leave out, and keys, even if no row is left", async () => {
  const { rows, leftOut, unknown } = await predicted([
    { ...row, user_id: null },
    { ...row, item_id: "new" },
    { ...row, kind: "test" },
  ]);
  expect({ rows, leftOut, unknown }).toEqual({
    ...{ rows: 2, leftOut: { filtered: 1, bad: 0 } },
    unknown: { user_id: { cells: 1, unseen: 0 }, item_id: { cells: 2, unseen: 1 } },
  });
  expect(await predicted([{ ...row, kind: "test" }])).toMatchObject({
    rows: 0,
    leftOut: { filtered: 1, bad: 0 },
  });
});

test("a row that cannot be used is named by the log and the column, not by its line in the part", async () => {
  const error: unknown = await predicted([row, { ...row, hour: "noon" }]).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DataError);
  expect((error as Error).message).toMatch(/^table:log: column 'hour': .*noon/);
});

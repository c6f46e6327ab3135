// Which keys `embed train-fm` gives a row of the table.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines, type ExportedRow } from "../testing/exported.js";
import { fixture } from "../testing/places.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

async function rowsAfter(name: string, log: string, ...options: string[]): Promise<ExportedRow[]> {
  await embedOk(["train-fm", log, "-o", at(name), "--epochs", "1", "--quiet", ...options]);
  return parseJsonLines((await embedOk(["export", at(name), "--format", "jsonl"])).stdout);
}

const of = (rows: ExportedRow[], field: string) => rows.filter((row) => row.field === field);

test("--max-vocab keeps a field's most frequent keys, and --min-count may differ by field", async () => {
  const whole = await rowsAfter("whole", fixture("clicks.csv"));
  const bounded = await rowsAfter(
    "bounded",
    fixture("clicks.csv"),
    ...["--max-vocab", "user_id=10", "--max-vocab", "30,device=2", "--min-count", "item=150"],
  );
  const keys = (rows: ExportedRow[], field: string) => of(rows, field).map(({ key }) => key);
  expect(keys(bounded, "user_id")).toEqual(keys(whole, "user_id").slice(0, 10));
  expect(keys(bounded, "device")).toEqual(keys(whole, "device").slice(0, 2));
  expect(keys(bounded, "hour")).toEqual(keys(whole, "hour"));
  const frequent = of(whole, "item_id").filter(({ count }) => count >= 150);
  expect(frequent.length).toBeGreaterThan(0);
  expect(keys(bounded, "item_id")).toEqual(frequent.slice(0, 30).map(({ key }) => key));
});

test("--min-users leaves no value of fewer users in any file of the run", async () => {
  const log = at("few.csv");
  const lines = Array.from({ length: 60 }, (_, i) => `u${i % 6},${i % 5 === 0 ? "common-a" : "common-b"}`);
  const planted = ["u0,planted-of-one", "u0,planted-of-one", "u1,planted-of-two", "u2,planted-of-two"];
  writeFileSync(log, ["user,item", ...lines, ...planted].join("\n"));
  const rows = await rowsAfter("few", log, "--negatives", "1", "--min-users", "3");
  expect(of(rows, "item").map(({ key }) => key)).toEqual(["common-b", "common-a"]);
  const files = ["embeddings.arrow", "manifest.json", "model/preprocess.json", "model/negatives.safetensors"];
  expect(files.filter((file) => readFileSync(join(at("few"), file)).includes("planted"))).toEqual([]);
});

test.each([
  ["--max-vocab of a field that is none is 64 with the nearest", ["--max-vocab", "item_di=5"], "item_id"],
  ["--max-vocab 0 is 64", ["--max-vocab", "0"], "--max-vocab expects a whole number from 1 on"],
  ["--min-count without a number is 64", ["--min-count", "item_id=few"], "got 'few'"],
])("%s", async (_, options, words) => {
  const got = await embed(["train-fm", fixture("clicks.csv"), "-o", at("none"), ...options]);
  expect([got.code, got.stderr]).toEqual([64, expect.stringContaining(words)]);
});

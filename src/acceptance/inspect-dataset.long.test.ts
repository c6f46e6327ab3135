// `embed inspect` for an encoded dataset, and for a log with bad rows.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

interface Inspection {
  rows: number;
  columns: { name: string; role: string; distinct: number; missing: number; first: string[] }[];
  warnings: string[];
}
const inspected = async (...args: string[]): Promise<Inspection> =>
  parseJson<Inspection>((await embedOk(["inspect", ...args, "--json"])).stdout);

test("a dataset shows the roles, counts and rows of its log", async () => {
  const side = ["--side", `${fixture("items.csv")}:item_id`, "--multi", "genres:|"];
  await embedOk(["encode", fixture("ratings.csv"), "-o", at("ratings"), ...side]);
  const [log, dataset] = [await inspected(fixture("ratings.csv")), await inspected(at("ratings"))];
  expect(dataset.rows).toBe(log.rows);
  const named = (name: string) => (column: { name: string }) => column.name === name;
  const checked = log.columns.filter(({ name }) => dataset.columns.some(named(name)));
  expect(checked.length).toBeGreaterThan(3);
  for (const { name, role, distinct, missing, first } of checked) {
    const found = dataset.columns.find(named(name))!;
    expect({ ...found, first: role === "time" ? first : found.first }).toMatchObject({
      name,
      role,
      distinct,
      missing,
      first,
    });
  }
  const genres = dataset.columns.find(named("genres"))!;
  expect(genres.first.some((cell) => cell.includes("|"))).toBe(true);
});

test("a dataset is inspected alone, and a damaged one is an error 82", async () => {
  await embedOk(["encode", fixture("clicks.csv"), "-o", at("clicks")]);
  expect((await embed(["inspect", at("clicks"), fixture("clicks.csv")])).code).toBe(64);
  const file = join(at("clicks"), "rows.arrow");
  const bytes = readFileSync(file);
  bytes[1000]! ^= 1;
  writeFileSync(file, bytes);
  expect((await embed(["inspect", at("clicks")])).code).toBe(82);
});

describe.each([
  ["log.csv", (i: number) => `u${i % 100},i1`, "u1", "u1"],
  ["log.jsonl", (i: number) => `{"user":"u${i % 100}","item":"i1"}`, '{"user":1', '{"user":1'],
])("bad rows of %s", (name, rowOf, bad, text) => {
  const rows = Array.from({ length: 300 }, (_, i) => rowOf(i));
  const header = name.endsWith(".csv") ? ["user,item"] : [];
  const skip = ["--on-bad-row", "skip"];

  test("are listed with --bad-rows, and counted", async () => {
    writeFileSync(at(name), `${[...header, rows[0], bad, ...rows.slice(1)].join("\n")}\n`);
    const { rows: numRows, warnings } = await inspected(at(name), ...skip, "--bad-rows", at(`${name}.bad`));
    expect([numRows, warnings]).toEqual([300, [expect.stringMatching(/^skipped 1 bad row \(/)]]);
    const listed = readJson<{ line: number; text: string }>(at(`${name}.bad`));
    expect(listed).toMatchObject({ file: at(name), line: 2 + header.length, text });
  });

  test("are too many beyond --max-bad", async () => {
    const { code, stderr } = await embed(["inspect", at(name), ...skip, "--max-bad", "0.1%"]);
    expect([code, stderr]).toEqual([65, expect.stringContaining("1 of 301 rows are bad")]);
  });
});

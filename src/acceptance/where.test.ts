// `--where` keeps rows by an expression, in training and in evaluate.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

const countries = ["France", "Spain", ""];
const lines = Array.from(
  { length: 600 },
  // dropped rows may have an invalid label
  (_, r) => `${r % 5 === 0 ? "void" : r % 2},u${r % 7},i${r % 11},${countries[r % 3]},${r % 5}`,
);
const log = `click,user_id,item_id,Country,Quantity\n${lines.join("\n")}\n`;
const train = ["train-fm", "-", "--label", "click", "--ignore", "Quantity", "--epochs", "1"];

async function rowsOf(name: string, ...wheres: string[]): Promise<{ rows: number; stderr: string }> {
  const flags = wheres.flatMap((where) => ["--where", where]);
  const { stdout, stderr } = await embedOk([...train, "-o", at(name), "--json", ...flags], { input: log });
  return { rows: parseJson<{ rows: number }>(stdout).rows, stderr };
}

test("rows that an expression leaves out are counted, and need not be well-formed", async () => {
  const { rows, stderr } = await rowsOf("one", "Quantity > 0");
  expect(rows).toBe(480);
  expect(stderr).toContain("120 rows excluded by --where");
});

test("several expressions must all hold, of numbers, texts and missing cells", async () => {
  const { rows } = await rowsOf("two", "Quantity >= 1", 'Country != "France" and not Country is missing');
  expect(rows).toBe(160);
});

test("a role's column may be asked about, too", async () => {
  expect((await rowsOf("label", 'click in (0, 1) and item_id starts_with "i"')).rows).toBe(480);
  const { stdout } = await embedOk([...train, "-o", at("drop"), "--json", "--drop", "click=void"], {
    input: log,
  });
  expect(parseJson<{ rows: number }>(stdout).rows).toBe(480);
});

test("evaluate applies the expression that training did", async () => {
  await rowsOf("kept", "Quantity > 2");
  writeFileSync(at("log.csv"), log);
  const { stdout } = await embedOk(["evaluate", at("kept"), "--on", at("log.csv"), "--json"]);
  expect(parseJson<{ rows: number }>(stdout).rows).toBe(240);
});

test("cells that are no numbers are told of where numbers are asked for", async () => {
  const { stderr } = await rowsOf("no-numbers", "Quantity > 0 and (Country > 5 or Country is not missing)");
  expect(stderr).toContain("2 distinct cells of 'Country' are not numbers");
});

test("a mistake is 64 and shown at its character, a column that is none with the nearest", async () => {
  const got = await embed([...train, "-o", at("x"), "--where", "Quantity >> 0"], { input: log });
  expect(got.code).toBe(64);
  expect(got.stderr).toContain("character 11");
  expect(got.stderr).toContain("\n  Quantity >> 0\n            ^\n");
  const near = await embed([...train, "-o", at("x"), "--where", "0 < 1 or Quantty > 0"], { input: log });
  expect([near.code, near.stderr]).toEqual([64, expect.stringContaining("expected")]);
  const unknown = await embed([...train, "-o", at("x"), "--where", "click = 1 or Quantty > 0"], {
    input: log,
  });
  expect([unknown.code, unknown.stderr]).toEqual([64, expect.stringContaining("did you mean 'Quantity'?\n")]);
});

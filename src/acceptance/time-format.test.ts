// `--time-format`: times in a format of the log, for every command that reads a log.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const table = (run: string): Buffer => readFileSync(join(at(run), "embeddings.arrow"));
const FORMAT = "%d/%m/%Y %H:%M";

const pad = (n: number): string => String(n).padStart(2, "0");
/** Days of December in shuffled order, so that a split by time has to parse them. */
const rows = Array.from({ length: 200 }, (_, i) => ({
  cells: `u${i % 9},i${i % 13},${i % 2}`,
  day: 1 + ((i * 7) % 28),
  hour: (i * 5) % 24,
}));
const british = rows.map(({ cells, day, hour }) => `${cells},${day}/12/2010 ${hour}:05`);
const iso = rows.map(({ cells, day, hour }) => `${cells},2010-12-${pad(day)}T${pad(hour)}:05Z`);

const options = ["--epochs", "1", "--quiet", "--time-fields", "hour,dow", "--valid", "0.2"];
beforeAll(async () => {
  writeFileSync(at("british.csv"), `user_id,item_id,click,date\n${british.join("\n")}\n`);
  writeFileSync(at("iso.csv"), `user_id,item_id,click,date\n${iso.join("\n")}\n`);
  await embedOk(["train-fm", at("iso.csv"), "-o", at("iso"), ...options]);
});

test("a log in its own form of times gives what the same times in ISO 8601 give", async () => {
  await embedOk(["train-fm", at("british.csv"), "-o", at("british"), ...options, "--time-format", FORMAT]);
  expect(table("british").equals(table("iso"))).toBe(true);
});

test("evaluate reads the form from the run", async () => {
  const text = readFileSync(join(at("british"), "model/preprocess.json"), "utf8");
  expect(parseJson<{ timeFormat: string }>(text).timeFormat).toBe(FORMAT);
  const metricsOn = async (run: string, log: string) => {
    const { stdout } = await embedOk(["evaluate", at(run), "--on", at(log), "--json", "--quiet"]);
    return parseJson<{ metrics: unknown }>(stdout).metrics;
  };
  expect(await metricsOn("british", "british.csv")).toEqual(await metricsOn("iso", "iso.csv"));
});

test("a dataset keeps the times, and the time fields that it is to be read with", async () => {
  const given = ["--time-format", FORMAT, "--time-fields", "hour,dow"];
  await embedOk(["encode", at("british.csv"), "-o", at("dataset"), ...given]);
  await embedOk(argv`train-fm ${at("dataset")} -o ${at("encoded")} --epochs 1 --quiet --valid 0.2`);
  expect(table("encoded").equals(table("iso"))).toBe(true);
  const other = await embed(["train-fm", at("dataset"), "-o", at("x"), "--time-fields", "hour"]);
  expect([other.code, other.stderr]).toEqual([64, expect.stringContaining("encoded with hour,dow")]);
});

test("inspect shows the column as a time and writes the form into the config", async () => {
  const { stdout } = await embedOk(["inspect", at("british.csv"), "--time-format", FORMAT, "--json"]);
  const { columns } = parseJson<{ columns: { name: string; role: string; type: string }[] }>(stdout);
  expect(columns.find(({ name }) => name === "date")).toMatchObject({ role: "time", type: "time" });

  const config = at("embed.yaml");
  await embedOk(["inspect", at("british.csv"), "--time-format", FORMAT, "--write-config", config]);
  await embedOk(["train-fm", at("british.csv"), "-o", at("config"), ...options, "--config", config]);
  expect(table("config").equals(table("iso"))).toBe(true);
});

test("a cell of another form is a bad row, with the form that was expected", async () => {
  writeFileSync(at("bad.csv"), `user_id,item_id,click,date\n${british.join("\n")}\nu1,i1,1,2010-12-01\n`);
  const { code, stderr } = await embed([
    ...["train-fm", at("bad.csv"), "-o", at("x"), "--epochs", "1"],
    ...["--time", "date", "--time-format", FORMAT],
  ]);
  expect(code).toBe(65);
  expect(stderr).toMatch(/bad\.csv:202: column 'date': expected a time in the format '%d\/%m\/%Y %H:%M'/);
});

test.each([
  ["%Y-%q", "got '%q'"],
  ["%Y-%m", "needs a year"],
  ["%d %d %m %Y", "twice"],
  ["%Y-%m-%d %I", "%I together with %p"],
])("--time-format '%s' is refused: %s", async (format, reason) => {
  const { code, stderr } = await embed(["train-fm", at("iso.csv"), "-o", at("x"), "--time-format", format]);
  expect([code, stderr]).toEqual([64, expect.stringContaining(reason)]);
});

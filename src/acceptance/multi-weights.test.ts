// Values with numbers: libsvm and libffm features other than 1, and cells such as `tea:0.5|milk:2`.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson, readJson } from "../testing/json.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const table = (run: string): Buffer => readFileSync(join(at(run), "embeddings.arrow"));

/**
 * Events of a log: field 0 is the user, field 1 has one feature with a number, and field 2 has one or two features with
 * a weight.
 */
const events = Array.from({ length: 300 }, (_, i) => ({
  label: i % 3 === 0 ? 1 : 0,
  user: `u${i % 7}`,
  price: ((i * 37) % 100) / 8 + 0.125,
  tags: [`a${i % 5}`, ...(i % 2 === 0 ? [`b${i % 3}`] : [])],
  weight: i % 4 === 0 ? 1 : 0.5,
}));

const libffm = events
  .map(({ label, user, price, tags, weight }) => {
    const ofTags = tags.map((tag) => `2:${tag}:${weight}`);
    return [label, `0:${user}:1`, `1:p:${price}`, ...ofTags].join(" ");
  })
  .join("\n");

const weighted = (key: string, x: number): string => (x === 1 ? key : `${key}:${x}`);
const csv = [
  "label,0,1,2",
  ...events.map(
    ({ label, user, price, tags, weight }) =>
      `${label},${user},${weighted("p", price)},${tags.map((tag) => weighted(tag, weight)).join(" ")}`,
  ),
].join("\n");

const train = ["--epochs", "2", "--label", "label", "--quiet"];
const given = ["--multi", "1: ", "--multi", "2: ", "--multi-weights", "1,2"];

beforeAll(async () => {
  writeFileSync(at("log.libffm"), `${libffm}\n`);
  writeFileSync(at("log.csv"), `${csv}\n`);
  await embedOk(["train-fm", at("log.libffm"), "-o", at("ffm"), ...train]);
});

test("libffm, the same cells in CSV, and a dataset of either give the same table", async () => {
  await embedOk(["train-fm", at("log.csv"), "-o", at("csv"), ...train, ...given]);
  await embedOk(["encode", at("log.libffm"), "-o", at("dataset"), "--label", "label"]);
  await embedOk(["train-fm", at("dataset"), "-o", at("encoded"), ...train]);
  expect(table("csv").equals(table("ffm"))).toBe(true);
  expect(table("encoded").equals(table("ffm"))).toBe(true);
});

test("numbers change what is learned: the same features with 1 throughout give another table", async () => {
  writeFileSync(at("ones.libffm"), `${libffm.replaceAll(/:[0-9.]+(?= |\n|$)/g, ":1")}\n`);
  await embedOk(["train-fm", at("ones.libffm"), "-o", at("ones"), ...train]);
  expect(table("ones").equals(table("ffm"))).toBe(false);
});

test("evaluate reads the numbers again, from every form alike", async () => {
  const scored = async (on: string) => {
    const { stdout } = await embedOk(["evaluate", at("ffm"), "--on", at(on), "--json", "--quiet"]);
    return parseJson<{ metrics: unknown }>(stdout).metrics;
  };
  const metrics = await scored("log.libffm");
  expect(await scored("log.csv")).toEqual(metrics);
  expect(await scored("dataset")).toEqual(metrics);
});

test("preprocess.json states whose values carry numbers, and its test vectors follow from that", () => {
  const { fields, testVectors } = readJson<{
    fields: { name: string; kind: string; weights?: string; outOfVocabulary: number }[];
    testVectors: { cells: Record<string, string>; indices: number[]; values: number[] }[];
  }>(join(at("ffm"), "model/preprocess.json"));
  expect(fields.map(({ name, weights }) => [name, weights])).toEqual([
    ["0", undefined],
    ["1", "stated"],
    ["2", "stated"],
  ]);
  // the values of a test vector's features sum up to the numbers in its cells, whether the keys are known or not
  const sumOf = (cell: string): number =>
    cell
      .split(" ")
      .filter((part) => part !== "")
      .reduce((sum, part) => sum + Number(part.split(":")[1] ?? 1), 0);
  for (const { cells, values } of testVectors) {
    const stated = sumOf(cells["1"]!) + sumOf(cells["2"]!) + (cells["0"] === "" ? 0 : 1);
    expect(values.reduce((sum, x) => sum + x, 0)).toBe(stated);
  }
  expect(new Set(testVectors.flatMap(({ values }) => values)).size).toBeGreaterThan(4);
});

// the invalid row comes after the rows from which the columns are determined
const many = `${"0 0:u0:1 1:p:0.5 2:a:0.5\n".repeat(1000)}1 0:u:2\n`;
test.each([
  ["a.libffm", `${libffm}\n1 0:u:1 1:p:x\n`, [], /a\.libffm:301: expected a number .* got "x"/],
  ["b.libffm", `${libffm}\n1 0:u:1 1:p:1e39\n`, [], /b\.libffm:301: expected a number .* got "1e39"/],
  ["c.libffm", many, [], /c\.libffm:1001: column '0': .*value 2.*--multi-weights 0/],
  ["d.csv", `${csv}\n1,u,p:x,a\n`, given, /d\.csv:302: column '1': expected values with weights .*got "p:x"/],
])("a value that is none is a bad row with its line: %s", async (name, content, args, message) => {
  writeFileSync(at(name), content);
  const { code, stderr } = await embed(["train-fm", at(name), "-o", at(`${name}.run`), ...train, ...args]);
  expect([code, stderr]).toEqual([65, expect.stringMatching(message)]);
});

test("--multi-weights needs a separator, and a dataset without numbers has none", async () => {
  const alone = await embed(["train-fm", at("log.csv"), "-o", at("x"), ...train, "--multi-weights", "2"]);
  expect([alone.code, alone.stderr]).toEqual([64, expect.stringContaining("--multi '2:|'")]);
  await embedOk(["encode", at("log.csv"), "-o", at("plain"), "--label", "label", "--multi", "2: "]);
  const plain = await embed(["train-fm", at("plain"), "-o", at("x"), ...train, "--multi-weights", "2"]);
  expect([plain.code, plain.stderr]).toEqual([
    64,
    expect.stringContaining("where its values have no weights"),
  ]);
});

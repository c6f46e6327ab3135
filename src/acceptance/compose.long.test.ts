// --compose and --mips: an exported item's vector is the one with which the model scores the item, including the
// vectors of all columns that the item determines.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openRun } from "../table/run-directory.js";
import { scorerOf } from "../testing/scorer.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseDelimited, type ExportedRow } from "../testing/exported.js";
import { parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";

const folder = temporaryFolder();
const run = join(folder, "ratings");
const ratings = [
  ...["train-fm", fixture("ratings.csv"), "--label", "rating", "--side", `${fixture("items.csv")}:item_id`],
  ...["--multi", "genres:|", "--ignore", "title", "--quiet"],
];

const aware = join(folder, "aware");

const exported = (...flags: string[]) => exportedOf(run, ...flags);
async function exportedOf(path: string, ...flags: string[]): Promise<Map<string, ExportedRow>> {
  const { stdout } = await embedOk(["export", path, "--format", "csv", ...flags]);
  return new Map(parseDelimited(stdout, ",").map((row) => [`${row.field}:${row.key}`, row]));
}

interface Preprocess {
  itemFields?: string[];
}
const preprocessOf = (path: string) => readJson<Preprocess>(join(path, "model", "preprocess.json"));

beforeAll(async () => {
  await embedOk([...ratings, "-o", run]);
  await embedOk([...ratings, "-o", aware, "--model", "ffm", "--epochs", "3"]);
});

test("columns of a side table go with the item, unless --item-fields says otherwise", async () => {
  expect(preprocessOf(run).itemFields).toEqual(["item_id", "genres", "year"]);
  const given = join(folder, "told");
  await embedOk([...ratings, "--epochs", "1", "--item-fields", "genres", "-o", given]);
  expect(preprocessOf(given).itemFields).toEqual(["item_id", "genres"]);
  const unknown = await embed([...ratings, "--item-fields", "genre", "-o", join(folder, "unknown")]);
  expect([unknown.code, unknown.stderr]).toEqual([64, expect.stringContaining("genres")]);
});

test.each([
  ["fm", run],
  ["ffm", aware],
])("the dot product of --mips ranks all items for a user as the model does: %s", async (_, path) => {
  const rows = await exportedOf(path, "--mips");
  const field = (name: string) => [...rows.values()].filter((row) => row.field === name);
  const [items, users] = [field("item_id"), field("user_id").slice(0, 5)];
  expect(new Set(users.map(({ vector }) => vector.at(-1)))).toEqual(new Set([1]));
  expect(new Set(field("genres").map(({ vector }) => vector.at(-1)))).toEqual(new Set([0]));

  // computes the model's score of each pair of user and item, with the values of the item's columns
  const model = await scorerOf(await openRun(path));
  const side = readFileSync(fixture("items.csv"), "utf8").trimEnd().split("\n").slice(1);
  const cells = new Map(side.map((line) => [line.slice(0, 7), line.split(",").slice(-2)]));
  const featureOf = (name: string, key: string) => {
    const f = model.space.fields.findIndex((one) => one.name === name);
    const own = [...rows.values()].filter((row) => row.field === name).map((row) => row.key);
    return model.space.offsets[f]! + 1 + own.indexOf(key);
  };
  const userFeature = users.map(({ key }) => featureOf("user_id", key));
  const year = model.space.fields.findIndex((one) => one.name === "year");
  const yearField = model.space.fields[year]!;
  const ids: number[] = [];
  const values: number[] = [];
  const indptr = [0];
  for (const user of userFeature) {
    for (const { key } of items) {
      const [genres, made] = cells.get(key)!;
      const names = genres!.split("|").filter((name) => name !== "");
      ids.push(user, featureOf("item_id", key), ...names.map((name) => featureOf("genres", name)));
      values.push(1, 1, ...names.map(() => 1 / names.length));
      if (yearField.kind === "number") {
        ids.push(model.space.offsets[year]!);
        values.push((Number(made) - yearField.mean) / yearField.deviation);
      } else {
        ids.push(featureOf("year", made!));
        values.push(1);
      }
      indptr.push(ids.length);
    }
  }
  const scores = await model.score(
    {
      numRows: indptr.length - 1,
      width: 0,
      indptr: Uint32Array.from(indptr),
      ids: Uint32Array.from(ids),
      values: Float32Array.from(values),
      labels: new Float32Array(indptr.length - 1),
    },
    { threads: 1 },
  );
  users.forEach(({ vector }, u) => {
    const dots = items.map((item) => item.vector.reduce((sum, x, d) => sum + x * vector[d]!, 0));
    const own = scores.subarray(u * items.length, (u + 1) * items.length);
    // score and dot product differ by the user's weight and w0, which are the same for all items
    const shifts = dots.map((dot, i) => own[i]! - dot);
    expect(Math.max(...shifts) - Math.min(...shifts)).toBeLessThan(1e-5);
  });
});

test("export composes items alone, says so, and --compose none gives their rows", async () => {
  const [item, none] = [
    await exported("--with-weight"),
    await exported("--compose", "none", "--with-weight"),
  ];
  expect([...item.keys()]).toEqual([...none.keys()]);
  for (const [name, row] of item) {
    const same = JSON.stringify(row) === JSON.stringify(none.get(name));
    expect([name, same]).toEqual([name, row.field !== "item_id"]);
  }
  const said = await embedOk(["export", run, "--format", "csv"]);
  expect(said.stderr).toContain("'item_id' + 'genres' + 'year'");
  const users = await embedOk(["export", run, "--format", "csv", "--field", "user"]);
  expect(users.stderr).toBe("");
});

test.each([
  ["fm", run],
  ["ffm", aware],
])("neighbors are those of the composed vectors: %s", async (_, path) => {
  const rows = [...(await exportedOf(path, "--field", "item")).values()];
  const query = rows[3]!;
  const cosine = ({ vector }: ExportedRow) =>
    vector.reduce((sum, x, d) => sum + x * query.vector[d]!, 0) / Math.hypot(...vector);
  const nearest = rows.filter((row) => row !== query).sort((a, b) => cosine(b) - cosine(a));
  const args = ["neighbors", path, "--key", `item:${query.key}`, "--top", "5", "--json"];
  const { stdout, stderr } = await embedOk(args);
  const found = parseJson<{ queries: { neighbors: { key: string }[] }[] }>(stdout).queries[0]!.neighbors;
  expect(found.map(({ key }) => key)).toEqual(nearest.slice(0, 5).map(({ key }) => key));
  expect(stderr).toContain("--compose none");
  const own = await embedOk([...args, "--compose", "none"]);
  expect([own.stderr, own.stdout === stdout]).toEqual(["", false]);
});

test("transform gives a field-aware run's items the vectors that export composes of them, and refuses both sides at once", async () => {
  const items = ["transform", aware, fixture("items.csv"), "--key", "item_id", "--quiet"];
  const { stdout } = await embedOk(items);
  const known = await exportedOf(aware, "--field", "item", "--with-weight");
  const [header, ...lines] = stdout.trimEnd().split("\n");
  const dim = header!.split(",").length - 2;
  let worst = 0;
  for (const line of lines) {
    const cells = line.split(",");
    const own = known.get(`item_id:${cells[0]}`);
    if (!own) continue;
    expect(own.vector).toHaveLength(dim);
    own.vector.forEach((x, d) => (worst = Math.max(worst, Math.abs(x - Number(cells[2 + d])))));
  }
  expect(worst).toBeLessThan(1e-6);
  const both = await embed(["transform", aware, fixture("ratings.csv")]);
  expect([both.code, both.stderr]).toEqual([
    64,
    expect.stringContaining("); a field-aware model encodes them separately: pass one table for each"),
  ]);
});

describe("what cannot be composed is 64", () => {
  const alone = join(folder, "alone");
  beforeAll(() => embedOk(["train-fm", fixture("clicks.csv"), "-o", alone, "--epochs", "1", "--quiet"]));

  test.each([
    ["--compose item where no column goes with the item", () => ["neighbors", alone, "--key", "item:tea-03"]],
    ["of a linear model", () => ["export", join(folder, "linear"), "--format", "csv"]],
  ])("%s", async (name, args) => {
    if (name === "of a linear model") {
      const log = fixture("clicks.csv");
      await embedOk(["train-fm", log, "--model", "lr", "-o", join(folder, "linear"), "--quiet"]);
    }
    const { code, stderr } = await embed([...args(), "--compose", "item"]);
    expect([code, stderr]).toEqual([64, expect.stringContaining("--compose item")]);
  });

  test("--mips of rows that are not the model's items", async () => {
    const { code } = await embed(["export", run, "--format", "csv", "--mips", "--compose", "none"]);
    expect(code).toBe(64);
  });

  test("and without item columns --mips takes the rows as they are", async () => {
    const { stdout, stderr } = await embedOk(["export", alone, "--format", "csv", "--mips", "--with-weight"]);
    expect([stdout.split("\n", 1)[0]!.endsWith("v16"), stderr]).toEqual([true, ""]);
  });
});

// `embed transform` with a factorization machine: vectors of items without events, and of users from their first
// events.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseDelimited } from "../testing/exported.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const run = at("run");
const log = readFileSync(fixture("ratings.csv"), "utf8").trimEnd().split("\n");
const header = log[0]!;
/** a user and an item whose rows are left out of the training log */
const [userOut, itemOut] = [log[1]!.split(",")[0]!, log[2]!.split(",")[1]!];
const known = log
  .slice(1)
  .filter((line) => !line.startsWith(`${userOut},`) && line.split(",")[1] !== itemOut);
const side = `${fixture("items.csv")}:item_id`;
const train = [
  ...["train-fm", at("known.csv"), "--label", "rating", "--side", side],
  ...["--multi", "genres:|", "--ignore", "title", "--quiet"],
];

interface Row {
  key: string;
  bias: number;
  vector: number[];
}

function rowsOf(csv: string): Row[] {
  const [, ...lines] = csv.trimEnd().split("\n");
  return lines.map((line) => {
    const [key, bias, ...vector] = line.split(",");
    return { key: key!, bias: Number(bias), vector: vector.map(Number) };
  });
}

beforeAll(async () => {
  writeFileSync(at("known.csv"), [header, ...known].join("\n"));
  const events = log
    .slice(1)
    .filter((line) => line.startsWith(`${userOut},`) && line.split(",")[1] !== itemOut);
  writeFileSync(at("events.csv"), [header, ...events].join("\n"));
  const ofItem = log
    .slice(1)
    .filter((line) => line.split(",")[1] === itemOut && !line.startsWith(`${userOut},`));
  writeFileSync(at("item-events.csv"), [header, ...ofItem].join("\n"));
  await embedOk([...train, "-o", run]);
});

describe("rows of a table of items", () => {
  test("of known items are their composed vectors, with the bias that export calls weight", async () => {
    const { stdout, stderr } = await embedOk(["transform", run, fixture("items.csv"), "--key", "item_id"]);
    expect(stderr).toContain("'item_id' + 'genres' + 'year'");
    expect(stdout.split("\n", 1)[0]).toMatch(/^item_id,bias,v0,.*,v15$/);
    const made = new Map(rowsOf(stdout).map((row) => [row.key, row]));
    const table = await embedOk(["export", run, "--format", "csv", "--field", "item", "--with-weight"]);
    const weights = new Map(table.stdout.split("\n").map((line) => [line.split(",")[1], line.split(",")[3]]));
    for (const { key, vector } of parseDelimited(table.stdout, ",")) {
      const row = made.get(key)!;
      const errors = row.vector.map((x, d) => Math.abs(x - vector[d]!));
      expect(Math.max(...errors, Math.abs(row.bias - Number(weights.get(key))))).toBeLessThan(1e-6);
    }
    // the item without events has a vector from its genres and year
    expect(made.get(itemOut)!.vector.some((x) => x !== 0)).toBe(true);
  });

  test("are of the columns that the file has, in any order and among others, in every format", async () => {
    const table = "size,genres,item_id\n3,Drama|Romance,new-1\n4,,new-2\n5,Drama|Romance,new-3\n";
    writeFileSync(at("new.csv"), table);
    const { stdout, stderr } = await embedOk(["transform", run, at("new.csv"), "--key", "item_id"]);
    expect(stderr).toContain("'item_id' + 'genres'");
    expect(stderr).not.toContain("year");
    const [first, second, third] = rowsOf(stdout);
    expect(first!.vector).toEqual(third!.vector);
    expect(new Set([...second!.vector, second!.bias])).toEqual(new Set([0]));

    const lines = await embedOk(["transform", run, at("new.csv"), "--format", "jsonl", "--quiet"]);
    const one = parseJson<{ row: string; bias: number; vector: number[] }>(lines.stdout.split("\n", 1)[0]!);
    expect(one).toEqual({ row: "1", bias: first!.bias, vector: first!.vector });

    await embedOk(["transform", run, at("new.csv"), "--format", "npy", "-o", at("new"), "--key", "item_id"]);
    expect(readdirSync(at("new")).sort()).toEqual(["biases.npy", "keys.txt", "vectors.npy"]);
    expect(readFileSync(join(at("new"), "keys.txt"), "utf8")).toBe('"new-1"\n"new-2"\n"new-3"\n');
    const bytes = readFileSync(join(at("new"), "vectors.npy"));
    expect(bytes.readFloatLE(bytes.length - 4)).toBe(Math.fround(third!.vector.at(-1)!));
  });

  test.each([
    ["no column that the run knows", ["transform", run, fixture("purchases.csv")], "item_id"],
    ["--features, which are of trees", ["transform", run, fixture("items.csv"), "--features"], "--features"],
    ["libsvm", ["transform", run, fixture("items.csv"), "--format", "libsvm"], "libsvm"],
    ["neither rows nor events", ["transform", run], "--fold-in"],
    ["both", ["transform", run, fixture("items.csv"), "--fold-in", "x.csv"], "--fold-in"],
    ["--field without events", ["transform", run, fixture("items.csv"), "--field", "user"], "--fold-in"],
  ])("%s is 64", async (_, args, message) => {
    const { code, stdout, stderr } = await embed(args);
    expect([code, stdout, stderr]).toEqual([64, "", expect.stringContaining(message)]);
  });
});

describe("--fold-in", () => {
  const folded = async (events: string, ...flags: string[]) =>
    rowsOf((await embedOk(["transform", run, "--fold-in", at(events), "--quiet", ...flags])).stdout);

  test("gives a new user the vector that fits its events, the same each time", async () => {
    const [row, ...others] = await folded("events.csv");
    expect([row!.key, others]).toEqual([userOut, []]);
    expect(await folded("events.csv", "--threads", "1")).toEqual([row]);
    // predictions of the user's events are better with the folded-in vector than without it
    const { stdout } = await embedOk(["transform", run, fixture("items.csv"), "--key", "item_id", "--quiet"]);
    const items = new Map(rowsOf(stdout).map((item) => [item.key, item]));
    const model = readFileSync(join(run, "model", "fm.safetensors"));
    const start = 8 + Number(model.readBigUInt64LE(0));
    const offsets = parseJson<Record<string, { data_offsets: number[] }>>(model.toString("utf8", 8, start));
    const w0 = model.readFloatLE(start + offsets["w0"]!.data_offsets[0]!);
    const events = readFileSync(at("events.csv"), "utf8").split("\n").slice(1);
    const error = (bias: number, vector: number[]) =>
      events.reduce((sum, line) => {
        const [, key, rating] = line.split(",");
        const item = items.get(key!)!;
        const dot = item.vector.reduce((all, x, d) => all + x * vector[d]!, 0);
        return sum + (w0 + bias + item.bias + dot - Number(rating)) ** 2;
      }, 0);
    const [before, after] = [
      error(
        0,
        row!.vector.map(() => 0),
      ),
      error(row!.bias, row!.vector),
    ];
    expect(after).toBeLessThan(0.8 * before);
    const strict = (await folded("events.csv", "--l2-weight", "1e6", "--l2-vector", "1e6"))[0]!;
    expect(Math.max(...strict.vector.map(Math.abs), Math.abs(strict.bias))).toBeLessThan(1e-3);
  });

  test("gives a new item its features' vector and what its events add", async () => {
    const [row] = await folded("item-events.csv", "--field", "item");
    const [none] = await folded("item-events.csv", "--l2-weight", "1e9", "--l2-vector", "1e9");
    const { stdout } = await embedOk(["transform", run, fixture("items.csv"), "--key", "item_id", "--quiet"]);
    const features = rowsOf(stdout).find(({ key }) => key === itemOut)!;
    expect(row!.key).toBe(itemOut);
    expect(Math.max(...none!.vector.map((x, d) => Math.abs(x - features.vector[d]!)))).toBeLessThan(1e-5);
    expect(row!.bias).not.toBe(none!.bias);
  });

  test("of events that the run knows is 64, and of both sides computes users and says what to do", async () => {
    const nothing = await embed(["transform", run, "--fold-in", at("known.csv")]);
    expect([nothing.code, nothing.stderr]).toEqual([
      64,
      expect.stringContaining("the events have no new users or items"),
    ]);
    writeFileSync(at("both.csv"), `${header}\nnew-user,new-item,3,1709510604\n`);
    const both = await embed(["transform", run, "--fold-in", at("both.csv")]);
    expect([both.code, both.stderr]).toEqual([0, expect.stringContaining("--field item computes theirs")]);
  });

  test.each(["fm", "ffm"])("of purchases draws negatives as the run did: %s", async (model) => {
    const buyers = at(`buyers-${model}`);
    const roles = ["--user", "customer_id", "--item", "product_id"];
    await embedOk(argv`train-fm ${fixture("purchases.csv")} ${roles} --negatives 2 --model ${model}
        -o ${buyers} --quiet`);
    const lines = readFileSync(fixture("purchases.csv"), "utf8").split("\n");
    const bought = lines
      .slice(1)
      .filter((line) => line.includes(",tea-"))
      .slice(0, 5);
    const renamed = bought.map((line) => `new${line.slice(line.indexOf(","))}`);
    writeFileSync(at("new-buyer.csv"), [lines[0], ...renamed].join("\n"));
    const args = ["transform", buyers, "--fold-in", at("new-buyer.csv"), "--quiet"];
    const row = rowsOf((await embedOk(args)).stdout)[0]!;
    const { stdout } = await embedOk(argv`export ${buyers} --format csv --field item --mips --quiet`);
    const scored = parseDelimited(stdout, ",").map(({ key, vector }) => {
      const score = [...row.vector, 1].reduce((sum, x, d) => sum + x * vector[d]!, 0);
      return { key, score };
    });
    const best = scored.sort((a, b) => b.score - a.score).slice(0, 10);
    expect(best.filter(({ key }) => key.startsWith("tea-")).length).toBeGreaterThanOrEqual(8);
    const items = await embed([...args, "--field", "item"]);
    expect(items.code).toBe(64);
  });

  test("of binary labels is fitted by Newton's method", async () => {
    const clicks = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n");
    const [own, others] = [[clicks[0]!], [clicks[0]!]];
    for (const line of clicks.slice(1)) (line.split(",")[1] === "u019" ? own : others).push(line);
    writeFileSync(at("others.csv"), others.join("\n"));
    writeFileSync(at("own.csv"), own.join("\n"));
    await embedOk(["train-fm", at("others.csv"), "-o", at("clicks"), "--quiet"]);
    const { stdout } = await embedOk(["transform", at("clicks"), "--fold-in", at("own.csv"), "--quiet"]);
    const [row] = rowsOf(stdout);
    expect([row!.key, row!.vector.every(Number.isFinite)]).toEqual(["u019", true]);
    expect(Math.hypot(...row!.vector)).toBeGreaterThan(0.1);
  });
});

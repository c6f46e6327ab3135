// Exports for networks and vector stores: the initial weights for FNN give the model's scores, and an export contains
// the rows that --reserve adds, and of the other rows only those that its options select.

import { unzipSync } from "fflate";
import { parquetReadObjects } from "hyparquet";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Papa from "papaparse";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseNpy, parseJsonLines, parseSafetensors } from "../testing/exported.js";
import { jsonLines, parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import type { TrainedSummary } from "./main-job.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const run = at("run");

beforeAll(async () => {
  await embedOk(argv`train-fm ${fixture("clicks.csv")} -o ${run} --epochs 3 --dim 8 --min-count 40`);
});

/** Exports the field of items as JSON lines, and returns the rows. */
async function items(...args: string[]): Promise<ReturnType<typeof parseJsonLines>> {
  return parseJsonLines(
    (await embedOk(["export", run, "--format", "jsonl", "--field", "item", ...args])).stdout,
  );
}

async function failure(...args: string[]): Promise<[number | null, string]> {
  const got = await embed(["export", run, ...args]);
  return [got.code, got.stderr];
}

describe("fnn", () => {
  const read = (
    name: string,
  ): { tensors: ReturnType<typeof parseSafetensors>; vocab: Record<string, Record<string, number>> } => ({
    tensors: parseSafetensors(readFileSync(join(at(name), "fnn.safetensors"))),
    vocab: parseJson(readFileSync(join(at(name), "vocab.json"), "utf8")),
  });

  test("w0 and z = [w, v] of a row's features give the score that train-fm gives, to 1e-5", async () => {
    await embedOk(["export", run, "--format", "fnn", "--reserve", "fuxictr", "-o", at("fnn")]);
    expect(readdirSync(at("fnn")).sort()).toEqual([
      "fnn.safetensors",
      "preprocess.json",
      "reserve.json",
      "vocab.json",
    ]);
    const { tensors, vocab } = read("fnn");
    const { data } = Papa.parse<Record<string, string>>(readFileSync(fixture("clicks.csv"), "utf8"), {
      header: true,
      skipEmptyLines: true,
    });
    let loss = 0;
    for (const row of data) {
      let score = tensors["w0"]!.values[0]!;
      const sum = new Float64Array(8);
      const squares = new Float64Array(8);
      for (const field of Object.keys(vocab)) {
        if (row[field] === "") continue;
        const { shape, values } = tensors[field]!;
        // the last row of each tensor is the row of unknown keys
        const z = (vocab[field]![row[field]!] ?? shape[0]! - 1) * 9;
        score += values[z]!;
        for (let d = 0; d < 8; d++) {
          sum[d]! += values[z + 1 + d]!;
          squares[d]! += values[z + 1 + d]! ** 2;
        }
      }
      for (let d = 0; d < 8; d++) score += (sum[d]! ** 2 - squares[d]!) / 2;
      loss += Math.log1p(Math.exp(row["click"] === "1" ? -score : score));
    }
    const { stdout } = await embedOk(["evaluate", run, "--on", fixture("clicks.csv"), "--json"]);
    const { metrics } = parseJson<TrainedSummary>(stdout);
    expect(Math.abs(loss / data.length - metrics["on"]!["logLoss"]!)).toBeLessThan(1e-5);
  });

  test("--reserve places padding, which is zero, and the out-of-vocabulary row as it was trained", async () => {
    await embedOk(["export", run, "--format", "fnn", "-o", at("plain")]);
    const plain = read("plain");
    const numRows = plain.tensors["user_id"]!.shape[0]!;
    for (const [scheme, padding, unknown, first] of [
      ["keras", 0, 1, 2],
      ["pytorch", 1, 0, 2],
      ["fuxictr", 0, numRows + 1, 1],
    ] as const) {
      await embedOk(["export", run, "--format", "fnn", "--reserve", scheme, "-o", at(scheme)]);
      const { tensors, vocab } = read(scheme);
      const { shape, values } = tensors["user_id"]!;
      const rowAt = (row: number): number[] => values.slice(row * 9, row * 9 + 9);
      expect(shape).toEqual([numRows + 2, 9]);
      expect(rowAt(padding).every((x) => x === 0)).toBe(true);
      // no number in the row of unknown keys is 0: the row was trained, because --min-count mapped rare users to it
      expect(rowAt(unknown).every((x) => x !== 0)).toBe(true);
      expect(Math.min(...Object.values(vocab["user_id"]!))).toBe(first);
      expect(values.slice(first * 9, (first + numRows) * 9)).toEqual(plain.tensors["user_id"]!.values);
    }
  });

  test("what would change the model is refused with 64, and so is another model's run", async () => {
    for (const extra of [["--normalize", "l2"], ["--mips"], ["--compose", "item"]])
      expect(await failure("--format", "fnn", "-o", at("no"), ...extra)).toEqual([
        64,
        expect.stringContaining(extra[0]!),
      ]);
    const trees = ["train-gbdt", fixture("clicks.csv"), "-o", at("trees"), "--num-trees", "2"];
    await embedOk(trees);
    const got = await embed(["export", at("trees"), "--format", "fnn", "-o", at("no")]);
    expect([got.code, got.stderr]).toEqual([64, expect.stringContaining("gbdt")]);
  });
});

test("--reserve puts rows into npy of one field, and refuses formats of keys and several fields with 64", async () => {
  await embedOk(["export", run, "--format", "npy", "--field", "item", "--reserve", "keras", "-o", at("npy")]);
  const { shape, values } = parseNpy(readFileSync(join(at("npy"), "vectors.npy")));
  const rows = await items();
  expect(shape).toEqual([rows.length + 2, 8]);
  expect(values.slice(16)).toEqual(rows.flatMap(({ vector }) => vector.map(Math.fround)));
  expect(await failure("--format", "word2vec", "--field", "item", "--reserve", "keras")).toEqual([
    64,
    expect.stringContaining("npy"),
  ]);
  expect(await failure("--format", "npy", "--reserve", "keras", "-o", at("no"))).toEqual([
    64,
    expect.stringContaining("--field"),
  ]);
});

test("npz under --reserve fuxictr names the two rows as FuxiCTR does, and takes no other scheme", async () => {
  const job = ["export", run, "--format", "npz", "--field", "user", "--reserve", "fuxictr"];
  const files = unzipSync((await embedOk(job)).bytes);
  const rows = parseJsonLines(
    (await embedOk(["export", run, "--format", "jsonl", "--field", "user"])).stdout,
  );
  const points = Buffer.from(files["key.npy"]!);
  const start = 10 + points.readUInt16LE(8);
  const width = (points.length - start) / 4 / (rows.length + 2);
  const keys = Array.from({ length: rows.length + 2 }, (_, r) =>
    Array.from({ length: width }, (_, i) => points.readUInt32LE(start + 4 * (r * width + i)))
      .filter((point) => point > 0)
      .map((point) => String.fromCodePoint(point))
      .join(""),
  );
  expect(keys).toEqual(["__PAD__", ...rows.map(({ key }) => key), "__OOV__"]);
  const { shape, values } = parseNpy(Buffer.from(files["value.npy"]!));
  expect(shape).toEqual([rows.length + 2, 8]);
  expect(values.slice(0, 8).every((x) => x === 0)).toBe(true);
  expect(values.slice(8, -8)).toEqual(rows.flatMap(({ vector }) => vector.map(Math.fround)));
  // no number in the row of unknown keys is 0: the row was trained, because --min-count mapped rare users to it
  expect(values.slice(-8).every((x) => x !== 0)).toBe(true);
  expect(await failure("--format", "npz", "--field", "item", "--reserve", "keras")).toEqual([
    64,
    expect.stringContaining("--reserve fuxictr"),
  ]);
  expect(await failure("--format", "npz", "--reserve", "fuxictr")).toEqual([
    64,
    expect.stringContaining("--field"),
  ]);
  const named = readFileSync(fixture("clicks.csv"), "utf8").replaceAll("u019", "__OOV__");
  writeFileSync(at("named.csv"), named);
  await embedOk(["train-fm", at("named.csv"), "-o", at("named"), "--epochs", "1"]);
  const refused = await embed(["export", at("named"), ...job.slice(2)]);
  expect([refused.code, refused.stderr]).toEqual([65, expect.stringContaining("__OOV__")]);
});

test("--top-count keeps the keys of most events, --keys those of a file, and says what is not there", async () => {
  const all = await items();
  const counts = all.map(({ count }) => count).sort((a, b) => b - a);
  expect((await items("--top-count", "5")).map(({ count }) => count)).toEqual(counts.slice(0, 5));
  writeFileSync(at("keys.txt"), `${all[7]!.key}\r\nnobody\n${all[2]!.key}\n`);
  const got = await embedOk(argv`export ${run} --format jsonl --field item --keys ${at("keys.txt")}`);
  expect(parseJsonLines(got.stdout)).toEqual([all[2], all[7]]);
  expect(got.stderr).toContain("1 of the keys");
  writeFileSync(at("none.txt"), "nobody\n");
  expect(await failure("--format", "jsonl", "--keys", at("none.txt"))).toEqual([
    64,
    expect.stringContaining("field:key"),
  ]);
  expect((await failure("--format", "jsonl", "--keys", at("absent.txt")))[0]).toBe(66);
  expect((await failure("--format", "jsonl", "--top-count", "0"))[0]).toBe(64);
});

test("--normalize l2 makes every vector's length 1", async () => {
  const lengths = (await items("--normalize", "l2")).map(({ vector }) => Math.hypot(...vector));
  expect(Math.max(...lengths.map((length) => Math.abs(length - 1)))).toBeLessThan(1e-6);
});

test("parquet holds the rows of jsonl, as lists or under --wide as columns", async () => {
  const rows = await items("--with-weight");
  for (const wide of [[], ["--wide"]]) {
    const out = at(`items${wide.length}.parquet`);
    await embedOk(argv`export ${run} --format parquet --field item --with-weight ${wide} -o ${out}`);
    const bytes = new Uint8Array(readFileSync(out)).buffer;
    const read = await parquetReadObjects({ file: bytes });
    expect(
      read.map(({ key, vector, ...others }) => [
        key,
        vector ?? Array.from({ length: 8 }, (_, d) => (others as Record<string, unknown>)[`v${d}`]),
      ]),
    ).toEqual(rows.map(({ key, vector }) => [key, vector.map(Math.fround)]));
  }
  expect((await failure("--format", "csv", "--wide"))[0]).toBe(64);
});

test("--dtype i8 has a scale a row that gives the vectors back, and says how many neighbors stay; csv refuses it", async () => {
  const job = argv`export ${run} --format npy --field item --dtype i8 -o ${at("i8")} --json`;
  const { stdout, stderr } = await embedOk(job);
  const { dtypeLoss } = parseJson<{ dtypeLoss: { neighborRecallAt20: number; among: number } }>(stdout);
  const rows = await items();
  expect(dtypeLoss.among).toBe(rows.length);
  expect(dtypeLoss.neighborRecallAt20).toBeGreaterThan(0.9);
  expect(dtypeLoss.neighborRecallAt20).toBeLessThanOrEqual(1);
  expect(stderr).toContain(`${(100 * dtypeLoss.neighborRecallAt20).toFixed(2)}%`);
  const file = readFileSync(join(at("i8"), "vectors.npy"));
  const start = 10 + file.readUInt16LE(8);
  expect(file.toString("latin1", 0, start)).toContain("'descr': '|i1'");
  const { shape, values: scales } = parseNpy(readFileSync(join(at("i8"), "scales.npy")));
  expect(shape).toEqual([rows.length]);
  const worst = rows.flatMap(({ vector }, row) =>
    vector.map((x, d) => Math.abs(file.readInt8(start + row * 8 + d) * scales[row]! - x) / scales[row]!),
  );
  expect(Math.max(...worst)).toBeLessThan(0.501);
  for (const args of [
    ["--format", "csv"],
    ["--format", "npy", "--delta", run, "-o", at("no")],
  ])
    expect(await failure(...args, "--dtype", "f16")).toEqual([64, expect.stringContaining("--dtype")]);
});

describe("--delta", () => {
  const [header, ...lines] = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n");
  const week1 = at("week1");
  const week2 = at("week2");
  beforeAll(async () => {
    // the first log lacks items of the group `tea`, and the second those of `chess`; keys that occur in both keep their
    // rows
    const write = (name: string, without: string): void =>
      writeFileSync(at(name), `${[header, ...lines.filter((line) => !line.includes(without))].join("\n")}\n`);
    write("week1.csv", "tea-");
    write("week2.csv", "chess-");
    const train = ["--dim", "4", "--epochs", "1", "--min-count", "60", "--quiet"];
    await embedOk(["train-fm", at("week1.csv"), "-o", week1, ...train]);
    await embedOk(["train-fm", at("week2.csv"), "-o", week2, "--row-order", week1, ...train]);
  });

  test("npy written into the first week's table by row number makes it the second week's", async () => {
    const matrix = async (run: string, reserve: string[]): Promise<number[][]> => {
      const out = at(`${run.replaceAll("/", "-")}${reserve.join("")}`);
      await embedOk(["export", run, "--format", "npy", "--field", "item", "-o", out, "--force", ...reserve]);
      const { shape, values } = parseNpy(readFileSync(join(out, "vectors.npy")));
      return Array.from({ length: shape[0]! }, (_, r) => values.slice(r * shape[1]!, (r + 1) * shape[1]!));
    };
    for (const reserve of [[], ["--reserve", "keras"], ["--reserve", "pytorch"]]) {
      const out = at(`delta${reserve.join("")}`);
      const job = ["export", week2, "--format", "npy", "--field", "item", "--delta", week1, "-o", out];
      await embedOk([...job, ...reserve, "--with-weight"]);
      expect(readdirSync(out).sort()).toEqual([
        "keys.txt",
        "preprocess.json",
        "removed.jsonl",
        ...(reserve.length > 0 ? ["reserve.json"] : []),
        "rows.npy",
        "vectors.npy",
        "weights.npy",
      ]);
      const table = await matrix(week1, reserve);
      const expected = await matrix(week2, reserve);
      const rows = readFileSync(join(out, "rows.npy"));
      const start = 10 + rows.readUInt16LE(8);
      const { values } = parseNpy(readFileSync(join(out, "vectors.npy")));
      for (let i = 0; start + 4 * i < rows.length; i++)
        table[rows.readUInt32LE(start + 4 * i)] = values.slice(4 * i, 4 * i + 4);
      const removed = readFileSync(join(out, "removed.jsonl"), "utf8").trimEnd().split("\n");
      for (const line of removed) table[parseJson<{ row: number }>(line).row] = [0, 0, 0, 0];
      // one of the twelve items has no row, because it was too rare in the first log
      expect(removed.length).toBe(11);
      expect(table).toEqual(expected);
      const unknown = { keras: 1, pytorch: 0 }[reserve[1] ?? ""];
      if (unknown === undefined) continue;
      expect(table[unknown]!.every((x) => x !== 0)).toBe(true);
      const { stdout } = await embedOk([
        ...job.slice(0, 2),
        "--format",
        "jsonl",
        ...job.slice(4, 8),
        ...reserve,
      ]);
      const line = parseJson<{ change: string; row: number; key: string; vector: number[] }>(
        stdout.split("\n")[0]!,
      );
      expect([line.change, line.row, line.key]).toEqual(["changed", unknown, ""]);
      expect(line.vector.map(Math.fround)).toEqual(expected[unknown]);
    }
  });

  test("jsonl names what was added, changed and removed, and a run against itself has no line", async () => {
    const { stdout } = await embedOk(argv`export ${week2} --format jsonl --field item --delta ${week1}`);
    const changes = jsonLines<{ change: string; key: string }>(stdout);
    const of = (change: string): string[] =>
      changes.filter((one) => one.change === change).map(({ key }) => key);
    expect(of("added").every((key) => key.startsWith("tea-"))).toBe(true);
    expect(of("removed").every((key) => key.startsWith("chess-"))).toBe(true);
    expect([of("added").length, of("changed").length, of("removed").length]).toEqual([12, 71, 11]);
    expect((await embedOk(["export", week2, "--format", "jsonl", "--delta", week2])).stdout).toBe("");
  });

  test("runs whose rows do not match, and what cannot go with it, are refused with 64", async () => {
    const refused = async (...args: string[]): Promise<[number | null, string]> => {
      const got = await embed(["export", week1, "--delta", week2, ...args]);
      return [got.code, got.stderr];
    };
    expect(await refused("--format", "csv")).toEqual([64, expect.stringContaining("jsonl or npy")]);
    expect((await refused("--format", "jsonl", "--top-count", "3"))[0]).toBe(64);
    expect((await refused("--format", "npy", "-o", at("no")))[0]).toBe(64);
    const job = ["export", run, "--format", "jsonl", "--delta", week1];
    expect(await embed(job)).toMatchObject({ code: 64, stderr: expect.stringContaining("dimensions") });
  });
});

// `embed export`: every format contains the same keys and the same vectors, each read by the definition of the format.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, shell, temporaryFolder } from "../testing/embed.js";
import {
  parseDelimited,
  parseJsonLines,
  parseNpy,
  parseWord2vecBinary,
  parseWord2vecText,
  type ExportedRow,
} from "../testing/exported.js";
import { plantedItems } from "../testing/planted.js";
import { mainJob } from "./main-job.js";
import { parseJson } from "../testing/json.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const run = at("run");
let items: ExportedRow[];
beforeAll(async () => {
  await embedOk(mainJob(run));
  const { stdout } = await embedOk(["export", run, "--format", "csv", "--field", "item"]);
  items = parseDelimited(stdout, ",");
});

const exported = async (...args: string[]): Promise<Buffer> =>
  (await embedOk(["export", run, "--field", "item", ...args])).bytes;

/** Rounds to f32, so that a decimal is compared as the number that it denotes. */
const vectors = (rows: Iterable<readonly [string, readonly number[]]>): Record<string, number[]> =>
  Object.fromEntries(Array.from(rows, ([key, vector]) => [key, vector.map(Math.fround)]));

/** Returns a log in which each item occurs in a click and in a row that is not a click. */
const logOf = (items: string[]): string =>
  `click,user_id,item_id\n${items.flatMap((item) => [`0,u,"${item}"`, `1,v,"${item}"`]).join("\n")}\n`;

/** Returns the exit code and the message of an export that fails. */
async function failureOf(...args: string[]): Promise<[number | null, string]> {
  const got = await embed(["export", ...args]);
  return [got.code, got.stderr];
}

test("csv has a row for every item, rows by descending count, vectors of the default 16", () => {
  expect(items.map(({ key }) => key).sort()).toEqual(plantedItems().sort());
  expect(items.map(({ count }) => count)).toEqual(items.map(({ count }) => count).sort((a, b) => b - a));
  expect(new Set(items.map(({ vector }) => vector.length))).toEqual(new Set([16]));
  expect(items.every(({ vector }) => vector.every(Number.isFinite))).toBe(true);
});

test("tsv and jsonl hold the same rows as csv", async () => {
  expect(parseDelimited((await exported("--format", "tsv")).toString("utf8"), "\t")).toEqual(items);
  const lines = parseJsonLines((await exported("--format", "jsonl")).toString("utf8"));
  expect(lines.map(({ key, count }) => [key, count])).toEqual(items.map(({ key, count }) => [key, count]));
  expect(vectors(lines.map(({ key, vector }) => [key, vector]))).toEqual(
    vectors(items.map(({ key, vector }) => [key, vector])),
  );
});

test("word2vec and word2vec-bin hold the same keys and vectors", async () => {
  const expected = vectors(items.map(({ key, vector }) => [key, vector]));
  const text = await exported("--format", "word2vec");
  expect(vectors(parseWord2vecText(text.toString("utf8")))).toEqual(expected);
  expect(vectors(parseWord2vecBinary(await exported("--format", "word2vec-bin")))).toEqual(expected);
});

test("npy holds the same vectors, and keys.txt the keys as JSON strings in the same order", async () => {
  await embedOk(["export", run, "--format", "npy", "--field", "item", "-o", at("npy")]);
  const { shape, values } = parseNpy(readFileSync(join(at("npy"), "vectors.npy")));
  const lines = readFileSync(join(at("npy"), "keys.txt"), "utf8")
    .trimEnd()
    .split("\n");
  expect(shape).toEqual([96, 16]);
  expect(lines.map((line) => parseJson<string>(line))).toEqual(items.map(({ key }) => key));
  expect(values).toEqual(items.flatMap(({ vector }) => vector.map(Math.fround)));
});

test("npy refuses standard output with 64", async () => {
  const got = await embed(["export", run, "--format", "npy"]);
  expect([got.code, got.stdout]).toEqual([64, ""]);
  expect(got.stderr).toContain("-o");
});

test("without --field all fields come, in the log's order, and word2vec writes field:key", async () => {
  const rows = parseDelimited((await embedOk(["export", run, "--format", "csv"])).stdout, ",");
  expect([...new Set(rows.map(({ field }) => field))]).toEqual(["user_id", "item_id", "device", "hour"]);
  const { stdout } = await embedOk(["export", run, "--format", "word2vec"]);
  const keys = [...parseWord2vecText(stdout).keys()];
  expect(keys).toEqual(rows.map(({ field, key }) => `${field}:${key}`));
});

test("--with-weight adds the linear weight after the count", async () => {
  const [header, first] = (await exported("--format", "csv", "--with-weight")).toString("utf8").split("\n");
  expect(header!.split(",").slice(0, 5)).toEqual(["field", "key", "count", "weight", "v0"]);
  expect(Number.isFinite(Number(first!.split(",")[3]))).toBe(true);
});

test("-o writes the very bytes of standard output, leaves an existing file alone, and --force replaces it", async () => {
  const job = ["export", run, "--format", "jsonl", "-o", at("items.jsonl")];
  await embedOk(job);
  const whole = (await embedOk(["export", run, "--format", "jsonl"])).bytes;
  expect(readFileSync(at("items.jsonl")).equals(whole)).toBe(true);
  expect((await embedOk(["export", run, "--format", "jsonl", "-o", "-"])).bytes.equals(whole)).toBe(true);
  expect((await embed(job)).code).toBe(73);
  await embedOk([...job, "--field", "item", "--force"]);
  expect(readFileSync(at("items.jsonl"), "utf8").trimEnd().split("\n")).toHaveLength(96);
});

test.each(["csv", "tsv", "jsonl", "word2vec", "word2vec-bin"])(
  "%s into `head -1` ends quietly with 0",
  async (format) => {
    const line = `{ embed export '${run}' --format ${format}; echo "exit $?" >&2; } | head -1`;
    const got = await shell(line);
    expect(got.stderr).toBe("exit 0\n");
    expect(got.bytes.length).toBeGreaterThan(0);
  },
);

describe("keys that word2vec text cannot hold", () => {
  test("turn white space into _, or are an error with --strict", async () => {
    await embedOk(["train-fm", "-", "-o", at("spaces"), "--epochs", "1"], { input: logOf(["a b", "c\nd"]) });
    const job = ["export", at("spaces"), "--format", "word2vec", "--field", "item"];
    const keys = [...parseWord2vecText((await embedOk(job)).stdout).keys()];
    expect(keys.sort()).toEqual(["a_b", "c_d"]);
    const strict = await embed([...job, "--strict", "-o", at("strict.txt")]);
    expect([64, 65]).toContain(strict.code);
    expect(strict.stderr).toContain("--strict");
    expect(existsSync(at("strict.txt"))).toBe(false);
  });

  test("are an error when two of them become the same", async () => {
    await embedOk(["train-fm", "-", "-o", at("same"), "--epochs", "1"], { input: logOf(["a b", "a_b"]) });
    const got = await embed(["export", at("same"), "--format", "word2vec", "-o", at("same.txt")]);
    expect([64, 65]).toContain(got.code);
    expect(got.stderr).toContain("a_b");
    expect(existsSync(at("same.txt"))).toBe(false);
  });
});

test("a run that does not exist is 66, a folder that is no run 64, an unknown format or field 64 with the nearest", async () => {
  expect((await failureOf(at("no-such-run"), "--format", "csv"))[0]).toBe(66);
  expect(await failureOf(folder, "--format", "csv")).toEqual([
    64,
    expect.stringContaining("is not a run directory"),
  ]);
  expect(await failureOf(run, "--format", "word2vek")).toEqual([64, expect.stringContaining("word2vec")]);
  expect(await failureOf(run, "--format", "csv", "--field", "item_ids")).toEqual([
    64,
    expect.stringContaining("item_id"),
  ]);
});

test("nothing is left beside the outputs", () => {
  expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([]);
});

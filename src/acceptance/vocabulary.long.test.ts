// `embed train-fm`: which keys get a row of the table.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines, type ExportedRow } from "../testing/exported.js";
import { murmur3 } from "../dataset/vocabulary/hash-field.js";
import { readSafetensors } from "../table/safetensors.js";
import { parseJson, readJson } from "../testing/json.js";
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
  const lines = Array.from(
    { length: 60 },
    (_, i) => `u${i % 6},common-${i % 5 ? "b" : i % 6 < 3 ? "a" : "c"}`,
  );
  const planted = ["u0,planted-of-one", "u0,planted-of-one", "u1,planted-of-two", "u2,planted-of-two"];
  writeFileSync(log, ["user,item", ...lines, ...planted].join("\n"));
  const rows = await rowsAfter("few", log, "--negatives", "1", "--min-users", "3");
  expect(of(rows, "item").map(({ key }) => key)).toEqual(["common-b", "common-a", "common-c"]);
  const files = ["embeddings.arrow", "manifest.json", "model/preprocess.json", "model/negatives.safetensors"];
  expect(files.filter((file) => readFileSync(join(at("few"), file)).includes("planted"))).toEqual([]);
});

test.each([
  ["--max-vocab of a field that is none is 64 with the nearest", ["--max-vocab", "item_di=5"], "item_id"],
  ["--max-vocab 0 is 64", ["--max-vocab", "0"], "--max-vocab expects an integer of at least 1"],
  [
    "--oov-dropout of all keys is 64",
    ["--oov-dropout", "1"],
    "--oov-dropout must be at least 0 and below 1, got",
  ],
  ["--hash without bits is 64", ["--hash", "user_id"], "user_id:20"],
  ["--hash of too many bits is 64", ["--hash", "user_id:30"], "bits must be between 1 and 24"],
  ["--min-count without a number is 64", ["--min-count", "item_id=few"], "got 'few'"],
])("%s", async (_, options, words) => {
  const got = await embed(["train-fm", fixture("clicks.csv"), "-o", at("none"), ...options]);
  expect([got.code, got.stderr]).toEqual([64, expect.stringContaining(words)]);
});

test("--hash gives a field rows by hash, says what it merged, and holds in evaluate and preprocess.json", async () => {
  const log = fixture("clicks.csv");
  const rows = await rowsAfter("hashed", log, "--hash", "user:6", "--test", "0.2");
  const users = of(rows, "user_id");
  expect(users.map(({ key }) => key)).toEqual(Array.from({ length: 64 }, (_, n) => `#${n}`));

  const { hashing, metrics } = readJson<{
    hashing: Record<string, Record<string, unknown>>;
    metrics: { test: object };
  }>(join(at("hashed"), "manifest.json"));
  expect(hashing["user_id"]).toMatchObject({ function: "murmur3-x86-32", seed: 0, bits: 6, keys: 160 });
  expect(hashing["user_id"]!["collisionShare"]).toBeGreaterThan(0.5);
  expect(users.filter(({ count }) => count > 0)).toHaveLength(Number(hashing["user_id"]!["usedBuckets"]));

  // evaluating the test split as a separate log gives the same metrics
  const lines = readFileSync(log, "utf8").trimEnd().split("\n");
  writeFileSync(
    at("test.csv"),
    [lines[0], ...lines.slice(1 + Math.floor((lines.length - 1) * 0.8))].join("\n"),
  );
  const { stdout } = await embedOk(["evaluate", at("hashed"), "--on", at("test.csv"), "--json"]);
  expect(parseJson<{ metrics: { on: object } }>(stdout).metrics.on).toEqual({
    ...metrics.test,
    userAuc: expect.any(Number),
  });

  // a server that knows no keys finds the row of a key by its hash
  const { fields, testVectors } = readJson<{
    fields: { name: string; firstRow: number; hash?: { seed: number; bits: number } }[];
    testVectors: { cells: Record<string, string>; indices: number[] }[];
  }>(join(at("hashed"), "model/preprocess.json"));
  const { firstRow, hash } = fields.find(({ name }) => name === "user_id")!;
  const expected = testVectors.flatMap(({ cells }) => {
    const bytes = Buffer.from(cells["user_id"]!);
    return bytes.length === 0
      ? []
      : firstRow + (murmur3(bytes, 0, bytes.length, hash!.seed) & (2 ** hash!.bits - 1));
  });
  const isUser = (index: number) => index >= firstRow && index < firstRow + 64;
  expect(testVectors.flatMap(({ indices }) => indices.filter(isUser))).toEqual(expected);
  expect(expected.length).toBeGreaterThan(10);
});

describe("--oov-dropout", () => {
  const oovNorms = (name: string): number[] => {
    const tensors = readSafetensors(readFileSync(join(at(name), "model/fm.safetensors")), name);
    const { data, shape } = tensors.get("oovVectors")!;
    const dim = shape[1]!;
    return Array.from({ length: shape[0]! }, (_, f) =>
      Math.hypot(...Array.from(data.subarray(f * dim, (f + 1) * dim), Number)),
    );
  };

  test.each([
    ["clicks.csv", []],
    ["purchases.csv", ["--negatives", "2"]],
  ])(
    "trains each field's out-of-vocabulary vector, the same bytes at any --threads: %s",
    async (log, more) => {
      const options = ["--oov-dropout", "0.1", ...more];
      const one = await rowsAfter(`one-${log}`, fixture(log), ...options, "--threads", "1");
      const three = await rowsAfter(`three-${log}`, fixture(log), ...options, "--threads", "3");
      expect(three).toEqual(one);
      expect(Math.min(...oovNorms(`one-${log}`))).toBeGreaterThan(0.001);
      expect(oovNorms(`three-${log}`)).toEqual(oovNorms(`one-${log}`));

      const without = await rowsAfter(`without-${log}`, fixture(log), ...more);
      expect(Math.max(...oovNorms(`without-${log}`))).toBe(0);
      expect(without.map(({ key, count }) => [key, count])).toEqual(
        one.map(({ key, count }) => [key, count]),
      );
    },
  );
});

// `embed import`: exports are read back unchanged, and invalid tables are reported with the position of the error.

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines } from "../testing/exported.js";
import { fixture } from "../testing/places.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

beforeAll(() => embedOk(["train-fm", fixture("clicks.csv"), "-o", at("run"), "--epochs", "1", "--dim", "4"]));

const rowsOf = async (run: string, ...args: string[]): Promise<[string, number[]][]> =>
  parseJsonLines((await embedOk(["export", at(run), "--format", "jsonl", ...args])).stdout).map(
    ({ key, vector }) => [key, vector],
  );

test.each([
  "word2vec",
  "word2vec-bin",
  "fasttext-vec",
  "glove",
  "npy",
  "npz",
  "safetensors",
  "faiss",
  "csv",
  "tsv",
])("%s that export wrote gives the same keys and vectors, and neighbors takes the run", async (format) => {
  await embedOk(["export", at("run"), "--format", format, "--field", "item", "-o", at(format)]);
  const roles = ["--field", "product", "--item", "product"];
  await embedOk(["import", at(format), "--format", format, ...roles, "-o", at(`${format}-run`)]);
  expect(await rowsOf(`${format}-run`, "--field", "item")).toEqual(await rowsOf("run", "--field", "item"));
  const nearest = async (run: string, key: string): Promise<string> =>
    (await embedOk(["neighbors", at(run), "--key", key, "--top", "3", "--json"])).stdout.replace(
      /.*neighbors/,
      "",
    );
  const [theirs, ours] = [await nearest(`${format}-run`, "item:tea-03"), await nearest("run", "item:tea-03")];
  const keys = (text: string): string[] => [...text.matchAll(/"key":"([^"]+)"/g)].map(([, key]) => key!);
  expect(keys(theirs)).toEqual(keys(ours));
});

test.each(["npy", "npz", "safetensors"])(
  "%s in fewer bits comes back as a reader computes it: halves, and i8 within half a step of a row's largest",
  async (format) => {
    const exact = await rowsOf("run", "--field", "item");
    for (const dtype of ["f16", "i8"]) {
      const name = `${format}-${dtype}`;
      const job = ["export", at("run"), "--format", format, "--field", "item", "--dtype", dtype];
      await embedOk([...job, "-o", at(name)]);
      await embedOk(["import", at(name), "--format", format, "--field", "item", "-o", at(`${name}-run`)]);
      const read = await rowsOf(`${name}-run`);
      expect(read.map(([key]) => key)).toEqual(exact.map(([key]) => key));
      const worst = exact.map(([, vector], row) => {
        const step = Math.max(...vector.map(Math.abs)) / (dtype === "f16" ? 1024 : 127);
        return Math.max(...vector.map((x, d) => Math.abs(x - read[row]![1][d]!) / step));
      });
      expect(Math.max(...worst)).toBeLessThan(0.501);
      expect(Math.max(...worst)).toBeGreaterThan(0);
    }
  },
);

test("i8 without its scales, other elements, and keys that are not as many as the rows are errors 65", async () => {
  const job = ["export", at("run"), "--format", "npy", "--field", "item", "--dtype", "i8"];
  await embedOk([...job, "-o", at("broken")]);
  const refused = async (): Promise<[number | null, string]> => {
    const got = await embed(["import", at("broken"), "--format", "npy", "--field", "item", "-o", at("no")]);
    return [got.code, got.stderr];
  };
  const scales = readFileSync(at("broken/scales.npy"));
  writeFileSync(at("broken/scales.npy"), scales.subarray(0, scales.length - 4));
  expect(await refused()).toEqual([65, expect.stringContaining("scales")]);
  rmSync(at("broken/scales.npy"));
  expect(await refused()).toEqual([66, expect.stringContaining("scales.npy")]);
  const vectors = readFileSync(at("broken/vectors.npy")).toString("latin1");
  writeFileSync(at("broken/vectors.npy"), vectors.replace("'|i1'", "'|u1'"), "latin1");
  expect(await refused()).toEqual([65, expect.stringContaining("|u1")]);
  writeFileSync(at("broken/vectors.npy"), vectors, "latin1");
  writeFileSync(at("broken/scales.npy"), scales);
  writeFileSync(at("broken/keys.txt"), '"a"\n');
  expect(await refused()).toEqual([65, expect.stringContaining("1 lines")]);
});

test("without --field keys are field:key, and several fields come back", async () => {
  await embedOk(["export", at("run"), "--format", "word2vec", "-o", at("all.txt")]);
  await embedOk(["import", at("all.txt"), "--format", "word2vec", "-o", at("all")]);
  expect(await rowsOf("all")).toEqual(await rowsOf("run"));
  await embedOk(["export", at("run"), "--format", "csv", "-o", at("all.csv")]);
  await embedOk(["import", at("all.csv"), "--format", "csv", "-o", at("all-csv")]);
  expect(await rowsOf("all-csv")).toEqual(await rowsOf("run"));
});

test.each([
  ["a key twice", "word2vec", "a 1 2\nb 3 4\na 5 6\n", 65, ["3", "line 1"]],
  ["another number of dimensions", "glove", "a 1 2\nb 3\n", 65, ["2", "expected 2"]],
  ["a word for a number", "word2vec", "a 1 x\n", 65, ["1", "'x'"]],
  [
    "Converts another tool's table to a run directory, which can be evaluated, compared and exported like a trained run. Duplicate keys, keys that are not UTF-8, non-finite numbers and rows of the wrong length are errors (exit code 65). Zero vectors are imported unchanged.",
    "glove",
    "a 1 1e60\n",
    65,
    ["1", "1e+60"],
  ],
  ["fewer rows than promised", "word2vec", "3 2\na 1 2\n", 65, ["declares 3 rows, but the file has 1"]],
  ["an empty file", "word2vec", "", 65, ["no rows"]],
  ["the file is truncated or not in binary word2vec format, at row", "word2vec-bin", "hello", 65, ["row 0"]],
  ["a binary file cut short", "word2vec-bin", "2 2\na xxxxxxxx\nb xx", 65, ["row 2"]],
  ["no npz", "npz", "hello", 65, ["unzipped"]],
  ["no safetensors", "safetensors", "hello", 65, ["safetensors"]],
  ["csv without the column of keys", "csv", "id,v0\na,1\n", 64, ["--key"]],
  ["csv with a cell that is no number", "csv", "key,v0\na,x\n", 65, ["v0", "2"]],
  ["a key twice in csv", "csv", "key,v0\na,1\na,2\n", 65, ["3", "line 2"]],
  ["a row has no key", "glove", " 1 2\n", 65, ["1", "a row has no key"]],
  ["a row without numbers", "word2vec", "a\n", 65, ["1", "expected at least one"]],
  ["a hexadecimal number", "glove", "a 0x10\n", 65, ["1", "'0x10'"]],
  ["a word that is not a number", "word2vec", "a nan\n", 65, ["1", "'nan'"]],
  ["more rows than promised", "word2vec", "1 1\na 1\nb 2\n", 65, ["declares 1 rows, but the file has 2"]],
  [
    "rows behind the last of a binary file",
    "word2vec-bin",
    "1 1\na xxxx\nb xxxx\n",
    65,
    ["more data follows"],
  ],
  ["an empty binary file", "word2vec-bin", "", 65, ["row 0"]],
  ["an empty npz", "npz", "", 65, ["unzipped"]],
  ["an empty csv", "csv", "", 65, ["empty"]],
  ["a csv of a header alone", "csv", "key,v0\n", 65, ["no rows"]],
  ["csv with an empty cell", "csv", "key,v0\na,\n", 65, ["2", "v0", "empty"]],
  ["csv with a count that is none", "csv", "key,count,v0\na,-1,1\n", 65, ["2", "count", "-1"]],
  ["csv with an empty weight", "csv", "key,weight,v0\na,,1\n", 65, ["2", "weight"]],
])("%s is told with its place", async (_, format, text, code, said) => {
  writeFileSync(at("bad"), text);
  const got = await embed(["import", at("bad"), "--format", format, "--field", "item", "-o", at("no")]);
  expect(got.code).toBe(code);
  for (const part of said) expect(got.stderr).toContain(part);
});

test.each([
  ["word2vec", Buffer.from("a 1\n\xff 2\n", "latin1"), "bad:2"],
  ["word2vec-bin", Buffer.from("1 1\n\xff xxxx\n", "latin1"), "row 1"],
  ["csv", Buffer.from("key,v0\n\xff,1\n", "latin1"), "bad:2"],
])("a key of %s that is no UTF-8 is told with its place", async (format, bytes, place) => {
  writeFileSync(at("bad"), bytes);
  const got = await embed(["import", at("bad"), "--format", format, "--field", "item", "-o", at("no")]);
  expect([got.code, got.stderr]).toEqual([65, expect.stringMatching(`${place}.*UTF-8`)]);
});

describe("safetensors whose keys are none", () => {
  /** Creates a file with vectors [[1], [2]] and the bytes and offsets of two keys. */
  const file = (keys: Buffer, offsets: bigint[]): Buffer => {
    const parts = [
      ["keyOffsets", "I64", [3], Buffer.from(BigInt64Array.from(offsets).buffer)],
      ["vectors", "F32", [2, 1], Buffer.from(Float32Array.of(1, 2).buffer)],
      ["keys", "U8", [keys.length], keys],
    ] as const;
    let end = 0;
    const head = parts.map(([name, dtype, shape, { length }]) => {
      const entry = { dtype, shape, data_offsets: [end, end + length] };
      end += length;
      return [name, entry] as const;
    });
    const text = JSON.stringify(Object.fromEntries(head));
    const padded = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(padded.length));
    return Buffer.concat([length, padded, ...parts.map(([, , , bytes]) => bytes)]);
  };
  test.each([
    ["is not valid UTF-8", file(Buffer.from([0xff, 0xfe]), [0n, 1n, 2n]), "key 1 is not valid UTF-8"],
    ["beyond the bytes", file(Buffer.from("ab"), [0n, 1n, 9n]), "key 2 is bytes 1 to 9 of 2"],
    ["the same", file(Buffer.from("aa"), [0n, 1n, 2n]), ": remove one of them"],
  ])("%s", async (_, bytes, said) => {
    writeFileSync(at("bad"), bytes);
    const given = ["--format", "safetensors", "--field", "item", "-o", at("no")];
    const got = await embed(["import", at("bad"), ...given]);
    expect([got.code, got.stderr]).toEqual([65, expect.stringContaining(said)]);
  });
});

test("zero vectors are taken as they are, and glove's first line of two numbers is a row", async () => {
  writeFileSync(at("zeros"), "7 0\n8 3\n");
  await embedOk(argv`import ${at("zeros")} --format glove --field item -o ${at("glove-of-numbers")}`);
  expect(await rowsOf("glove-of-numbers")).toEqual([
    ["7", [0]],
    ["8", [3]],
  ]);
});

test("a role that is no field is 64, a file that is not there 66, an existing run 73", async () => {
  const given = ["import", at("all.txt"), "--format", "word2vec", "-o", at("roles")];
  expect((await embed([...given, "--item", "sku"])).code).toBe(64);
  expect((await embed(["import", at("absent"), "--format", "glove", "-o", at("no")])).code).toBe(66);
  expect((await embed(["import", at("all.txt"), "--format", "word2vec", "-o", at("all")])).code).toBe(73);
});

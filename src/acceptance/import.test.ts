// `embed import`: what export wrote comes back the same, and what is no table is told with its place.

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines } from "../testing/exported.js";
import { fixture } from "../testing/places.js";

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
  const vectors = readFileSync(at("broken/vectors.npy")).toString("latin1").replace("'|i1'", "'|u1'");
  writeFileSync(at("broken/vectors.npy"), vectors, "latin1");
  expect(await refused()).toEqual([65, expect.stringContaining("|u1")]);
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
  ["a number that is not finite", "glove", "a 1 1e60\n", 65, ["1", "1e+60"]],
  ["fewer rows than promised", "word2vec", "3 2\na 1 2\n", 65, ["promises 3", "1 came"]],
  ["an empty file", "word2vec", "", 65, ["no rows"]],
  ["no binary word2vec", "word2vec-bin", "hello", 65, ["row 0"]],
  ["a binary file cut short", "word2vec-bin", "2 2\na xxxxxxxx\nb xx", 65, ["row 2"]],
  ["no npz", "npz", "hello", 65, ["unzipped"]],
  ["no safetensors", "safetensors", "hello", 65, ["safetensors"]],
  ["csv without the column of keys", "csv", "id,v0\na,1\n", 64, ["--key"]],
  ["csv with a cell that is no number", "csv", "key,v0\na,x\n", 65, ["v0", "2"]],
])("%s is told with its place", async (_, format, text, code, said) => {
  writeFileSync(at("bad"), text);
  const got = await embed(["import", at("bad"), "--format", format, "--field", "item", "-o", at("no")]);
  expect(got.code).toBe(code);
  for (const part of said) expect(got.stderr).toContain(part);
});

test("a role that is no field is 64, a file that is not there 66, an existing run 73", async () => {
  const told = ["import", at("all.txt"), "--format", "word2vec", "-o", at("roles")];
  expect((await embed([...told, "--item", "sku"])).code).toBe(64);
  expect((await embed(["import", at("absent"), "--format", "glove", "-o", at("no")])).code).toBe(66);
  expect((await embed(["import", at("all.txt"), "--format", "word2vec", "-o", at("all")])).code).toBe(73);
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "./config-file.js";
import { readBounds } from "../weekly/gates/gates-schema.js";
import { readYamlDocument } from "./yaml-file.js";

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "yaml-document-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function written(yaml: string): string {
  const file = join(folder, "file.yaml");
  writeFileSync(file, yaml);
  return file;
}

const bomb = ["a: &a [x, x, x, x, x, x, x, x, x]"]
  .concat(["b", "c", "d", "e"].map((name, i) => `${name}: &${name} [${`*${"abcd"[i]}, `.repeat(9)}]`))
  .join("\n");

const hostile: [string, string, string][] = [
  ["aliases that multiply", bomb, ":2:8: aliases repeat too many values"],
  ["an alias without an anchor", "a: 1\nb: *c\n", ":2:4: alias '*c' has no anchor '&c' before it"],
  ["an alias within its anchor", "a: &a [1, *a]\n", ":1:11: alias '*a' stands within its own anchor"],
  ["deep flow nesting", "[".repeat(20_000), ":1:101: lists or mappings are nested in more than 100 levels"],
  ["a path with NUL", 'a:\n  - "logs\\0.csv"\n', ':2:5: "logs\\u0000.csv" contains NUL'],
  ["a key with NUL", '"a\\0": 1\n', ":1:1: "],
  ["a list as a key", "a: 1\n? [a, b]\n: 1\n", ":2:3: a key must be a text"],
  ["an alias of a mapping as a key", "a: &b {c: 1}\n*b : 1\n", ":2:1: a key must be a text"],
  ["a key twice in a mapping", "a: {b: 1, c: 2, 'b': 3}\n", ':1:17: the key "b" occurs twice'],
  ["a key of megabytes", `? ${"k".repeat(5_000_000)}\n: 1\n`, "unknown key 'kkk"],
  ["deep block nesting", `a:\n  ${"- ".repeat(20_000)}x`, ":2:"],
];

describe.each([
  ["a bounds file", readBounds],
  ["a config file", (path: string) => readConfig(path, [], [])],
])("in %s", (_, read) => {
  test.each(hostile)("%s is an error 78 with line and column", async (_name, yaml, message) => {
    await expect(read(written(yaml))).rejects.toMatchObject({
      exitCode: 78,
      message: expect.stringContaining(message) as string,
    });
  });
});

test.each(hostile)("the message about %s is short", async (_name, yaml) => {
  const error: unknown = await readBounds(written(yaml)).catch((thrown: unknown) => thrown);
  expect((error as Error).message.length).toBeLessThan(3000);
});

test("the time for many keys does not grow by the square: 100,000 are read within the time limit of a test", async () => {
  const keys = Array.from({ length: 100_000 }, (_, i) => `key${i}: ${i}`);
  const { content } = await readYamlDocument(written(keys.join("\n")), "the file");
  expect(Object.keys(content as object)).toHaveLength(100_000);
});

test("an alias that repeats a value is the value", async () => {
  const { content } = await readYamlDocument(written("a: &a {min: 1}\nb: *a\n"), "the file");
  expect(content).toEqual({ a: { min: 1 }, b: { min: 1 } });
});

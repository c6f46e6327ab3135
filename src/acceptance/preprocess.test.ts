// Code that uses only a run's table and model/preprocess.json, and nothing of this program, computes the same features.

import { tableFromIPC } from "apache-arrow";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { embedOk, temporaryFolder } from "../testing/embed.js";
import { readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";

const folder = temporaryFolder();

interface Recipe {
  name: string;
  kind: "key" | "multi" | "number";
  firstRow: number;
  numRows: number;
  outOfVocabulary: number;
  outOfVocabularyCount: number;
  separator: string;
  mean: number;
  deviation: number;
}

interface Preprocess {
  fields: Recipe[];
  testVectors: { cells: Record<string, string>; indices: number[]; values: number[] }[];
}

/** Computes features as a server would, in a few lines that follow docs/formats.md. */
function rebuild(run: string): { fields: Recipe[]; vectors: Preprocess["testVectors"]; got: object[] } {
  const table = tableFromIPC(readFileSync(join(run, "embeddings.arrow")));
  const [fieldOf, keyOf] = [table.getChild("field")!, table.getChild("key")!];
  const rows = new Map(
    Array.from({ length: table.numRows }, (_, r) => [`${fieldOf.get(r)}\0${keyOf.get(r)}`, r]),
  );
  const { fields, testVectors } = readJson<Preprocess>(join(run, "model/preprocess.json"));

  const pairsOf = (field: Recipe, cell: string): [index: number, value: number][] => {
    if (cell === "") return [];
    if (field.kind === "number") return [[field.firstRow, (Number(cell) - field.mean) / field.deviation]];
    const parts = field.kind === "key" ? [cell] : cell.split(field.separator).map((part) => part.trim());
    const keys = [...new Set(parts)].filter((key) => key !== "");
    const known = keys.flatMap((key) => rows.get(`${field.name}\0${key}`) ?? []);
    const share = (keys.length - known.length) / keys.length;
    const unknown: [number, number][] = share > 0 ? [[field.outOfVocabulary, share]] : [];
    return [...known.map((row): [number, number] => [row, 1 / keys.length]), ...unknown];
  };
  const got = testVectors.map(({ cells }) => {
    const pairs = fields.flatMap((field) => pairsOf(field, cells[field.name]!));
    return { cells, indices: pairs.map(([index]) => index), values: pairs.map(([, x]) => Math.fround(x)) };
  });
  return { fields, vectors: testVectors, got };
}

test("the 20 test vectors follow from the table and model/preprocess.json alone", async () => {
  const run = join(folder, "ratings");
  const side = ["--side", `${fixture("items.csv")}:item_id`, "--multi", "genres:|", "--numeric", "year"];
  const limits = ["--min-count", "user_id=45", "--max-vocab", "genres=5", "--ignore", "title"];
  await embedOk(["train-fm", fixture("ratings.csv"), "-o", run, "--epochs", "1", ...side, ...limits]);
  const { fields, vectors, got } = rebuild(run);

  expect(vectors).toHaveLength(20);
  expect(got).toEqual(vectors);
  // the 20 test vectors have fields of every kind
  expect(fields.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["key", "multi", "number"]));
  expect(vectors.at(-1)!.indices).toEqual([]);
  for (const field of fields.filter(({ kind }) => kind !== "number")) {
    expect(vectors.some(({ indices }) => indices.includes(field.outOfVocabulary))).toBe(true);
    const ofField = (i: number) => i >= field.firstRow && i < field.firstRow + field.numRows;
    expect(new Set(vectors.flatMap(({ indices }) => indices.filter(ofField))).size).toBeGreaterThan(4);
  }
  const shares = vectors.flatMap(({ values }) => values);
  expect(shares).toEqual(expect.arrayContaining([0.5, Math.fround(1 / 3)]));
  expect(fields.find(({ name }) => name === "user_id")!.outOfVocabularyCount).toBeGreaterThan(0);
});

test("the test vectors depend on the vocabulary alone, whatever the seed", async () => {
  const vectorsOf = async (seed: string) => {
    const run = join(folder, `seed-${seed}`);
    await embedOk(["train-fm", fixture("clicks.csv"), "-o", run, "--epochs", "1", "--seed", seed]);
    return rebuild(run).vectors;
  };
  expect(await vectorsOf("1")).toEqual(await vectorsOf("2"));
});

// `--search N`: settings tried by successive halving.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const clicks = fixture("clicks.csv");
const cut = ["--valid", "0.1", "--test", "0.1", "--split", "time"];

interface Trial {
  dim: number;
  learningRate: number;
  l2Weight: number;
  l2Vector: number;
  epochs: number;
  value: number;
}
interface Manifest {
  search: Trial[];
  options: Record<string, number>;
  metrics: Record<string, Record<string, number>>;
}
const manifestOf = (run: string) => parseJson<Manifest>(readFileSync(join(at(run), "manifest.json"), "utf8"));

test("halves the settings until one is left, trains with it, and shows what it saw", async () => {
  const { stdout } = await embedOk([
    "train-fm",
    clicks,
    "-o",
    at("run"),
    ...cut,
    "--search",
    "6",
    "--epochs",
    "8",
    "--patience",
    "8",
  ]);
  const { search, options, metrics } = manifestOf("run");
  // 6 settings for one epoch, 3 of them for two, 2 for four, 1 for eight
  expect(search.map(({ epochs }) => epochs).sort((a, b) => a - b)).toEqual([1, 1, 1, 2, 4, 8]);
  const [best] = search;
  for (const name of ["dim", "learningRate", "l2Weight", "l2Vector"] as const)
    expect(options[name]).toBe(best![name]);
  expect(metrics["valid"]!["logLoss"]).toBeCloseTo(best!.value, 5);
  // the standard setting is one of them
  expect(
    search.some(
      ({ dim, learningRate, l2Vector }) => dim === 16 && learningRate === 0.05 && l2Vector === 0.01,
    ),
  ).toBe(true);
  expect(stdout).toMatch(/^dim +learning rate +l2 weight +l2 vector +epochs +validation\n/);
  expect(
    stdout
      .split("\n")
      .slice(1, 7)
      .every((line) => /^ *\d+ +[\d.]+ /.test(line)),
  ).toBe(true);
});

test("is seeded, and leaves alone what was set", async () => {
  const options = [
    "train-fm",
    clicks,
    ...cut,
    "--search",
    "3",
    "--epochs",
    "3",
    "--dim",
    "4",
    "--metric",
    "auc",
  ];
  await embedOk([...options, "-o", at("one")]);
  await embedOk([...options, "-o", at("two"), "--threads", "1"]);
  await embedOk([...options, "-o", at("three"), "--seed", "2"]);
  expect(manifestOf("two").search).toEqual(manifestOf("one").search);
  expect(manifestOf("three").search).not.toEqual(manifestOf("one").search);
  expect(manifestOf("one").search.map(({ dim }) => dim)).toEqual([4, 4, 4]);
});

test("needs a validation part, and something to search", async () => {
  const refused = async (...options: string[]) =>
    (await embed(["train-fm", clicks, "-o", at("none"), ...options])).code;
  expect(await refused("--search", "4")).toBe(64);
  expect(await refused(...cut, "--search", "1")).toBe(64);
  expect(await refused(...cut, "--search", "4", "--dim", "8", "--learning-rate", "0.1", "--l2", "0.1")).toBe(
    64,
  );
});

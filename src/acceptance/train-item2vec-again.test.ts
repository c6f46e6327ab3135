// embed train-item2vec from week to week: what a refit repeats.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embedOk } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { between, mulberry32 } from "../testing/random.js";

const folder = mkdtempSync(join(tmpdir(), "embed-item2vec-again-"));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

/** Sessions that stay in one of eight clusters of five items. */
function writeSessions(name: string, numSessions: number, seed = 3): string {
  const random = mulberry32(seed);
  const rows = Array.from({ length: numSessions }, (_, s) =>
    Array.from({ length: 6 }, () => `s${s},c${s % 8}-${Math.floor(between(0, 5, random))}`),
  );
  writeFileSync(at(name), `basket,item\n${rows.flat().join("\n")}\n`);
  return at(name);
}

const columns = ["--user", "basket", "--item", "item", "--dim", "16"];

interface Epoch {
  trainLoss: number;
  refit?: true;
}
const epochsOf = (run: string) =>
  readFileSync(join(at(run), "metrics.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => parseJson<Epoch>(line));

test("a refit takes the steps of a training of all its epochs on all rows, up to the best one", async () => {
  const log = writeSessions("refit.csv", 400);
  const how = [...columns, "--epochs", "6"];
  // no epoch gains that much, so that the first training ends after its second
  const stopping = ["--valid", "0.2", "--split", "user", "--patience", "1", "--min-delta", "1000", "--refit"];
  await embedOk(["train-item2vec", log, ...how, ...stopping, "-o", at("refit")]);
  await embedOk(["train-item2vec", log, ...how, "-o", at("whole")]);
  const refitted = epochsOf("refit").filter(({ refit }) => refit);
  expect(refitted).toHaveLength(2);
  const lossesOf = (epochs: Epoch[]) => epochs.map(({ trainLoss }) => trainLoss);
  expect(lossesOf(refitted)).toEqual(lossesOf(epochsOf("whole")).slice(0, 2));
});

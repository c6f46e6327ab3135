// `train-gbdt --ctr`: target statistics of id columns, through the shell.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { plantedPairNames, plantedPairs, plantedPairsCsv } from "../testing/planted-pairs.js";
import { plantedProfilesCsv, profileColumns } from "../testing/planted-profiles.js";
import { mulberry32 } from "../testing/random.js";
import type { TrainingSummary } from "../training/session/summary.js";
import type { TrainedSummary } from "./main-job.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const clicks = fixture("clicks.csv");
const train = (out: string, ...more: string[]) => trainOn(clicks, out, ...more);
const trainOn = async (log: string, out: string, ...more: string[]): Promise<TrainedSummary> => {
  const args = ["train-gbdt", log, "-o", at(out), "--test", "0.1", "--split", "time", "--num-trees", "20"];
  return parseJson<TrainedSummary>((await embedOk([...args, "--quiet", "--json", ...more])).stdout);
};

test("of ids with rates of their own the column tells most that can be known", async () => {
  const random = mulberry32(4);
  const rates = Array.from({ length: 300 }, () => random());
  const rows = Array.from({ length: 6000 }, (_, row) => {
    const id = Math.floor(random() * rates.length);
    return `${random() < rates[id]! ? 1 : 0},${id},${(random() * 9).toFixed(2)},${1_700_000_000 + row}`;
  });
  writeFileSync(at("ids.csv"), `click,ad,x,timestamp\n${rows.join("\n")}\n`);
  const without = await trainOn(at("ids.csv"), "none", "--ignore", "ad");
  const own = await trainOn(at("ids.csv"), "own", "--ctr", "ad");
  // the true click probabilities would have an AUC of 0.83
  expect(own.metrics["test"]!["auc"]!).toBeGreaterThan(0.76);
  expect(own.metrics["test"]!["auc"]!).toBeGreaterThan(without.metrics["test"]!["auc"]! + 0.2);
});

test("statistics take the ids' place, and evaluate says of the last tenth what training said", async () => {
  const own = await train("run", "--ctr", "user_id,item_id,item_id*user_id*device");
  const [header, ...lines] = readFileSync(clicks, "utf8").trimEnd().split("\n");
  writeFileSync(at("last.csv"), `${[header, ...lines.slice(Math.floor(lines.length * 0.9))].join("\n")}\n`);
  const got = parseJson<TrainedSummary>(
    (await embedOk(["evaluate", at("run"), "--on", at("last.csv"), "--json"])).stdout,
  );
  expect(got.metrics["on"]!["auc"]).toBeCloseTo(own.metrics["test"]!["auc"]!, 9);
  expect(got.metrics["on"]!["logLoss"]).toBeCloseTo(own.metrics["test"]!["logLoss"]!, 9);
});

test("--features writes the columns that are made; an id that training has not seen is the prior", async () => {
  writeFileSync(at("new.csv"), "user_id,item_id,device,hour\nnobody,tea-03,phone,3\n,tea-03,phone,3\n");
  const kept = await train("kept", "--ctr", "user_id,device*hour", "--ctr-keep", "--ctr-prior", "0.125");
  expect(kept.warnings.join()).toContain("column 'hour' holds numbers and is read as categories");
  expect(kept.metrics["test"]!["auc"]).toBeGreaterThan(0.6);
  const { stdout } = await embedOk(["transform", at("kept"), at("new.csv"), "--features", "--quiet"]);
  const [header, nobody, missing] = stdout.trimEnd().split("\n");
  expect(header).toBe("row,user_id,item_id,device,hour,ctr:user_id,ctr:device*hour");
  const [ofUser, ofPair] = nobody!.split(",").slice(-2);
  expect([ofUser, Number(ofPair) > 0]).toEqual(["0.125", true]);
  expect(missing!.split(",").slice(-2)).toEqual(["", ofPair]);
  const replaced = await embedOk(["transform", at("run"), at("new.csv"), "--features", "--quiet"]);
  expect(replaced.stdout.split("\n")[0]).toBe(
    "row,device,hour,ctr:user_id,ctr:item_id,ctr:item_id*user_id*device",
  );
  // the statistic of an unknown combination is the prior, like that of an unknown id; a combination with a missing key
  // has no statistic
  const [ofNobody, ofMissing] = replaced.stdout
    .split("\n")
    .slice(1)
    .map((line) => line.split(","));
  expect(ofNobody!.at(-1)).toBe(ofNobody!.at(-3));
  expect([ofMissing!.at(-1), ofMissing!.at(-3)]).toEqual(["", ""]);
});

test("--ctr-pairs finds the pairs that decide, and the summary says which", async () => {
  writeFileSync(at("pairs.csv"), plantedPairsCsv(plantedPairs(1, 12_000)));
  const args = ["train-gbdt", at("pairs.csv"), "-o", at("pairs"), "--num-trees", "20", "--ctr-pairs", "auto"];
  const { stdout, stderr } = await embedOk([...args, "--json"]);
  const { ctrPairs, importances } = parseJson<Pick<TrainingSummary, "ctrPairs" | "importances">>(stdout);
  const names = ctrPairs!.map(({ pair }) => pair);
  expect([...names].sort()).toEqual([...plantedPairNames].sort());
  expect(stderr).toContain(`--ctr-pairs chose ${names[0]!} (log loss -0.0`);
  const used = importances!.filter(({ splits }) => splits > 0).map(({ column }) => column);
  expect(used).toEqual(expect.arrayContaining(names.map((name) => `ctr:${name}`)));
});

test("pairs that are weak alone are chosen by what trees make of all of them, and none where nothing is planted", async () => {
  const ids = ["--ctr", profileColumns.join(",")];
  writeFileSync(at("effect.csv"), plantedProfilesCsv(1, 12_000, 5));
  writeFileSync(at("none.csv"), plantedProfilesCsv(1, 6000, 0));
  const found = new Map<string, { loss: number; numPairs: number; stderr: string }>();
  for (const [name, log, more] of [
    ["alone", "effect.csv", ["--num-trees", "60"]],
    ["weak", "effect.csv", ["--num-trees", "60", "--ctr-pairs", "auto"]],
    ["up to 8", "effect.csv", ["--num-trees", "1", "--ctr-pairs", "8"]],
    ["none", "none.csv", ["--num-trees", "1", "--ctr-pairs", "auto"]],
  ] as const) {
    const args = ["train-gbdt", at(log), "-o", at("profiles"), "--force", "--valid", "0.3"];
    const { stdout, stderr } = await embedOk([...args, ...ids, ...more, "--json"]);
    const { metrics, ctrPairs } = parseJson<TrainingSummary>(stdout);
    const loss = metrics["valid"]!["logLoss"] as number;
    found.set(name, { loss, numPairs: ctrPairs?.length ?? 0, stderr });
  }
  const [alone, weak, few, none] = [...found.values()];
  // a number finds the same kind of pairs as auto, up to as many
  expect([few!.numPairs, none!.numPairs]).toEqual([8, 0]);
  expect(none!.stderr).toContain("--ctr-pairs chose no pair");
  expect(weak!.stderr).toMatch(/chose \d+ pairs that trees use, of which none is significant alone: c/u);
  expect(weak!.numPairs).toBeGreaterThan(8);
  // training with all 36 pairs as combinations would reach 0.893 of the loss without pairs
  expect(weak!.loss).toBeLessThan(0.93 * alone!.loss);
});

test("--ctr-pairs pairs whole numbers, which stay numbers for trees", async () => {
  const [, ...lines] = plantedPairsCsv(plantedPairs(1, 12_000)).trimEnd().split("\n");
  const numbers = lines.map((line) => line.replaceAll(/[a-z]/gu, "")).join("\n");
  writeFileSync(at("numbers.csv"), `label,u,i,campaign,device,visit,x\n${numbers}\n`);
  const args = ["train-gbdt", at("numbers.csv"), "-o", at("numbers"), "--test", "0.1", "--num-trees", "5"];
  const { stdout, stderr } = await embedOk([...args, "--ctr-pairs", "2", "--json"]);
  expect(parseJson<TrainingSummary>(stdout).ctrPairs!.map(({ pair }) => pair)).toContain("u*campaign");
  expect(stderr).toContain("'u' is numeric");
  const again = parseJson<TrainedSummary>(
    (await embedOk(["evaluate", at("numbers"), "--part", "test", "--json"])).stdout,
  );
  expect(again.metrics["on"]!["logLoss"]).toBeCloseTo(
    parseJson<TrainedSummary>(stdout).metrics["test"]!["logLoss"]!,
    9,
  );
});

test("a pair that is a key of the rows is warned of, or left out with a note", async () => {
  const rows = Array.from({ length: 900 }, (_, i) => `${i % 2},u${i % 30},v${Math.floor(i / 30)},w${i % 7}`);
  writeFileSync(at("key.csv"), `label,u,v,w\n${rows.join("\n")}\n`);
  const args = ["train-gbdt", at("key.csv"), "-o", at("key"), "--force", "--num-trees", "3", "--json"];
  const named = parseJson<TrainedSummary>((await embedOk([...args, "--ctr", "u*v"])).stdout);
  expect(named.warnings.join()).toContain("--ctr u*v is different in nearly every training row");
  const chosen = await embedOk([...args, "--ctr-pairs", "auto"]);
  expect(parseJson<TrainingSummary>(chosen.stdout).ctrPairs!.map(({ pair }) => pair)).not.toContain("u*v");
  expect(chosen.stderr).toContain("every training row, like a key of the rows: u*v\n");
});

test("--refit fits the statistics of all rows, in their order, for the pairs and trees that the first training chose", async () => {
  writeFileSync(at("refit.csv"), plantedPairsCsv(plantedPairs(2, 12_000)));
  const args = (out: string) => ["train-gbdt", at("refit.csv"), "-o", at(out), "--quiet", "--json"];
  const cut = ["--valid", "0.2", "--num-trees", "60", "--patience", "3", "--ctr-pairs", "2"];
  const { stdout } = await embedOk([...args("refit"), ...cut, "--refit"]);
  const { ctrPairs, metrics } = parseJson<TrainingSummary>(stdout);
  const stopped = parseJson<TrainingSummary>((await embedOk([...args("stopped"), ...cut])).stdout);
  expect([stopped.ctrPairs, stopped.metrics]).toEqual([ctrPairs, metrics]);
  const manifest = readJson<{ refit: { epochs: number }; seen: object }>(at("refit/manifest.json"));
  expect(manifest.seen).toEqual({ rows: 12_000, heldOut: 0 });
  const pairs = ["--ctr", ctrPairs!.map(({ pair }) => pair).join(",")];
  await embedOk([...args("whole"), ...pairs, "--num-trees", String(manifest.refit.epochs)]);
  const model = (run: string) =>
    readFileSync(at(`${run}/model/lightgbm.txt`), "utf8").split("parameters:")[0];
  const statistics = (run: string) => readFileSync(at(`${run}/model/ctr.jsonl`), "utf8");
  expect([model("refit") === model("whole"), statistics("refit") === statistics("whole")]).toEqual([
    true,
    true,
  ]);
  expect(statistics("refit")).not.toBe(statistics("stopped"));
});

test("the same bytes at any number of threads", async () => {
  const texts = [];
  for (const threads of ["1", "2"]) {
    await train(`t${threads}`, "--ctr", "user_id,item_id*device", "--ctr-pairs", "3", "--threads", threads);
    texts.push(
      ["ctr.jsonl", "lightgbm.txt"].map((file) => readFileSync(at(`t${threads}/model/${file}`), "utf8")),
    );
  }
  expect(texts[1]).toEqual(texts[0]);
});

test.each([
  [
    "a column that is not there",
    ["--ctr", "user"],
    "--ctr or --entity names column 'user', which does not exist: the columns are click, ",
  ],
  ["the label", ["--label", "click", "--ctr", "click"], "'click'"],
  [
    "a column of a combination that is not there",
    ["--ctr", "device*user"],
    "--ctr or --entity names column 'user', which does not exist: the columns are click, ",
  ],
  ["a combination of a column with itself", ["--ctr", "device*device"], "got 'device' twice"],
  ["a number by flag in a combination", ["--numeric", "hour", "--ctr", "device*hour"], "'hour'"],
  ["a multi-valued column in a combination", ["--multi", "device:|", "--ctr", "user_id*device"], "'device'"],
  ["no pairs", ["--ctr-pairs", "0"], "--ctr-pairs expects auto or a whole number from 1 to 64, got '0'"],
  ["pairs by name", ["--ctr-pairs", "u*v"], "got 'u*v': name pairs with --ctr u*v"],
  ["pairs of one column", ["--fields", "device", "--ctr-pairs", "auto"], "there is only 'device'"],
  ["a warm start", ["--ctr-pairs", "2", "--init", "run"], "--ctr-pairs cannot be combined with --init RUN"],
  ["a column that is a number by flag", ["--numeric", "hour", "--ctr", "hour"], "'hour'"],
  ["options without it", ["--ctr-prior", "0.1"], "--ctr COLUMNS"],
  ["no weight of the prior", ["--ctr", "user_id", "--ctr-prior-weight", "0"], "above 0"],
])("%s is 64", async (_, more, why) => {
  const got = await embed(["train-gbdt", clicks, "-o", at("bad"), ...more]);
  expect([got.code, got.stdout]).toEqual([64, ""]);
  expect(got.stderr).toContain(why);
});

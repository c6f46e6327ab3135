// Mistakes of users that earlier versions accepted without a message, and the messages that they get now.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import type { TrainedSummary } from "./main-job.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const buyers = ["train-fm", fixture("purchases.csv"), "--user", "customer_id", "--item", "product_id"];

test("evaluate draws the negatives that training drew for its test part", async () => {
  const [header, ...lines] = readFileSync(fixture("purchases.csv"), "utf8").trimEnd().split("\n");
  const cut = Math.floor(lines.length * 0.9);
  writeFileSync(at("train.csv"), `${[header, ...lines.slice(0, cut)].join("\n")}\n`);
  writeFileSync(at("test.csv"), `${[header, ...lines.slice(cut)].join("\n")}\n`);
  const roles = ["--user", "customer_id", "--item", "product_id", "--negatives", "3", "--epochs", "2"];
  const args = ["train-fm", at("train.csv"), ...roles, "--test", at("test.csv"), "-o", at("run"), "--json"];
  const trained = parseJson<TrainedSummary>((await embedOk(args)).stdout);
  const got = await embedOk(["evaluate", at("run"), "--on", at("test.csv"), "--json"]);
  // calibration and normalized entropy are not reported for drawn negatives without --logq
  const { auc, logLoss } = trained.metrics["test"]!;
  expect(parseJson<TrainedSummary>(got.stdout).metrics["on"]).toEqual({
    auc,
    logLoss,
    userAuc: expect.any(Number),
  });
});

test("a constant numeric column has deviation 1, whatever its mean is rounded to", async () => {
  const rows = Array.from({ length: 1000 }, (_, i) => `${i % 2},u${i % 9},0.1`);
  writeFileSync(at("constant.csv"), `click,user_id,p\n${rows.join("\n")}\n`);
  await embedOk(["train-fm", at("constant.csv"), "--numeric", "p", "-o", at("constant"), "--epochs", "1"]);
  const { fields } = readJson<{ fields: object[] }>(join(at("constant"), "model/preprocess.json"));
  expect(fields).toContainEqual(expect.objectContaining({ name: "p", mean: 0.1, deviation: 1 }));
});

test.each([
  [
    "a label beside --negatives",
    [...buyers.slice(0, 1), fixture("clicks.csv"), "--label", "click", "--negatives", "2"],
    64,
    "click",
  ],
  [
    "an unknown column in --item-fields",
    [...buyers, "--negatives", "2", "--item-fields", "brnad"],
    64,
    "'brnad', which is not a feature of the item: possible columns are product_id, brand, channel",
  ],
  [
    "a column in two roles",
    ["train-fm", fixture("clicks.csv"), "--label", "click", "--item", "click"],
    64,
    "click",
  ],
  [
    "a label that is a feature",
    ["train-fm", fixture("clicks.csv"), "--label", "click", "--numeric", "click"],
    64,
    "click",
  ],
  [
    "a several-valued user with --negatives",
    [...buyers, "--negatives", "2", "--multi", "customer_id:|"],
    64,
    "customer_id",
  ],
  [
    "a side table on a numeric key",
    argv`train-fm ${fixture("ratings.csv")} --label rating --side ${fixture("items.csv")}:item_id
        --numeric item_id --fields user_id`,
    64,
    "item_id",
  ],
])("%s is refused and named", async (_, args, code, message) => {
  const got = await embed([...args, "-o", at("refused")]);
  expect({ code: got.code, named: got.stderr.includes(message), stderr: got.stderr }).toMatchObject({
    code,
    named: true,
  });
});

test("numbers whose squares overflow are 65, not a run that cannot be used", async () => {
  writeFileSync(at("huge.csv"), "click,user_id,p\n1,u,1e200\n0,v,2\n1,w,3\n0,u,4\n");
  const got = await embed(["train-fm", at("huge.csv"), "--numeric", "p", "-o", at("huge")]);
  expect([got.code, got.stderr.includes("'p'")]).toEqual([65, true]);
});

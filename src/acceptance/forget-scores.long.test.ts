// A run from which some keys were removed still scores rows: it treats these keys as unknown.

import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readSafetensors } from "../table/safetensors.js";
import { embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
const [user, item] = ["u019", "tea-03"];

/** Trains a run, copies it, and removes the keys from the copy, in which grep no longer finds them. */
async function forgottenRun(name: string, job: string[]): Promise<[before: string, after: string]> {
  await embedOk([...job, "-o", at(name), "--quiet"]);
  const after = at(`${name}-after`);
  cpSync(at(name), after, { recursive: true });
  await embedOk(["forget", after, `user:${user}`, `item:${item}`]);
  const grep = (run: string) =>
    spawnSync("grep", ["-rlaE", `${user}|${item}`, run], { encoding: "utf8" }).stdout;
  expect(grep(at(name))).not.toBe("");
  expect(grep(after)).toBe("");
  return [at(name), after];
}

const metricsOn = async (run: string, on: string, ...more: string[]): Promise<Record<string, number>> => {
  const { stdout } = await embedOk(["evaluate", run, "--on", on, "--json", "--quiet", ...more]);
  return parseJson<{ metrics: { on: Record<string, number> } }>(stdout).metrics.on;
};

const quick = ["--epochs", "1", "--dim", "4"];
test.each([
  ["fm", ["train-fm", ...quick]],
  ["ffm", ["train-fm", ...quick, "--model", "ffm", "--keep-state"]],
  ["mcmc", ["train-fm", ..."--method mcmc --draws 2 --burn-in 1 --dim 2".split(" ")]],
  ["a head on trees", ["train-gbdt", ..."--num-trees 3 --ctr user_id --ctr-keep --head lr".split(" ")]],
])("%s scores the keys as it scores keys that it never knew", async (name, [command, ...options]) => {
  const [before, after] = await forgottenRun(name, [command!, fixture("clicks.csv"), ...options]);
  const log = readFileSync(fixture("clicks.csv"), "utf8");
  writeFileSync(at("unknown.csv"), log.replaceAll(user, "nobody").replaceAll(item, "nothing"));
  const { logLoss, auc } = await metricsOn(before, at("unknown.csv"));
  const now = await metricsOn(after, fixture("clicks.csv"));
  expect([now["logLoss"], now["auc"]]).toEqual([logLoss, auc]);
  expect((await metricsOn(before, fixture("clicks.csv")))["logLoss"]).not.toBe(logLoss);
});

test.each([
  ["least squares", ["train-als", ...quick]],
  ["components", ["train-pca", "--dim", "4"]],
])("%s rank on, and offer the item to nobody", async (name, [command, ...options]) => {
  const columns = ["--user", "customer_id", "--item", "product_id"];
  const [before, after] = await forgottenRun(name, [
    command!,
    fixture("purchases.csv"),
    ...columns,
    ...options,
  ]);
  const ranked = ["--ranking", "--repeats", "allow", "--k", "96"];
  // a list of 96 items contains all items except the forgotten one
  const recallOf = async (run: string) =>
    (await metricsOn(run, fixture("purchases.csv"), ...ranked))["recallAt96"]!;
  expect(await recallOf(before)).toBe(1);
  expect(await recallOf(after)).toBeLessThan(1);
  expect(await recallOf(after)).toBeGreaterThan(0.9);
});

test("components do not keep the number of events of a forgotten item or user", async () => {
  const columns = ["--user", "customer_id", "--item", "product_id"];
  const [before, after] = await forgottenRun("degrees", [
    ...["train-pca", fixture("purchases.csv"), ...columns, "--dim", "4", "--normalize", "degree"],
  ]);
  const zerosOf = (run: string) => {
    const tensors = readSafetensors(readFileSync(join(run, "model", "pca.safetensors")), "pca.safetensors");
    return ["columnScale", "itemUsers", "rowScale", "userEvents"].map(
      (name) => [...(tensors.get(name)!.data as Float32Array)].filter((x) => x === 0).length,
    );
  };
  expect([zerosOf(before), zerosOf(after)]).toEqual([
    [0, 0, 0, 0],
    [1, 1, 1, 1],
  ]);
});

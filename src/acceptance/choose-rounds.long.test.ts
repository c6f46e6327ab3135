// Without --valid, train-fm on ratings and train-gbdt on few rows choose their rounds on held-out training rows.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { mulberry32, normal } from "../testing/random.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

interface Trained {
  options: { epochs?: number; numTrees?: number; ctr?: string[] };
  metrics: Record<string, { rmse?: number; logLoss?: number }>;
}

async function trained(...args: string[]): Promise<Trained & { stderr: string }> {
  const { stdout, stderr } = await embedOk([...args, "-o", at("run"), "--force", "--json", "--test", "0.2"]);
  return { ...parseJson<Trained>(stdout), stderr };
}

/** Ratings of users and items that have a bias each and no interaction: vectors can only overfit. */
function ratingsCsv(): string {
  const random = mulberry32(7);
  const [users, items] = [300, 200].map((size) => Array.from({ length: size }, () => normal(random)));
  const rows = Array.from({ length: 9000 }, () => {
    const [u, i] = [Math.floor(300 * random()), Math.floor(200 * random())];
    return `u${u},i${i},${(users![u]! + items![i]! + 2 * normal(random)).toFixed(3)}`;
  });
  return `user,item,rating\n${rows.join("\n")}\n`;
}

/** Labels that depend on ids, of which each has an effect that says nothing about its neighbors. */
function idsCsv(effect: number): string {
  const random = mulberry32(9);
  const effects = [400, 300].map((size) => Array.from({ length: size }, () => effect * normal(random)));
  const rows = Array.from({ length: 6000 }, () => {
    const ids = effects.map(({ length }) => Math.floor(length * random()));
    const score = ids.reduce((sum, id, c) => sum + effects[c]![id]!, 0);
    return `${random() < 1 / (1 + Math.exp(-score)) ? 1 : 0},${ids.join(",")}`;
  });
  return `label,a,b\n${rows.join("\n")}\n`;
}

test("epochs of ratings are chosen, and --epochs and --patience 0 switch that off", async () => {
  writeFileSync(at("ratings.csv"), ratingsCsv());
  const chosen = await trained("train-fm", at("ratings.csv"));
  const usual = await trained("train-fm", at("ratings.csv"), "--patience", "0");
  const set = await trained("train-fm", at("ratings.csv"), "--epochs", "10");
  expect(chosen.stderr).toContain(
    `--epochs ${chosen.options.epochs}, chosen on a tenth of the training rows (RMSE`,
  );
  expect([usual.options.epochs, set.options.epochs]).toEqual([10, 10]);
  expect([usual, set].map(({ stderr }) => stderr.includes("chosen on a tenth"))).toEqual([false, false]);
  expect(chosen.metrics["test"]!.rmse).toBeLessThan(usual.metrics["test"]!.rmse! - 0.02);
});

test("trees of few rows choose their number, and mean targets of ids where these are better", async () => {
  writeFileSync(at("ids.csv"), idsCsv(1));
  writeFileSync(at("noise.csv"), idsCsv(0));
  const chosen = await trained("train-gbdt", at("ids.csv"));
  const usual = await trained("train-gbdt", at("ids.csv"), "--patience", "0");
  expect(chosen.stderr).toContain(
    "--ctr a,b --ctr-pairs auto, chosen on a tenth of the training rows (log loss",
  );
  expect(chosen.options.ctr).toEqual(["a", "b"]);
  expect([usual.options.numTrees, usual.options.ctr]).toEqual([100, undefined]);
  expect(chosen.metrics["test"]!.logLoss).toBeLessThan(usual.metrics["test"]!.logLoss! - 0.02);
  // the run carries what its mean targets need
  const { stdout } = await embedOk(["evaluate", at("run"), "--part", "test", "--json"]);
  expect(parseJson<Trained>(stdout).metrics["on"]!.logLoss).toBeCloseTo(usual.metrics["test"]!.logLoss!, 9);
  const noise = await trained("train-gbdt", at("noise.csv"));
  expect(noise.options.numTrees).toBeLessThan(20);
});

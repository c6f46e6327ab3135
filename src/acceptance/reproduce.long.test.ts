// `embed reproduce`: every trainer's run is trained again from its manifest, with the same bytes.

import {
  appendFileSync,
  existsSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { sha256Of } from "../base/io/fingerprint.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
/** Trains with the folder as the working directory, so that paths are as a user types them. */
const train = (command: string, out: string) =>
  embedOk([...command.split(" "), "-o", out, "--quiet"], { cwd: folder });
const reproduce = (...args: string[]) => embed(["reproduce", ...args, "--quiet"], { cwd: folder });

beforeAll(() => {
  for (const name of ["clicks", "purchases", "ratings"]) {
    const lines = readFileSync(fixture(`${name}.csv`), "utf8")
      .split("\n")
      .slice(0, 2500);
    writeFileSync(at(`${name}.csv`), `${lines.join("\n")}\n`);
    writeFileSync(at(`${name}-held.csv`), `${[lines[0], ...lines.slice(-200)].join("\n")}\n`);
  }
  symlinkSync(fixture("items.csv"), at("items.csv"));
});

/** Trainings, by name; together they set flags of every group to values other than the defaults. */
const jobs: Record<string, string> = {
  fm: "train-fm clicks.csv --valid 0.2 --refit --dim 6 --epochs 3 --l2-field user_id=0.01 --min-count 2 --time-fields dow,day --since 20d --method adam --keep-state --metric auc --seed 5",
  joined:
    "train-fm ratings.csv --label rating --side items.csv:item_id --multi genres:| --ignore title --numeric year:bins=5 --task regression --epochs 2 --test 0.1 --split user --drop rating=3",
  linear:
    "train-fm clicks.csv --model lr --method ftrl --l1-weight 0.001 --epochs 2 --hash user_id:6 --where hour>2",
  searched: "train-fm clicks.csv --valid 0.2 --search 3 --epochs 2 --oov-dropout 0.05",
  negatives:
    "train-fm purchases.csv --negatives 3 --noise popularity --item-fields product_id,brand --epochs 2 --no-shuffle",
  ffm: "train-fm clicks.csv --model ffm --dim 3 --epochs 2 --normalize-rows --l2 0.0001",
  mcmc: "train-fm clicks.csv --method mcmc --dim 3 --epochs 6 --burn-in 2 --draws 2 --link probit",
  ranking: "train-ranking purchases.csv --dim 4 --epochs 2 --time purchased_at --test 0.1 --half-life 10d",
  implicit: "train-als purchases.csv --dim 4 --epochs 2 --user customer_id --item product_id",
  trees:
    "train-gbdt clicks.csv --num-trees 5 --num-leaves 7 --learning-rate 0.2 --valid 0.1 --head lr --ctr user_id,item_id --entity item_id --dim 4 --dense 3",
  components:
    "train-pca purchases.csv --user customer_id --item product_id --dim 4 --values tfidf --normalize degree --test 0.1",
  network:
    "train-net clicks.csv --arch wide-deep --hidden 8,4 --dim 4 --epochs 2 --dropout 0.1 --layer-norm --valid 0.1",
  columns: "train-pca clicks.csv --matrix features --dim 4 --no-center",
};

test.each(Object.keys(jobs))("%s: the same bytes, at another number of threads", async (name) => {
  await train(jobs[name]!, name);
  const { code, stderr } = await reproduce(name, "--threads", "1");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

test("a run whose defaults have changed since is trained again with those that it recorded", async () => {
  const how = "--user customer_id --item product_id --dim 4 --test 0.1";
  await train(`train-pca purchases.csv ${how} --normalize degree`, "earlier");
  const path = at("earlier/manifest.json");
  const manifest = readJson<{ asked: { options: Record<string, unknown> } }>(path);
  delete manifest.asked.options["normalize"];
  writeFileSync(path, JSON.stringify(manifest));
  const { code, stderr } = await embed(["reproduce", "earlier"], { cwd: folder });
  expect(stderr).toContain(
    "defaults have changed since run 'earlier' was trained: training again with --normalize degree",
  );
  expect(code).toBe(0);
});

test("what went on from an earlier run, in its row order, and was aligned to it, from an encoded dataset", async () => {
  await train("encode clicks.csv", "dataset");
  await train("train-fm dataset --init fm --row-order fm --freeze known --epochs 2 --method adam", "later");
  await embedOk(["align", "later", "--to", "fm", "-o", "aligned"], { cwd: folder });
  expect((await reproduce("later")).code).toBe(0);
  const { code, stdout } = await embed(["reproduce", "aligned", "--json", "--quiet"], { cwd: folder });
  expect(code).toBe(0);
  const { agrees, files } = parseJson<{ agrees: boolean; files: { file: string; agrees: boolean }[] }>(
    stdout,
  );
  expect(agrees).toBe(true);
  expect(files.map(({ file }) => file)).toEqual(
    expect.arrayContaining(["embeddings.arrow", "model/fm.safetensors", "metrics.jsonl", "manifest.json"]),
  );
  // removes the dataset, as a weekly job may do; reproduce encodes it again from the log
  rmSync(at("dataset"), { recursive: true });
  const encoded = await reproduce("later");
  expect({ code: encoded.code, stderr: encoded.stderr }).toEqual({ code: 0, stderr: "" });
  rmSync(at("fm"), { recursive: true });
  expect((await reproduce("later")).code).toBe(66);
  await train("train-fm clicks.csv --epochs 1 --dim 6 --method adam", "fm");
  const changed = await reproduce("aligned");
  expect(changed.code).toBe(65);
  expect(changed.stderr).toContain("run 'fm', which the training was warm-started from, has changed");
});

test("an input that changed is 65 and one that is gone 66, both named, before anything is trained", async () => {
  await train("train-fm clicks.csv --valid clicks-held.csv --epochs 1", "inputs");
  appendFileSync(at("clicks-held.csv"), "1,u019,tea-07,phone,3,1709510547\n");
  const changed = await reproduce("inputs", "--keep", "kept");
  expect(changed.code).toBe(65);
  expect(changed.stderr).toContain("input 'clicks-held.csv' has changed");
  unlinkSync(at("clicks-held.csv"));
  const gone = await reproduce("inputs", "--keep", "kept");
  expect(gone.code).toBe(66);
  expect(gone.stderr).toContain("'clicks-held.csv' does not exist");
  expect(existsSync(at("kept"))).toBe(false);
});

test("a run of which a file was made otherwise is 82 and names it; --keep keeps the second run", async () => {
  await train("train-fm clicks.csv --epochs 1", "forged");
  const manifest = readJson<{ files: Record<string, { bytes: number; sha256: string }> }>(
    at("forged/manifest.json"),
  );
  const table = readFileSync(at("forged/embeddings.arrow"));
  // changes the last bits of a vector; its checksum is corrected below
  table[Math.floor(table.length / 2)]! ^= 1;
  writeFileSync(at("forged/embeddings.arrow"), table);
  expect((await reproduce("forged")).code).toBe(82);
  manifest.files["embeddings.arrow"]!.sha256 = sha256Of(table);
  writeFileSync(at("forged/manifest.json"), JSON.stringify(manifest));
  const got = await embed(["reproduce", "forged", "--keep", "second"], { cwd: folder });
  expect(got.code).toBe(82);
  expect(got.stdout).toMatch(/^differs +embeddings\.arrow$/m);
  expect(got.stdout).toMatch(/^same +model\/fm\.safetensors$/m);
  expect(got.stderr).toContain("embeddings.arrow differs");
  expect(existsSync(at("second/embeddings.arrow"))).toBe(true);
});

test("of a run that another version trained to other bytes, the metrics of both are shown", async () => {
  await train("train-fm clicks.csv --epochs 1 --valid 0.2", "other");
  const path = at("other/manifest.json");
  const manifest = readJson<{
    version: string;
    files: Record<string, { sha256: string }>;
    metrics: Record<string, Record<string, number>>;
  }>(path);
  const table = readFileSync(at("other/embeddings.arrow"));
  table[Math.floor(table.length / 2)]! ^= 1;
  writeFileSync(at("other/embeddings.arrow"), table);
  manifest.files["embeddings.arrow"]!.sha256 = sha256Of(table);
  manifest.version = "0.3.0";
  manifest.metrics["valid"]!["logLoss"]! += 0.125;
  writeFileSync(path, JSON.stringify(manifest));
  const { code, stdout, stderr } = await embed(["reproduce", "other"], { cwd: folder });
  expect(code).toBe(82);
  expect(stdout).toMatch(/^valid +log loss +\d\.\d{4} +\d\.\d{4} +-0\.1250$/m);
  expect(stderr).toContain("which may train differently: compare the metrics");
  const { metrics } = parseJson<{
    metrics: { part: string; metric: string; recorded: number; now: number }[];
  }>((await embed(["reproduce", "other", "--json", "--quiet"], { cwd: folder })).stdout);
  const loss = metrics.find(({ part, metric }) => part === "valid" && metric === "logLoss")!;
  expect(loss.recorded - loss.now).toBeCloseTo(0.125, 10);
});

test("what was read from standard input, imported or trained by an earlier version cannot be made again, and says why", async () => {
  const input = readFileSync(at("clicks.csv"));
  await embedOk(["train-fm", "-", "-o", "piped", "--epochs", "1", "--quiet"], { cwd: folder, input });
  const piped = await reproduce("piped");
  expect([piped.code, piped.stderr.includes("standard input")]).toEqual([66, true]);
  writeFileSync(at("words.txt"), "1 2\na 1 2\n");
  await embedOk(["import", "words.txt", "--format", "word2vec", "--field", "word", "-o", "words"], {
    cwd: folder,
  });
  expect((await reproduce("words")).code).toBe(64);
  const { asked: _, ...old } = readJson<Record<string, unknown>>(at("forged/manifest.json"));
  writeFileSync(at("forged/manifest.json"), JSON.stringify(old));
  expect((await reproduce("forged")).stderr).toContain("an earlier version of embed");
});

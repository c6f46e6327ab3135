// Weekly trainings of `embed train-gbdt`: --init, --refit-leaves and --refit, --checkpoint-every and --resume,
// --on-interrupt save.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { thirdOfFixture } from "../testing/fixtures.js";
import { jsonLines, parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import type { TrainedSummary } from "./main-job.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const clicks = at("clicks.csv");
writeFileSync(clicks, thirdOfFixture("clicks.csv"));
const cut = ["--valid", "0.1", "--test", "0.1"];
const trainOn = (log: string, out: string, ...more: string[]) => ["train-gbdt", log, "-o", at(out), ...more];
const train = (out: string, ...more: string[]) => trainOn(clicks, out, ...more);
const trained = async (out: string, ...more: string[]): Promise<TrainedSummary> =>
  parseJson<TrainedSummary>((await embedOk([...train(out, ...more), "--quiet", "--json"])).stdout);

interface Manifest {
  init?: { run: string; trees: number; refitDecay?: number };
  refit?: { epochs: number; rows: number };
  interrupted?: true;
}
const manifestOf = (run: string) => readJson<Manifest>(at(`${run}/manifest.json`));
const modelOf = (run: string) =>
  ["lightgbm.txt", "leaves.jsonl", "preprocess.json"].map((name) =>
    readFileSync(at(`${run}/model/${name}`), "utf8"),
  );
/** Returns the model without its options. */
const treesOf = (run: string) => modelOf(run)[0]!.slice(0, modelOf(run)[0]!.indexOf("parameters:"));
/** Returns the leaves of a model: the name, the path of splits and the value of each leaf. */
const splitsOf = (run: string) => jsonLines<{ leaf: string; path: string; value: number }>(modelOf(run)[1]!);

describe("--init RUN", () => {
  let first: TrainedSummary;
  beforeAll(async () => {
    first = await trained("first", ...cut, "--num-trees", "10");
  });

  test("adds trees behind the earlier run's, which stay, and predicts better", async () => {
    const second = await trained("second", ...cut, "--num-trees", "10", "--init", at("first"));
    const [before, after] = [splitsOf("first"), splitsOf("second")];
    expect(after.length).toBeGreaterThan(before.length);
    expect(after.slice(0, before.length)).toEqual(before);
    expect(second.metrics["test"]!["logLoss"]!).toBeLessThan(first.metrics["test"]!["logLoss"]!);
    expect(manifestOf("second").init).toEqual({ run: at("first"), trees: 10 });
    // a training of all trees at once grows nearly the same trees; the difference is that scores are sums of 32-bit
    // floats
    const whole = await trained("whole", ...cut, "--num-trees", "20");
    expect(second.metrics["test"]!["logLoss"]!).toBeCloseTo(whole.metrics["test"]!["logLoss"]!, 2);
  });

  test("keeps what earlier trees say of categories, whatever the further log's vocabulary", async () => {
    const [header, ...lines] = readFileSync(clicks, "utf8").trimEnd().split("\n");
    const later = [...lines.slice(2000), lines[2000]!.replace(/u\d+/, "u-new")];
    writeFileSync(at("later.csv"), `${[header, ...later].join("\n")}\n`);
    await embedOk(argv`train-gbdt ${at("later.csv")} -o ${at("kept")} --init ${at("first")} --num-trees 1
        --quiet`);
    const leaves = async (run: string) =>
      (await embedOk(["transform", at(run), clicks])).stdout
        .split("\n")
        .map((line) => line.split(",").slice(0, 11).join(","));
    expect(await leaves("kept")).toEqual(await leaves("first"));
  });

  test("with --refit-leaves fits the leaves to the log's rows and leaves the trees as they are", async () => {
    await trained("refitted", ...cut, "--init", at("first"), "--refit-leaves", "--refit-decay", "0.5");
    const [before, after] = [splitsOf("first"), splitsOf("refitted")];
    expect(after.every(({ leaf, path }, l) => leaf === before[l]!.leaf && path === before[l]!.path)).toBe(
      true,
    );
    expect(after.some(({ value }, l) => value !== before[l]!.value)).toBe(true);
    expect(manifestOf("refitted").init).toEqual({ run: at("first"), trees: 10, refitDecay: 0.5 });
    // --refit-decay 1 keeps the values of all leaves
    await trained("same", ...cut, "--init", at("first"), "--refit-leaves", "--refit-decay", "1");
    expect(splitsOf("same").map(({ value }) => value)).toEqual(before.map(({ value }) => value));
  });

  test("of other columns, another task or another model is 64", async () => {
    const init = ["--init", at("first")];
    const columns = await embed(train("no", ...init, "--ignore", "hour"));
    expect([columns.code, columns.stderr]).toEqual([64, expect.stringContaining("hour (number)")]);
    const task = await embed(train("no", ...init, "--task", "regression"));
    expect([task.code, task.stderr]).toEqual([64, expect.stringContaining("--task binary")]);
    const decay = await embed(train("no", "--refit-decay", "0.5"));
    expect([decay.code, decay.stderr]).toEqual([
      64,
      expect.stringContaining("--refit-decay needs --init RUN"),
    ]);
    const leaves = await embed(train("no", ...init, "--refit"));
    expect([leaves.code, leaves.stderr]).toEqual([64, expect.stringContaining("use --refit-leaves")]);
  });

  test("with --refit adds the chosen number of trees once more on all rows", async () => {
    const more = ["--init", at("first"), "--learning-rate", "0.3"];
    await trained("more", ...cut, ...more, "--num-trees", "60", "--patience", "5", "--refit");
    const { epochs, rows } = manifestOf("more").refit!;
    expect([epochs < 60, rows]).toEqual([true, 4000]);
    await trained("more-alone", ...more, "--num-trees", String(epochs));
    expect(treesOf("more") === treesOf("more-alone")).toBe(true);
  });

  test("with --refit-leaves and --refit fits the leaves to all rows", async () => {
    const leaves = ["--init", at("first"), "--refit-leaves"];
    await trained("leaves", ...cut, ...leaves, "--refit");
    await trained("leaves-alone", ...leaves);
    expect(treesOf("leaves") === treesOf("leaves-alone")).toBe(true);
    expect(manifestOf("leaves").refit!.rows).toBe(4000);
  });
});

test("--refit with --cross-fit gives each forest its number of trees on all rows", async () => {
  const folds = ["--head", "lr", "--cross-fit", "3", "--learning-rate", "0.3", "--num-trees", "80"];
  const stopped = await trained("folds", ...cut, ...folds, "--patience", "5");
  const refit = await trained("folds-refit", ...cut, ...folds, "--patience", "5", "--refit");
  expect(refit.metrics).toEqual(stopped.metrics);
  const numTrees = (run: string) => treesOf(run).match(/^Tree=/gm)!.length;
  expect([manifestOf("folds-refit").refit, numTrees("folds-refit")]).toMatchObject([
    { epochs: numTrees("folds"), rows: 4000 },
    numTrees("folds"),
  ]);
  // the refit divides all rows into folds, which differ from the folds of the training split alone
  expect(treesOf("folds-refit") === treesOf("folds")).toBe(false);
});

test("--refit without --init grows the chosen number of trees once more on all rows", async () => {
  const shape = ["--num-trees", "200", "--learning-rate", "0.3", "--patience", "5"];
  const stopped = await trained("stopped", ...cut, ...shape);
  const refit = await trained("refit", ...cut, ...shape, "--refit");
  expect(refit.metrics).toEqual(stopped.metrics);
  const { epochs, rows } = manifestOf("refit").refit!;
  expect([epochs, rows]).toEqual([modelOf("stopped")[0]!.match(/^Tree=/gm)!.length, 4000]);
  const alone = await trained("alone", "--num-trees", String(epochs), "--learning-rate", "0.3");
  expect(alone.metrics["train"]).toBeDefined();
  expect(treesOf("refit") === treesOf("alone")).toBe(true);
});

describe("a training that is killed with -9 and resumed gives the bytes of one that was not", () => {
  // a training on fewer rows may end before the signal arrives
  const log = fixture("clicks.csv");
  const killedAndWhole = async (name: string, killAt: RegExp, ...options: string[]) => {
    await embedOk(trainOn(log, `${name}-whole`, ...options));
    const again = [...trainOn(log, `${name}-killed`, ...options), "--checkpoint-every", "4", "--resume"];
    const killed = await embed(again, { signalWhen: { stderr: killAt, signal: "SIGKILL" } });
    expect(killed.signal).toBe("SIGKILL");
    expect([existsSync(at(`${name}-killed`)), existsSync(at(`${name}-killed.checkpoint`))]).toEqual([
      false,
      true,
    ]);
    const resumed = await embedOk([...again, "--threads", "1"]);
    expect(resumed.stderr).toMatch(/resuming after tree \d+/);
    expect(modelOf(`${name}-killed`)).toEqual(modelOf(`${name}-whole`));
    expect(existsSync(at(`${name}-killed.checkpoint`))).toBe(false);
  };

  test("of samples, with early stopping", () =>
    killedAndWhole(
      "bagged",
      /"epoch":20,/,
      ...cut,
      "--num-trees",
      "60",
      "--bagging-fraction",
      "0.7",
      "--bagging-freq",
      "3",
    ));

  test("while it refits, its head too", () =>
    killedAndWhole(
      "refitting",
      /refit: [\s\S]*"epoch":10,/,
      ...cut,
      "--num-trees",
      "30",
      "--refit",
      "--head",
      "lr",
    ));

  test("in the second of three forests of --cross-fit", () =>
    killedAndWhole(
      "crossing",
      /forest 1 of 3[\s\S]*"epoch":10,/,
      ...cut,
      "--num-trees",
      "20",
      "--head",
      "lr",
      "--cross-fit",
      "3",
    ));

  test("in the second of three forests that are refitted", () =>
    killedAndWhole(
      "crossing-again",
      /refit: [\s\S]*"epoch":20,[\s\S]*"epoch":10,/,
      ...cut,
      "--num-trees",
      "20",
      "--head",
      "lr",
      "--cross-fit",
      "3",
      "--refit",
    ));

  test("of trees that go on from an earlier run's, which must be beaten", async () => {
    await embedOk(trainOn(log, "before", ...cut, "--num-trees", "20", "--learning-rate", "0.3"));
    await killedAndWhole(
      "behind",
      /"epoch":20,/,
      ...cut,
      "--init",
      at("before"),
      "--num-trees",
      "60",
      "--patience",
      "40",
    );
  });

  test("--resume refuses the checkpoint of another training with 64, and a damaged one with 82", async () => {
    const again = [...train("other", "--num-trees", "100000", "--checkpoint-every", "1")];
    await embed(again, { signalWhen: { stderr: /"epoch":10,/, signal: "SIGKILL" } });
    const other = await embed([...again, "--resume", "--num-leaves", "8"]);
    expect([other.code, other.stderr]).toEqual([
      64,
      expect.stringMatching(/belongs to a training with different numLeaves: resume with/),
    ]);
    writeFileSync(at("other.checkpoint"), "no checkpoint");
    expect((await embed([...again, "--resume"])).code).toBe(82);
  });
});

test("SIGINT with --on-interrupt save writes the best trees so far, and without it nothing", async () => {
  const long = [...cut, "--num-trees", "100000", "--patience", "0"];
  const signalWhen = { stderr: /"epoch":10,/, signal: "SIGINT" } as const;
  const saved = await embed(train("saved", ...long, "--on-interrupt", "save"), { signalWhen });
  expect(saved.code).toBe(130);
  expect(manifestOf("saved").interrupted).toBe(true);
  expect(saved.stderr).toMatch(/interrupted: the run holds \d+ trees/);
  await embedOk(["evaluate", at("saved"), "--on", clicks]);
  const aborted = await embed(train("aborted", ...long), { signalWhen });
  expect([aborted.code, existsSync(at("aborted"))]).toEqual([130, false]);
});

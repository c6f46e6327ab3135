// `--refit`, `--metric` and `--min-delta`: early stopping chooses the number of epochs, and the final table is also
// trained on the newest days.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { jsonLines, parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const clicks = fixture("clicks.csv");
const cut = ["--valid", "0.1", "--test", "0.1", "--split", "time"];

interface Manifest {
  options: { l2Vector: number; vectorRate: number };
  metrics: Record<string, Record<string, number>>;
  refit?: { epochs: number; rows: number; metrics: Record<string, Record<string, number>> };
}
const manifestOf = (run: string) => readJson<Manifest>(join(at(run), "manifest.json"));
const tableOf = (run: string) => readFileSync(join(at(run), "embeddings.arrow"));
type Epoch = Record<string, number> & { best: boolean; refit?: boolean };
const epochsOf = (run: string) => jsonLines<Epoch>(readFileSync(join(at(run), "metrics.jsonl"), "utf8"));

describe("--refit", () => {
  beforeAll(async () => {
    await embedOk(["train-fm", clicks, "-o", at("plain"), ...cut]);
    await embedOk(["train-fm", clicks, "-o", at("refit"), ...cut, "--refit"]);
  });

  test("publishes what a training on the whole log for the chosen epochs gives, to the byte", async () => {
    const { refit, options } = manifestOf("refit");
    // a training without early stopping has other defaults of --l2-vector and --vector-rate
    const own = ["--l2-vector", String(options.l2Vector), "--vector-rate", String(options.vectorRate)];
    await embedOk(["train-fm", clicks, "-o", at("whole"), "--epochs", String(refit!.epochs), ...own]);
    expect(tableOf("refit").equals(tableOf("whole"))).toBe(true);
    expect(tableOf("refit").equals(tableOf("plain"))).toBe(false);
    expect(refit!.rows).toBe(12_000);
  });

  test("names both models' metrics: the first one's are what it would have without", () => {
    expect(manifestOf("refit").metrics).toEqual(manifestOf("plain").metrics);
    expect(Object.keys(manifestOf("refit").refit!.metrics)).toEqual(["train"]);
    expect(manifestOf("plain").refit).toBeUndefined();
    const epochs = epochsOf("refit");
    expect(epochs.filter(({ refit }) => refit).length).toBe(manifestOf("refit").refit!.epochs);
  });

  test("has trained on its test split, which evaluate says, and evaluates the other runs", async () => {
    const alone = await embed(["evaluate", at("refit"), "--part", "test", "--quiet"]);
    expect([alone.code, alone.stdout]).toEqual([64, ""]);
    expect(alone.stderr).toContain(
      `run '${at("refit")}' was trained again on all rows of its log (--refit), including its test split: train it ` +
        "without --refit to evaluate --part test",
    );
    for (const ranking of [[], ["--ranking", "--repeats", "allow"]]) {
      const options = ["--part", "test", "--json", "--quiet", ...ranking];
      const plain = parseJson<{ metrics: object }>(
        (await embedOk(["evaluate", at("plain"), ...options])).stdout,
      );
      const both = await embed(["evaluate", at("refit"), at("plain"), ...options]);
      expect([both.code, both.stderr]).toEqual([64, expect.stringContaining("trained again on all rows")]);
      const { metrics, unevaluated } = parseJson<{ metrics: object; unevaluated: object[] }>(both.stdout);
      expect([metrics, unevaluated]).toMatchObject([
        { plain: (plain.metrics as Record<string, object>)["on"] },
        [{ name: "refit", run: at("refit") }],
      ]);
    }
    const printed = await embed(["evaluate", at("plain"), at("refit"), "--part", "test"]);
    expect(printed.stdout).toContain("not evaluated: refit: trained on these rows (--refit)\n");
    expect((await embed(["evaluate", at("whole"), "--part", "test"])).stderr).toContain(
      "train it with --test",
    );
  });

  test("keeps a file held out, and trains on the log's rows", async () => {
    const [header, ...rows] = readFileSync(clicks, "utf8").trimEnd().split("\n");
    writeFileSync(at("log.csv"), `${[header, ...rows.slice(0, 6000)].join("\n")}\n`);
    writeFileSync(at("later.csv"), `${[header, ...rows.slice(6000, 7000)].join("\n")}\n`);
    const options = argv`--valid 0.1 --split time --test ${at("later.csv")} --refit --epochs 2`;
    await embedOk(["train-fm", at("log.csv"), "-o", at("file"), ...options]);
    expect(manifestOf("file").refit!.rows).toBe(6000);
    const { stdout } = await embedOk(["evaluate", at("file"), "--part", "test", "--json"]);
    expect(parseJson<{ rows: number }>(stdout).rows).toBe(1000);
    const valid = await embed(["evaluate", at("file"), "--part", "valid"]);
    expect([valid.code, valid.stderr]).toEqual([64, expect.stringContaining("including its valid split")]);
  });

  test("is refused where nothing is held out, or another file is", async () => {
    const nothing = await embed(["train-fm", clicks, "-o", at("none"), "--refit"]);
    expect([nothing.code, nothing.stderr]).toEqual([64, expect.stringContaining("--valid or --test")]);
    const file = await embed(["train-fm", clicks, "-o", at("none"), "--refit", "--valid", clicks]);
    expect([file.code, file.stderr]).toEqual([64, expect.stringContaining("same log")]);
  });
});

describe("--metric", () => {
  test("auc keeps the epoch of the greatest AUC, which metrics.jsonl names", async () => {
    await embedOk(["train-fm", clicks, "-o", at("auc"), ...cut, "--metric", "auc", "--epochs", "20"]);
    const epochs = epochsOf("auc");
    const greatest = Math.max(...epochs.map(({ auc }) => auc!));
    const best = epochs.filter(({ best }) => best).at(-1)!;
    expect(best["auc"]).toBe(greatest);
    expect(manifestOf("auc").metrics["valid"]!["auc"]).toBeCloseTo(greatest, 6);
    expect(epochs.every(({ vectorNorm }) => vectorNorm! > 0)).toBe(true);
  });

  test("rmse is for numbers, auc for classes, and both need a validation part", async () => {
    const refused = async (...options: string[]) => {
      const { code, stderr } = await embed(["train-fm", clicks, "-o", at("none"), ...options]);
      return [code, stderr];
    };
    expect(await refused(...cut, "--metric", "rmse")).toEqual([
      64,
      expect.stringContaining(
        "--metric rmse needs a regression label, but this one is binary: use auc or loss",
      ),
    ]);
    expect(await refused("--metric", "auc")).toEqual([64, expect.stringContaining("--valid")]);
    const ratings = argv`train-fm ${fixture("ratings.csv")} --label rating --valid 0.2 --epochs 4`;
    await embedOk([...ratings, "-o", at("rmse"), "--metric", "rmse"]);
    expect(epochsOf("rmse").every(({ rmse }) => rmse! > 0)).toBe(true);
  });
});

test("--min-delta: gains below it are no reason to go on, and the best epoch is kept all the same", async () => {
  const options = ["--epochs", "30", "--patience", "2", ...cut];
  await embedOk(["train-fm", clicks, "-o", at("patient"), ...options]);
  await embedOk(["train-fm", clicks, "-o", at("impatient"), ...options, "--min-delta", "0.02"]);
  const [patient, impatient] = [epochsOf("patient"), epochsOf("impatient")];
  expect(impatient.length).toBeLessThan(patient.length);
  const lowest = Math.min(...impatient.map(({ validLoss }) => validLoss!));
  expect(manifestOf("impatient").metrics["valid"]!["logLoss"]).toBeCloseTo(lowest, 5);
});

describe("a training that diverges", () => {
  test("is 80 and names epoch, learning rate and what to try", async () => {
    const { code, stderr } = await embed(["train-fm", clicks, "-o", at("none"), "--learning-rate", "1e6"]);
    expect(code).toBe(80);
    expect(stderr).toMatch(/in epoch \d+ with learning rate 1000000: try --learning-rate 200000/);
  });
});

describe("--on-interrupt save", () => {
  const long = [...cut, "--epochs", "100000", "--patience", "0"];
  test.each([
    ["SIGINT", 130, "fm"],
    ["SIGTERM", 143, "ffm"],
  ] as const)(
    "%s writes the best epoch so far as a whole run, and ends with %i: %s",
    async (signal, code, model) => {
      const run = `saved-${signal}`;
      const options = argv`train-fm ${clicks} -o ${at(run)} ${long} --model ${model} --on-interrupt save`;
      const ended = await embed(options, { signalWhen: { stderr: /"epoch":3,/, signal } });
      expect(ended.code).toBe(code);
      expect(ended.stderr).toContain("interrupted: the run holds epoch");
      const manifest = readJson<{ interrupted?: boolean }>(join(at(run), "manifest.json"));
      expect(manifest.interrupted).toBe(true);
      await embedOk(["evaluate", at(run), "--on", clicks]);
    },
  );

  test.each([
    ["als", ["--l2", "3", "--patience", "100000"]],
    ["mcmc", []],
  ])("%s does so too", async (method, flags) => {
    const run = `saved-${method}`;
    const options = argv`train-fm ${clicks} -o ${at(run)} ${cut} --epochs 100000 --on-interrupt save`;
    const ended = await embed([...options, "--method", method, ...flags], {
      signalWhen: { stderr: /"epoch":9,/, signal: "SIGINT" },
    });
    expect(ended.code).toBe(130);
    await embedOk(["evaluate", at(run), "--on", clicks]);
  });

  test("without it nothing is written", async () => {
    const options = ["train-fm", clicks, "-o", at("lost"), ...long];
    const ended = await embed(options, { signalWhen: { stderr: /"epoch":3,/, signal: "SIGINT" } });
    expect(ended.code).toBe(130);
    expect((await embed(["evaluate", at("lost"), "--on", clicks])).code).toBe(66);
  });
});

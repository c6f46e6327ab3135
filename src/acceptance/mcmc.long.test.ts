// `train-fm --method als` and `--method mcmc`, from the shell.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines } from "../testing/exported.js";
import { parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import type { TrainedSummary } from "./main-job.js";
import { csvRows } from "../testing/lines.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const split = ["--valid", "0.1", "--test", "0.1", "--split", "time"];
const clicks = ["train-fm", fixture("clicks.csv"), ...split, "--dim", "8"];
const ratings = [
  ...["train-fm", fixture("ratings.csv"), "--user", "user_id", "--item", "item_id", "--label", "rating"],
  ...["--time", "timestamp", "--side", `${fixture("items.csv")}:item_id`, "--multi", "genres:|"],
  ...["--ignore", "title", "--numeric", "year", ...split, "--dim", "8"],
];
/** L2 penalties that suit small logs with little noise, such as the fixtures. */
const penalties = ["--l2-weight", "3", "--l2-vector", "5"];

async function summaryOf(args: string[]): Promise<TrainedSummary> {
  return parseJson<TrainedSummary>((await embedOk([...args, "--json"])).stdout);
}

/** Returns the files of a run that must be equal, as one text. */
function bytesOf(run: string): string {
  return readdirSync(at(run), { recursive: true })
    .map(String)
    .filter((name) => /\.(arrow|safetensors)$/.test(name))
    .sort()
    .map((name) => readFileSync(join(at(run), name)).toString("base64"))
    .join();
}

/** Writes the test split of a fixture as a separate log. */
function testPartOf(name: string, time: number): string {
  const [header, ...lines] = readFileSync(fixture(name), "utf8").trimEnd().split("\n");
  const sorted = lines.sort((a, b) => Number(a.split(",")[time]) - Number(b.split(",")[time]));
  writeFileSync(at(name), [header, ...sorted.slice(Math.floor(lines.length * 0.9))].join("\n"));
  return at(name);
}

describe("mcmc on clicks", () => {
  let summary: TrainedSummary;
  beforeAll(async () => {
    summary = await summaryOf([...clicks, "--method", "mcmc", "--epochs", "40", "-o", at("clicks")]);
  });

  test("is better than ten epochs of AdaGrad with the L2 of large logs", async () => {
    // the L2 of large logs is given, because the default for small logs was chosen for early stopping, and AdaGrad with
    // that default is better here
    const given = ["--epochs", "10", "--l2-vector", "0.01", "--vector-rate", "1"];
    const adagrad = await summaryOf([...clicks, ...given, "-o", at("adagrad")]);
    expect(summary.metrics["test"]!["logLoss"]).toBeLessThan(adagrad.metrics["test"]!["logLoss"]!);
  });

  test("states the loss of the table beside that of the draws, in summary and manifest", () => {
    const { metrics } = readJson<{ metrics: TrainedSummary["metrics"] }>(join(at("clicks"), "manifest.json"));
    expect(metrics["testByTable"]!["logLoss"]).not.toBe(metrics["test"]!["logLoss"]);
    expect(metrics["testByTable"]!["auc"]).toBeGreaterThan(0.8);
    // the table contains the mean of the posterior draws; without calibration its log loss would be 0.49, while
    // averaging the predictions of the draws gives 0.42; its scores are therefore calibrated on the validation split
    expect(metrics["testByTable"]!["logLoss"]).toBeLessThan(1.05 * metrics["test"]!["logLoss"]!);
    expect(summary.warnings.filter((text) => text.includes("the table"))).toEqual([]);
    expect(metrics).toEqual(summary.metrics);
  });

  test("predicts again in evaluate what training measured", async () => {
    const again = await summaryOf(["evaluate", at("clicks"), "--on", testPartOf("clicks.csv", 5)]);
    const differences = ["logLoss", "auc", "calibration"].map((name) =>
      Math.abs(again.metrics["on"]![name]! - summary.metrics["test"]![name]!),
    );
    expect(Math.max(...differences)).toBeLessThan(1e-9);
  });

  test("has neighbors of the same group in its table", async () => {
    const { stdout } = await embedOk(["neighbors", at("clicks"), "--key", "item:tea-03", "--top", "5"]);
    expect(stdout.match(/tea-\d\d/g)!.length).toBeGreaterThanOrEqual(4);
  });

  test("says an epoch a line, with a validation loss that averages the draws", () => {
    const lines = parseJsonLines(readFileSync(join(at("clicks"), "metrics.jsonl"), "utf8")) as unknown as {
      epoch: number;
      validLoss: number;
    }[];
    expect(lines.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    // the mean of many draws is better than that of a few
    expect(lines[39]!.validLoss).toBeLessThan(lines[19]!.validLoss);
  });

  // the last test of the run, because it damages it
  test("a damaged file of draws is 82", async () => {
    const path = join(at("clicks"), "model", "draws.safetensors");
    const bytes = readFileSync(path);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(path, bytes);
    const got = await embed(["evaluate", at("clicks"), "--on", fixture("clicks.csv")]);
    expect(got.code).toBe(82);
  });
});

describe("on ratings with several-valued and numeric fields", () => {
  let [mcmc, adagrad]: TrainedSummary[] = [];
  beforeAll(async () => {
    mcmc = await summaryOf([...ratings, "--method", "mcmc", "-o", at("ratings-mcmc")]);
    adagrad = await summaryOf([...ratings, "-o", at("ratings-adagrad")]);
  });

  test.each(["mcmc", "als"])("%s beats AdaGrad, and is read back", async (method) => {
    const run = at(`ratings-${method}`);
    const summary =
      method === "mcmc" ? mcmc! : await summaryOf([...ratings, "--method", "als", ...penalties, "-o", run]);
    expect(summary.metrics["test"]!["rmse"]).toBeLessThan(adagrad!.metrics["test"]!["rmse"]!);

    const again = await summaryOf(["evaluate", run, "--on", testPartOf("ratings.csv", 3)]);
    expect(Math.abs(again.metrics["on"]!["rmse"]! - summary.metrics["test"]!["rmse"]!)).toBeLessThan(1e-9);
  });

  test("another seed is another chain of mcmc with a like result", async () => {
    const args = [...ratings, "--method", "mcmc", "--seed", "2", "-o", at("seed-2")];
    const [one, two] = [mcmc!, await summaryOf(args)].map(({ metrics }) => metrics["test"]!["rmse"]!);
    expect(one).not.toBe(two);
    expect(Math.abs(one! - two!)).toBeLessThan(0.05);
  });
});

test.each(["als", "mcmc"])("%s gives the same bytes at 1, 2 and 3 threads", async (method) => {
  const names = ["1", "2", "3"].map((threads) => `${method}-${threads}`);
  for (const [i, name] of names.entries()) {
    const threads = ["--threads", String(i + 1), "--epochs", "4"];
    await embedOk([...ratings, "--method", method, ...threads, "-o", at(name)]);
  }
  expect(new Set(names.map(bytesOf)).size).toBe(1);
});

test.each(["logit", "probit"])("als predicts clicks by %s, and is read back", async (link) => {
  const args = [...clicks, "--method", "als", ...penalties, "--link", link, "-o", at("als"), "--force"];
  const summary = await summaryOf(args);
  expect(summary.metrics["test"]!["auc"]).toBeGreaterThan(0.85);
  const again = await summaryOf(["evaluate", at("als"), "--on", testPartOf("clicks.csv", 5)]);
  expect(Math.abs(again.metrics["on"]!["logLoss"]! - summary.metrics["test"]!["logLoss"]!)).toBeLessThan(
    1e-9,
  );
});

test("als stops early, and keeps the best epoch", async () => {
  const weak = ["--l2-weight", "0.01", "--l2-vector", "0.01", "--epochs", "100"];
  const { metrics } = await summaryOf([...ratings, "--method", "als", ...weak, "-o", at("early")]);
  const losses = readFileSync(join(at("early"), "metrics.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => parseJson<{ validLoss: number }>(line).validLoss);
  const best = losses.indexOf(Math.min(...losses));
  expect(losses.length - 1 - best).toBe(2);
  // the RMSE is at most the root of the validation loss, because predictions are clipped to the range of the labels for
  // the RMSE, and not for the loss
  expect(metrics["valid"]!["rmse"]).toBeLessThanOrEqual(Math.sqrt(losses[best]!) + 1e-6);
});

test("mcmc takes a log without labels, against negatives drawn once", async () => {
  const summary = await summaryOf([
    ...["train-fm", fixture("purchases.csv"), "--user", "customer_id", "--item", "product_id"],
    ...["--time", "purchased_at", "--test", "0.1", "--split", "time", "--negatives", "4"],
    ...["--method", "mcmc", "--epochs", "20", "--dim", "8", "-o", at("purchases")],
  ]);
  expect(summary.metrics["test"]!["auc"]).toBeGreaterThan(0.75);
});

test.each(["als", "mcmc"])(
  "%s goes on from an earlier run by key, and keeps keys that its log lacks",
  async (method) => {
    const [header, ...lines] = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n");
    const user = lines[0]!.split(",")[1]!;
    writeFileSync(
      at("week.csv"),
      [header, ...lines.filter((line) => line.split(",")[1] !== user)].join("\n"),
    );
    const train = (log: string, ...more: string[]) => [
      ...["train-fm", log, "--method", method, ...(method === "als" ? penalties : []), ...more],
      ...["--valid", "0.1", "--split", "random", "--dim", "6", "--force"],
    ];
    await embedOk([...train(fixture("clicks.csv"), "--epochs", "40"), "-o", at("before")]);
    const on = await summaryOf([
      ...train(at("week.csv"), "--epochs", "2", "--init", at("before")),
      "-o",
      at("after"),
    ]);
    const fresh = await summaryOf([...train(at("week.csv"), "--epochs", "2"), "-o", at("fresh")]);
    expect(on.metrics["valid"]!["logLoss"]).toBeLessThan(fresh.metrics["valid"]!["logLoss"]!);

    // the second run has a vector of the user, whose nearest users are mostly the same as in the first run
    const nearest = async (run: string) => {
      const { stdout } = await embedOk(["neighbors", at(run), "--key", `user:${user}`, "--top", "8"]);
      return new Set(stdout.match(/\bu\d+\b/g));
    };
    const [was, is] = [await nearest("before"), await nearest("after")];
    expect([...is].filter((key) => was.has(key)).length).toBeGreaterThan(4);
  },
);

test.each([
  ["--freeze known", ["--init", "RUN", "--freeze", "known"]],
  ["--keep-state", ["--keep-state"]],
])("als and mcmc refuse %s with 64", async (_, flags) => {
  const given = flags.map((flag) => (flag === "RUN" ? at("before") : flag));
  for (const method of ["als", "mcmc"]) {
    const got = await embed([...clicks, "--method", method, ...given, "-o", at("refused")]);
    expect([got.code, got.stderr]).toEqual([
      64,
      expect.stringContaining(`needs --method adagrad, sgd, ftrl, adam, got ${method}`),
    ]);
  }
});

describe("--search", () => {
  test("with als tries dim and L2, and no learning rate", async () => {
    const run = at("searched");
    await embedOk([...clicks.slice(0, -2), "--method", "als", "--search", "4", "--epochs", "4", "-o", run]);
    const { search } = readJson<{ search: Record<string, number>[] }>(join(run, "manifest.json"));
    expect(search).toHaveLength(4);
    expect(new Set(search.map(({ learningRate }) => learningRate)).size).toBe(1);
    expect(new Set(search.map(({ l2Vector }) => l2Vector)).size).toBe(4);
  });

  test("with mcmc tries dimensions, since the chain draws its penalties", async () => {
    const run = at("mcmc-search");
    const small = ["--method", "mcmc", "--search", "3", "--epochs", "3"];
    await embedOk([...clicks.slice(0, -2), ...small, "-o", run]);
    const { search } = readJson<{ search: object[] }>(join(run, "manifest.json"));
    const names = search.map((trial) => Object.keys(trial).filter((name) => !/poch|value/.test(name)));
    expect(names).toEqual([["dim"], ["dim"], ["dim"]]);
    // if the dimension is given, no option is left to search
    const got = await embed([...clicks, ...small, "-o", at("refused")]);
    expect([got.code, got.stderr]).toEqual([
      64,
      expect.stringContaining("--search has nothing to tune with these options: it tunes --dim"),
    ]);
  });
});

test("weights of events reach als and mcmc: clicks that count five times lift the predictions", async () => {
  const [header, ...lines] = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n", 4001);
  const weighed = lines.map((line) => `${line},${line.startsWith("1") ? 5 : 1}`);
  writeFileSync(at("weighed.csv"), [`${header},times`, ...weighed].join("\n"));
  writeFileSync(at("even.csv"), [`${header},times`, ...lines.map((line) => `${line},1`)].join("\n"));
  for (const method of ["als", "mcmc"]) {
    const train = argv`train-fm ${at("weighed.csv")} --method ${method} --dim 4 --epochs 10 --force`;
    const calibration = async (...weight: string[]) => {
      await embedOk([...train, ...weight, "-o", at("times"), "--quiet"]);
      const evaluated = await summaryOf(["evaluate", at("times"), "--on", at("even.csv")]);
      return evaluated.metrics["on"]!["calibration"]!;
    };
    expect(await calibration("--weight", "times")).toBeGreaterThan(
      (await calibration("--ignore", "times")) + 0.2,
    );
  }
});

test("mcmc folds in new users: by the first half of their events their vectors order the items of the second", async () => {
  const [header, ...lines] = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n");
  const userOf = (line: string) => line.split(",")[1]!;
  const isNew = (line: string) => /^u\d*[05]$/.test(userOf(line));
  const own = lines.filter(isNew);
  const seen = new Map<string, number>();
  const total = new Map<string, number>();
  for (const line of own) total.set(userOf(line), (total.get(userOf(line)) ?? 0) + 1);
  const isFirst = own.map((line) => {
    const before = seen.get(userOf(line)) ?? 0;
    seen.set(userOf(line), before + 1);
    return 2 * before < total.get(userOf(line))!;
  });
  writeFileSync(at("own.csv"), [header, ...own.filter((_, i) => isFirst[i])].join("\n"));
  writeFileSync(at("others.csv"), [header, ...lines.filter((line) => !isNew(line))].join("\n"));
  const run = at("others");
  const small = ["--method", "mcmc", "--dim", "4", "--epochs", "20"];
  await embedOk(["train-fm", at("others.csv"), ...small, "--quiet", "-o", run]);
  const { stdout } = await embedOk(["transform", run, "--fold-in", at("own.csv"), "--quiet"]);
  const numbers = (cells: string[]) => cells.map(Number);
  const cellsOf = (csv: string) => csvRows(csv);
  const users = new Map(cellsOf(stdout).map(([key, _, ...vector]) => [key!, numbers(vector)]));
  const table = cellsOf((await embedOk(["export", run, "--format", "csv", "--field", "item"])).stdout);
  const items = new Map(
    table.map((row) => [row.find((cell) => /^[a-z]+-\d\d$/.test(cell))!, numbers(row.slice(-4))]),
  );

  // counts how often the inner product ranks a clicked item above the item of an event of the same user without a click
  const later = own.filter((_, i) => !isFirst[i]).map((line) => line.split(","));
  const score = ([, user, item]: string[]) =>
    items.get(item!)!.reduce((sum, x, d) => sum + x * users.get(user!)![d]!, 0);
  let [inOrder, pairs] = [0, 0];
  for (const click of later.filter(([label]) => label === "1")) {
    for (const none of later.filter(([label, user]) => label === "0" && user === click[1])) {
      pairs++;
      if (score(click) > score(none)) inOrder++;
    }
  }
  expect(pairs).toBeGreaterThan(100);
  expect(inOrder / pairs).toBeGreaterThan(0.65);
});

test("runs of probit labels are not folded into: 64", async () => {
  const run = at("probit");
  writeFileSync(at("new.csv"), readFileSync(fixture("clicks.csv"), "utf8").replaceAll(/,(u\d)/g, ",new-$1"));
  await embedOk([...clicks, "--method", "mcmc", "--link", "probit", "--epochs", "4", "-o", run]);
  const got = await embed(["transform", run, "--fold-in", at("new.csv")]);
  expect([got.code, got.stderr]).toEqual([64, expect.stringContaining("train it with --link logit")]);
});

test.each([
  ["mcmc", ["--learning-rate", "0.1"], "--learning-rate"],
  ["mcmc", ["--l2-vector", "1"], "--l2-vector"],
  ["als", ["--draws", "5"], "--draws"],
  ["adagrad", ["--burn-in", "5"], "--burn-in"],
])("--method %s refuses %j, which it has no use for", async (method, extra, flag) => {
  const got = await embed([...clicks, "--method", method, ...extra, "-o", at("idle")]);
  expect(got.code).toBe(64);
  expect(got.stderr).toContain(flag);
});

test("a link where the label is a number is an error 64", async () => {
  const got = await embed([...ratings, "--method", "als", "--link", "probit", "-o", at("linked")]);
  expect([got.code, got.stderr]).toEqual([
    64,
    expect.stringContaining("--link probit needs labels of 0 and 1: omit it"),
  ]);
});

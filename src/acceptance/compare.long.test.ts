// `embed compare` trains the candidates that suit a log and ranks them on one held-out split, with the same metrics as
// single commands.

import { comparedBaselines } from "../metrics/baselines/baselines.js";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Comparison } from "../judge/compare/compare.js";
import type { Evaluation } from "../judge/evaluate/evaluate.js";
import type { Manifest } from "../table/manifest.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson, readJson } from "../testing/json.js";
import { thirdOfFixture } from "../testing/fixtures.js";
import { fixture } from "../testing/places.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const [clicks, purchases, ratings] = ["clicks.csv", "purchases.csv", "ratings.csv"].map((name) => {
  writeFileSync(at(name), thirdOfFixture(name));
  return at(name);
}) as [string, string, string];

/**
 * Writes the rows of half of a log's users and a quarter of its items, for tests that look neither at metrics nor at the
 * page, on which the map of many items takes long; returns the path.
 */
function eighthOf(log: string): string {
  const [header, ...rows] = readFileSync(log, "utf8").trimEnd().split("\n");
  const column = header!.split(",").findIndex((name) => name === "user_id" || name === "customer_id");
  const kept = [2, 4].map((share, i) => {
    const keys = [...new Set(rows.map((row) => row.split(",")[column + i]!))];
    return new Set(keys.slice(0, keys.length / share));
  });
  const isKept = (row: string) => kept.every((keys, i) => keys.has(row.split(",")[column + i]!));
  const path = log.replace(/\.csv$/, "-eighth.csv");
  writeFileSync(path, `${[header, ...rows.filter(isKept)].join("\n")}\n`);
  return path;
}

/** Runs `compare LOG ARGS... -o NAME.html --json`. */
async function compared(log: string, name: string, ...args: string[]): Promise<Comparison> {
  const { stdout } = await embedOk([
    "compare",
    log,
    ...["-o", at(`${name}.html`), "--json", "--quiet"],
    ...args,
  ]);
  return parseJson<Comparison>(stdout);
}

async function evaluated(name: string, ...args: string[]): Promise<Evaluation> {
  const { stdout } = await embedOk(["evaluate", ...args, "--part", "test", "--json", "--quiet"]);
  return parseJson<Evaluation>(stdout.replaceAll(`"${name}`, '"'));
}

const manifestOf = (run: string): Manifest => readJson<Manifest>(join(run, "manifest.json"));

/** Removes all times and durations from a text. */
function withoutSeconds({ seconds: _, leaderboard, out: __, runs: ___, ...rest }: Comparison): unknown {
  const lines = leaderboard.lines.map(({ seconds: ____, run: _____, ...line }) => line);
  const options = { ...rest.options, out: "", runs: "", threads: 0 };
  return { ...rest, options, leaderboard: { ...leaderboard, lines } };
}

describe("a log with labels of 0 and 1", () => {
  let result: Comparison;
  beforeAll(async () => {
    result = await compared(clicks, "clicks", "--trainers", "train-fm,train-gbdt");
  });

  test("is ranked by log loss, with the figures and intervals that evaluate gives the same runs", async () => {
    const { lines, metrics, untrained } = result.leaderboard;
    expect(metrics[0]).toBe("logLoss");
    expect(untrained).toEqual([]);
    expect(lines.map(({ name }) => name).sort()).toEqual(
      ["fm", "ffm", "lr", "gbdt", "gbdt-ctr", "mean label"].sort(),
    );
    const losses = lines.map((line) => line.metrics["logLoss"]!);
    expect(losses).toEqual([...losses].sort((a, b) => a - b));
    const names = ["fm", "lr", "gbdt"];
    const { compared: own } = await evaluated("", ...names.map((name) => join(result.runs, name)));
    for (const name of names) {
      const [line, one] = [lines, own].map((all) => all.find((each) => each.name === name)!);
      expect([name, line!.metrics, line!.intervals]).toEqual([name, one!.metrics, one!.intervals]);
    }
  });

  test("has the mean label of training as a baseline, whose log loss is that of one probability for all rows", () => {
    // the log is ordered by time: the last tenth is the test split, the tenth before it the validation split, and
    // training uses the rest
    const labels = readFileSync(clicks, "utf8")
      .trimEnd()
      .split("\n")
      .slice(1)
      .map((line) => Number(line.split(",")[0]));
    const [train, test] = [labels.slice(0, 0.8 * labels.length), labels.slice(0.9 * labels.length)];
    const rate = train.reduce((sum, y) => sum + y, 0) / train.length;
    const loss = test.reduce((sum, y) => sum - Math.log(y === 1 ? rate : 1 - rate), 0) / test.length;
    const line = result.leaderboard.lines.find(({ name }) => name === "mean label")!;
    expect(line).toMatchObject({ isBaseline: true });
    expect(line.metrics["logLoss"]).toBeCloseTo(loss, 6);
    expect(line.metrics["auc"]).toBe(0.5);
  });

  test("is shown on the page under the sentence that the printed leaderboard ends with", async () => {
    const page = readFileSync(at("clicks.html"), "utf8");
    expect(page).toMatch(/<section id="leaderboard"[ >]/);
    expect(page).toContain(result.leaderboard.conclusion);
    const printed = await embedOk([
      ...["compare", clicks, "-o", at("clicks.html"), "--force", "--quiet"],
      ...["--trainers", "train-gbdt,train-als"],
    ]);
    const [head, ...lines] = printed.stdout.trimEnd().split("\n");
    expect(head).toMatch(/log loss +normalized entropy +AUC .*seconds/);
    expect(lines.find((line) => line.startsWith("not trained: "))).toBe(
      "not trained: train-als: ranks items for users and predicts no labels",
    );
    expect(lines.at(-1)).toMatch(/^gbdt has the best log loss, .* ahead of .* every baseline \(mean label\)/);
  });
});

test("--goal lists of a log of clicks ranks what was clicked", async () => {
  const log = eighthOf(clicks);
  const { leaderboard, rows, options } = await compared(
    log,
    "clicked",
    ...["--goal", "lists", "--repeats", "mask", "--trainers", "train-pca"],
  );
  const clicked = readFileSync(log, "utf8").match(/^1,/gm)!.length;
  expect([rows, options["positiveFrom"]]).toEqual([clicked, 1]);
  expect(leaderboard.metrics[0]).toBe("recallAt20");
});

describe("a log of events", () => {
  const args = ["--trainers", "train-pca,train-als,train-item2vec", "--repeats", "allow"];
  let result: Comparison;
  beforeAll(async () => {
    result = await compared(purchases, "purchases", ...args, "--threads", "1");
  });

  test("is ranked by recall, each run by its model or else the cosines of its table, as evaluate measures them", async () => {
    const { lines, metrics } = result.leaderboard;
    expect(metrics).toEqual(["recallAt20", "ndcgAt20"]);
    const run = (name: string) => join(result.runs, name);
    const ranking = ["--ranking", "--repeats", "allow"];
    const byModel = await evaluated(
      "",
      run("pca"),
      run("als"),
      ...ranking,
      ...["--baseline", comparedBaselines({ items: 1, repeats: true, timed: false }).names.join()],
    );
    const byTable = await evaluated("", run("item2vec"), ...ranking, "--score", "cosine");
    const expected = [...byModel.compared, ...byTable.compared];
    for (const one of expected) {
      const line = lines.find(({ name }) => name === one.name)!;
      const ofBoth = (all: object) =>
        Object.fromEntries(Object.entries(all).filter(([name]) => metrics.includes(name)));
      expect([one.name, ofBoth(line.metrics), ofBoth(line.intervals)]).toEqual([
        one.name,
        ofBoth(one.metrics),
        ofBoth(one.intervals),
      ]);
    }
    expect(lines.filter(({ isBaseline }) => isBaseline).map(({ name }) => name)).toEqual(
      expect.arrayContaining(["pca-plain", "popularity", "item-knn", "rp3beta", "ease", "user-history"]),
    );
  });

  test("gives the same at any number of threads but for seconds", async () => {
    const two = await compared(purchases, "two", ...args, "--threads", "2");
    expect(withoutSeconds(two)).toEqual(withoutSeconds(result));
  });

  test("that repeat is 64 with the choices, before anything is trained", async () => {
    const { code, stderr } = await embed(["compare", purchases, "-o", at("repeats.html")]);
    expect([code, stderr]).toEqual([64, expect.stringMatching(/--repeats mask .* or --repeats allow/)]);
    expect(readdirSync(folder).filter((name) => name.startsWith("repeats"))).toEqual([]);
  });
});

describe("a log of ratings", () => {
  test("is 64 with both goals, as both fit it", async () => {
    const { code, stderr } = await embed(["compare", ratings, "-o", at("either.html")]);
    expect(code).toBe(64);
    expect(stderr).toMatch(/--goal predictions.* or --goal lists --positive-from N/);
  });

  test("is compared by the error of ratings", async () => {
    const { leaderboard } = await compared(
      ratings,
      "rated",
      ...["--goal", "predictions", "--trainers", "train-fm"],
    );
    expect(leaderboard.metrics).toEqual(["rmse", "mae"]);
    const [best] = leaderboard.lines;
    expect(best!.isBaseline).toBe(false);
    expect(leaderboard.conclusion).toContain("every baseline (lr and mean label)");
  });

  test("is compared by lists of what was rated well, cut among those rows alone", async () => {
    const log = eighthOf(ratings);
    const { leaderboard, runs, rows } = await compared(
      log,
      "liked",
      ...argv`--goal lists --positive-from 8 --repeats mask --trainers train-pca,train-als`,
    );
    const liked = readFileSync(log, "utf8")
      .trimEnd()
      .split("\n")
      .slice(1)
      .filter((line) => Number(line.split(",")[2]) >= 8).length;
    expect([rows, manifestOf(join(runs, "als")).rows]).toEqual([liked, liked]);
    expect(leaderboard.untrained).toEqual([]);
    expect(leaderboard.lines.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["pca", "als", "item-knn"]),
    );
  });
});

test("without times all trainers hold out the same rows, whichever columns are numbers to them", async () => {
  const { leaderboard, runs } = await compared(
    eighthOf(clicks),
    "random",
    ...["--ignore", "timestamp", "--trainers", "train-fm,train-gbdt"],
  );
  expect(leaderboard.untrained).toEqual([]);
  const splits = ["fm", "lr", "gbdt"].map((name) => manifestOf(join(runs, name)).split);
  expect(splits[0]!.by).toBe("rows");
  expect(new Set(splits.map((split) => JSON.stringify(split))).size).toBe(1);
});

test("--search tries settings of each trainer", async () => {
  const { leaderboard, runs } = await compared(
    eighthOf(purchases),
    "searched",
    ...["--search", "2", "--trainers", "train-item2vec,train-pca", "--repeats", "allow"],
  );
  expect(manifestOf(join(runs, "item2vec")).search).toHaveLength(2);
  expect(manifestOf(join(runs, "pca")).search).toHaveLength(2);
  expect(leaderboard.untrained).toEqual([]);
});

test("a training that fails is listed with its reason, and the others are compared", async () => {
  // the last two of the three events of each user are held out, so that no training session has two items
  const rows = Array.from({ length: 40 }, (_, u) =>
    [0, 1, 2].map((e) => `u${u},i${(u * 3 + e * 5) % 12},2024-01-0${1 + e}`),
  ).flat();
  writeFileSync(at("short.csv"), `user,item,time\n${rows.join("\n")}\n`);
  const { leaderboard } = await compared(
    at("short.csv"),
    "failing",
    ...["--split", "last", "--trainers", "train-pca,train-item2vec"],
  );
  expect(leaderboard.untrained).toEqual([
    { name: "transitions", why: expect.stringMatching(/two events at different times/) as string },
    { name: "item2vec", why: expect.stringMatching(/session/) as string },
  ]);
  expect(leaderboard.lines.map(({ name }) => name)).toContain("pca");
});

describe("outputs", () => {
  test("that exist are 73, and --force replaces runs and nothing else", async () => {
    const [page, runs] = [at("forced.html"), at("forced-runs")];
    const line = ["compare", clicks, "-o", page, "--quiet", "--trainers", "train-gbdt"];
    mkdirSync(join(runs, "gbdt"), { recursive: true });
    writeFileSync(join(runs, "gbdt", "thesis.txt"), "mine");
    expect(await embed(line)).toMatchObject({
      code: 73,
      stderr: expect.stringContaining("--runs DIR names another") as string,
    });
    expect(await embed([...line, "--force"])).toMatchObject({
      code: 73,
      stderr: expect.stringContaining("is not a run written by this tool") as string,
    });
    expect([readFileSync(join(runs, "gbdt", "thesis.txt"), "utf8"), existsSync(page)]).toEqual([
      "mine",
      false,
    ]);
    const other = [...line, "--runs", at("other-runs")];
    await embedOk(other);
    expect(await embed(other)).toMatchObject({ code: 73 });
    await embedOk([...other, "--force"]);
  });

  test("of a budget that is too short for anything are none, and the message says what was left out", async () => {
    const { code, stderr } = await embed([
      ...["compare", clicks, "-o", at("brief.html"), "--quiet", "--trainers", "train-net"],
      ...["--budget", "0.001s"],
    ]);
    expect(code).toBe(64);
    expect(stderr).toContain(
      "nothing was trained: not trained: net-fnn, net-wide-deep, net-deep-crossing: the budget was spent before it began; a longer --budget trains more",
    );
    expect(readdirSync(folder).filter((name) => name.startsWith("brief"))).toEqual([]);
  });

  test("of finished runs stay when a signal ends the comparison, and no page is written", async () => {
    const { code, stderr } = await embed(
      [
        ...["compare", clicks, "-o", at("stopped.html"), "--log-format", "json"],
        ...["--trainers", "train-fm,train-net"],
      ],
      { signalWhen: { stderr: /"training":"net-fnn"/, signal: "SIGINT" } },
    );
    expect([code, existsSync(at("stopped.html"))]).toEqual([130, false]);
    expect(stderr).toContain("runs that are finished stay in the folder of runs");
    expect(readdirSync(at("stopped-runs"))).toEqual(["ffm", "fm", "lr"]);
    await embedOk(["evaluate", join(at("stopped-runs"), "fm"), "--part", "test"]);
  });
});

describe("is 64", () => {
  const cases: [why: string, log: string, args: string[], message: RegExp][] = [
    ["of a log with neither a label nor users", fixture("edges.csv"), [], /--label.*--user/],
    [
      "of a trainer that is none",
      clicks,
      ["--trainers", "train-fn"],
      /--trainers expects some of train-fm, /,
    ],
    [
      "of trainers that do not suit",
      clicks,
      ["--trainers", "train-als"],
      /no trainer suits --goal predictions: train-als ranks/,
    ],
    ["of predictions without a label", purchases, ["--goal", "predictions"], /name its column with --label/],
    ["of no test split", clicks, ["--test", "0"], /give --test/],
    ["of whole items held out", clicks, ["--split", "items"], /evaluate RUN --cold/],
    [
      "of a random cut by cells that trainers read differently",
      clicks,
      ["--split", "random"],
      /'hour' holds whole numbers.*--split rows/,
    ],
    ["of whole users held out from lists", purchases, ["--split", "user"], /--fold-in-share/],
    ["of ratings as lists without a bound", ratings, ["--goal", "lists"], /from which 'rating' on/],
    ["of a budget that is no span", clicks, ["--budget", "10"], /--budget expects a span such as 90s/],
    ["of standard input", "-", [], /once for each trainer/],
  ];
  test.each(cases)("%s", async (_, log, args, message) => {
    const { code, stderr } = await embed(["compare", log, "-o", at("never.html"), ...args], { input: "" });
    expect([code, stderr]).toEqual([64, expect.stringMatching(message)]);
    expect(existsSync(at("never.html")) || existsSync(at("never-runs"))).toBe(false);
  });
});

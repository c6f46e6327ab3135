// Logs with columns of nearly unique keys, labels True and False, or negative rows, which could spoil a training
// silently. Tested through the library; advice that a user is to type is tested through the shell.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeWith } from "../use/encode.js";
import { evaluate } from "../judge/evaluate/evaluate.js";
import { inspect } from "../judge/inspect/inspect.js";
import { train as trainByName, type TrainOptions } from "../testing/train-by-command.js";

import { initPipeline } from "../weekly/pipeline/init-pipeline.js";
import { defaultReadOptions } from "../log/log.js";
import { fieldChanges } from "../weekly/pipeline/log.js";
import { embed, shell, temporaryFolder } from "../testing/embed.js";
import { readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const watch = { observe: () => undefined, signal: new AbortController().signal };
const reading = { ...defaultReadOptions, threads: 1 };
const columns = {
  numeric: [],
  multi: {},
  ignore: [],
  sides: [],
  drop: [],
  onBadRow: "error" as const,
  reading,
};

/** Trains a small factorization machine, and returns its manifest and the bytes of its table. */
async function train(log: string, out: string, given: Partial<TrainOptions> = {}, command = "train-fm") {
  const options = { out: at(out), force: true, epochs: 1, dim: 4, threads: 1, ...given };
  const { warnings } = await trainByName(command, [log], options, watch);
  const manifest = readJson<{ roles: { fields: string[]; leftOut?: string[] }; rows: number }>(
    join(at(out), "manifest.json"),
  );
  const table = readFileSync(join(at(out), "embeddings.arrow")).toString("hex");
  return { warnings, table, ...manifest };
}

const encoded = (log: string, out: string, given = {}) =>
  encodeWith([log], { ...columns, ...given, out: at(out), force: true }, watch);

/**
 * Writes 600 visits, each with a request id, which is unique, or shared by `rowsOf` visits; labels are True and False,
 * as Python writes them.
 */
function visits(name: string, rowsOf = 1): string {
  const rows = Array.from({ length: 600 }, (_, i) =>
    [`u${i % 50}`, `i${(i * 7) % 40}`, `r${Math.floor(i / rowsOf)}`, i % 3 === 0 ? "True" : "False"].join(
      ",",
    ),
  );
  writeFileSync(at(name), `user_id,item_id,request,clicked\n${rows.join("\n")}\n`);
  return at(name);
}

test("a column of nearly unique keys is no feature, from the log and from a dataset, and the summary says so", async () => {
  const log = visits("visits.csv");
  const fromLog = await train(log, "from-log");
  expect(fromLog.roles).toMatchObject({ fields: ["user_id", "item_id"], leftOut: ["request"] });
  expect(fromLog.warnings).toContainEqual(
    expect.stringMatching(/'request' \(600 keys in 600 rows\).*--ignore request/),
  );

  const { warnings } = await encoded(log, "dataset");
  expect(warnings).toContainEqual(expect.stringContaining("'request' (600 keys in 600 rows)"));
  const fromDataset = await train(at("dataset"), "from-dataset");
  expect(fromDataset.warnings).toContainEqual(
    expect.stringContaining("'request' had fewer than two rows per key"),
  );
  expect(fromDataset.roles).toEqual(fromLog.roles);
  expect(fromDataset.table).toBe(fromLog.table);

  // evaluates the run on a log that lacks the column
  writeFileSync(at("new.csv"), "user_id,item_id,clicked\nu1,i1,1\nu2,i2,0\n");
  const { metrics } = await evaluate([at("from-log")], { on: [at("new.csv")] }, watch);
  expect(metrics["on"]).toHaveProperty("logLoss");
});

test.each<[string, Partial<TrainOptions>]>([
  ["--fields", { fields: ["user_id", "item_id", "request"] }],
  ["--hash", { hash: { request: 4 } }],
  ["--min-count", { minCount: { others: 1, byField: { request: 1 } } }],
])("a column that %s names stays a feature, in the order of the log", async (_, given) => {
  const log = visits("named.csv");
  await encoded(log, "named-dataset");
  const [fromLog, fromDataset] = [
    await train(log, "named", given),
    await train(at("named-dataset"), "again", given),
  ];
  expect(fromLog.roles.fields).toEqual(["user_id", "item_id", "request"]);
  expect(fromLog.warnings).toEqual([]);
  expect(fromDataset.roles).toEqual(fromLog.roles);
  expect(fromDataset.table).toBe(fromLog.table);
});

test("inspect and the configs that it starts mark such columns, times and text that looks like numbers", async () => {
  const rows = Array.from({ length: 300 }, (_, i) => [
    i,
    `u${i % 30}`,
    `i${i % 20}`,
    `"1,${100 + (i % 9)}.50"`,
    new Date(1.7e12 + 6e6 * i).toISOString(),
    i % 2,
  ]);
  writeFileSync(
    at("odd.csv"),
    `__index_level_0__,user_id,item_id,price,purchased_at,click\n${rows.join("\n")}\n`,
  );
  const found = await inspect([at("odd.csv")], { writeConfig: at("odd.yaml"), force: true }, watch);
  expect(Object.fromEntries(found.columns.map(({ name, role }) => [name, role]))).toEqual({
    ...{ __index_level_0__: "left out", user_id: "user", item_id: "item", price: "field" },
    ...{ purchased_at: "time", click: "label" },
  });
  expect(found.warnings).toEqual([
    expect.stringMatching(/'__index_level_0__' \(300 keys in 300 rows\).*--numeric __index_level_0__/),
    expect.stringMatching(/'price' looks numeric .*--thousands ',' with --numeric price to read '1,100.50'/),
  ]);
  await initPipeline([at("odd.csv")], { out: at("pipeline.yaml"), force: true }, watch);
  for (const file of ["odd.yaml", "pipeline.yaml"]) {
    const text = readFileSync(at(file), "utf8");
    expect(text).toContain("# left out, with fewer than two rows per key: __index_level_0__ (300 distinct)");
    expect(text).toMatch(/- price # 9 distinct; looks numeric/);
    expect(text).toMatch(/time: purchased_at/);
  }
});

test("a column that is a feature in one week and none in the next is told of in both", async () => {
  await train(visits("week1.csv", 3), "week1");
  await train(visits("week2.csv"), "week2");
  await encoded(at("week1.csv"), "week1-dataset");
  await encoded(at("week2.csv"), "week2-dataset");
  expect(await fieldChanges(at("week2-dataset"), at("week1"), "000001")).toEqual([
    expect.stringMatching(/'request' .* is no longer a feature, unlike in version 000001.*columns: fields:/),
  ]);
  expect(await fieldChanges(at("week1-dataset"), at("week2"), "000002")).toEqual([
    expect.stringMatching(/'request' is now a feature, unlike in version 000002/),
  ]);
  expect(await fieldChanges(at("week1-dataset"), at("week1"), "000001")).toEqual([]);
});

test("--positive-from learns from the events of that label alone, as --where does, from a log or a dataset", async () => {
  const clicks = fixture("clicks.csv");
  await encoded(clicks, "clicks");
  const ranking = (log: string, out: string, given: Partial<TrainOptions>) =>
    train(log, out, given, "train-ranking");
  const chosen = await ranking(clicks, "chosen", { positiveFrom: 1, test: 0.1 });
  const filtered = await ranking(clicks, "filtered", { where: ["click = 1"], ignore: ["click"], test: 0.1 });
  const fromDataset = await ranking(at("clicks"), "of-dataset", { positiveFrom: 1, test: 0.1 });
  expect([chosen.rows, filtered.rows]).toEqual([4893, 4893]);
  expect(filtered.table).toBe(chosen.table);
  expect(fromDataset.table).toBe(chosen.table);
  await expect(ranking(at("clicks"), "refused", {})).rejects.toThrow(
    /'click' is the label.*--positive-from 1/,
  );
  // evaluates each run on a log, which is read with the run's own options
  const ofRuns = await Promise.all(
    ["chosen", "filtered"].map((run) =>
      evaluate([at(run)], { on: [clicks], repeats: "allow", bootstrap: 0 }, watch),
    ),
  );
  expect(ofRuns[0]!.metrics["on"]).toEqual(ofRuns[1]!.metrics["on"]);
});

test("labels of true and false are read, as 1 and 0", async () => {
  const log = visits("truths.csv");
  const text = readFileSync(log, "utf8").replaceAll("True", "1").replaceAll("False", "0");
  writeFileSync(at("numbers.csv"), text);
  const [truths, numbers] = [await train(log, "truths"), await train(at("numbers.csv"), "numbers")];
  expect(truths.table).toBe(numbers.table);
  writeFileSync(at("names.csv"), text.replaceAll(",1\n", ",>50K\n").replaceAll(",0\n", ",<=50K\n"));
  await expect(train(at("names.csv"), "names", { label: "clicked" })).rejects.toThrow(
    /got ">50K"; class names need --task multiclass/,
  );
});

test("each choice of the error on a log with labels can be typed as it stands", async () => {
  const log = visits("typed.csv");
  const command = `train-als '${log}' --epochs 1 --dim 2 --force -o '${at("typed")}'`;
  const { code, stderr } = await shell(`embed ${command}`);
  expect(code).toBe(64);
  const choices = stderr.match(/--positive-from \d+|--where '[^']*' --ignore \w+|--ignore \w+(?= alone)/g);
  expect(choices).toEqual([
    "--positive-from 1",
    `--where 'clicked = "True"' --ignore clicked`,
    "--ignore clicked",
  ]);
  const rows = await Promise.all(
    choices!.map(async (choice, i) => (await shell(`embed ${command}${i} ${choice}`)).stdout),
  );
  expect(rows.map((text) => /trained on (\d+) rows/.exec(text)?.[1])).toEqual(["200", "200", "600"]);
});

test("train-pca of a log with labels is refused, and counts the rows of --positive-from", async () => {
  const pca = ["train-pca", fixture("clicks.csv"), "--dim", "4", "-o", at("pca")];
  expect(await embed(pca)).toMatchObject({ code: 64, stderr: expect.stringContaining("--positive-from 1") });
  const { stderr } = await embed([...pca, "--positive-from", "1"]);
  expect(stderr).toContain("7107 rows with a 'click' below 1 excluded by --positive-from 1");
  const features = await embed([...pca, "--matrix", "features", "--positive-from", "1"]);
  expect(features).toMatchObject({
    code: 64,
    stderr: expect.stringContaining(
      "--positive-from needs --matrix interactions, cooccurrence, got features",
    ),
  });
});

describe("dates written as whole numbers", () => {
  /** Writes 200 events in two months, with formatted times. */
  function dated(name: string, time: (day: string) => string): string {
    const rows = Array.from({ length: 200 }, (_, i) =>
      [i % 2, `u${i % 20}`, `i${i % 7}`, time(`20240${1 + (i % 2)}${10 + (i % 19)}`)].join(","),
    );
    writeFileSync(at(name), `click,user_id,item_id,date\n${rows.join("\n")}\n`);
    return at(name);
  }
  const days = () => dated("days.csv", (day) => day);
  const seconds = () => dated("seconds.csv", (day) => `${day}083000`);
  const asked = (log: string, given: Partial<TrainOptions> = {}) => train(log, "dated", given);
  const isTime = "'date' looks like times but is read as keys: use --time date --time-format '%Y%m%d'";
  const isUnix = (cell: string, format: string) =>
    `'date' is read as Unix time, but '${cell}' looks like a date: use --time-format '${format}' to read it as one`;

  test("are no times unless a format is named, and both commands name it", async () => {
    const log = days();
    expect((await asked(log)).warnings).toContain(isTime);
    expect((await inspect([log], {}, watch)).warnings).toContain(isTime);
    const { warnings } = await asked(log, { time: "date", timeFormat: "%Y%m%d" });
    expect(warnings.filter((text) => text.includes("'date'"))).toEqual([]);
  });

  test("that are read as Unix time are warned of", async () => {
    expect((await asked(days(), { time: "date" })).warnings).toContain(isUnix("20240110", "%Y%m%d"));
    const warning = isUnix("20240110083000", "%Y%m%d%H%M%S");
    expect((await asked(seconds())).warnings).toContain(warning);
    expect((await inspect([seconds()], {}, watch)).warnings).toContain(warning);
  });
});

describe("a log of events", () => {
  /** Returns 300 events of 30 users; the last tenth repeats items of the users; the first tenth has no user. */
  function events(): string {
    const rows = Array.from(
      { length: 300 },
      (_, i) => `${i < 30 ? "" : `u${i % 30}`},i${i % 5},${1.7e9 + i}`,
    );
    writeFileSync(at("events.csv"), `user id,item_id,timestamp\n${rows.join("\n")}\n`);
    return at("events.csv");
  }
  const given = { user: "user id", test: 0.1 };
  const unranked =
    "no ranking metrics on the test split: all of its events repeat an item that their user has in training";

  test.each([
    ["train-als", {}],
    ["train-pca", { matrix: "interactions" }],
  ])("whose test split has nothing to rank is warned of by %s", async (command, options) => {
    const asked = { out: at("unranked"), force: true, dim: 2, threads: 1, ...given, ...options };
    const { warnings } = await trainByName(command, [events()], asked, watch);
    expect(warnings).toContain(unranked);
  });

  test("counts the events without a user, and its advice can be typed", async () => {
    const command = `embed train-als '${events()}' --user 'user id' --epochs 1 --dim 2 --force -o '${at("als")}'`;
    const { stderr } = await shell(command);
    expect(stderr).toContain("30 of 300 training events have no known 'user id'");
    const advice = /--where '[^']*'/.exec(stderr)![0];
    const { stdout, stderr: without } = await shell(`${command} ${advice}`);
    expect([stdout, without]).toEqual([
      expect.stringContaining("trained on 270 rows"),
      expect.not.stringContaining("training events have no known"),
    ]);
  });
});

test("a log that is trained on and held out is warned of", async () => {
  const log = visits("same.csv", 600);
  const said = expect.stringContaining("is held out and also a log that is trained on");
  expect((await train(log, "same", { valid: log })).warnings).toContainEqual(said);
  expect((await train(log, "other", { valid: visits("other.csv", 300) })).warnings).not.toContainEqual(said);
});

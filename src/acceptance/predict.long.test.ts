// `embed predict`: predictions of a run for each row of a log, compared with evaluate and recall on the same rows.

import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tableFromIPC } from "apache-arrow";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { fixture, program } from "../testing/places.js";
import { csvRows } from "../testing/lines.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const [clicksHead, ...clicks] = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n");
const [ratingsHead, ...ratings] = readFileSync(fixture("ratings.csv"), "utf8").trimEnd().split("\n");
const write = (name: string, lines: readonly string[]): string => {
  writeFileSync(at(name), lines.map((line) => `${line}\n`).join(""));
  return at(name);
};

/** Rows that were not in training: with unknown keys, and with missing cells. */
const newClicks = clicks
  .slice(2000, 3500)
  .map((line, i) =>
    i % 7 === 0 ? line.replace(/,u\d+,/, ",somebody,") : i % 11 === 0 ? line.replace(/,u\d+,/, ",,") : line,
  );
const newRatings = ratings.slice(2000, 3000);

const small = ["--threads", "1", "--quiet"];
const trainings: Record<string, string[]> = {
  fm: ["train-fm", "clicks.csv", "--dim", "4", "--epochs", "2"],
  lr: ["train-fm", "clicks.csv", "--model", "lr", "--epochs", "2"],
  ffm: ["train-fm", "clicks.csv", "--model", "ffm", "--dim", "2", "--epochs", "2"],
  mcmc: ["train-fm", "clicks.csv", "--method", "mcmc", "--dim", "4", "--epochs", "4"],
  als: ["train-fm", "ratings.csv", "--label", "rating", "--method", "als", "--dim", "4", "--epochs", "2"],
  gbdt: ["train-gbdt", "clicks.csv", "--num-trees", "5"],
  head: ["train-gbdt", "clicks.csv", "--num-trees", "5", "--head", "lr", "--valid", "0.2"],
  regression: ["train-gbdt", "ratings.csv", "--label", "rating", "--num-trees", "5"],
  classes: ["train-gbdt", "ratings.csv", "--label", "rating", "--task", "multiclass", "--num-trees", "3"],
  net: ["train-net", "clicks.csv", "--arch", "wide-deep", "--hidden", "8", "--dim", "4", "--epochs", "2"],
  ranking: argv`train-ranking clicks.csv --positive-from 1 --dim 4 --epochs 2 --fields user_id,item_id`,
  items: ["train-item2vec", "clicks.csv", "--positive-from", "1", "--dim", "4", "--epochs", "1"],
};

beforeAll(async () => {
  write("clicks.csv", [clicksHead!, ...clicks.slice(0, 2000)]);
  write("ratings.csv", [ratingsHead!, ...ratings.slice(0, 2000)]);
  write("new-clicks.csv", [clicksHead!, ...newClicks]);
  write("new-ratings.csv", [ratingsHead!, ...newRatings]);
  for (const [name, words] of Object.entries(trainings))
    await embedOk([...words, ...small, "-o", name], { cwd: folder });
}, 300_000);

const run = (words: string, running: { input?: string } = {}) =>
  embed(words.split(" "), { cwd: folder, ...running });
const runOk = (words: string, running: { input?: string } = {}) =>
  embedOk(words.split(" "), { cwd: folder, ...running });
const rowsOf = (text: string): string[][] => csvRows(text);

async function evaluated(name: string, log: string): Promise<Record<string, number>> {
  const { stdout } = await runOk(`evaluate ${name} --on ${log} --bootstrap 0 --threads 1 --json`);
  return parseJson<{ metrics: { on: Record<string, number> } }>(stdout).metrics.on;
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

test.each(["fm", "lr", "ffm", "mcmc", "gbdt", "head", "net"])(
  "%s: the log loss of its probabilities is evaluate's to 1e-12",
  async (name) => {
    const { stdout, stderr } = await runOk(`predict ${name} new-clicks.csv --keep click --threads 1`);
    expect(stdout).toMatch(/^click,probability\n/);
    const rows = rowsOf(stdout);
    expect(rows).toHaveLength(newClicks.length);
    const losses = rows.map(([click, p]) => -Math.log(click === "1" ? Number(p) : 1 - Number(p)));
    expect(Math.abs(mean(losses) - (await evaluated(name, "new-clicks.csv"))["logLoss"]!)).toBeLessThan(
      1e-12,
    );
    expect(stderr).toMatch(/2[12]\d of 1383 cells of 'user_id' hold keys not seen in training/);
  },
);

test.each(["als", "regression"])("%s: the error of its numbers is evaluate's to 1e-12", async (name) => {
  const { stdout } = await runOk(`predict ${name} new-ratings.csv --keep rating --threads 1`);
  expect(stdout).toMatch(/^rating,prediction\n/);
  const errors = rowsOf(stdout).map(([rating, y]) => (Number(y) - Number(rating)) ** 2);
  const { rmse } = await evaluated(name, "new-ratings.csv");
  expect(Math.abs(Math.sqrt(mean(errors)) - rmse!)).toBeLessThan(1e-12);
});

test("numbers are clipped to the training's labels as metrics clip them, raw scores are not", async () => {
  const ofFives = ratings.slice(0, 2000).filter((line) => ["5", "6"].includes(line.split(",")[2]!));
  write("narrow.csv", [ratingsHead!, ...ofFives]);
  const training =
    "train-fm narrow.csv --label rating --task regression --method als --dim 4 --epochs 5 --l2 0.1";
  await embedOk([...training.split(" "), ...small, "-o", "narrow"], { cwd: folder });
  const numbers = async (more: string) =>
    rowsOf((await runOk(`predict narrow new-ratings.csv --threads 1 --quiet ${more}`)).stdout).map(([, y]) =>
      Number(y),
    );
  const [raw, clipped] = [await numbers("--raw-scores"), await numbers("--format csv")];
  expect(raw.filter((y) => y < 5 || y > 6).length).toBeGreaterThan(100);
  expect(clipped).toEqual(raw.map((y) => Math.min(Math.max(y, 5), 6)));
});

test("several classes have a probability each, which sum to 1 and whose log loss is evaluate's to 1e-12", async () => {
  const classes = new Set(
    ratings.slice(0, 2000).map((line) => line.split(",")[ratingsHead!.split(",").indexOf("rating")]!),
  );
  const { stdout } = await runOk("predict classes new-ratings.csv --keep rating --threads 1");
  const names = stdout.slice(0, stdout.indexOf("\n")).split(",").slice(1);
  expect(names.toSorted()).toEqual([...classes].map((name) => `probability:${name}`).toSorted());
  const rows = rowsOf(stdout);
  const sums = rows.map(([, ...p]) => Math.abs(p.reduce((sum, x) => sum + Number(x), 0) - 1));
  expect(Math.max(...sums)).toBeLessThan(1e-12);
  // `embed evaluate` skips rows of a class that did not occur in training, so the test skips them, too
  const kept = rows.filter(([rating]) => classes.has(rating!));
  const losses = kept.map(([rating, ...p]) => -Math.log(Number(p[names.indexOf(`probability:${rating}`)])));
  const { multiLogLoss } = await evaluated("classes", "new-ratings.csv");
  expect(Math.abs(mean(losses) - multiLogLoss!)).toBeLessThan(1e-12);
});

test("a ranking model gives a user and an item the score by which recall ranks them, the same f32", async () => {
  const lists = rowsOf((await runOk("recall ranking --k 3 --repeats allow --threads 1 --quiet")).stdout);
  write("pairs.csv", ["item_id,user_id", ...lists.map(([user, , item]) => `${item},${user}`)]);
  const { stdout } = await runOk("predict ranking pairs.csv --keep user,item --threads 1 --quiet");
  expect(stdout).toMatch(/^user,item,score\n/);
  const apart = rowsOf(stdout).map(([user, item, score], i) => {
    expect([user, item]).toEqual([lists[i]![0], lists[i]![2]]);
    return Math.abs(Number(score) - Number(lists[i]![3]));
  });
  // predict and recall add the same terms in a different order
  expect(Math.max(...apart)).toBeLessThan(1e-6);
});

test.each(["fm", "ffm", "mcmc", "gbdt", "head", "net", "ranking"])(
  "%s: the same bytes at 1, 2 and 3 threads, from a file and from a pipe, without a label",
  async (name) => {
    const unlabelled = newClicks.map((line) => line.replace(/^[^,]*,/, ""));
    const input = [clicksHead!.replace(/^[^,]*,/, ""), ...unlabelled].map((line) => `${line}\n`).join("");
    const { stdout } = await runOk(`predict ${name} new-clicks.csv --keep user,item --threads 1 --quiet`);
    for (const threads of [2, 3])
      expect(
        (await runOk(`predict ${name} new-clicks.csv --keep user,item --threads ${threads} --quiet`)).stdout,
      ).toBe(stdout);
    const piped = await runOk(`predict ${name} - --keep user,item --threads 1 --quiet`, { input });
    expect(piped.stdout).toBe(stdout);
  },
);

test("kept cells are as the log has them, whatever the model makes of their columns, in every format alike", async () => {
  write("odd.csv", [
    "note,user_id,timestamp,item_id,device,hour",
    '"a, ""b""",u019,01709510547,tea-07,phone,07',
    ",u131,1709510762,tea-07,,3",
    "été,u019,1709510763,,phone,3.50",
  ]);
  const expected = [
    { note: 'a, "b"', hour: "07", timestamp: "01709510547", user: "u019" },
    { note: "", hour: "3", timestamp: "1709510762", user: "u131" },
    { note: "été", hour: "3.50", timestamp: "1709510763", user: "u019" },
  ];
  const keep = "--keep note,hour,timestamp,user";
  const csv = await runOk(`predict fm odd.csv ${keep} --threads 1`);
  expect(csv.stdout).toMatch(
    /^note,hour,timestamp,user,probability\n"a, ""b""",07,01709510547,u019,0\.\d+\n,3,/,
  );
  expect(csv.stderr).toContain("'item_id' is missing in 1 of 3 rows");
  const numbers = csv.stdout
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => Number(line.slice(line.lastIndexOf(",") + 1)));
  const full = expected.map((row, i) => ({ ...row, probability: numbers[i] }));
  for (const ending of ["jsonl", "parquet", "arrow"])
    await runOk(`predict fm odd.csv ${keep} --threads 1 -o odd.${ending}`);
  const lines = readFileSync(at("odd.jsonl"), "utf8").trimEnd().split("\n");
  expect(lines.map((line) => parseJson(line))).toEqual(full);
  const bytes = readFileSync(at("odd.parquet"));
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  expect(await parquetReadObjects({ file, compressors })).toEqual(full);
  const table = tableFromIPC(readFileSync(at("odd.arrow")));
  expect(table.toArray().map((row) => ({ ...(row as object) }))).toEqual(full);
});

test("without --keep rows have their numbers in the log, those that are left out counted", async () => {
  write("bad.csv", [
    clicksHead!,
    ...newClicks.slice(0, 2),
    "1,too,few",
    "",
    newClicks[2]!,
    `${newClicks[3]!},too many`,
    ...newClicks.slice(4, 6),
  ]);
  const strict = await run("predict fm bad.csv --threads 1 -o never.csv");
  expect([strict.code, existsSync(at("never.csv"))]).toEqual([65, false]);
  expect(strict.stderr).toContain("bad.csv:4");
  const many = await run(
    "predict fm bad.csv --on-bad-row skip --threads 1 -o never.csv --bad-rows bad.jsonl",
  );
  expect([many.code, existsSync(at("never.csv"))]).toEqual([65, false]);
  expect(many.stderr).toContain("2 of 7 rows are bad");
  expect(readFileSync(at("bad.jsonl"), "utf8").match(/"line":\d+/g)).toEqual(['"line":4', '"line":7']);
  const lenient = await runOk("predict fm bad.csv --on-bad-row skip --max-bad 0.5 --threads 1");
  expect(rowsOf(lenient.stdout).map(([row]) => row)).toEqual(["1", "2", "4", "6", "7"]);
  expect(lenient.stderr).toContain("skipped 2 bad rows (wrong number of cells)");
});

test("rows that the run's filters leave out have no prediction, which is said", async () => {
  await embedOk(
    argv`train-fm clicks.csv --where ${'device = "phone"'} --epochs 1 --dim 2 ${small} -o phones`,
    { cwd: folder },
  );
  const { stdout, stderr } = await runOk("predict phones new-clicks.csv --threads 1");
  const phones = newClicks.flatMap((line, i) => (line.split(",")[3] === "phone" ? [String(i + 1)] : []));
  expect(rowsOf(stdout).map(([row]) => row)).toEqual(phones);
  expect(stderr).toContain(
    `${1500 - phones.length} of 1500 rows have no prediction: they are excluded by the run's --drop and --where`,
  );
});

test("side tables are joined, several files are one log, and JSON objects may lack members", async () => {
  write("side.csv", ["item_id,brand", "tea-07,Aster", "tea-03,Birch"]);
  await embedOk(argv`train-fm clicks.csv --side side.csv:item_id --epochs 1 --dim 2 ${small} -o sided`, {
    cwd: folder,
  });
  const csv = await runOk("predict sided new-clicks.csv new-clicks.csv --threads 1 --quiet");
  expect(rowsOf(csv.stdout).map(([row]) => Number(row))).toEqual(
    Array.from({ length: 3000 }, (_, i) => i + 1),
  );
  const names = clicksHead!.split(",");
  const objects = newClicks.map((line) => {
    const cells = line.split(",");
    return JSON.stringify(
      Object.fromEntries(names.flatMap((name, i) => (cells[i] === "" ? [] : [[name, cells[i]]]))),
    );
  });
  write("new-clicks.jsonl", objects);
  const json = await runOk("predict sided new-clicks.jsonl --threads 1 --quiet");
  expect(json.stdout).toBe(csv.stdout.split("\n").slice(0, 1501).join("\n") + "\n");
  write(
    "lacking.jsonl",
    objects.map((line) => line.replace('"device"', '"devise"')),
  );
  const lacking = await run("predict sided lacking.jsonl --threads 1 -o never.csv");
  expect([lacking.code, lacking.stderr]).toEqual([64, expect.stringContaining("did you mean 'devise'?")]);
  write("side.csv", ["item_id,brand", "tea-07,Cedar"]);
  expect((await runOk("predict sided new-clicks.csv --threads 1")).stderr).toContain(
    "side.csv' has changed since the run was trained",
  );
});

test("raw scores are log-odds, and an encoded dataset gives what its log gives", async () => {
  const raw = rowsOf((await runOk("predict fm new-clicks.csv --raw-scores --threads 1 --quiet")).stdout);
  const { stdout } = await runOk("predict fm new-clicks.csv --threads 1 --quiet");
  const apart = rowsOf(stdout).map(([, p], i) =>
    Math.abs(Number(p) - 1 / (1 + Math.exp(-Number(raw[i]![1])))),
  );
  expect(Math.max(...apart)).toBeLessThan(1e-15);
  await runOk("encode new-clicks.csv -o dataset --quiet");
  expect((await runOk("predict fm dataset --threads 1 --quiet")).stdout).toBe(stdout);
});

test.each(["fm", "ffm", "net", "gbdt"])(
  "%s: rows that come through a pipe are answered before it ends, as in a whole log",
  async (name) => {
    const whole = (await runOk(`predict ${name} new-clicks.csv --threads 1 --quiet`)).stdout.split("\n");
    const child = spawn(process.execPath, [program, "predict", name, "-", "--threads", "2", "--quiet"], {
      cwd: folder,
    });
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    const answered = async (lines: number) => {
      while (out.split("\n").length <= lines)
        await new Promise((resolve) => child.stdout.once("data", resolve));
    };
    // the first rows have no missing cells, but later rows of the stream have
    child.stdin.write(`${clicksHead!}\n${newClicks[0]!}\n`);
    await answered(2);
    child.stdin.write(`${newClicks[1]!}\n${newClicks[2]!}\n`);
    await answered(4);
    child.stdin.end(
      newClicks
        .slice(3, 20)
        .map((line) => `${line}\n`)
        .join(""),
    );
    await new Promise((resolve) => child.on("close", resolve));
    expect(newClicks.slice(3, 20).some((line) => line.includes(",,"))).toBe(true);
    expect(out.trimEnd().split("\n")).toEqual(whole.slice(0, 21));
  },
);

test("ids that the run has hashed are written as hashes, for which the secret is needed", async () => {
  write("secret", ["a secret of more than enough bytes to be one"]);
  await embedOk(argv`train-fm clicks.csv --hash-keys secret --epochs 1 --dim 2 ${small} -o hashed`, {
    cwd: folder,
  });
  const without = await run("predict hashed new-clicks.csv --keep user,hour");
  expect([without.code, without.stdout]).toEqual([64, ""]);
  const { stdout } = await runOk("predict hashed new-clicks.csv --keep user,hour --hash-keys secret --quiet");
  expect(stdout).toMatch(/^user,hour,probability\n([0-9a-f]{64}|),\d+,0\.\d+\n/);
  expect(stdout).not.toMatch(/u\d{3}|somebody/);
});

test("probabilities that were learned against drawn negatives are said to be no rates", async () => {
  const [head, ...buys] = readFileSync(fixture("purchases.csv"), "utf8").split("\n").slice(0, 500);
  write("buys.csv", [head!, ...buys]);
  const training = "train-fm buys.csv --negatives 2 --user customer_id --item product_id --dim 2 --epochs 1";
  await embedOk([...training.split(" "), ...small, "-o", "drawn"], { cwd: folder });
  const { stdout, stderr } = await runOk("predict drawn buys.csv --threads 1");
  expect(stdout).toMatch(/^row,probability\n/);
  expect(stderr).toContain("trained with 2 sampled negatives per event");
});

test.each([
  ["predict", "needs a run, or a model"],
  ["predict fm", "no log given: name one or several files, or - for stdin"],
  [
    "predict fm new-clicks.csv --dedupe",
    "--dedupe cannot be used here, because predict writes predictions row by row",
  ],
  ["predict fm new-clicks.csv --keep user,hour,user", "--keep names 'user' twice"],
  ["predict fm new-clicks.csv --keep brand", "--keep names column 'brand', which does not exist"],
  ["predict fm lr", "is a run directory, not a log"],
  ["predict items new-clicks.csv", "cannot score rows of a log: use a run of train-fm"],
  ["predict fm new-clicks.csv -o new-clicks.csv --force", "new-clicks.csv"],
  ["transform net new-clicks.csv --with-scores", "embed predict RUN LOG writes probabilities"],
])("%s is refused in words", async (words, why) => {
  const { code, stdout, stderr } = await run(words);
  expect([[64, 66].includes(code!), stdout]).toEqual([true, ""]);
  expect(stderr).toContain(why);
});

test("a log without a row, or of which none is left, is 65 and writes no file", async () => {
  write("empty.csv", [clicksHead!]);
  write("tablets.csv", [clicksHead!, newClicks[0]!.replace(/phone|desktop|tablet/, "fridge")]);
  for (const words of ["predict fm empty.csv", "predict phones tablets.csv"]) {
    const got = await run(`${words} --threads 1 -o never.csv`);
    expect([words, got.code, existsSync(at("never.csv"))]).toEqual([words, 65, false]);
  }
});

// Input with which training is unusual or impossible gives a specific error or a documented result.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines } from "../testing/exported.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

function writeLog(name: string, header: string, rows: string[]): string {
  writeFileSync(at(name), [header, ...rows].join("\n"));
  return at(name);
}
const rowsOf = (count: number, row: (i: number) => string) => Array.from({ length: count }, (_, i) => row(i));
const trainBy = (command: string, log: string, ...options: string[]) =>
  embed([command, log, "-o", at("run"), "--force", "--epochs", "2", ...options]);
const train = (log: string, ...options: string[]) => trainBy("train-fm", log, ...options);

test.each(["fm", "lr", "ffm"])("a field with one value trains, and is warned of: %s", async (model) => {
  const log = writeLog(
    "one-value.csv",
    "label,user,site",
    rowsOf(50, (i) => `${i % 2},u${i % 5},here`),
  );
  const { code, stderr } = await train(log, "--model", model);
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(/field 'site' has one value .* and carries no information; --ignore excludes it/),
  ]);
});

test("a constant label is 65 and names file and column", async () => {
  const log = writeLog(
    "constant.csv",
    "label,user",
    rowsOf(20, (i) => `1,u${i % 5}`),
  );
  const { code, stderr } = await train(log);
  expect([code, stderr]).toEqual([
    65,
    expect.stringMatching(/constant\.csv: column 'label': the label is 1 in all 20/),
  ]);
});

test.each(["train-als", "train-pca", "train-ranking"])(
  "a user column without a value is 65 and named: %s",
  async (command) => {
    const log = writeLog(
      "no-users.csv",
      "user,item",
      rowsOf(20, (i) => `,i${i % 5}`),
    );
    const { code, stderr } = await embed([command, log, "-o", at("no-run"), "--user", "user"]);
    expect([code, stderr]).toEqual([
      65,
      expect.stringMatching(/no-users\.csv: column 'user': the user column has no value in any of 20 rows/),
    ]);
  },
);

test("a single row is 65 and says so, for labels and for events; it is too few to cut", async () => {
  const log = writeLog("single.csv", "label,user", ["1,u0"]);
  const { code, stderr } = await train(log);
  expect([code, stderr]).toEqual([65, expect.stringMatching(/single\.csv: .* only one training row/)]);
  const event = writeLog("event.csv", "user,item", ["u0,i0"]);
  expect((await train(event, "--negatives", "1")).code).toBe(65);
  expect((await train(log, "--valid", "0.5")).code).toBe(64);
});

test.each([
  ["1", "fm", 1],
  ["512", "fm", 1],
  ["512", "ffm", 2],
] as const)("dim %s trains to vectors of that length: %s", async (dim, model, blocks) => {
  const log = writeLog(
    "dims.csv",
    "label,user,item",
    rowsOf(300, (i) => `${i % 2},u${i % 7},i${i % 11}`),
  );
  expect((await train(log, "--dim", dim, "--model", model)).code).toBe(0);
  const { stdout } = await embedOk(["export", at("run"), "--format", "jsonl", "--field", "item"]);
  for (const { vector } of parseJsonLines(stdout)) {
    expect(vector.length).toBe(Number(dim) * blocks);
    expect(vector.some((x) => x !== 0)).toBe(true);
  }
});

test("3,000 fields train at a dim that fits them, and linearly; at a greater one that is warned of", async () => {
  const fields = rowsOf(3000, (f) => `f${f}`);
  const log = writeLog(
    "wide.csv",
    ["label", ...fields].join(","),
    rowsOf(6, (i) => [i % 2, ...fields.map((_, f) => (i * f) % 3)].join(",")),
  );
  const once = (...options: string[]) => train(log, "--epochs", "1", ...options);
  expect((await once("--dim", "1", "--learning-rate", "0.001")).code).toBe(0);
  expect((await once("--model", "lr")).code).toBe(0);
  const { stderr } = await once("--dim", "16");
  expect(stderr).toMatch(
    /rows have 3000 fields, whose pairwise terms give initial scores of about ±7: .* --model lr/,
  );
  // a single warning covers all 1,000 fields: it names five of them, and counts the others
  expect(stderr).toMatch(/1000 fields \('f0', 'f3', .* and 995 more\): each has one value/);
});

test("a numeric field in the millions is standardized, so that it trains like any other", async () => {
  const rows = rowsOf(400, (i) => `${i % 3 === 0 ? 1 : 0},u${i % 7},${5_000_000 + 1_000_000 * (i % 3)}`);
  const log = writeLog("millions.csv", "label,user,price", rows);
  const { code, stdout } = await train(log, "--numeric", "price", "--epochs", "10", "--json");
  expect(code).toBe(0);
  const { metrics } = parseJson<{ metrics: { train: { logLoss: number } } }>(stdout);
  expect(metrics.train.logLoss).toBeLessThan(0.6);
});

test("labels of -1 and 1 are 0 and 1; users without a negative left are in the summary's warnings", async () => {
  const log = writeLog(
    "signs.csv",
    "label,user",
    rowsOf(20, (i) => `${i % 2 ? 1 : -1},u${i % 5}`),
  );
  expect((await train(log, "--task", "binary")).code).toBe(0);
  const events = writeLog("all.csv", "user,item", ["u0,i0", "u0,i1", "u1,i0", "u2,i1"]);
  for (const [command, options, message] of [
    ["train-fm", ["--negatives", "1"], /^2 events have no negatives because their user has every item$/],
    ["train-ranking", [], /^2 events are not used for training: /],
  ] as const) {
    const { stdout } = await trainBy(command, events, "--json", ...options);
    const stated = parseJson<{ warnings: string[] }>(stdout).warnings;
    expect(stated).toContainEqual(expect.stringMatching(message));
    const manifest = readFileSync(join(at("run"), "manifest.json"), "utf8");
    expect(parseJson<{ warnings: string[] }>(manifest).warnings).toEqual(stated);
  }
});

test("libsvm values in the millions, which nothing standardizes, are warned of", async () => {
  const rows = rowsOf(60, (i) => `${i % 2} 1:${1_000_000 + i} 2:1`);
  writeFileSync(at("values.svm"), rows.join("\n"));
  const { stderr } = await train(at("values.svm"));
  expect(stderr).toMatch(/'feature' has values up to 1000059, .* standardize/);
});

test("labels outside 0 and 1 for --task binary are 65 and name the row", async () => {
  const log = writeLog(
    "labels.csv",
    "label,user",
    rowsOf(20, (i) => `${i % 3},u${i % 5}`),
  );
  const { code, stderr } = await train(log, "--task", "binary");
  expect([code, stderr]).toEqual([
    65,
    expect.stringMatching(
      /the task is binary: labels must be 0 and 1 \(convert them with --positive-from X\), got 2$/m,
    ),
  ]);
});

test("vectors beyond 16 GiB are 64 and say how much they need and what shrinks them", async () => {
  const { code, stderr } = await train(fixture("clicks.csv"), "--hash", "user_id:23", "--dim", "1024");
  expect(code).toBe(64);
  expect(stderr).toMatch(/8,38\d,\d{3} features of dim 1024 need \d\d\.\d GiB .* 16 GiB for all vectors/);
  for (const flag of ["--dim", "--min-count", "--max-vocab", "--hash"]) expect(stderr).toContain(flag);
});

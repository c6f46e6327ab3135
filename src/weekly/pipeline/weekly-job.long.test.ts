// The weekly job as a hurried user sets it up: `embed init` with the files that the shell lists, then one run per week.

import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Progress } from "../../training/session/watch.js";
import { mulberry32 } from "../../testing/random.js";
import { initPipeline } from "./init-pipeline.js";
import { runPipeline } from "./run.js";

const DAY = 86_400_000;
const start = Date.now() - 30 * DAY;
let folder: string;
let reported: Progress[];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "weekly-job-"));
  mkdirSync(join(folder, "logs"));
});
beforeEach(() => (reported = []));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const watch = {
  observe: (progress: Progress) => void reported.push(progress),
  signal: new AbortController().signal,
};
const texts = (stage: "note" | "warning") =>
  reported.flatMap((each) => (each.stage === stage ? each.text : []));
const at = (name: string) => join(folder, name);
const week = (number: number) => at(`logs/ratings-2026-w${number}.csv`);

/** Writes 600 ratings of a week, each by the tastes of its user and item, or random. */
function writeWeek(number: number, isRandom = false): void {
  const random = mulberry32(number);
  const rows = Array.from({ length: 600 }, (_, i) => {
    const [user, item] = [Math.floor(random() * 30), Math.floor(random() * 20)];
    const rating = isRandom ? Math.floor(random() * 11) : (user % 2 === item % 2 ? 6 : 0) + (item % 5);
    const time = new Date(start + (number + i / 600) * 7 * DAY).toISOString();
    return `u${user},i${item},${rating},${time}`;
  });
  writeFileSync(week(number), `user_id,item_id,rating,timestamp\n${rows.join("\n")}\n`);
}

const init = (logs: string[], now?: number) =>
  initPipeline(logs, { out: at("shop.yaml"), force: true }, watch, now);
const run = () => runPipeline(at("shop.yaml"), {}, watch);
const latest = () => readlinkSync(at("store/items/latest"));

test("init proposes the pattern of the files, the metric of the task, and a gate on the newest event", async () => {
  writeWeek(0);
  writeWeek(1);
  const text = await init([week(0), week(1)]);
  expect(text).toContain(`log:\n  - ${JSON.stringify(at("logs/ratings-*.csv"))}\n`);
  expect(text).toContain("metrics:\n      rmse: { worse: 10% }");
  expect(text).toContain("    newest: { maxAge: 21d, minAdvance: 0d }");
  expect(texts("note")).toEqual([
    expect.stringContaining("matches 2 files now, and later ones when they come"),
  ]);
  expect(texts("warning")).toEqual([]);
});

test("the first version has nothing to compare with, and a new file makes the next one", async () => {
  await run();
  const steps = reported.flatMap((each) => (each.stage === "step" ? each.text : []));
  expect(steps).toContainEqual(
    expect.stringMatching(/^gate after items: 4 of 5 bounds hold, 1 not compared/),
  );
  writeWeek(2);
  const { log } = await run();
  expect(log).toEqual({
    files: 3,
    since: "000001",
    new: ["logs/ratings-2026-w2.csv"],
    changed: [],
    gone: [],
  });
  expect(latest()).toBe("000002");
});

test("without a new file nothing is published, the run says so, and the newest event's age fails", async () => {
  expect(await run()).toMatchObject({ outcome: "unchanged", log: { new: [] } });
  expect(texts("note")).toContain("log: 3 files, since version 000002: none new");
  const file = readFileSync(at("shop.yaml"), "utf8");
  writeFileSync(at("shop.yaml"), file.replace("maxAge: 21d", "maxAge: 7d"));
  await expect(run()).rejects.toMatchObject({
    exitCode: 81,
    message: expect.stringMatching(/newest is .*: not maxAge 7d, it is 9\.0 days old/) as string,
  });
  writeFileSync(at("shop.yaml"), file);
});

test("a week of random labels is named before the training", async () => {
  writeWeek(3, true);
  await expect(run()).rejects.toMatchObject({
    exitCode: 81,
    message: expect.stringMatching(
      /newFiles\.metrics\.rmse is .* in .*w3\.csv, .*: not atMost 125% of it/,
    ) as string,
  });
  expect(latest()).toBe("000002");
});

test("a file that is gone from the middle fails, and so does the newest one", async () => {
  writeWeek(3);
  rmSync(week(1));
  await expect(run()).rejects.toMatchObject({
    exitCode: 81,
    message: expect.stringMatching(
      /^1 of .*\n  goneFiles is 1 \(.*ratings-2026-w1\.csv\): not max 0\n/,
    ) as string,
  });
  expect(texts("warning")).toEqual([
    expect.stringContaining("logs/ratings-2026-w1.csv is missing from the log since version 000002"),
  ]);
  const file = readFileSync(at("shop.yaml"), "utf8");
  writeFileSync(at("shop.yaml"), file.replace("goneFiles: { max: 0 }", "goneFiles: { max: 1 }"));
  const { log } = await run();
  expect(log).toMatchObject({ new: ["logs/ratings-2026-w3.csv"], gone: ["logs/ratings-2026-w1.csv"] });
  expect(latest()).toBe("000003");
  writeWeek(1);
  rmSync(week(3));
  await expect(run()).rejects.toMatchObject({
    exitCode: 81,
    message: expect.stringContaining("minAdvance 0d") as string,
  });
});

test("init of an old log leaves the age out and warns; of one of several files it warns, too", async () => {
  const text = await init([week(1)], start + 400 * DAY);
  expect(text).toContain("    newest: { minAdvance: 0d } # add maxAge: 7d");
  expect(texts("warning")).toEqual([
    expect.stringContaining(`embed init '${at("logs/ratings-*.csv")}' (currently 3 files)`),
    expect.stringContaining("has no maxAge: 7d, because this log would fail it"),
  ]);
});

test("init refuses files that no pattern tells from others, and names a directory as it is", async () => {
  await expect(init([week(0), week(2)])).rejects.toMatchObject({
    exitCode: 64,
    message: expect.stringMatching(
      /no pattern matches exactly these 2 files: .* also matches '.*w1\.csv'.* in quotes/,
    ) as string,
  });
  expect(await init([at("logs")])).toContain(
    `'${at("logs")}' holds 3 files now, and later ones when they come`,
  );
  await expect(init([at("logs"), week(0)])).rejects.toMatchObject({ exitCode: 64 });
});

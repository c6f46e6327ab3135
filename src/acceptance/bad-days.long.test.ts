// In a week with a broken file of one day, the gates of `embed init` reject it, yesterday's version stays, and the next
// good day passes.

import { cpSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import { gzipSync } from "node:zlib";
import type { GateOutcome } from "../table/gate-file.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { readJson } from "../testing/json.js";
import { brokenDays, shop } from "../testing/shop.js";

const folder = temporaryFolder();
const { days } = shop();
/** Index of the broken day: the three days before it are published as version 1. */
const BROKEN = 3;
const broken = days[BROKEN]!;

const fileOf = (day: number) => `logs/${days[day]!.date}.csv`;
const write = (at: string, day: number, csv = days[day]!.impressions) =>
  writeFileSync(join(at, fileOf(day)), csv);
const latest = (at: string) => readlinkSync(join(at, "store/items/latest"));
/**
 * Runs the pipeline. The shop is too small for vectors to gain anything, so every training warns; these warnings are
 * removed from `stderr`.
 */
async function run(at: string, ...flags: string[]) {
  const ran = await embed(["run", "shop.yaml", "--quiet", ...flags], { cwd: at });
  const stderr = ran.stderr.replace(/^warning: nothing shows that the vectors mean anything.*\n/gm, "");
  return { ...ran, stderr };
}

/** Creates a folder with three good days and a pipeline file, and publishes a version. */
async function published(name: string, pipeline?: string): Promise<string> {
  const at = join(folder, name);
  mkdirSync(join(at, "logs"), { recursive: true });
  for (const day of [0, 1, 2]) write(at, day);
  if (pipeline === undefined)
    await embedOk(["init", "logs/*.csv*", "-o", "shop.yaml", "--quiet"], { cwd: at });
  else writeFileSync(join(at, "shop.yaml"), pipeline);
  const first = await run(at);
  expect([first.code, first.stderr]).toEqual([0, ""]);
  return at;
}

/** Copies the folder in which version 1 was published. */
function copyOf(at: string, name: string): string {
  cpSync(at, join(folder, name), { recursive: true, verbatimSymlinks: true });
  return join(folder, name);
}

/** Converts a CSV of impressions to Parquet, with item ids as text or as floating-point numbers. */
function parquetOfCsv(csv: string, type: "STRING" | "DOUBLE" = "STRING"): Uint8Array {
  const [header, ...rows] = csv
    .trimEnd()
    .split("\n")
    .map((line) => line.split(","));
  const columnData = header!.map((name, c) => {
    const cells = rows.map((cells) => cells[c]!);
    if (name === "item_id") return { name, type, data: type === "DOUBLE" ? cells.map(Number) : cells };
    return name === "click"
      ? { name, type: "INT32" as const, data: cells.map(Number) }
      : { name, type: "STRING" as const, data: cells };
  });
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

describe("by the bounds of embed init", () => {
  let start: string;
  beforeAll(async () => (start = await published("start")));

  const nextGoodDay = async (at: string) => {
    write(at, BROKEN);
    write(at, BROKEN + 1);
    const next = await run(at);
    expect([next.code, next.stderr, latest(at)]).toEqual([0, "", "000002"]);
  };

  test.each([
    ["zeroLabels", /newFiles\.positiveRate is 0% in logs\/2024-03-07\.csv, median of 3 earlier files/],
    ["oneLabels", /newFiles\.positiveRate is 100% in/],
    [
      "quarter",
      /newFiles\.rows is 600 in logs\/2024-03-07\.csv, median of 3 earlier files 2,400: not atLeast 30%/,
    ],
    ["exponentIds", /newFiles\.items is 1 in/],
    ["roundedIds", /newFiles\.unseenItems is 9\d\.?\d*% in/],
    ["oneUser", /newFiles\.users is 1 in/],
  ] as const)("a day with %s is 81, and the next good day passes", async (kind, message) => {
    const at = copyOf(start, kind);
    write(at, BROKEN, brokenDays[kind](broken.impressions));
    const { code, stderr } = await run(at);
    expect([code, latest(at)]).toEqual([81, "000001"]);
    expect(stderr).toMatch(message);
    expect(stderr).toContain("the last version is 000001 of 'items'");
    expect(stderr).toContain("embed rollback store/items");
    await nextGoodDay(at);
  });

  /** The day with the items of its rows exchanged, which changes no count and no share. */
  const exchanged = (): string => {
    const [header, ...rows] = broken.impressions.trimEnd().split("\n");
    const items = [...new Set(rows.map((row) => row.split(",")[2]!))];
    const changed = rows.map((row) => {
      const cells = row.split(",");
      cells[2] = items[(items.indexOf(cells[2]!) + 37) % items.length]!;
      return cells.join(",");
    });
    return `${[header, ...changed].join("\n")}\n`;
  };

  /** Removes the bounds that name the rows themselves. */
  const withoutNewMetrics = (at: string) => {
    const file = join(at, "shop.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(/^ +metrics: \{ auc.*\n/gm, ""));
  };

  test("rows that the metric of the new version refuses stay refused with a good day after them, until they change", async () => {
    const at = copyOf(start, "exchanged");
    withoutNewMetrics(at);
    write(at, BROKEN, exchanged());
    expect((await run(at)).stderr).toMatch(
      /valid\.normalizedEntropy is [^]*--accept logs\/2024-03-07\.csv\n/,
    );
    write(at, BROKEN + 1);
    const { code, stderr } = await run(at);
    expect([code, latest(at)]).toEqual([81, "000001"]);
    expect(stderr).toContain(
      "gates have refused rows that are still in the log:\n  logs/2024-03-07.csv (items: valid",
    );
    await nextGoodDay(at);
  });

  test("refused rows are published once a person accepts them, and the next version is compared with it", async () => {
    const at = copyOf(start, "accepted");
    const few = broken.impressions.split("\n").filter((_, i, all) => i % 5 === 0 || i === all.length - 1);
    write(at, BROKEN, few.join("\n"));
    expect((await run(at)).code).toBe(81);
    const { code, stderr } = await run(at, "--accept", fileOf(BROKEN + 1));
    expect(code).toBe(64);
    expect(stderr).toContain(`refused are ${fileOf(BROKEN)}`);
    expect(await run(at, "--accept", fileOf(BROKEN), "--accept", broken.date)).toMatchObject({
      code: 0,
      stderr: "",
    });
    const { counts } = readJson<{ counts: object }>(join(at, "store/items/latest/gate.json"));
    expect(counts).toMatchObject({ failed: 0, accepted: expect.any(Number) as number });
    write(at, BROKEN + 1);
    expect(await run(at)).toMatchObject({ code: 0, stderr: "" });
    expect(latest(at)).toBe("000003");
  });

  test("with refused: leave-out, the next run publishes the rest of the log, and says so", async () => {
    const at = copyOf(start, "leaveOut");
    const file = join(at, "shop.yaml");
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace("\ngates:\n", "\ngates:\n  refused: leave-out\n"));
    write(at, BROKEN, brokenDays.zeroLabels(broken.impressions));
    expect((await run(at)).code).toBe(81);
    write(at, BROKEN + 1);
    const warning = `warning: left out, because gates have refused it: ${fileOf(BROKEN)}\n`;
    expect(await run(at)).toMatchObject({ code: 0, stderr: warning });
    write(at, BROKEN);
    expect(await run(at)).toMatchObject({ code: 0, stderr: "" });
  });

  test("days that were added to the log's only file stay refused", async () => {
    const at = join(folder, "grown");
    mkdirSync(at);
    const log = (...csvs: string[]) => {
      const rows = csvs.map((csv, i) => (i === 0 ? csv : csv.slice(csv.indexOf("\n") + 1)));
      writeFileSync(join(at, "log.csv"), rows.join(""));
    };
    const good = days.slice(0, BROKEN).map(({ impressions }) => impressions);
    log(...good);
    await embedOk(["init", "log.csv", "-o", "shop.yaml", "--quiet"], { cwd: at });
    withoutNewMetrics(at);
    expect((await run(at)).code).toBe(0);
    log(...good, exchanged());
    expect((await run(at)).stderr).toContain("embed run shop.yaml --accept 2024-03-07");
    log(...good, exchanged(), days[BROKEN + 1]!.impressions);
    const { code, stderr } = await run(at);
    expect(code).toBe(81);
    expect(stderr).toContain("2024-03-07 (items: valid");
    log(...good, broken.impressions);
    expect((await run(at)).code).toBe(0);
  });

  test("a missing day is 81 when the day after it arrives, and both pass together", async () => {
    const at = copyOf(start, "missing");
    write(at, BROKEN + 1);
    const { code, stderr } = await run(at);
    expect([code, latest(at)]).toEqual([81, "000001"]);
    expect(stderr).toContain("newDays.empty is 1 (no event in 2024-03-07): not max 0");
    await nextGoodDay(at);
  });

  test("a day that arrives again under another name is 81, also compressed", async () => {
    const at = copyOf(start, "copy");
    const copy = join(at, `${fileOf(BROKEN)}.gz`);
    writeFileSync(copy, gzipSync(days[2]!.impressions));
    const { code, stderr } = await run(at);
    expect([code, latest(at)]).toEqual([81, "000001"]);
    expect(stderr).toContain("logs/2024-03-07.csv.gz has the rows of logs/2024-03-06.csv");
    rmSync(copy);
    await nextGoodDay(at);
  });

  test("of several new files, compressed ones among them, the broken one is named", async () => {
    const at = copyOf(start, "several");
    writeFileSync(join(at, `${fileOf(3)}.gz`), gzipSync(brokenDays.quarter(broken.impressions)));
    write(at, 4);
    const { code, stderr } = await run(at);
    expect([code, latest(at)]).toEqual([81, "000001"]);
    expect(stderr).toContain("newFiles.rows is 600 in logs/2024-03-07.csv.gz");
    rmSync(join(at, `${fileOf(3)}.gz`));
    await nextGoodDay(at);
  });

  test("Parquet: a quarter of a day is 81, and ids in a column of doubles are warned of", async () => {
    const at = join(folder, "parquet");
    mkdirSync(join(at, "logs"), { recursive: true });
    const writeParquet = (day: number, csv: string) =>
      writeFileSync(join(at, `logs/${days[day]!.date}.parquet`), parquetOfCsv(csv));
    for (const day of [0, 1, 2]) writeParquet(day, days[day]!.impressions);
    await embedOk(["init", "logs/*.parquet", "-o", "shop.yaml", "--quiet"], { cwd: at });
    expect(await run(at)).toMatchObject({ code: 0, stderr: "" });
    writeParquet(BROKEN, brokenDays.quarter(broken.impressions));
    const { code, stderr } = await run(at);
    expect([code, latest(at)]).toEqual([81, "000001"]);
    expect(stderr).toContain("newFiles.rows is 600 in logs/2024-03-07.parquet");
    writeParquet(BROKEN, broken.impressions);
    expect((await run(at)).code).toBe(0);
    const doubles = join(at, "doubles.parquet");
    writeFileSync(doubles, parquetOfCsv(broken.impressions, "DOUBLE"));
    const encoded = await embedOk(["encode", doubles, "-o", join(at, "dataset")]);
    expect(encoded.stderr).toMatch(/warning: 'item_id' has about \d+ keys above 2\^53 such as "76987/);
  });

  test("a file that is gone from the middle is 81; one from the start is a window that moves on", async () => {
    const at = copyOf(start, "gone");
    rmSync(join(at, fileOf(1)));
    write(at, 3);
    const { code, stderr } = await run(at);
    expect([code, latest(at)]).toEqual([81, "000001"]);
    expect(stderr).toContain("goneFiles is 1 (logs/2024-03-05.csv): not max 0");
    write(at, 1);
    rmSync(join(at, fileOf(0)));
    const moved = await run(at);
    expect([moved.code, latest(at)]).toEqual([0, "000002"]);
  });

  test("a bound that two files break says so, and values without a bound are kept for later ones", async () => {
    const at = copyOf(start, "measured");
    for (const day of [3, 4]) write(at, day, brokenDays.zeroLabels(days[day]!.impressions));
    const { code, stderr } = await run(at);
    expect(code).toBe(81);
    expect(stderr).toMatch(/newFiles\.positiveRate is 0% .*\(nor do 1 more files hold it\)/);
    writeFileSync(join(at, "shop.yaml"), `${weak}  before: { newFiles: { rows: { min: 1 } } }\n`);
    expect((await run(at)).code).toBe(0);
    const { outcomes } = readJson<{ outcomes: GateOutcome[] }>(join(at, "store/items/000002/gate.json"));
    const positive = outcomes.find(({ gate }) => gate === "newFiles.positiveRate")!;
    expect(positive).toMatchObject({ bound: "none", value: 0, status: "measured" });
    expect(positive.previous).toBeCloseTo(0.33, 1);
  });
});

/** A pipeline whose bounds a day without positive labels satisfies, because the log loss of such a day is lower. */
const weak = `
store: store
log: logs/*.csv*
columns: { user: user_id, item: item_id, label: click, time: timestamp, fields: [user_id, item_id] }
train: { items: { command: train-fm, dim: 8, valid: 0.1, epochs: 20 } }
gates:
  after: { metrics: { logLoss: { worse: 5% } } }
`;

describe("a bad day that weak bounds published", () => {
  let start: string;
  beforeAll(async () => {
    start = await published("weak", weak);
    write(start, BROKEN, brokenDays.zeroLabels(broken.impressions));
    expect((await run(start)).code).toBe(0);
    expect(latest(start)).toBe("000002");
  });

  test("has the next good day refused, which names the version, the metric and the way back", async () => {
    const at = copyOf(start, "refused");
    write(at, BROKEN);
    write(at, BROKEN + 1);
    const refused = await run(at);
    expect([refused.code, latest(at)]).toEqual([81, "000002"]);
    expect(refused.stderr).toMatch(/valid\.logLoss is .*, last version .*: not worse by no more than 5%/);
    expect(refused.stderr).toContain("the last version is 000002 of 'items'");
    expect(refused.stderr).toContain("embed rollback store/items");
    await embedOk(["rollback", "store/items"], { cwd: at });
    const next = await run(at);
    expect([next.code, next.stderr, latest(at)]).toEqual([0, "", "000003"]);
    const { base } = readJson<{ base: { version: string } }>(join(at, "store/items/000003/pipeline.json"));
    expect(base.version).toBe("000001");
  });

  test.each([
    ["auc: { min: 0.5 }", "valid.auc has no value (all labels of the valid split are equal"],
    ["normalizedEntropy: { worse: 20% }", "valid.normalizedEntropy has no value (all labels"],
  ])("is not compared with by today's bound %s, and its mended log passes", async (bound, why) => {
    const at = copyOf(start, bound.slice(0, 3));
    writeFileSync(join(at, "shop.yaml"), weak.replace("metrics: {", `metrics: { ${bound},`));
    // runs the pipeline again on the bad day, which is now compared with version 1
    const again = await run(at);
    expect([again.code, latest(at)]).toEqual([81, "000002"]);
    expect(again.stderr).toContain(why);
    write(at, BROKEN);
    write(at, BROKEN + 1);
    const next = await run(at);
    expect([next.code, latest(at)]).toEqual([0, "000003"]);
    expect(next.stderr).toContain("warning: items: version 000002 does not hold today's bounds");
    expect(next.stderr).toContain("gates compare with version 000001");
    expect(next.stderr).toContain("embed rollback store/items");
  });

  test("is not compared with by a bound on new files that was added since", async () => {
    const at = copyOf(start, "added");
    const before = "  before: { newFiles: { positiveRate: { atLeast: 50% } } }\n";
    writeFileSync(join(at, "shop.yaml"), weak + before);
    write(at, BROKEN + 1);
    const stays = await run(at);
    expect([stays.code, latest(at)]).toEqual([81, "000002"]);
    expect(stays.stderr).toContain("newFiles.positiveRate is 0% in logs/2024-03-07.csv");
    write(at, BROKEN);
    const next = await run(at);
    expect([next.code, latest(at)]).toEqual([0, "000003"]);
    expect(next.stderr).toContain("gates compare with version 000001");
  });
});

test("--quiet prints the warnings of a version that was published, and no other line", async () => {
  const at = await published("quiet", weak);
  write(at, BROKEN, brokenDays.roundedIds(broken.impressions));
  const { code, stderr } = await run(at);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^warning: 'item_id' has about \d+ keys above 2\^53 such as .*dtype=str[^\n]*\n$/);
  // a second run publishes nothing, because the log is unchanged, so that it prints no warning
  const again = await run(at);
  expect([again.code, again.stderr]).toEqual([0, ""]);
});

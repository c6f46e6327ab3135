// Plants faults in the newest day of a log and expects that the bounds which `embed init` derives from the days before
// refuse them, and nothing else.

import { parse } from "yaml";
import type { BeforeBounds } from "./gates-schema.js";
import type { EncodedDataset } from "../../dataset/encoded/read.js";
import type { Run } from "../../table/run-directory.js";
import { datasetOf } from "../../testing/dataset-of.js";
import { integerBelow, mulberry32, pick, type Random } from "../../testing/random.js";
import { newOutcomes } from "./gate-new.js";
import { newRowsLines } from "./starter-bounds.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const start = Date.UTC(2026, 0, 5);
const WEEKS = 7;
const HOLIDAY = 38;

interface Row {
  user: string;
  item: string;
  country: string;
  time: number;
}

/** Three of four rows are from six in the morning to six in the evening. */
function drawTime(day: number, random: Random): number {
  const hour =
    integerBelow(4, random) < 3 ? 6 + integerBelow(12, random) : (18 + integerBelow(12, random)) % 24;
  return start + day * DAY + hour * HOUR + integerBelow(HOUR, random);
}

/** Draws a day: Sundays are small, one holiday is smaller, and every week is 2% larger than the last. */
function drawDay(day: number): Row[] {
  const random = mulberry32(100 + day);
  const share = day % 7 === 6 ? 0.2 : day === HOLIDAY ? 0.1 : 1;
  return Array.from({ length: Math.round(1200 * share * 1.02 ** (day / 7)) }, () => ({
    user: `u${integerBelow(400, random)}`,
    item: `i${integerBelow(60, random)}`,
    country: pick(["NL", "NL", "NL", "BE", "BE", "DE", "LU"], random),
    time: drawTime(day, random),
  }));
}

const past = Array.from({ length: 7 * WEEKS }, (_, day) => drawDay(day));
const next = 7 * WEEKS + 1;
const monday = drawDay(next - 1);
const tuesday = drawDay(next);

function encoded(files: Row[][]): EncodedDataset {
  const rows = files.flat();
  const column = <K extends keyof Row>(name: K) => rows.map((row) => row[name]);
  const dataset = datasetOf(
    { user: column("user"), item: column("item"), country: column("country"), time: column("time") },
    { user: "user", item: "item", time: "time" },
  );
  const description = {
    inputs: files.map((_, f) => ({
      path: `day-${String(f).padStart(3, "0")}.csv`,
      bytes: 1,
      sha256: `${f}`,
    })),
    fileRows: files.map(({ length }) => length),
    columns: dataset.columns.map((each) => ({
      name: each.name,
      kind: each.kind,
      missing: 0,
      ...(each.kind === "key" && { distinct: each.dictionary.size }),
    })),
    rows: rows.length,
    roles: dataset.roles,
  };
  return { path: "", dataset, description } as unknown as EncodedDataset;
}

const newestOf = (files: Row[][]) =>
  files.flat().reduce((latest, { time }) => Math.max(latest, time), -Infinity);
const lines = newRowsLines(encoded(past), "events", true);
const bounds = parse(lines.join("\n")) as BeforeBounds;

/** Returns the gates that new files fail. */
function failed(...files: Row[][]): Map<string, string> {
  const all = [...past, ...files];
  const log = encoded(all);
  const run = { manifest: { inputs: log.description.inputs.slice(0, past.length) } } as unknown as Run;
  const newest = { now: newestOf(all), before: newestOf(past) };
  const outcomes = newOutcomes(log, run, newest, bounds).filter(({ status }) => status === "failed");
  return new Map(outcomes.map(({ gate, message }) => [gate, message]));
}

const hourOf = ({ time }: Row) => Math.floor(time / HOUR) % 24;

test("a holiday does not widen the bounds, and the comment beside them names it", () => {
  expect(lines.join("\n")).toMatch(/newDays:\n.*\n.*together these bounds refuse 1 of the log's own 21 days/);
  expect(lines.filter((line) => line.startsWith("  rows:"))).toEqual([
    "  rows: { atLeast: 84%, atMost: 140% } # of 21 files day-038.csv (11%) refused",
    "  rows: { atLeast: 84%, atMost: 140% } # of 21 days 2026-02-12 (11%) refused",
  ]);
});

test("days of a growing log, a small Sunday among them, pass", () => {
  const week = Array.from({ length: 7 }, (_, day) => drawDay(7 * WEEKS + day));
  expect([...failed(...week).values()]).toEqual([]);
});

const expectFailed = (files: Row[][], gate: string, message: RegExp) => {
  const found = failed(...files);
  expect([...found.keys()]).toContain(gate);
  expect(found.get(gate)).toMatch(message);
};

test("a loss of a quarter of a day is refused", () => {
  expectFailed(
    [monday, tuesday.filter((_, i) => i % 4 !== 0)],
    "newDays.rows",
    /in 2026-02-24, median of 6 earlier days of the same weekday .*: not atLeast 84% of it/,
  );
});

test("a Sunday of the size of a Monday is refused, though most days are of that size", () => {
  const week = Array.from({ length: 6 }, (_, day) => drawDay(7 * WEEKS + day));
  const sunday = drawDay(7 * WEEKS + 7).map((row) => ({ ...row, time: row.time - DAY }));
  expectFailed(
    [...week, sunday],
    "newFiles.rows",
    /in day-055\.csv, median of 6 earlier files of the same weekday/,
  );
});

test("a loss of a country is refused, and the message names it", () => {
  expectFailed(
    [monday, tuesday.filter(({ country }) => country !== "LU")],
    "newDays.values:country",
    /is no row of 'LU' in 2026-02-24, median of 6 .* 1\d\.?\d*%: not atLeast 50% of it/,
  );
});

test("a loss of six hours of the night, with few rows, is refused", () => {
  const lost = failed(
    monday,
    tuesday.filter((row) => hourOf(row) >= 6),
  );
  expect(lost.get("newDays.values:sixHours")).toMatch(/is no row of '00' in 2026-02-24/);
  expect(lost.has("newFiles.values:hour")).toBe(true);
});

test("times that are shifted by three hours are refused, and by one hour they pass", () => {
  const shifted = (hours: number) => tuesday.map((row) => ({ ...row, time: row.time - hours * HOUR }));
  const late = failed(monday, shifted(3));
  expect(late.get("newFiles.values:hour")).toMatch(/not at(Least|Most)/);
  expect([...failed(monday, shifted(1)).keys()]).not.toContain("newFiles.values:hour");
});

test("half an hour that is delivered again under another name is refused, and its file is named", () => {
  const half = monday.filter(({ time }) => time % DAY < 9 * HOUR && time % DAY >= 8.5 * HOUR);
  expectFailed(
    [monday, tuesday, half],
    "newFiles.repeatedRows",
    /is 100% in day-051\.csv \(most are in day-049\.csv\)/,
  );
});

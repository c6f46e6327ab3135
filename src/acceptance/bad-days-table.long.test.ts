// Every bad day of the shop and of the music service, against the pipeline that `embed init` writes: whether the run
// refuses it, names it, refuses it again on the next day, and passes once the day is mended. The table below is what
// happens; a row changes when a gate learns to see its day.

import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { badDays, type World } from "../testing/bad-days.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { csvRows } from "../testing/lines.js";
import { jsonLines, music } from "../testing/music.js";
import { shop } from "../testing/shop.js";

/** Number of good days that the first version is trained on; the day after them is bad. */
const GOOD = 14;

const table = `
| world | bad day | exit | named | exit on the next day | exit when mended |
| --- | --- | --- | --- | --- | --- |
| music | item ids permuted | 81 | yes | 81 | 0 |
| music | items of other rows | 81 | yes | 81 | 0 |
| music | ids in upper case | 81 | yes | 81 | 0 |
| music | opposite values swapped | 81 | yes | 81 | 0 |
| music | a value of a column missing | 81 | yes | 81 | 0 |
| music | six hours of the night missing | 81 | yes | 81 | 0 |
| music | times three hours later | 81 | yes | 81 | 0 |
| music | half an hour again in a second file | 81 | yes | 81 | 0 |
| music | file cut off in a row | 65 | yes | 65 | 0 |
| music | file delivered twice | 81 | yes | 81 | 0 |
| music | no positive label | 0 | no | 0 | 0 |
| music | item column renamed | 81 | yes | 81 | 0 |
| music | no row | 65 | yes | 65 | 0 |
| music | amounts a thousand times as large | 81 | yes | 81 | 0 |
| music | items of another catalogue | 81 | yes | 81 | 0 |
| shop | item ids permuted | 81 | yes | 81 | 0 |
| shop | items of other rows | 81 | yes | 81 | 0 |
| shop | ids in upper case | 81 | yes | 81 | 0 |
| shop | opposite values swapped | 81 | yes | 81 | 0 |
| shop | a value of a column missing | 81 | yes | 81 | 0 |
| shop | six hours of the night missing | 81 | yes | 81 | 0 |
| shop | times three hours later | 81 | yes | 81 | 0 |
| shop | half an hour again in a second file | 81 | yes | 81 | 0 |
| shop | file cut off in a row | 65 | yes | 65 | 0 |
| shop | file delivered twice | 81 | yes | 81 | 0 |
| shop | no positive label | 81 | yes | 81 | 0 |
| shop | item column renamed | 81 | yes | 81 | 0 |
| shop | no row | 65 | yes | 65 | 0 |
| shop | items of another catalogue | 81 | yes | 81 | 0 |
`;
const [header, line] = table.trim().split("\n");

interface PlantedWorld extends World {
  /** Arguments of `embed init`. */
  init: string[];
}

function musicWorld(): PlantedWorld {
  const { days } = music({ days: GOOD + 2, listeners: 1500, tracks: 400, eventsPerDay: 5000 });
  return {
    rowsOf: (day) => days[day]!.hours.flat().map((play) => ({ ...play })),
    textOf: (rows) => jsonLines(rows),
    fileOf: (day) => `${days[day]!.date}.jsonl`,
    item: "track_id",
    ids: ["track_id", "user_id"],
    time: "time",
    opposites: ["event", "play", "skip"],
    withoutLabel: ({ liked: _, ...row }) => row,
    place: ["country", "DE"],
    amount: "seconds",
    init: [
      ...["logs/*.jsonl", "--ignore", "liked", "--where", "event = 'play'", "--weight", "seconds"],
      ...["--dedupe-by", "event_id", "--drop-users-above-per-day", "150"],
    ],
  };
}

function shopWorld(): PlantedWorld {
  const { days } = shop({ days: GOOD + 2 });
  const columns = days[0]!.impressions.split("\n", 1)[0]!.split(",");
  const cellsOf = (day: number) => csvRows(days[day]!.impressions);
  return {
    rowsOf: (day) =>
      cellsOf(day).map((cells) => Object.fromEntries(cells.map((cell, c) => [columns[c]!, cell]))),
    textOf: (rows) => {
      const names = rows.length === 0 ? columns : Object.keys(rows[0]!);
      return [names, ...rows.map((row) => names.map((name) => row[name]))]
        .map((cells) => `${cells.join(",")}\n`)
        .join("");
    },
    fileOf: (day) => `${days[day]!.date}.csv`,
    item: "item_id",
    ids: ["user_id"],
    time: "timestamp",
    opposites: ["click", "0", "1"],
    withoutLabel: (row) => ({ ...row, click: "0" }),
    place: ["device", "phone"],
    init: ["logs/*.csv"],
  };
}

const folder = temporaryFolder();
const seen: string[] = [];
afterAll(() => console.log([header, line, ...seen].join("\n")));

describe.each([
  ["music", musicWorld],
  ["shop", shopWorld],
] as const)("the %s", (name, make) => {
  const world = make();
  const start = join(folder, name);
  const write = (at: string, files: Record<string, string>) => {
    for (const [file, text] of Object.entries(files)) writeFileSync(join(at, "logs", file), text);
  };
  const good = (day: number) => ({ [world.fileOf(day)]: world.textOf(world.rowsOf(day)) });
  const run = (at: string) => embed(["run", "pipeline.yaml", "--quiet"], { cwd: at });

  beforeAll(async () => {
    mkdirSync(join(start, "logs"), { recursive: true });
    for (let day = 0; day < GOOD; day++) write(start, good(day));
    await embedOk(["init", ...world.init, "-o", "pipeline.yaml", "--quiet"], { cwd: start });
    expect((await run(start)).code).toBe(0);
  });

  const faults = Object.entries(badDays).filter(([fault]) => world.amount ?? !fault.startsWith("amounts"));
  test.each(faults)("%s", async (fault, badDay) => {
    const at = join(folder, `${name} ${fault}`);
    cpSync(start, at, { recursive: true, verbatimSymlinks: true });
    const bad = badDay(world, GOOD);
    write(at, bad);
    const first = await run(at);
    const isNamed = first.code !== 0 && first.stderr.includes(world.fileOf(GOOD).split(".")[0]!);
    write(at, good(GOOD + 1));
    const second = await run(at);
    for (const file of Object.keys(bad)) rmSync(join(at, "logs", file));
    write(at, good(GOOD));
    const mended = await run(at);
    rmSync(at, { recursive: true });
    const row = `| ${[name, fault, first.code, isNamed ? "yes" : "no", second.code, mended.code].join(" | ")} |`;
    seen.push(row);
    expect(row).toBe(table.split("\n").find((line) => line.startsWith(`| ${name} | ${fault} |`)));
  });
});

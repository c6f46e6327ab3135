// `embed encode`: an encoded dataset gives the same results as the log itself, or an error if this is not possible.

import { createHash } from "node:crypto";
import { copyFileSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";
import { parseJson, readJson } from "../testing/json.js";
import type { TrainedSummary } from "./main-job.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

async function trained(run: string, args: string[]): Promise<{ table: Buffer; summary: TrainedSummary }> {
  const { stdout } = await embedOk(["train-fm", ...args, "-o", at(run), "--epochs", "2", "--json"]);
  return {
    table: readFileSync(join(at(run), "embeddings.arrow")),
    summary: parseJson<TrainedSummary>(stdout),
  };
}

const clicks = at("clicks");
beforeAll(async () => {
  await embedOk(["encode", fixture("clicks.csv"), "-o", clicks]);
});

describe("the dataset directory", () => {
  test("holds its rows, its values and a description with the size and checksum of each", () => {
    const description = readJson<{
      rows: number;
      roles: Record<string, unknown>;
      inputs: { bytes: number }[];
      files: Record<string, { bytes: number; sha256: string }>;
    }>(join(clicks, "dataset.json"));
    expect(description).toMatchObject({
      schemaVersion: 1,
      rows: 12_000,
      roles: { user: "user_id", item: "item_id", label: "click", time: "timestamp" },
      inputs: [{ bytes: readFileSync(fixture("clicks.csv")).length }],
    });
    expect(readdirSync(clicks).sort()).toEqual(["dataset.json", "rows.arrow", "values.arrow"]);
    const wrong = Object.entries(description.files).filter(([name, { bytes, sha256 }]) => {
      const content = readFileSync(join(clicks, name));
      return content.length !== bytes || createHash("sha256").update(content).digest("hex") !== sha256;
    });
    expect(wrong).toEqual([]);
  });

  test("is not read through a server", async () => {
    const args = ["train-gbdt", clicks, "--engine", "sc://localhost:1", "-o", at("refused-engine")];
    const refused = await embed(args);
    expect([refused.code, refused.stderr]).toEqual([64, expect.stringMatching(/omit --engine$/m)]);
    expect((await embed(["inspect", clicks, "--engine", "sc://localhost:1"])).code).toBe(64);
    const advised = await embed(["train-als", ...args.slice(1)]);
    expect([advised.code, advised.stderr]).toEqual([64, expect.stringMatching(/or add --engine-train/)]);
  });

  test("is the same bytes at any --threads and when made again", async () => {
    await embedOk(["encode", fixture("clicks.csv"), "-o", at("again"), "--threads", "1"]);
    await embedOk(["encode", fixture("clicks.csv"), "-o", at("threads"), "--threads", "3"]);
    for (const name of readdirSync(clicks)) {
      const bytes = readFileSync(join(clicks, name));
      expect(readFileSync(join(at("again"), name)).equals(bytes)).toBe(true);
      expect(readFileSync(join(at("threads"), name)).equals(bytes)).toBe(true);
    }
  });

  test("opens in Arrow as a table of text and numbers, with every value and its count beside it", async () => {
    const { tableFromIPC } = await import("apache-arrow");
    const rows = tableFromIPC(readFileSync(join(clicks, "rows.arrow")));
    expect(rows.numRows).toBe(12_000);
    const lines = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n").slice(1);
    const cells = (row: number) => lines[row]!.split(",").slice(0, 5);
    const shown = (row: number) =>
      rows.schema.fields.slice(0, 5).map(({ name }) => rows.getChild(name)!.get(row));
    for (const row of [0, 1, 11_999])
      expect(shown(row).map((cell) => String(cell ?? ""))).toEqual(cells(row));
    const empty = lines.findIndex((line) => line.split(",")[3] === "");
    expect(shown(empty)[3]).toBeNull();

    const values = tableFromIPC(readFileSync(join(clicks, "values.arrow"))).toArray();
    const tea = values.find((value) => value["column"] === "item_id" && value["key"] === "tea-03");
    expect(tea?.["count"]).toBe(lines.filter((line) => line.includes(",tea-03,")).length);
  });

  test("is replaced under --force only, and only when it is a dataset", async () => {
    const again = ["encode", fixture("ratings.csv"), "-o", at("forced")];
    await embedOk(again);
    const before = readFileSync(join(at("forced"), "dataset.json"));
    expect((await embed(again)).code).toBe(73);
    expect(readFileSync(join(at("forced"), "dataset.json")).equals(before)).toBe(true);
    await embedOk([...again, "--force", "--ignore", "rating"]);
    expect(readFileSync(join(at("forced"), "dataset.json")).equals(before)).toBe(false);
    expect((await embed(["encode", fixture("clicks.csv"), "-o", folder, "--force"])).code).toBe(73);
  });

  test("is absent when the log turns out to be malformed", async () => {
    const input = `label,user,item\n${"1,a,x\n".repeat(2000)}1,a\n`;
    const got = await embed(["encode", "-", "-o", at("absent")], { input });
    expect(got.code).toBe(65);
    expect(got.stderr).toContain(":2002: ");
    expect(readdirSync(folder).filter((name) => name.includes("absent"))).toEqual([]);
  });

  test("holds the rows that --drop and --on-bad-row leave, and counts the others", async () => {
    const input = "label,user,item\n1,a,x\n0,b\n0,C1,x\n0,b,y\n";
    const args = argv`encode - -o ${at("skipped")} --json --drop user^=C --on-bad-row skip --max-bad 50%
        --bad-rows ${at("bad.jsonl")}`;
    const { stdout } = await embedOk(args, { input });
    expect(parseJson<TrainedSummary>(stdout)).toMatchObject({ command: "encode", rows: 2, warnings: [/./] });
    const text = readFileSync(join(at("skipped"), "dataset.json"), "utf8");
    expect(parseJson(text)).toMatchObject({ rows: 2, skipped: { "wrong number of cells": 1 } });
    expect(parseJson(readFileSync(at("bad.jsonl"), "utf8"))).toMatchObject({ line: 3 });
  });
});

describe("training from a dataset gives the table of training from the log", () => {
  const items = ["--side", `${fixture("items.csv")}:item_id`];
  test.each([
    ["by time", "clicks.csv", [], ["--valid", "0.1", "--test", "0.1"]],
    [
      "at random, with rare keys",
      "clicks.csv",
      [],
      ["--split", "random", "--test", "0.2", "--min-count", "50"],
    ],
    ["rows excluded by", "clicks.csv", ["--drop", "device=tablet"], ["--test", "0.1"]],
    ["rows chosen", "clicks.csv", ["--where", "hour > 6"], ["--test", "0.1"]],
    ["columns told", "clicks.csv", ["--fields", "user_id,item_id", "--ignore", "timestamp"], []],
    ["a numeric column", "clicks.csv", ["--numeric", "hour"], ["--valid", "0.1"]],
    [
      "a side table with several-valued and numeric cells",
      "ratings.csv",
      [...items, "--multi", "genres:|", "--numeric", "year"],
      ["--split", "random", "--test", "0.1"],
    ],
    ["negatives", "purchases.csv", [], ["--negatives", "2", "--test", "0.1"]],
    [
      "negatives, the label left out",
      "ratings.csv",
      [],
      ["--negatives", "2", "--ignore", "rating", "--split", "random", "--test", "0.1"],
    ],
  ])("%s", async (name, log, columns, training) => {
    const dataset = at(`${name} dataset`);
    await embedOk(["encode", fixture(log), ...columns, "-o", dataset]);
    const fromLog = await trained(`${name} log run`, [fixture(log), ...columns, ...training]);
    const fromDataset = await trained(`${name} run`, [dataset, ...training]);
    expect(fromDataset.table.equals(fromLog.table)).toBe(true);
    expect(fromDataset.summary.metrics).toEqual(fromLog.summary.metrics);

    // a run of the dataset scores a raw log as the run of the log does, because it stores side tables and filters
    const evaluated = async (run: string, on: string) =>
      parseJson<TrainedSummary>((await embedOk(["evaluate", at(run), "--on", on, "--json"])).stdout).metrics;
    const expected = await evaluated(`${name} log run`, fixture(log));
    expect(await evaluated(`${name} run`, fixture(log))).toEqual(expected);
    expect(await evaluated(`${name} run`, dataset)).toEqual(expected);
  });

  test("repeating the flags that it was encoded with", async () => {
    const flags = ["--user", "user_id", "--label", "click", "--fields", "user_id,item_id,device,hour"];
    const { table } = await trained("repeated", [clicks, ...flags]);
    expect(table.equals((await trained("unrepeated", [clicks])).table)).toBe(true);
  });

  test("as validation and test part too", async () => {
    const parts = (valid: string) => [fixture("clicks.csv"), "--valid", valid, "--test", valid];
    const { summary } = await trained("part dataset", parts(clicks));
    expect(summary.metrics).toEqual(
      (await trained("part log", parts(fixture("clicks.csv")))).summary.metrics,
    );
  });

  test("rows without an item, which are no events", async () => {
    const input = `user,item,place\n${"a,x,p\nb,y,q\n,y,p\nc,,q\n".repeat(30)}`;
    await embedOk(["encode", "-", "-o", at("events"), "--user", "user", "--item", "item"], { input });
    const refused = await embed(["train-fm", at("events"), "--negatives", "1", "-o", at("refused")]);
    expect([refused.code, refused.stderr]).toEqual([65, expect.stringContaining("row 4 is empty")]);

    const args = ["--negatives", "1", "--on-bad-row", "skip", "--max-bad", "0.5"];
    const { table, summary } = await trained("events run", [at("events"), ...args]);
    expect(summary).toMatchObject({ rows: 90, warnings: [expect.stringContaining("skipped 30 bad rows")] });
    const log = at("events.csv");
    writeFileSync(log, input);
    expect(
      table.equals((await trained("events log", [log, ...args, "--user", "user", "--item", "item"])).table),
    ).toBe(true);
  });
});

describe("flags that contradict a dataset are 64 and named", () => {
  test.each([
    ["--label hour"],
    ["--session hour"],
    ["--fields user_id"],
    ["--numeric hour"],
    ["--multi device:,"],
    ["--ignore device"],
    ["--drop device=phone"],
    ["--where hour>6"],
    ["--side items.csv:item_id"],
  ])("%s", async (flags) => {
    const got = await embed(["train-fm", clicks, "-o", at("contradicted"), ...flags.split(" ")]);
    expect(got.code).toBe(64);
    expect(got.stderr).toContain(flags.split(" ")[0]);
    expect(got.stderr).toContain("encode the log again");
    expect(existsSync(at("contradicted"))).toBe(false);
  });

  test("so are a second input, and a dataset to be encoded", async () => {
    expect((await embed(["train-fm", clicks, fixture("clicks.csv"), "-o", at("two")])).code).toBe(64);
    expect((await embed(["encode", clicks, "-o", at("twice")])).code).toBe(64);
  });

  test("and evaluating on a dataset without the run's columns", async () => {
    await embedOk(["encode", fixture("clicks.csv"), "--ignore", "device", "-o", at("narrow")]);
    await embedOk(["train-fm", clicks, "-o", at("wide run"), "--epochs", "1"]);
    const got = await embed(["evaluate", at("wide run"), "--on", at("narrow")]);
    expect([got.code, got.stderr]).toEqual([64, expect.stringContaining("'device'")]);
  });
});

describe("a damaged dataset is 82", () => {
  const damages: Record<string, (dataset: string) => void> = {
    "a changed byte": (dataset) => {
      const bytes = readFileSync(join(dataset, "rows.arrow"));
      bytes[bytes.length >> 1]! ^= 1;
      writeFileSync(join(dataset, "rows.arrow"), bytes);
    },
    "a shortened file": (dataset) =>
      writeFileSync(join(dataset, "rows.arrow"), readFileSync(join(dataset, "rows.arrow")).subarray(0, 1000)),
    "a missing file": (dataset) => rmSync(join(dataset, "rows.arrow")),
    "another file": (dataset) => copyFileSync(join(dataset, "values.arrow"), join(dataset, "rows.arrow")),
    "a description that is no JSON": (dataset) => writeFileSync(join(dataset, "dataset.json"), "{"),
    "a description of nothing": (dataset) =>
      writeFileSync(join(dataset, "dataset.json"), '{ "schemaVersion": 1 }'),
    "a description of a later version": (dataset) =>
      writeFileSync(join(dataset, "dataset.json"), '{ "schemaVersion": 2 }'),
  };
  test.each(Object.keys(damages))("%s", async (name) => {
    const dataset = at(`damaged by ${name}`);
    cpSync(clicks, dataset, { recursive: true });
    damages[name]!(dataset);
    const got = await embed(["train-fm", dataset, "-o", at("never")]);
    expect(got.code).toBe(82);
    expect(got.stderr).toContain(dataset);
  });
});

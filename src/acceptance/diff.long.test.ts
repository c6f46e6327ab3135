// `embed diff` reports the changes from one run's table to another's.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { comparedNeighbors, diffRuns } from "../judge/diff.js";
import { pairedBytes } from "../metrics/shared-rows.js";
import { fixture } from "../testing/places.js";
import { parseJson } from "../testing/json.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

interface Diff {
  dims: { a: number; b: number };
  fields: {
    field: string;
    rows: { a: number; b: number; both: number; gained: number; lost: number };
    norms: { a: number; b: number };
    neighborOverlap: number;
    displacement?: { mean: number; median: number; p90: number };
    moved: { key: string; displacement: number }[];
  }[];
}
const diffed = async (args: string[]): Promise<Diff> =>
  parseJson<Diff>((await embedOk(["diff", ...args, "--json"])).stdout);

beforeAll(async () => {
  const job = ["train-fm", fixture("clicks.csv"), "--epochs", "20"];
  await embedOk([...job, "-o", at("a"), "--seed", "1"]);
  await embedOk([...job, "-o", at("b"), "--seed", "2"]);
  await embedOk([...job, "-o", at("wide"), "--dim", "24"]);
  const lines = readFileSync(fixture("clicks.csv"), "utf8").split("\n");
  writeFileSync(at("less.csv"), lines.filter((line) => !line.includes(",tea-03,")).join("\n"));
  await embedOk(["train-fm", at("less.csv"), "--epochs", "20", "-o", at("less")]);
});

test("a run and itself are the same", async () => {
  const { fields } = await diffed([at("a"), at("a")]);
  for (const { rows, neighborOverlap, displacement } of fields) {
    expect([rows.gained, rows.lost]).toEqual([0, 0]);
    if (rows.both > 1) expect(neighborOverlap).toBe(1);
    if (displacement) expect(displacement.p90).toBeLessThan(1e-5);
  }
});

test("two seeds learn the same groups: neighbors are shared far above chance, whatever the dimensions", async () => {
  const [item] = (await diffed([at("a"), at("b"), "--field", "item"])).fields;
  expect(item!.neighborOverlap).toBeGreaterThan(4 * (10 / 95));
  expect(item!.displacement!.median).toBeLessThan(0.5);
  expect(item!.moved).toHaveLength(5);
  const wide = await diffed([at("a"), at("wide"), "--field", "item"]);
  expect(wide.fields[0]!.neighborOverlap).toBeGreaterThan(4 * (10 / 95));
  expect(wide.fields[0]!.displacement).toBeUndefined();
});

test("keys that came and went are counted, and text says it for people", async () => {
  const [item] = (await diffed([at("a"), at("less"), "--field", "item_id"])).fields;
  expect(item!.rows).toEqual({ a: 96, b: 95, both: 95, gained: 0, lost: 1 });
  const { stdout } = await embedOk(["diff", at("a"), at("less"), "--k", "5"]);
  expect(stdout).toMatch(/^field +in both +gained +lost .*same 5 nearest/);
  expect(stdout).toMatch(/^item_id +95 +0 +1 /m);
  expect(stdout).toContain("item_id: moved most: ");
});

test("of more keys than the limit, neighbors are compared among a sample, and all keys are compared otherwise", async () => {
  const { most } = comparedNeighbors;
  const whole = await diffRuns(at("a"), at("b"), { field: "item_id" });
  try {
    comparedNeighbors.most = 40;
    const [sampled] = (await diffRuns(at("a"), at("b"), { field: "item_id" })).fields;
    const { neighborOverlap, ...rest } = sampled!;
    const { neighborOverlap: _, ...others } = whole.fields[0]!;
    expect(rest).toEqual({ ...others, neighborKeys: 40 });
    expect(neighborOverlap).toBeGreaterThan(10 / 39);
  } finally {
    comparedNeighbors.most = most;
  }
});

test("blocks of pairs give the answers of one block", async () => {
  const { most } = pairedBytes;
  const whole = await diffRuns(at("a"), at("less"), {});
  try {
    pairedBytes.most = 1000;
    expect(await diffRuns(at("a"), at("less"), {})).toEqual(whole);
  } finally {
    pairedBytes.most = most;
  }
});

test("bad input is refused by name", async () => {
  const field = await embed(["diff", at("a"), at("b"), "--field", "itme"]);
  expect([field.code, field.stderr]).toEqual([64, expect.stringContaining('no field "itme"')]);
  expect((await embed(["diff", at("a"), at("none")])).code).toBe(66);
  expect((await embed(["diff", at("a")])).code).toBe(64);
  expect((await embed(["diff", at("a"), at("b"), "--k", "0"])).code).toBe(64);
});

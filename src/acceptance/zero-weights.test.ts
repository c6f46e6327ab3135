// Rows of weight 0: a ranking among plays is that of its definition, and every way in refuses weights below 0. The
// contract of trainers (testing/contract.ts) compares every training with that on the log without these rows.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "../testing/argv.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseDelimited } from "../testing/exported.js";
import type { ReadingStep } from "../dataset/dataset.js";
import { parseJson } from "../testing/json.js";
import { projectFolder } from "../testing/places.js";
import { integerBelow, mulberry32 } from "../testing/random.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

type Line = [user: string, item: string, tags: string, time: number, type: string, w: number];
const HEAD = "user,item,tags,time,type,w";

/** Writes rows as a log; returns its path. */
function write(name: string, lines: readonly Line[]): string {
  writeFileSync(at(name), `${[HEAD, ...lines.map((line) => line.join(","))].join("\n")}\n`);
  return at(name);
}

/** Plays of a user's own half of 60 items, and as many skips of the other half, some of them of items nobody plays. */
function listening(): Line[] {
  const random = mulberry32(4);
  return Array.from({ length: 3000 }, (_, i): Line => {
    const user = integerBelow(50, random);
    const isPlay = random() < 0.5;
    const half = isPlay ? user % 2 : 1 - (user % 2);
    const item = half + 2 * integerBelow(isPlay ? 30 : 40, random);
    return [
      `u${user}`,
      `i${item}`,
      `t${item % 7}|t${item % 3}`,
      1_700_000_000 + 60 * i,
      isPlay ? "play" : "skip",
      +isPlay,
    ];
  });
}

const all = listening();
const plays = all.filter(([, , , , type]) => type === "play");
const K = 20;

/** Recall@20 by its definition: lists by the dot products of the exported vectors, on the last fifth of the plays. */
async function recallByHand(run: string): Promise<number> {
  const { stdout } = await embedOk(["export", run, "--format", "csv"]);
  const vectors = new Map(
    parseDelimited(stdout, ",").map(({ field, key, vector }) => [`${field}:${key}`, vector]),
  );
  const cut = Math.floor(plays.length * (1 - 0.2));
  const itemsOf = (rows: readonly Line[], user: string) =>
    new Set(rows.flatMap(([by, item]) => (by === user ? [item] : [])));
  const trained = new Set(plays.slice(0, cut).map(([, item]) => item));
  const recalls = [...new Set(plays.map(([user]) => user))].flatMap((user) => {
    const seen = itemsOf(plays.slice(0, cut), user);
    const heldOut = [...itemsOf(plays.slice(cut), user)].filter((item) => !seen.has(item));
    if (seen.size === 0 || heldOut.length === 0) return [];
    const own = vectors.get(`user:${user}`)!;
    const score = (item: string) => vectors.get(`item:${item}`)!.reduce((sum, x, d) => sum + x * own[d]!, 0);
    const list = [...trained]
      .filter((item) => !seen.has(item))
      .sort((a, b) => score(b) - score(a))
      .slice(0, K);
    return [heldOut.filter((item) => list.includes(item)).length / heldOut.length];
  });
  return recalls.reduce((sum, x) => sum + x, 0) / recalls.length;
}

const als = argv`train-als --user user --item item --time time --split time --test 0.2 --dim 4 --epochs 3 --ignore tags`;
const kinds = ["--event-weight", "type:play=1,skip=0"];

async function evaluated(run: string): Promise<Record<string, number>> {
  const { stdout } = await embedOk(argv`evaluate ${at(run)} --part test --k ${K} --repeats mask --json`);
  return parseJson<{ metrics: { on: Record<string, number> } }>(stdout).metrics.on;
}

test("held-out skips are no hits: Recall@20 is that of the plays, computed by its definition", async () => {
  const { stdout, stderr } = await embedOk(
    argv`${als} ${write("all.csv", all)} --ignore w ${kinds} -o ${at("all")} --json`,
  );
  const summary = parseJson<{ rows: number; steps: ReadingStep[] }>(stdout);
  const weight = { step: "weight", by: kinds.join(" "), before: all.length, after: plays.length };
  expect([summary.rows, summary.steps[1]]).toEqual([plays.length, weight]);
  expect(stderr).toContain(`${all.length - plays.length} rows of weight 0 excluded`);
  const { recallAt20 } = await evaluated("all");
  expect(recallAt20).toBeCloseTo(await recallByHand(at("all")), 10);
  // a list of 20 of the 30 items of a user's half, without those that the user played
  expect(recallAt20).toBeGreaterThan(0.9);
});

test("a list may hold an item that the user skipped, unless --mask names the log", async () => {
  const listed = async (...more: string[]) => {
    const { stdout } = await embedOk(argv`recall ${at("all")} --k 60 --format jsonl ${more}`);
    return stdout;
  };
  const skipped = all.find(
    ([user, item, , , type]) =>
      type === "skip" &&
      !plays.some((p) => p[0] === user && p[1] === item) &&
      plays.some((p) => p[1] === item),
  )!;
  const isListed = (text: string) =>
    text.split("\n").some((line) => line.includes(`"${skipped[0]}"`) && line.includes(`"${skipped[1]}"`));
  expect(isListed(await listed())).toBe(true);
  expect(isListed(await listed("--mask", at("all.csv")))).toBe(false);
});

test("an encoded dataset gives what the log gives, by kinds and by a column", async () => {
  const train = async (log: string, run: string, ...more: string[]) => {
    const columns = [
      "--user",
      "user",
      "--item",
      "item",
      "--time",
      "time",
      "--multi",
      "tags:|",
      "--test",
      "0.2",
    ];
    await embedOk(argv`train-fm ${log} ${columns} --negatives 2 --dim 4 --epochs 2 ${more} -o ${at(run)}`);
    return (await embedOk(["export", at(run), "--format", "csv"])).stdout;
  };
  const expected = await train(write("plays.csv", plays), "plays", "--ignore", "w", ...kinds);
  const encode = ["--user", "user", "--item", "item", "--time", "time", "--multi", "tags:|"];
  await embedOk(argv`encode ${at("all.csv")} ${encode} --ignore w -o ${at("kinds.dataset")}`);
  const { stderr } = await embedOk(
    argv`encode ${at("all.csv")} ${encode} --ignore type --weight w -o ${at("column.dataset")}`,
  );
  expect(stderr).toContain(`${all.length - plays.length} rows of weight 0 excluded`);
  expect(await train(at("kinds.dataset"), "in-memory", ...kinds)).toBe(expected);
  expect(await train(at("column.dataset"), "column")).toBe(expected);
});

test("a dataset on disk gives what the log gives", async () => {
  const train = async (log: string, run: string, ...more: string[]) => {
    const options = argv`--user user --item item --time time --test 0.2 --dim 4 --epochs 2`;
    await embedOk(argv`train-item2vec ${log} ${options} ${kinds} ${more} -o ${at(run)}`);
    return (await embedOk(["export", at(run), "--format", "csv"])).stdout;
  };
  const expected = await train(at("plays.csv"), "sessions", "--ignore", "w");
  expect(await train(at("kinds.dataset"), "on-disk", "--max-memory", "1K")).toBe(expected);
});

test("a log whose rows all have weight 0 is an error that says so", async () => {
  const got = await embed(
    argv`${als} ${at("plays.csv")} --ignore w --event-weight type:*=0 -o ${at("none")}`,
  );
  expect([got.code, got.stderr]).toEqual([65, expect.stringContaining(`(${plays.length} have weight 0)`)]);
});

describe("weights below 0 are refused", () => {
  const bad = [...plays.slice(0, 40), ["u1", "i1", "t1", 1_800_000_000, "play", -1] as Line];
  const good = plays.slice(0, 200);
  const line = /weight of at least 0, got "-1"/u;
  const kind = /--event-weight expects COLUMN:KIND=NUMBER/u;

  test.each([
    ["a column", ["train-als", "bad.csv", "--weight", "w"], 65, line],
    ["a column of JSON lines", ["train-als", "bad.jsonl", "--weight", "w"], 65, line],
    ["encode", ["encode", "bad.csv", "--weight", "w"], 65, line],
    ["kinds", ["train-als", "good.csv", "--event-weight", "type:play=-1,*=1"], 64, kind],
    ["kinds of a config file", ["train-als", "good.csv", "--config", "kinds.yaml"], 64, kind],
    [
      "a half-life",
      ["train-als", "good.csv", "--time", "time", "--half-life=-5d"],
      64,
      /--half-life expects/u,
    ],
  ] as const)("%s", async (_, words, code, message) => {
    write("bad.csv", bad);
    write("good.csv", good);
    const json = bad.map(([user, item, tags, time, type, w]) =>
      JSON.stringify({ user, item, tags, time, type, w }),
    );
    writeFileSync(at("bad.jsonl"), `${json.join("\n")}\n`);
    writeFileSync(at("kinds.yaml"), "event-weight: type:play=-1,*=1\n");
    const got = await embed([...words, "-o", at("none")], { cwd: folder });
    expect([got.code, got.stderr]).toEqual([code, expect.stringMatching(message)]);
  });

  test("a call of the library", async () => {
    const library = (await import(join(projectFolder, "dist", "library.js"))) as Record<
      string,
      (...given: unknown[]) => Promise<unknown>
    >;
    const options = { eventWeight: "type:play=-1,*=1", out: at("none") };
    await expect(library["trainAls"]!([write("good.csv", good)], options)).rejects.toThrow(kind);
  });

  test("the column of a dataset that was encoded as a feature", async () => {
    const columns = ["--user", "user", "--item", "item", "--ignore", "type,tags,time"];
    await embedOk(argv`train-als ${write("good.csv", good)} ${columns} --weight w -o ${at("weighted")}`);
    await embedOk(argv`encode ${write("bad.csv", bad)} ${columns} --numeric w -o ${at("bad.dataset")}`);
    const got = await embed(argv`evaluate ${at("weighted")} --on ${at("bad.dataset")} --repeats mask`);
    expect([got.code, got.stderr]).toEqual([65, expect.stringMatching(/at least 0, row 41 has -1: encode/u)]);
  });
});

// embed train-item2vec with goals, markets and rejections: their gain on planted bookings, and rejected options.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embed, embedOk } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import {
  bookingsCsv,
  COMPARED,
  meanRank,
  permutedMarkets,
  plantedSessions,
  withSwappedBookings,
} from "../testing/planted-bookings.js";
import { argv } from "../testing/argv.js";

const folder = mkdtempSync(join(tmpdir(), "embed-goal-"));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const columns = ["--session", "session", "--item", "item"];
const goal = ["--goal", 'event = "booking"'];
const markets = ["--negatives-within", "market", "--market-negatives", "5"];
const reject = ["--reject", 'event = "rejection"'];

function write(name: string, text: string): string {
  writeFileSync(at(name), text);
  return at(name);
}

/**
 * Trains on a log with the flags, and returns the vectors of the items.
 *
 * @param table name of another table of the run
 */
async function vectorsOf(
  log: string,
  flags: readonly string[],
  table = "item",
): Promise<Map<string, number[]>> {
  const small = ["--dim", "16", "--epochs", "10", "--min-length", "2", "--force", "-o", at("run")];
  await embedOk(["train-item2vec", log, ...columns, ...small, ...flags]);
  const of = table === "item" ? [] : ["--table", table];
  const { stdout } = await embedOk(["export", at("run"), ...of, "--format", "jsonl"]);
  const rows = stdout.trim().split("\n");
  return new Map(
    rows
      .map((line) => parseJson<{ key: string; vector: number[] }>(line))
      .map((row) => [row.key, row.vector]),
  );
}

describe("planted markets and styles: the mean rank of the booked item among the 16 of its market, six to eight clicks after", () => {
  const sessions = plantedSessions(1, 3000);
  const heldOut = plantedSessions(2, 3000);
  const log = write("bookings.csv", bookingsCsv(sessions));

  async function rankOf(path: string, flags: readonly string[]): Promise<number> {
    const vectors = await vectorsOf(path, [...reject, ...flags]);
    const ranks = [1, 2, 3].map((early) => meanRank(vectors, heldOut, COMPARED + early));
    return ranks.reduce((sum, rank) => sum + rank, 0) / ranks.length;
  }

  test("is better with global context, with negatives of the market, and best with both", async () => {
    const plain = await rankOf(log, []);
    const [global, within] = [await rankOf(log, goal), await rankOf(log, markets)];
    const both = await rankOf(log, [...goal, ...markets]);
    expect(Math.max(global, within)).toBeLessThan(plain - 0.25);
    expect(both).toBeLessThan(Math.min(global, within) - 0.2);
    // markets that are permuted among the items give no gain
    const permuted = write("permuted.csv", bookingsCsv(sessions, permutedMarkets(3)));
    expect(await rankOf(permuted, [...goal, ...markets])).toBeGreaterThan(global);
  });

  test("what the booking brings is gone when the booked item is swapped with another of its session", async () => {
    const swapped = write("swapped.csv", bookingsCsv(withSwappedBookings(sessions, 4)));
    const within = await rankOf(swapped, markets);
    expect(await rankOf(swapped, [...goal, ...markets])).toBeGreaterThan(within - 0.1);
  });
});

test("a rejected item is no context: its context vector turns away from the session's items", async () => {
  const sessions = Array.from({ length: 400 }, (_, s) => {
    const [own, other] = s % 2 === 0 ? ["a", "b"] : ["b", "a"];
    return [0, 1, 2, 3]
      .map((i) => `s${s},${own}${(s + i) % 5},click`)
      .concat(`s${s},${other}${s % 5},rejection`);
  });
  const log = write("rejected.csv", `session,item,event\n${sessions.flat().join("\n")}\n`);
  const score = async (flags: readonly string[]) => {
    const [items, contexts] = [await vectorsOf(log, flags), await vectorsOf(log, flags, "context")];
    return items.get("a0")!.reduce((sum, x, k) => sum + x * contexts.get("b0")![k]!, 0);
  };
  expect(await score(reject)).toBeLessThan((await score([])) - 1);
});

test("what goals and rejections came to stands in the notes, and the options in the manifest", async () => {
  const rows = [
    ...["s1,x,click", "s1,y,click", "s1,y,booking", "s1,z,rejection"],
    ...["s2,x,click", "s2,z,click", "s3,x,click", "s3,x,booking"],
  ];
  const log = write("notes.csv", `session,item,event\n${rows.join("\n")}\n`);
  const got = await embedOk([
    ...["train-item2vec", log, ...columns, "--dim", "4", ...goal, "--goal-weight", "5", ...reject],
    ...["-o", at("notes"), "--json"],
  ]);
  expect(got.stderr).toContain(
    "1 of 2 sessions have a goal; 1 of 2 goals dropped with their item or session",
  );
  expect(got.stderr).toContain("1 of 2 sessions have a rejection");
  expect(got.stderr).toContain(
    "--reject applies only to training: evaluate and transform --fold-in treat all events as positive, so use logs without rejections there",
  );
  const { options } = parseJson<{ options: Record<string, unknown> }>(got.stdout);
  expect(options).toMatchObject({ goal: 'event = "booking"', goalWeight: 5, reject: 'event = "rejection"' });
});

test("the same bytes at one and two threads", async () => {
  const log = write("threads.csv", bookingsCsv(plantedSessions(5, 200)));
  const all = [...goal, "--goal-weight", "3", ...markets, ...reject, "--valid", "0.1", "--split", "random"];
  const one = await vectorsOf(log, [...all, "--dim", "32", "--threads", "1"]);
  expect(await vectorsOf(log, [...all, "--dim", "32", "--threads", "2"])).toEqual(one);
});

test("goals are of items with several tokens an event, and with weights", async () => {
  const log = write("tokens.csv", bookingsCsv(plantedSessions(7, 100)));
  const weighted = argv`${goal} --goal-weight 2 ${markets} ${reject} --event-weight event:booking=3,*=1`;
  const plain = await vectorsOf(log, weighted);
  expect(await vectorsOf(log, [...weighted, "--half-life", "30d"])).not.toEqual(plain);
  const both = await vectorsOf(log, [...goal, ...markets, ...reject, "--tokens", "market,item"]);
  expect([...both.keys()]).toEqual(expect.arrayContaining(["m0", "i0"]));
  const out = ["--dim", "4", "-o", at("tokens")];
  const got = await embed(["train-item2vec", log, ...columns, ...goal, "--tokens", "market", ...out]);
  expect([got.code, got.stderr]).toEqual([
    64,
    expect.stringContaining(
      "--goal, --reject and --negatives-within need an item column: name it with --item and include it in --tokens",
    ),
  ]);
});

test("columns that only an expression asks about are read, also beside --fields", async () => {
  const log = write("fields.csv", bookingsCsv(plantedSessions(6, 50)));
  const free = await vectorsOf(log, [...goal, ...markets]);
  expect(await vectorsOf(log, [...goal, ...markets, "--fields", "item"])).toEqual(free);
});

test("a column of 0 and 1 that a goal asks about is no label", async () => {
  const rows = Array.from({ length: 60 }, (_, i) => `s${Math.floor(i / 6)},i${i % 5},${i % 6 === 5 ? 1 : 0}`);
  const log = write("label.csv", `session,item,label\n${rows.join("\n")}\n`);
  const { stderr } = await embedOk([
    ...["train-item2vec", log, ...columns, "--goal", "label = 1", "--dim", "4", "-o", at("label")],
  ]);
  expect(stderr).toContain("10 of 10 sessions have a goal");
});

describe("refused, with nothing written", () => {
  const items = ["x", "y", "z", "v"];
  const rows = Array.from({ length: 80 }, (_, i) => {
    const item = items[i % 4]!;
    const event = i % 8 === 7 ? "booking" : "click";
    return `s${Math.floor(i / 8)},${item},${event},${item === "x" ? "" : "m"},m${i % 3},${item},`;
  });
  const header = "session,item,event,city,seller,own,nothing";
  const log = () => write("refused.csv", `${header}\n${rows.join("\n")}\n`);

  test.each([
    ["a goal that never holds", ["--goal", 'event = "bookng"'], "'event' has 'click', 'booking'"],
    [
      "a rejection that never holds",
      ["--reject", 'event = "no"'],
      "--reject 'event = \"no\"' matches none of",
    ],
    ["a column that there is not", ["--goal", 'evnt = "booking"'], "did you mean 'event'"],
    ["no expression", ["--goal", "event ="], "--goal, character 8"],
    [
      "goals that are rejections",
      ["--goal", 'event = "click"', "--reject", 'item = "x"'],
      "--goal and --reject both match",
    ],
    [
      "a market that there is not",
      ["--negatives-within", "markt"],
      '--negatives-within names column "markt"',
    ],
    ["items of several markets", ["--negatives-within", "seller"], "have several values, such as"],
    ["items alone in their market", ["--negatives-within", "own"], "': no two items share a value"],
    ["a market column that is empty", ["--negatives-within", "nothing"], "have no value"],
  ])("%s", async (_, flags, words) => {
    const out = at("refused");
    const got = await embed(["train-item2vec", log(), ...columns, ...flags, "-o", out]);
    expect([got.code, got.stderr]).toEqual([64, expect.stringContaining(words)]);
    expect((await embed(["neighbors", out, "--key", "item:x"])).code).toBe(66);
  });

  test("a goal whose sessions are too short", async () => {
    const short = write("short.csv", "session,item,event\na,x,click\na,y,click\nb,x,booking\n");
    const got = await embed([
      "train-item2vec",
      short,
      ...columns,
      "--goal",
      'event = "booking"',
      "-o",
      at("short"),
    ]);
    expect([got.code, got.stderr]).toEqual([
      64,
      expect.stringContaining(
        "training events, but none is in a session with two known items: check --session, --session-gap, --min-length and --min-count",
      ),
    ]);
  });

  test("not an item without a market: it is counted in a warning", async () => {
    const got = await embedOk([
      ...["train-item2vec", log(), ...columns, "--negatives-within", "city", "--dim", "4", "-o", at("city")],
    ]);
    expect(got.stderr).toContain("1 of 4 items have no 'city' and get no market negatives");
  });
});

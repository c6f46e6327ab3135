// `embed evaluate --query` and `--score context`: items ranked by a user's last items, on chains in which each item is
// followed by the next.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { between, mulberry32 } from "../testing/random.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

interface Evaluation {
  metrics: Record<string, Record<string, number>>;
  options: Record<string, unknown>;
  warnings: string[];
}
const evaluated = async (...args: string[]): Promise<Evaluation> =>
  parseJson<Evaluation>((await embedOk(["evaluate", ...args, "--json"])).stdout);

const ITEMS = 60;
/**
 * Number of walks of a user, and number of steps of a walk. A user visits items on a ring in several walks, each from a
 * random start; the event after the last walk is held out.
 */
const [PIECES, STEPS] = [4, 5];

function writeChains(name: string): string {
  const random = mulberry32(5);
  const lines: string[] = [];
  let time = 1_700_000_000;
  for (let user = 0; user < 400; user++) {
    for (let piece = 0; piece < PIECES; piece++) {
      const first = Math.floor(between(0, ITEMS, random));
      const steps = piece === PIECES - 1 ? STEPS + 1 : STEPS;
      for (let step = 0; step < steps; step++)
        lines.push(`u${user},i${(first + step) % ITEMS},u${user}-${piece},${time++}`);
    }
  }
  // shuffles the rows, so that only their times show which item is the last
  for (let i = lines.length - 1; i > 0; i--) {
    const j = Math.floor(between(0, i + 1, random));
    [lines[i], lines[j]] = [lines[j]!, lines[i]!];
  }
  writeFileSync(at(name), `user,item,visit,time\n${lines.join("\n")}\n`);
  return at(name);
}

const held = (run: string) => [at(run), "--part", "valid", "--repeats", "mask", "--k", "1,5"];

beforeAll(async () => {
  const log = writeChains("chains.csv");
  const columns = ["--user", "user", "--item", "item", "--time", "time", "--split", "last"];
  const flags = ["--session", "visit", "--dim", "16", "--epochs", "20"];
  await embedOk(["train-item2vec", log, ...columns, ...flags, "--window", "3", "-o", at("chains")]);
  const after = ["--window", "1", "--window-direction", "after"];
  await embedOk(["train-item2vec", log, ...columns, ...flags, ...after, "-o", at("after")]);
  const als = ["--dim", "8", "--epochs", "3", "--ignore", "visit"];
  await embedOk(["train-als", log, ...columns, ...als, "-o", at("als")]);
});

test("the next item is found by the last one against contexts, and not by the mean of the history", async () => {
  const by = async (query: string) =>
    (await evaluated(...held("after"), "--score", "context", "--query", query)).metrics["on"]!["recallAt1"]!;
  expect(await by("last")).toBeGreaterThan(0.95);
  expect(await by("history")).toBeLessThan(0.5);
});

test("baselines of items take the same query: item-cf by the last item finds its neighbors, by the history those of all", async () => {
  const by = async (query: string) =>
    await evaluated(
      ...held("chains"),
      ...["--score", "cosine", "--query", query, "--baseline", "popularity,item-cf,ease"],
    );
  const [last, history] = [await by("last"), await by("history")];
  for (const name of ["chains", "item-cf", "ease"])
    expect(last.metrics[name]!["recallAt5"]).toBeGreaterThan(0.9);
  for (const name of ["chains", "item-cf"])
    expect(history.metrics[name]!["recallAt5"]).toBeLessThan(last.metrics[name]!["recallAt5"]! - 0.1);
  expect(last.metrics["popularity"]).toEqual(history.metrics["popularity"]);
  for (const metric of ["itemCoverageAt5", "popularityAt5", "giniAt5"])
    expect(last.metrics["chains"]).toHaveProperty(metric);
  expect(last.options).toMatchObject({ query: "last", scoring: "cosine" });
  const { stdout } = await embedOk(["evaluate", ...held("chains"), "--score", "cosine", "--query", "last"]);
  expect(stdout).toContain("ranked by --query last");
});

test("what is not said is as if the default were: users' rows where there are any, else the history", async () => {
  const same = async (run: string, query: string) => {
    const args = [...held(run), "--score", "cosine"];
    expect((await evaluated(...args, "--query", query)).metrics).toEqual((await evaluated(...args)).metrics);
  };
  await same("als", "user");
  await same("chains", "history");
  const args = [...held("als"), "--score", "cosine"];
  const [user, history] = [await evaluated(...args), await evaluated(...args, "--query", "history")];
  expect(history.metrics["on"]!["ndcgAt5"]).not.toBe(user.metrics["on"]!["ndcgAt5"]);
  // with 1000 last items, the query contains the whole history
  expect((await evaluated(...args, "--query", "last:1000")).metrics).toEqual(history.metrics);
});

test("the same at any number of threads", async () => {
  const args = [...held("after"), "--score", "context", "--query", "last:3", "--baseline", "item-cf"];
  const [one, two] = [await evaluated(...args, "--threads", "1"), await evaluated(...args, "--threads", "2")];
  expect(two.metrics).toEqual(one.metrics);
});

describe("by hand", () => {
  // the vectors of a and b are close, and so are those of c and d; e has no vector
  const vectors = ["a 1 0", "b 0.9 0.1", "c 0 1", "d 0.1 0.9"];
  const rows = ["u1,a,1", "u1,c,2", "u2,c,4", "u2,a,9", "u3,b,1", "u3,e,5", "u4,e,3", "u5,d,1"];
  const evaluate = async (...args: string[]) =>
    await evaluated(
      ...[at("log"), at("hand"), "--on", at("test.csv"), "--score", "cosine", "--k", "1", "--bootstrap", "0"],
      ...args,
    );

  beforeAll(async () => {
    writeFileSync(at("hand.txt"), `4 2\n${vectors.join("\n")}\n`);
    await embedOk(["import", at("hand.txt"), "--format", "word2vec", "--field", "item", "-o", at("hand")]);
    writeFileSync(at("log.csv"), `user,item,time\n${rows.join("\n")}\n`);
    writeFileSync(at("test.csv"), "user,item,time\nu1,d,20\nu2,b,20\nu3,a,20\nu4,a,20\n");
    const flags = ["--dim", "2", "--epochs", "1", "--user", "user", "--item", "item", "--time", "time"];
    await embedOk(["train-als", at("log.csv"), ...flags, "-o", at("log")]);
  });

  test("the nearest to the last item stands first; items and users without a vector are counted", async () => {
    const { metrics, warnings } = await evaluate("--query", "last");
    // the last item of u1 is c, whose nearest item is d; that of u2 is a, nearest to b; u3 and u4 end with e, which has
    // no vector
    expect(metrics["hand"]!["recallAt1"]).toBeGreaterThanOrEqual(0.5);
    expect(warnings.join("\n")).toContain("hand: ignored 2 of 4 query items without a vector");
    expect(warnings.join("\n")).toContain("hand: 2 of 4 users have no query item with a vector");
    // the last two items of u3 are b and e, and the nearest item of b is a
    const two = await evaluate("--query", "last:2");
    expect(two.warnings.join("\n")).toContain("hand: 1 of 4 users have no query item with a vector");
    // without --query, items in users' histories that have no vector are not counted in a warning, but users without
    // any item that has a vector are
    const usual = await evaluate();
    expect(usual.warnings.join("\n")).not.toContain("query items without a vector");
    expect(usual.warnings.join("\n")).toContain("hand: 1 of 4 users have no query item with a vector");
  });

  test("repeats in the lists, and held-out events that are older than the query, are warned of", async () => {
    const repeats = await evaluate("--query", "last", "--repeats", "allow");
    expect(repeats.warnings.join("\n")).toContain("--repeats allow: the query items of --query");
    const flags = ["--user", "user", "--item", "item", "--time", "time", "--dim", "2", "--epochs", "1"];
    const cut = ["--split", "random", "--valid", "0.3", "-o", at("cut")];
    await embedOk(["train-als", at("chains.csv"), ...flags, "--ignore", "visit", ...cut]);
    const asked = ["--score", "cosine", "--query", "last", "--repeats", "mask"];
    const older = await evaluated(at("cut"), "--part", "valid", ...asked);
    expect(older.warnings.join("\n")).toMatch(
      /39\d of 39\d users have a held-out event older than their last training event: use --split time or --split last/,
    );
    const two = await evaluated(at("als"), "--part", "test", ...asked);
    expect(two.warnings.join("\n")).toContain(
      "301 of 301 users have validation events after the training events used as query",
    );
  });

  test("the order of events is read again from the training's log, or from --mask where that is gone", async () => {
    writeFileSync(at("gone.csv"), `user,item,time\n${rows.join("\n")}\n`);
    const flags = ["--dim", "2", "--epochs", "1", "--user", "user", "--item", "item", "--time", "time"];
    await embedOk(["train-als", at("gone.csv"), ...flags, "-o", at("gone")]);
    const args = [at("gone"), at("hand"), "--on", at("test.csv"), "--score", "cosine", "--query", "last"];
    const before = await evaluated(...args);
    rmSync(at("gone.csv"));
    const got = await embed(["evaluate", ...args]);
    expect([got.code, got.stderr]).toEqual([
      64,
      expect.stringMatching(/the times of the users' events.*--mask/),
    ]);
    const masked = await evaluated(...args, "--mask", at("log.csv"));
    expect(masked.metrics["hand"]).toEqual(before.metrics["hand"]);
  });
});

test("without times there is no last item", async () => {
  writeFileSync(at("timeless.csv"), "user,item\nu1,a\nu1,b\nu2,b\nu2,c\nu3,a\n");
  writeFileSync(at("timeless-test.csv"), "user,item\nu1,c\nu2,a\n");
  const flags = ["--dim", "2", "--epochs", "1", "--user", "user", "--item", "item", "-o", at("timeless")];
  await embedOk(["train-als", at("timeless.csv"), ...flags]);
  const args = ["evaluate", at("timeless"), "--on", at("timeless-test.csv"), "--score", "cosine"];
  const got = await embed([...args, "--query", "last"]);
  expect([got.code, got.stderr]).toEqual([
    64,
    expect.stringMatching(/no time column.*--time COLUMN.*history/),
  ]);
  await embedOk([...args, "--query", "history"]);
  const aged = await embed([...args, "--query", "history", "--query-half-life", "1d"]);
  expect([aged.code, aged.stderr]).toEqual([64, expect.stringMatching(/--query-half-life .*no time column/)]);
});

test("a short half-life makes of a history its last item, a long one changes nothing", async () => {
  const args = [...held("after"), "--score", "context", "--baseline", "item-cf,ease"];
  const aged = async (query: string, span: string) =>
    (await evaluated(...args, "--query", query, "--query-half-life", span)).metrics;
  const last = (await evaluated(...args, "--query", "last")).metrics;
  const history = (await evaluated(...args, "--query", "history")).metrics;
  // events are one second apart; 0.00001h are 36 milliseconds, so that only the last item counts
  for (const name of ["after", "item-cf", "ease"]) {
    expect((await aged("history", "0.00001h"))[name]!["recallAt1"]).toBeCloseTo(last[name]!["recallAt1"]!, 2);
    expect((await aged("history", "100000w"))[name]!["recallAt5"]).toBeCloseTo(
      history[name]!["recallAt5"]!,
      2,
    );
  }
});

test.each([
  ["a last of none", "chains", "--score cosine --query last:0", /last:N with N of at least 1, got 'last:0'/],
  ["an unknown query", "chains", "--score cosine --query mean", /user, history, last or last:N.*got 'mean'/],
  ["a history of N", "chains", "--score cosine --query history:3", /got 'history:3'/],
  [
    "a half-life of one item",
    "chains",
    "--score cosine --query last --query-half-life 1d",
    /--query-half-life needs --query/,
  ],
  [
    "a half-life of nothing",
    "chains",
    "--score cosine --query-half-life 1d",
    /--query-half-life needs --query/,
  ],
  ["a half-life that is none", "chains", "--score cosine --query history --query-half-life x", /such as 30d/],
  ["a query of a model", "als", "--query last", /--query needs --score cosine or dot or context/],
  ["users that a table lacks", "chains", "--score cosine --query user", /' has no user vectors,/],
  [
    "contexts that a run lacks",
    "als",
    "--score context",
    /has no context vectors of items: use a run of train-item2vec or train-graph\. Use --score cosine/,
  ],
  [
    "a table beside contexts",
    "chains",
    "--score context --table context",
    /--table cannot be combined with --score context/,
  ],
  ["a table beside a model", "als", "--ranking --table weights", /--table needs --score dot or cosine/],
])("%s is refused with the choices", async (_, run, flags, words) => {
  const got = await embed(["evaluate", ...held(run), ...flags.split(" ")]);
  expect([got.code, got.stderr]).toEqual([64, expect.stringMatching(words)]);
});

test("a run without vectors of items is refused before the log is read, with the fields that it has", async () => {
  writeFileSync(at("users.txt"), "1 2\nu1 1 0\n");
  await embedOk(["import", at("users.txt"), "--format", "word2vec", "--field", "user", "-o", at("users")]);
  const args = [at("als"), at("users"), "--part", "test", "--score", "cosine", "--query", "last"];
  const got = await embed(["evaluate", ...args]);
  expect([got.code, got.stderr]).toEqual([
    64,
    expect.stringMatching(/users' has no item vectors to rank: .*no field "item"; its table has "user"/),
  ]);
});

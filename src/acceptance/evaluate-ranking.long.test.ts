// `embed evaluate --ranking`: runs and baselines on held-out events, computed by hand for a log of a few users, and
// from the shell.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";
import { parseJson, readJson } from "../testing/json.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const write = (name: string, lines: string[]) => writeFileSync(at(name), `user,item\n${lines.join("\n")}\n`);

interface Evaluation {
  metrics: Record<string, Record<string, number>>;
  users: {
    judged: number;
    withoutHeldOut: number;
    heldOutMasked: number;
    withoutTraining: number;
    repeatShare: number;
    candidates?: { listed: number; masked: number; usersWithoutOthers: number };
  };
  compared: {
    name: string;
    kind: string;
    metrics: Record<string, number>;
    intervals: Record<string, { low: number; high: number }>;
    toBest: Record<string, { low: number; high: number; difference: number }>;
    bestIn: string[];
  }[];
  warnings: string[];
}
const evaluated = async (args: string[]): Promise<Evaluation> =>
  parseJson<Evaluation>((await embedOk(["evaluate", ...args, "--json"])).stdout);

// four users; items a to e by descending popularity, with their numbers of events: a 4, b 3, c 2, d 1, e 1
const training = ["u1,a", "u2,a", "u3,a", "u4,a", "u1,b", "u2,b", "u3,b", "u1,c", "u2,c", "u4,d", "u1,e"];
const purchases = ["--user", "customer_id", "--item", "product_id", "--fields", "customer_id,product_id"];

beforeAll(async () => {
  write("train.csv", training);
  // u9 is a new user; u4 already has item a; item f is unknown
  write("test.csv", ["u4,b", "u4,c", "u3,d", "u9,a", "u2,f"]);
  const small = ["--user", "user", "--item", "item", "--dim", "4", "--epochs", "2"];
  await embedOk(["train-als", at("train.csv"), "-o", at("small"), ...small]);
  const last = ["--time", "purchased_at", "--split", "time", "--valid", "0.1", "--test", "0.1"];
  const job = [fixture("purchases.csv"), ...purchases, ...last];
  await embedOk(["train-als", ...job, "-o", at("implicit"), "--dim", "16"]);
  await embedOk(["train-fm", ...job, "-o", at("negatives"), "--negatives", "2", "--epochs", "3"]);
});

test("popularity on a log of four users is what is worked out by hand", async () => {
  const { metrics, users } = await evaluated(argv`${at("small")} --on ${at("test.csv")}
      --baseline popularity --k 1,2`);
  expect(users).toEqual({
    judged: 3,
    withoutHeldOut: 1,
    heldOutMasked: 0,
    withoutTraining: 1,
    repeatShare: 0,
  });
  // lists by popularity, without items that the user has: b, c, e for u4, whose held-out items are b and c; c, d, e for
  // u3, where a hash breaks the tie of d and e; d, e for u2, whose only held-out item f is unknown
  const { popularity } = metrics;
  expect(popularity!["recallAt1"]).toBeCloseTo(0.5 / 3, 12);
  expect(popularity!["precisionAt1"]).toBeCloseTo(1 / 3, 12);
  expect([1 / 3, 2 / 3]).toContainEqual(expect.closeTo(popularity!["recallAt2"]!, 12));
  expect(popularity!["hitRateAt2"]).toBeCloseTo(popularity!["recallAt2"]!, 12);
  // the lists of the three users begin with b, c, and either d or e, which have 3, 2 and 1 events
  expect(popularity!["popularityAt1"]).toBeCloseTo((3 + 2 + 1) / 3, 12);
  expect(popularity!["itemCoverageAt1"]).toBeCloseTo(3 / 5, 12);
});

test("candidates rank what is held out among themselves", async () => {
  write("candidates.csv", ["u4,e", "u3,e", "u3,c", "u2,d", "u2,nothing"]);
  const args = argv`${at("small")} --on ${at("test.csv")} --candidates ${at("candidates.csv")}
      --baseline popularity`;
  const { metrics, warnings } = await evaluated([...args, "--k", "1,3"]);
  // rankings of candidates and held-out items by popularity: b, c, e for u4; c, d and e for u3; d for u2
  expect(metrics["popularity"]!["hitRateAt1"]).toBeCloseTo(1 / 3, 12);
  expect(metrics["popularity"]!["recallAt3"]).toBeCloseTo(2 / 3, 12);
  expect(metrics["popularity"]!["itemCoverageAt1"]).toBeUndefined();
  expect(warnings.join()).toContain("ignored 1 candidates that are unknown items");
  write("few.csv", ["u4,e"]);
  const few = await embed(["evaluate", at("small"), "--on", at("test.csv"), "--candidates", at("few.csv")]);
  expect([few.code, few.stderr]).toEqual([64, expect.stringContaining("2 of 3 users")]);
});

test("candidates that their users have from training are masked unless repeats are allowed, and both say how many", async () => {
  // u4 already has a and d, and u3 already has a and b, so that these candidates are masked
  write("had.csv", ["u4,a", "u4,d", "u4,e", "u3,a", "u3,b", "u3,d", "u2,d"]);
  const args = argv`${at("small")} --on ${at("test.csv")} --candidates ${at("had.csv")}
      --baseline popularity`;
  const masked = await evaluated([...args, "--k", "1", "--repeats", "mask"]);
  expect(masked.users).toMatchObject({
    judged: 2,
    withoutHeldOut: 1,
    candidates: { listed: 7, masked: 4, usersWithoutOthers: 1 },
  });
  expect(masked.warnings.join()).toContain(
    "skipped 1 users without unmasked candidates other than their held-out items",
  );
  // in the list of u4, the held-out item b is above e; u2's held-out item f is unknown
  expect(masked.metrics["popularity"]!["hitRateAt1"]).toBeCloseTo(1 / 2, 12);
  // if repeats are allowed, the most popular item a is the first for u4 and u3
  const allowed = await evaluated([...args, "--k", "1", "--repeats", "allow"]);
  expect(allowed.users).toMatchObject({
    judged: 3,
    candidates: { listed: 7, masked: 0, usersWithoutOthers: 0 },
  });
  expect(allowed.metrics["popularity"]!["hitRateAt1"]).toBe(0);
  const { stdout } = await embedOk(["evaluate", ...args, "--repeats", "mask"]);
  expect(stdout).toContain(
    "2 users evaluated, 1 without a held-out item, 4 of 7 candidates masked, sampled candidates can order",
  );
  write("all-had.csv", ["u4,a", "u3,a", "u2,a"]);
  const none = [at("small"), "--on", at("test.csv"), "--candidates", at("all-had.csv"), "--repeats", "mask"];
  const got = await embed(["evaluate", ...none]);
  expect([got.code, got.stderr]).toEqual([
    64,
    expect.stringMatching(/3 of 3 candidates are masked.*--repeats allow/),
  ]);
});

test("users whose held-out items are all masked are counted", async () => {
  // the training log has the events u1,a and u3,b, so that these held-out events are masked
  write("again.csv", ["u1,a", "u3,b", "u3,c", "u4,b"]);
  const args = [at("small"), "--on", at("again.csv"), "--repeats", "mask", "--json"];
  const { stdout, stderr } = await embedOk(["evaluate", ...args]);
  expect(parseJson<Evaluation>(stdout).users).toMatchObject({
    judged: 2,
    withoutHeldOut: 2,
    heldOutMasked: 1,
  });
  expect(stderr).toContain("for 1 of them all held-out items are masked");
});

test("runs and baselines stand side by side on the test part of the training, with intervals and the best marked", async () => {
  const contenders = argv`${at("implicit")} ${at("negatives")} --part test
      --baseline popularity,item-cf,ease,gf-cf,chebycf,random`;
  const args = [...contenders, "--repeats", "mask", "--k", "10"];
  const { compared, metrics, users } = await evaluated([...args, "--ranking"]);
  expect(compared.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
    "run implicit",
    "run negatives",
    "baseline popularity",
    "baseline item-cf",
    "baseline ease",
    "baseline gf-cf",
    "baseline chebycf",
    "baseline random",
  ]);
  expect(users.judged).toBeGreaterThan(50);
  expect(metrics["item-cf"]!["ndcgAt10"]).toBeGreaterThan(2 * metrics["popularity"]!["ndcgAt10"]!);
  expect(metrics["ease"]!["ndcgAt10"]).toBeGreaterThan(2 * metrics["popularity"]!["ndcgAt10"]!);
  for (const filter of ["gf-cf", "chebycf"])
    expect(metrics[filter]!["ndcgAt10"]).toBeGreaterThan(2 * metrics["popularity"]!["ndcgAt10"]!);
  expect(metrics["implicit"]!["ndcgAt10"]).toBeGreaterThan(2 * metrics["random"]!["ndcgAt10"]!);
  const best = Math.max(...compared.map((one) => one.metrics["recallAt10"]!));
  for (const { metrics: own, intervals, toBest, bestIn } of compared) {
    expect(intervals["recallAt10"]!.low).toBeLessThanOrEqual(own["recallAt10"]!);
    expect(intervals["recallAt10"]!.high).toBeGreaterThanOrEqual(own["recallAt10"]!);
    expect(bestIn.includes("recallAt10")).toBe(own["recallAt10"] === best);
    if (own["recallAt10"]! < best)
      expect(toBest["recallAt10"]!.difference).toBeCloseTo(own["recallAt10"]! - best, 12);
  }
  // writes the metrics first as a table for a terminal, and then as a table in Markdown
  const text = (await embedOk(["evaluate", ...args])).stdout;
  expect(text).toMatch(/^implicit .*0\.\d{4} ±0\.\d{4}/m);
  expect(text).toContain("*: the best");
  const page = (await embedOk(["evaluate", ...args, "--format", "markdown"])).stdout;
  expect(page).toMatch(/^\| popularity \| /m);
  expect(page).toMatch(/\*\*0\.\d{4}/);
});

test("the test part is what training measured on, and the same at any number of threads", async () => {
  const run = readJson<{ metrics: Record<string, Record<string, number>> }>(
    join(at("implicit"), "manifest.json"),
  );
  const args = [at("implicit"), "--part", "test", "--repeats", "mask"];
  const [one, two] = [
    await evaluated([...args, "--threads", "1"]),
    await evaluated([...args, "--threads", "2"]),
  ];
  expect(one.metrics["on"]).toMatchObject(run.metrics["test"]!);
  expect(two.compared).toEqual(one.compared);
});

test("a part that was cut by columns the model does not take is cut alike, whatever trained", async () => {
  const job = [fixture("purchases.csv"), "--user", "customer_id", "--item", "product_id", "--test", "0.2"];
  await embedOk(["train-pca", ...job, "-o", at("pca"), "--dim", "8"]);
  await embedOk(["train-als", ...job, "-o", at("random"), "--split", "random", "--epochs", "2"]);
  for (const run of [at("pca"), at("random")]) {
    const manifest = readJson<{ metrics: Record<string, Record<string, number>> }>(
      join(run, "manifest.json"),
    );
    const { metrics } = await evaluated([run, "--part", "test", "--repeats", "mask"]);
    expect(metrics["on"]).toMatchObject(manifest.metrics["test"]!);
  }
});

test("--repeats must be said where users come back to what they have, and allow finds it again", async () => {
  const args = ["evaluate", at("implicit"), "--part", "test", "--ranking"];
  const got = await embed(args);
  expect([got.code, got.stderr]).toEqual([
    64,
    expect.stringMatching(/\d\d\.\d % of the held-out events repeat/),
  ]);
  const history = [at("implicit"), "--part", "test", "--baseline", "user-history"];
  const allowed = await evaluated([...history, "--repeats", "allow"]);
  expect(allowed.metrics["user-history"]!["recallAt20"]).toBeGreaterThan(0.5);
  const masked = await embed(["evaluate", ...history, "--repeats", "mask"]);
  expect([masked.code, masked.stderr]).toEqual([64, expect.stringContaining("--repeats allow")]);
});

test("a table ranks by its vectors alone: the vectors of train-als give what its model gives", async () => {
  const args = [at("implicit"), "--part", "test", "--repeats", "mask"];
  const model = await evaluated(args);
  expect((await evaluated([...args, "--score", "dot"])).metrics["on"]).toEqual(model.metrics["on"]);
  const cosine = await evaluated([...args, "--score", "cosine"]);
  expect(cosine.metrics["on"]!["ndcgAt20"]).not.toBe(model.metrics["on"]!["ndcgAt20"]);
});

test("a run of labels ranks what users liked; ratings say from where on", async () => {
  const split = ["--split", "random", "--test", "0.2", "--epochs", "2"];
  await embedOk(["train-fm", fixture("ratings.csv"), "--label", "rating", "-o", at("ratings"), ...split]);
  const args = ["evaluate", at("ratings"), "--part", "test", "--ranking"];
  const got = await embed(args);
  expect([got.code, got.stderr]).toEqual([64, expect.stringContaining("--positive-from")]);
  const { metrics } = await evaluated([...args.slice(1), "--positive-from", "8", "--repeats", "mask"]);
  expect(metrics["on"]!["recallAt20"]).toBeGreaterThan(0);
});

test("a log that was trained on is warned of", async () => {
  const { warnings } = await evaluated([at("small"), "--on", at("train.csv"), "--repeats", "allow"]);
  expect(warnings.join()).toContain("was trained on");
});

test("a run whose log is gone or has changed names --mask, which then says what users have", async () => {
  write(
    "gone.csv",
    ["u1,a", "u2,a", "u1,b", "u2,c"].map((line) => line),
  );
  writeFileSync(at("gone.csv"), "user,item,click\nu1,a,1\nu1,b,0\nu2,a,0\nu2,c,1\nu1,c,1\n");
  await embedOk(["train-fm", at("gone.csv"), "-o", at("gone"), "--label", "click", "--epochs", "1"]);
  writeFileSync(at("held.csv"), "user,item,click\nu2,a,1\nu1,b,1\n");
  const args = ["evaluate", at("gone"), "--on", at("held.csv"), "--ranking"];
  const { users } = await evaluated(args.slice(1));
  expect(users.judged).toBe(2);
  writeFileSync(at("gone.csv"), "user,item,click\nu1,a,1\nu1,b,1\n");
  const changed = await embed(args);
  expect([changed.code, changed.stderr]).toEqual([64, expect.stringMatching(/has changed since.*--mask/)]);
  rmSync(at("gone.csv"));
  const gone = await embed(args);
  expect([gone.code, gone.stderr]).toEqual([64, expect.stringMatching(/cannot be read again.*--mask/)]);
  writeFileSync(at("mask.csv"), "user,item,click\nu1,b,1\nu2,c,1\n");
  const masked = await evaluated([...args.slice(1), "--mask", at("mask.csv"), "--repeats", "mask"]);
  expect(masked.users.judged).toBe(1);
});

test.each([
  ["an unknown baseline is refused", ["--baseline", "popular"], /must be one of popularity, .*item-cf/],
  ["a list of lengths that are none is refused", ["--k", "10,x"], /--k expects a number, got 'x'/],
  ["a log and a part together are refused", ["--part", "test"], /--on .*--part/],
  ["a part that was not held out is refused", [], /has no test split: train it with --test/],
  ["an unknown way to score is refused", ["--score", "euclid"], /dot/],
])("%s", async (name, more, message) => {
  const log = name.startsWith("a part that") ? ["--part", "test"] : ["--on", at("test.csv")];
  const got = await embed(["evaluate", at("small"), ...log, ...more]);
  expect([got.code, got.stderr]).toEqual([64, expect.stringMatching(message)]);
});

test("trees rank no items, and scored rows take no options of ranking", async () => {
  await embedOk(["train-gbdt", fixture("clicks.csv"), "-o", at("trees"), "--num-trees", "2"]);
  const trees = await embed(["evaluate", at("trees"), "--on", fixture("clicks.csv"), "--ranking"]);
  expect([trees.code, trees.stderr]).toEqual([64, expect.stringContaining("cannot rank items")]);
  const rows = await embed(["evaluate", at("trees"), "--on", fixture("clicks.csv"), "--k", "5"]);
  expect([rows.code, rows.stderr]).toEqual([64, expect.stringContaining("--k is for a ranking (--ranking)")]);
});

test("graph filters rank candidates too, and at any number of threads the same; their settings change them", async () => {
  const args = [at("implicit"), "--part", "test", "--repeats", "mask", "--k", "10", "--bootstrap", "0"];
  const filters = ["--baseline", "gf-cf,chebycf"];
  const [one, three] = [
    await evaluated([...args, ...filters, "--threads", "1"]),
    await evaluated([...args, ...filters, "--threads", "3"]),
  ];
  expect(three.metrics).toEqual(one.metrics);
  const plain = await evaluated([...args, ...filters, "--filter-dim", "8"]);
  const steep = await evaluated([...args, ...filters, "--filter-flatness", "3", "--filter-power", "0"]);
  // a warning says that the log has fewer items than the number of eigenvectors in the publication of the method
  expect(one.warnings.join()).toMatch(/chebycf: --filter-dim must be below \d+ for \d+ users and \d+ items/);
  expect(plain.warnings.join()).not.toContain("eigenvectors");
  expect(plain.metrics["gf-cf"]).not.toEqual(one.metrics["gf-cf"]);
  expect(steep.metrics["gf-cf"]).toEqual(one.metrics["gf-cf"]);
  expect(steep.metrics["chebycf"]).not.toEqual(one.metrics["chebycf"]);

  write("among.csv", ["u4,e", "u3,e", "u3,c", "u2,d"]);
  const among = ["--on", at("test.csv"), "--candidates", at("among.csv"), ...filters, "--k", "1,3"];
  const { metrics } = await evaluated([at("small"), ...among]);
  for (const name of ["gf-cf", "chebycf"]) {
    // u2's only held-out item f is unknown, so u2 finds none; u3 and u4 find all of theirs among three
    expect(metrics[name]!["recallAt3"]).toBeCloseTo(2 / 3, 12);
  }
});

test.each([
  ["--filter-dim 8 --baseline ease", "--filter-dim needs --baseline gf-cf, chebycf, got ease"],
  ["--filter-weight 0.5", "--filter-weight needs --baseline gf-cf or chebycf"],
  ["--filter-power 0.5 --baseline gf-cf", "--filter-power needs --baseline chebycf"],
  ["--filter-flatness -1 --baseline chebycf", "--filter-flatness expects a number of at least 0, got '-1'"],
  ["--baseline chebyshev", "gf-cf, chebycf"],
])("%s is 64 and says why", async (args, word) => {
  const { code, stderr } = await embed(argv`evaluate ${at("small")} --on ${at("test.csv")}
      --ranking ${args.split(" ")}`);
  expect([code, stderr]).toEqual([64, expect.stringContaining(word)]);
});

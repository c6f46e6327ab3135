// `embed train-fm`: splits of a log, by every flag that controls them.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";
import { readJson } from "../testing/json.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();

async function splitOf(name: string, log: string, args: string[]) {
  const run = join(folder, name);
  await embedOk(["train-fm", fixture(log), "-o", run, "--epochs", "1", "--quiet", ...args]);
  return readJson<{ split: Record<string, unknown>; warnings: string[] }>(join(run, "manifest.json"));
}

test("dates for --valid and --test cut the log there", async () => {
  const lines = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n").slice(1);
  const times = lines.map((line) => 1000 * Number(line.split(",")[5]));
  const from = (date: string) => times.filter((time) => time >= Date.parse(date)).length;
  const [valid, held] = [from("2024-03-25T00:00Z"), from("2024-03-28T12:00Z")];
  const { split } = await splitOf("dates", "clicks.csv", argv`--valid 2024-03-25 --test 2024-03-28T12:00`);
  const newest = Math.max(...times.filter((time) => time < Date.parse("2024-03-25T00:00Z")));
  expect(split).toEqual({ by: "time", train: 12_000 - valid, valid: valid - held, test: held, newest });
});

test("a share may be given in percent: the same bytes, from the command line, a variable and a config file", async () => {
  const config = join(folder, "percent.yaml");
  writeFileSync(config, "valid: 10%\ntest: 12.5 %\n");
  const ways: Record<string, [args: string[], env?: Record<string, string>]> = {
    number: [["--valid", "0.1", "--test", "0.125"]],
    percent: [["--valid", "10%", "--test", "12.5%"]],
    variable: [["--test", "12.5%"], { EMBED_VALID: "10%" }],
    config: [["--config", config]],
  };
  const held: unknown[][] = [];
  for (const [name, [args, env]] of Object.entries(ways)) {
    const run = join(folder, `percent-${name}`);
    const train = ["train-fm", fixture("clicks.csv"), "-o", run, "--epochs", "1", "--quiet", ...args];
    await embedOk(train, env ? { env } : {});
    const { split, options } = readJson<{ split: object; options: Record<string, unknown> }>(
      join(run, "manifest.json"),
    );
    held.push([split, options["valid"], options["test"], readFileSync(join(run, "embeddings.arrow"), "hex")]);
  }
  expect(held.slice(1)).toEqual([held[0], held[0], held[0]]);
  expect(held[0]).toEqual([
    expect.objectContaining({ train: 9300, valid: 1200, test: 1500 }),
    0.1,
    0.125,
    held[0]?.[3],
  ]);
});

test.each(["100%", "-5%", "1.5", "%"])("--valid %s is refused with what a share is", async (share) => {
  const got = await embed([
    "train-fm",
    fixture("clicks.csv"),
    "-o",
    join(folder, "never"),
    `--valid=${share}`,
  ]);
  expect([got.code, got.stderr]).toEqual([
    64,
    expect.stringMatching(/^embed: --valid expects a (share|number)/),
  ]);
});

test("--split last holds out each user's last events and says what training then sees", async () => {
  const { split, warnings } = await splitOf("last", "clicks.csv", ["--split", "last", "--last", "2"]);
  expect(split).toMatchObject({ by: "last", train: 12_000 - 4 * 160, valid: 2 * 160, test: 2 * 160 });
  expect(warnings).toContainEqual(expect.stringContaining("--split last"));
});

test("--group holds out all events of a user's last group", async () => {
  const args = ["--split", "last", "--group", "channel", "--negatives", "1"];
  const { split } = await splitOf("group", "purchases.csv", args);
  expect(split["test"]).toBeGreaterThan(2 * 160);
});

test("--split-key keeps the shares at random, also of a log with times", async () => {
  const { split } = await splitOf("key", "clicks.csv", ["--split-key", "user,item", "--test", "0.2"]);
  expect(split["by"]).toBe("random");
  expect(Math.abs(Number(split["test"]) / 12_000 - 0.2)).toBeLessThan(0.02);
});

test("--valid-like holds out items as popular as those of a file, and a run cuts the same parts when the file has changed", async () => {
  const rows = readFileSync(fixture("purchases.csv"), "utf8").trimEnd().split("\n");
  const [header, ...events] = rows;
  const itemOf = (line: string) => line.split(",")[header!.split(",").indexOf("product_id")]!;
  const counts = new Map<string, number>();
  for (const line of events) counts.set(itemOf(line), (counts.get(itemOf(line)) ?? 0) + 1);
  const median = [...counts.values()].sort((a, b) => a - b)[Math.floor(counts.size / 2)]!;
  const like = join(folder, "like.csv");
  writeFileSync(
    like,
    [header, ...events.filter((line) => counts.get(itemOf(line))! >= median), ""].join("\n"),
  );

  const run = join(folder, "imitates");
  const roles = ["--user", "customer_id", "--item", "product_id", "--dim", "4"];
  const cut = ["--valid", "0.2", "--valid-like", like];
  const { stderr } = await embedOk(["train-pca", fixture("purchases.csv"), "-o", run, ...roles, ...cut]);
  const { split } = readJson<{ split: { by: string; valid: number; like: Record<string, number> } }>(
    join(run, "manifest.json"),
  );
  expect(split.by).toBe("random");
  const { target, reached } = split.like;
  expect(Math.abs(reached! / target! - 1)).toBeLessThan(0.02);
  expect(stderr).toContain(
    `${reached!.toFixed(1)} other users on average, items in --valid-like ${target!.toFixed(1)}`,
  );

  const evaluated = async () =>
    (await embedOk(["evaluate", run, "--part", "valid", "--repeats", "mask", "--bootstrap", "0"])).stdout;
  const before = await evaluated();
  writeFileSync(like, [header, events[0], ""].join("\n"));
  expect(await evaluated()).toBe(before);
});

test.each([
  ["--valid-like FILE", "--valid"],
  ["--valid-like FILE --valid FILE", "a share"],
  ["--valid-like FILE --valid 0.1 --split time", "--split time"],
  ["--valid-like FILE --valid 0.1 --test 2024-03-25", "a date"],
  ["--valid-like FILE --valid 0.1 --split-key user", "--split-key"],
  ["--valid-like nowhere.csv --valid 0.1", "nowhere.csv"],
])("%s is refused and says why", async (args, word) => {
  const given = args.replaceAll("FILE", fixture("clicks.csv")).split(" ");
  const { code, stderr } = await embed([
    "train-fm",
    fixture("clicks.csv"),
    "-o",
    join(folder, "no"),
    ...given,
  ]);
  expect([code, stderr]).toEqual([word === "nowhere.csv" ? 66 : 64, expect.stringContaining(word)]);
});

test.each([
  ["--split last --test 0.1", "--last"],
  ["--last 2", "--split last"],
  ["--split time --split-key user --test 0.1", "--split-key"],
  ["--split random --test 2024-03-25", "a date for --valid or --test needs --split time, got --split random"],
  ["--test 2024-02-31", "a date"],
  ["--split last --group basket", "basket"],
  ["--split-key basket --test 0.1", "basket"],
])("%s is 64 and says why", async (args, word) => {
  const got = await embed([
    "train-fm",
    fixture("clicks.csv"),
    "-o",
    join(folder, "never"),
    ...args.split(" "),
  ]);
  expect([got.code, got.stderr]).toEqual([64, expect.stringContaining(word)]);
});

// `embed train-fm`: how a log is cut, by every flag that says so.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";
import { parseJson } from "../testing/json.js";

const folder = temporaryFolder();

async function splitOf(name: string, log: string, args: string[]) {
  const run = join(folder, name);
  await embedOk(["train-fm", fixture(log), "-o", run, "--epochs", "1", "--quiet", ...args]);
  return parseJson<{ split: Record<string, unknown>; warnings: string[] }>(
    readFileSync(join(run, "manifest.json"), "utf8"),
  );
}

test("dates for --valid and --test cut the log there", async () => {
  const lines = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n").slice(1);
  const times = lines.map((line) => 1000 * Number(line.split(",")[5]));
  const from = (date: string) => times.filter((time) => time >= Date.parse(date)).length;
  const [valid, held] = [from("2024-03-25T00:00Z"), from("2024-03-28T12:00Z")];
  const { split } = await splitOf("dates", "clicks.csv", [
    "--valid",
    "2024-03-25",
    "--test",
    "2024-03-28T12:00",
  ]);
  const newest = Math.max(...times.filter((time) => time < Date.parse("2024-03-25T00:00Z")));
  expect(split).toEqual({ by: "time", train: 12_000 - valid, valid: valid - held, test: held, newest });
});

test("--split last holds out each user's last events and says what training then sees", async () => {
  const { split, warnings } = await splitOf("last", "clicks.csv", ["--split", "last", "--last", "2"]);
  expect(split).toMatchObject({ by: "last", train: 12_000 - 4 * 160, valid: 2 * 160, test: 2 * 160 });
  expect(warnings).toEqual([expect.stringContaining("--split last")]);
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

test.each([
  ["--split last --test 0.1", "--last"],
  ["--last 2", "--split last"],
  ["--split time --split-key user --test 0.1", "--split-key"],
  ["--split random --test 2024-03-25", "by time"],
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

// train-ranking with events divided into blocks, so that blocks that are trained at the same time share neither users
// nor items: the bytes are the same for any number of threads and any log.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { integerBelow, mulberry32 } from "../testing/random.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const roles = ["--user", "user", "--item", "item"];
const tableOf = (run: string) => readFileSync(join(at(run), "embeddings.arrow")).toString("base64");

function writeLog(name: string, pairs: readonly (readonly [user: number, item: number])[]): string {
  writeFileSync(at(name), ["user,item", ...pairs.map(([user, item]) => `u${user},i${item}`)].join("\n"));
  return at(name);
}
const uniform = mulberry32(8);
const below = (n: number) => integerBelow(n, uniform);
const pairsOf = (count: number, pair: () => readonly [number, number]) => Array.from({ length: count }, pair);

/** A log of random events, large enough that its items are divided into four groups for parallel training. */
const plain = writeLog(
  "plain.csv",
  pairsOf(18_000, () => [below(700), below(400)]),
);

test.each([
  ["adagrad", []],
  ["sgd", ["--optimizer", "sgd"]],
  ["several candidates", ["--negatives", "4", "--hard-negatives", "2-4", "--noise", "popularity"]],
  ["warp", ["--loss", "warp"]],
  ["unshuffled", ["--no-shuffle"]],
])("1, 2, 3 and 9 threads give the same bytes: %s", async (name, options) => {
  const tables: string[] = [];
  for (const threads of ["1", "2", "3", "9"]) {
    await embedOk([
      ...["train-ranking", plain, ...roles, "--dim", "12", "--epochs", "3", ...options],
      ...["--threads", threads, "-o", at(name), "--force"],
    ]);
    tables.push(tableOf(name));
  }
  expect(new Set(tables).size).toBe(1);
});

test.each([
  ["a user with most events", () => pairsOf(18_000, () => [Math.max(0, below(2000) - 1400), below(400)])],
  ["an item with most events", () => pairsOf(18_000, () => [below(700), Math.max(0, below(1500) - 1100)])],
  ["fewer users than groups", () => pairsOf(18_000, () => [below(3), below(6000)])],
  ["one user", () => pairsOf(40, () => [0, below(30)]).concat([[1, 99]])],
  ["two items", () => pairsOf(40, () => [below(30), below(2)])],
] as const)("a log with %s trains to the same bytes on 1 and 3 threads", async (name, pairs) => {
  const log = writeLog(`${name}.csv`, pairs());
  const tables: string[] = [];
  for (const threads of ["1", "3"]) {
    await embedOk([
      ...["train-ranking", log, ...roles, "--dim", "8", "--epochs", "3", "--threads", threads],
      ...["-o", at(name), "--force"],
    ]);
    tables.push(tableOf(name));
  }
  expect(tables[1]).toBe(tables[0]);
});

test("a killed training goes on with another number of threads", async () => {
  const train = ["train-ranking", plain, ...roles, "--dim", "12", "--epochs", "40"];
  await embedOk([...train, "--threads", "1", "-o", at("whole")]);
  const checkpointed = [...train, "-o", at("killed"), "--checkpoint-every", "1", "--resume"];
  const kill = async (threads: string) =>
    await embed([...checkpointed, "--threads", threads, "--log-format", "json"], {
      signalWhen: { stderr: /"epoch":5,/, signal: "SIGKILL" },
    });
  expect((await kill("1")).signal).toBe("SIGKILL");
  const { stderr } = await embedOk([...checkpointed, "--threads", "3"]);
  expect(stderr).toMatch(/resuming after epoch/);
  expect(tableOf("killed")).toBe(tableOf("whole"));
});

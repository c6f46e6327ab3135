// `--row-order`: a new table keeps the row numbers of the previous one, so that a network that refers to these rows can
// use it.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines, parseWord2vecText } from "../testing/exported.js";
import { parseJson } from "../testing/json.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

/** Writes a log with the given number of events of each item. */
function writeLog(name: string, items: Record<string, number>): string {
  const lines = Object.entries(items).flatMap(([item, events]) =>
    Array.from({ length: events }, (_, i) => `${i % 2},u${i % 3},${item}`),
  );
  writeFileSync(at(name), ["label,user,item", ...lines].join("\n"));
  return at(name);
}

const first = writeLog("first.csv", { apple: 9, berry: 8, cherry: 7 });
const second = writeLog("second.csv", { date: 9, cherry: 8, elder: 5, apple: 4 });

async function train(log: string, run: string, ...options: string[]): Promise<string> {
  return (await embedOk(["train-fm", log, "-o", at(run), "--epochs", "2", ...options])).stderr;
}

const rowsOf = async (run: string) =>
  parseJsonLines((await embedOk(["export", at(run), "--format", "jsonl", "--field", "item"])).stdout);

test("keeps rows, appends new keys, leaves holes, and every command that reads the run lives with them", async () => {
  await train(first, "one");
  const reported = await train(second, "two", "--row-order", at("one"));
  expect(reported).toContain("'item' keeps the order of 3 rows: 2 appended, 1 empty");
  const rows = await rowsOf("two");
  expect(rows.map(({ key, count }) => [key, count])).toEqual([
    ["apple", 4],
    ["", 0],
    ["cherry", 8],
    ["date", 9],
    ["elder", 5],
  ]);
  expect(rows.map(({ vector }) => vector.some((x) => x !== 0))).toEqual([true, false, true, true, true]);

  const words = parseWord2vecText(
    (await embedOk(["export", at("two"), "--format", "word2vec", "--field", "item"])).stdout,
  );
  expect([...words.keys()]).toEqual(["apple", "cherry", "date", "elder"]);
  const near = await embedOk(["neighbors", at("two"), "--key", "item:apple", "--metric", "dot", "--json"]);
  const { queries } = parseJson<{ queries: { neighbors: { key: string }[] }[] }>(near.stdout);
  expect(queries[0]!.neighbors.map(({ key }) => key).sort()).toEqual(["cherry", "date", "elder"]);

  // the order of rows in the table changes neither the vector of a key nor the metrics
  await train(second, "two-alone");
  const metricsOf = async (run: string) => {
    const { stdout } = await embedOk(["evaluate", at(run), "--on", first, "--json"]);
    return parseJson<{ metrics: object }>(stdout).metrics;
  };
  expect(await metricsOf("two")).toEqual(await metricsOf("two-alone"));
  const alone = new Map((await rowsOf("two-alone")).map((row) => [row.key, row.vector]));
  for (const { key, vector } of rows.filter((row) => row.key !== "")) expect(vector).toEqual(alone.get(key));
});

test("a third week keeps the second's rows and holes", async () => {
  await train(first, "week-1");
  await train(second, "week-2", "--row-order", at("week-1"));
  await train(first, "week-3", "--row-order", at("week-2"));
  expect((await rowsOf("week-3")).map(({ key }) => key)).toEqual(["apple", "", "cherry", "", "", "berry"]);
});

test("a run that does not exist is 66, and a field hashed to another size is 64", async () => {
  const options = (run: string) => ["train-fm", second, "-o", at("none"), "--row-order", at(run)];
  expect((await embed(options("no-such"))).code).toBe(66);
  await train(first, "hashed", "--hash", "item:4");
  const refused = await embed([...options("hashed"), "--hash", "item:5"]);
  expect([refused.code, refused.stderr]).toEqual([
    64,
    expect.stringContaining(": use the same number of bits"),
  ]);
});

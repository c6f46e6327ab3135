// `embed neighbors` returns the rows nearest to a key by the exported vectors.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseDelimited, type ExportedRow } from "../testing/exported.js";
import { groupOf, GROUPS } from "../testing/planted.js";
import { mainJob } from "./main-job.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const run = join(folder, "run");
const write = (name: string, ...lines: string[]): string => {
  writeFileSync(join(folder, name), lines.map((line) => `${line}\n`).join(""));
  return join(folder, name);
};
let items: ExportedRow[];
beforeAll(async () => {
  await embedOk(mainJob(run));
  items = parseDelimited((await embedOk(["export", run, "--format", "csv", "--field", "item"])).stdout, ",");
});

/** Returns the items named in a text, in order; their names resemble nothing else in the output. */
const itemsIn = (text: string): string[] => text.match(new RegExp(`(${GROUPS.join("|")})-\\d\\d`, "g")) ?? [];

function nearest(key: string, top: number, metric: "cosine" | "dot"): string[] {
  const query = items.find((item) => item.key === key)!.vector;
  const score = ({ vector }: ExportedRow): number => {
    const dot = vector.reduce((sum, x, d) => sum + x * query[d]!, 0);
    return metric === "dot" ? dot : dot / Math.hypot(...vector);
  };
  const others = items.filter((item) => item.key !== key);
  // the sort is stable, so that items with the same score stay in the order of rows
  return others
    .sort((a, b) => score(b) - score(a))
    .slice(0, top)
    .map((item) => item.key);
}

test.each(["cosine", "dot"] as const)(
  "by %s are the rows that the vectors say, nearest first",
  async (metric) => {
    for (const key of ["tea-03", "camera-11", "travel-12"]) {
      const args = ["neighbors", run, "--key", `item:${key}`, "--top", "7", "--metric", metric];
      const { stdout } = await embedOk(args);
      expect(itemsIn(stdout).filter((item) => item !== key)).toEqual(nearest(key, 7, metric));
    }
  },
);

test("are ten by cosine by default, of the query's field, and share its group", async () => {
  const { stdout } = await embedOk(["neighbors", run, "--key", "item_id:garden-02"]);
  const found = itemsIn(stdout).filter((item) => item !== "garden-02");
  expect(found).toEqual(nearest("garden-02", 10, "cosine"));
  expect(found.filter((item) => groupOf(item) === "garden").length).toBeGreaterThanOrEqual(8);
  expect(stdout).not.toMatch(/\bu\d{3}\b/);
});

test("are printed for each --key in turn", async () => {
  const args = ["neighbors", run, "--key", "item:tea-03", "--key", "item:chess-01", "--top", "2"];
  const found = itemsIn((await embedOk(args)).stdout);
  expect(found.filter((item) => !["tea-03", "chess-01"].includes(item))).toEqual([
    ...nearest("tea-03", 2, "cosine"),
    ...nearest("chess-01", 2, "cosine"),
  ]);
});

test("come as one JSON object with --json", async () => {
  const { stdout } = await embedOk(["neighbors", run, "--key", "item:tea-03", "--top", "3", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ command: "neighbors" });
  expect(itemsIn(stdout).filter((item) => item !== "tea-03")).toEqual(nearest("tea-03", 3, "cosine"));
});

test.each([
  ["an unknown key is 64 with the nearest", ["--key", "item:tea-3"], 64, "tea-03"],
  ["an unknown field is 64 with the nearest", ["--key", "itme:tea-03"], 64, "item"],
  ["a key without a field is 64", ["--key", "tea-03"], 64, "FIELD:KEY"],
  ["an unknown metric is 64", ["--key", "item:tea-03", "--metric", "cosinus"], 64, "cosine"],
  ["no neighbor at all is 64", ["--key", "item:tea-03", "--top", "0"], 64, "--top"],
])("%s", async (_, args, code, message) => {
  const got = await embed(["neighbors", run, ...args]);
  expect([got.code, got.stdout]).toEqual([code, ""]);
  expect(got.stderr).toContain(message);
});

test("keys of a file are asked for in its order, those that the run does not know are told", async () => {
  const keys = write("keys.csv", "price,item_id", "3,chess-01", "4,never", "5,tea-03");
  const args = ["neighbors", run, "--keys", `${keys}:item`, "--top", "2", "--format", "csv"];
  const { stdout, stderr } = await embedOk(args);
  expect(stdout).toMatch(/^field,key,rank,neighbor,similarity,count\nitem_id,chess-01,1,/);
  expect(
    stdout
      .trimEnd()
      .split("\n")
      .slice(1)
      .map((line) => line.split(",").slice(1, 4).join(" ")),
  ).toEqual(
    ["chess-01", "tea-03"].flatMap((key) =>
      nearest(key, 2, "cosine").map((near, i) => `${key} ${i + 1} ${near}`),
    ),
  );
  expect(stderr).toContain(`1 of 3 keys of '${keys}' without a row in the run: "never"`);
  const named = await embedOk([...args.slice(0, -2), "--key", "item:tea-03", "--json"]);
  const { queries } = JSON.parse(named.stdout) as { queries: { key: string }[] };
  expect(queries.map(({ key }) => key)).toEqual(["tea-03", "chess-01", "tea-03"]);
});

test("a title in the log or in a side table names items; a category does not", async () => {
  const title = (i: number) => `Tea, the ${i}th`;
  const events = Array.from({ length: 60 }, (_, n) => [`u${n % 7}`, n % 12] as const);
  const log = (name: string, header: string, cell: (i: number) => string) =>
    write(name, `user,item_id,${header}`, ...events.map(([user, i]) => `${user},i${i},"${cell(i)}"`));
  const side = write(
    "titles.csv",
    "item_id,Title",
    ...Array.from({ length: 12 }, (_, i) => `i${i},"${title(i)}"`),
  );
  const cases = [
    [log("titled.csv", "item_name", title), [], title(3)],
    [log("grouped.csv", "name", () => "tea"), [], undefined],
    [log("plain.csv", "shop", (i) => `s${i % 2}`), ["--side", `${side}:item_id`], title(3)],
  ] as const;
  for (const [i, [path, options, expected]] of cases.entries()) {
    const out = join(folder, `found-${i}`);
    await embedOk([
      ...["train-als", path, "--fields", "user,item_id", "--dim", "2", "--epochs", "1", "-o", out],
      ...options,
    ]);
    const { stdout } = await embedOk(["neighbors", out, "--key", "item:i3", "--top", "1", "--json"]);
    const { queries } = JSON.parse(stdout) as { queries: { name?: string }[] };
    expect(queries[0]!.name).toBe(expected);
  }
});

test("--names shows what keys are called, in text, JSON and rows", async () => {
  const [near] = nearest("tea-03", 1, "cosine");
  const names = write("names.csv", "id,title", 'tea-03,"Tea, green"', `${near},Pot`);
  const args = argv`neighbors ${run} --key item:tea-03 --key user:u019 --top 2
      --names ${names}:item=id:title`;
  const text = await embedOk(args);
  expect(text.stdout).toContain("item_id:tea-03  Tea, green (cosine)\n");
  expect(text.stdout).toMatch(new RegExp(`^  key +similarity +count +name\n  ${near} .* Pot\n`, "m"));
  expect(text.stderr).toContain("has no 'title' for 1 of 3 keys");
  const json = JSON.parse((await embedOk([...args, "--json"])).stdout) as {
    queries: { name?: string; neighbors: { name?: string }[] }[];
  };
  expect(json.queries.map(({ name }) => name)).toEqual(["Tea, green", undefined]);
  expect(json.queries[0]!.neighbors.map(({ name }) => name)).toEqual(["Pot", undefined]);
  const out = join(folder, "neighbors.jsonl");
  await embedOk([...args, "-o", out]);
  const rows = readFileSync(out, "utf8").trimEnd().split("\n");
  expect(rows).toHaveLength(4);
  expect(JSON.parse(rows[0]!)).toMatchObject({
    key: "tea-03",
    name: "Tea, green",
    rank: 1,
    neighbor: near,
    neighbor_name: "Pot",
  });
  expect((await embed([...args, "-o", out])).code).toBe(73);
});

test.each([
  ["neither a key nor a file is 64", [], 64, "--key FIELD:KEY"],
  ["a file of unknown keys alone is 64", ["--keys", "none.csv:item"], 64, "none of its 1 keys is in field"],
  [
    "a column that the file has not is 64",
    ["--keys", "none.csv:item=name"],
    64,
    "--keys names column 'name'",
  ],
  [
    "names without a column are 64",
    ["--key", "item:tea-03", "--names", "none.csv:item_id"],
    64,
    "FILE:FIELD:COLUMN",
  ],
  ["a key that stands twice is 65", ["--keys", "twice.csv:item"], 65, "twice.csv:3"],
  ["--json and rows are 64", ["--key", "item:tea-03", "--json", "-o", "never.csv"], 64, "--json"],
])("%s", async (_, args, code, message) => {
  write("none.csv", "item_id", "never");
  write("twice.csv", "item_id", "tea-03", "tea-03");
  const got = await embed(["neighbors", run, ...args], { cwd: folder });
  expect([got.code, got.stdout, existsSync(join(folder, "never.csv"))]).toEqual([code, "", false]);
  expect(got.stderr).toContain(message);
});

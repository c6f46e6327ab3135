// `embed neighbors`: the rows nearest to a key, as the exported vectors say.

import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseDelimited, type ExportedRow } from "../testing/exported.js";
import { groupOf, GROUPS } from "../testing/planted.js";
import { mainJob } from "./main-job.js";

const run = join(temporaryFolder(), "run");
let items: ExportedRow[];
beforeAll(async () => {
  await embedOk(mainJob(run));
  items = parseDelimited((await embedOk(["export", run, "--format", "csv", "--field", "item"])).stdout, ",");
});

/** Items named in a text, in order: their names are like nothing else that is printed. */
const itemsIn = (text: string): string[] => text.match(new RegExp(`(${GROUPS.join("|")})-\\d\\d`, "g")) ?? [];

function nearest(key: string, top: number, metric: "cosine" | "dot"): string[] {
  const query = items.find((item) => item.key === key)!.vector;
  const score = ({ vector }: ExportedRow): number => {
    const dot = vector.reduce((sum, x, d) => sum + x * query[d]!, 0);
    return metric === "dot" ? dot : dot / Math.hypot(...vector);
  };
  const others = items.filter((item) => item.key !== key);
  // sort is stable: ties stay in row order
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
  ["no neighbour at all is 64", ["--key", "item:tea-03", "--top", "0"], 64, "--top"],
])("%s", async (_, args, code, message) => {
  const got = await embed(["neighbors", run, ...args]);
  expect([got.code, got.stdout]).toEqual([code, ""]);
  expect(got.stderr).toContain(message);
});

// A shop's first week, from the comparison of models to cron, typed as one script: each claim is checked against the
// planted groups. The seconds of each step are printed.

import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, shell, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { brokenDays, shop } from "../testing/shop.js";
import { csvRows } from "../testing/lines.js";

const folder = temporaryFolder();
const here = { cwd: folder };
const planted = shop({ users: 600, purchasesPerDay: 3000 });
const took: string[] = [];

const write = (day: number, csv = planted.days[day]!.purchases) =>
  writeFileSync(join(folder, "logs", `${planted.days[day]!.date}.csv`), csv);
const latest = () => readlinkSync(join(folder, "store/items/latest"));
const rowsOf = (name: string) => csvRows(readFileSync(join(folder, name), "utf8"));

/** Runs a step of the script, and records how many seconds it takes. */
async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  took.push(`${name}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  return result;
}

beforeAll(() => {
  mkdirSync(join(folder, "logs"));
  for (const day of [0, 1, 2]) write(day);
  writeFileSync(join(folder, "items.csv"), planted.catalogue);
});
afterAll(() => console.log(took.join("\n")));

test("from compare to cron: lists are of the planted groups, a broken day stays out, and a version is rolled back", async () => {
  const compared = await step("compare", () =>
    embedOk(
      [
        ...["compare", "logs/*.csv", "-o", "compare.html", "--goal", "lists", "--repeats", "mask", "--quiet"],
        ...["--trainers", "train-als,train-ranking,train-pca", "--budget", "2m", "--json"],
      ],
      here,
    ),
  );
  const { leaderboard } = parseJson<{
    leaderboard: { lines: { name: string; metrics: Record<string, number> }[] };
  }>(compared.stdout);
  const recallOf = (name: string) =>
    leaderboard.lines.find((line) => line.name === name)!.metrics.recallAt20!;
  // lists of random items would contain one in eight of the user's group, to which nine purchases in ten belong
  expect(recallOf(leaderboard.lines[0]!.name)).toBeGreaterThan(3 * recallOf("popularity"));

  await step("init", () => embedOk(["init", "--from", "compare.html", "-o", "shop.yaml", "--quiet"], here));
  await step("first version", () => embedOk(["run", "shop.yaml", "--quiet"], here));
  expect(latest()).toBe("000001");

  // runs the command as cron does: in another folder, without environment variables
  write(3);
  const cron = await step("next day, from cron", () =>
    shell(`cd "${folder}" && env -i "$EMBED_NODE" "$EMBED_PROGRAM" run shop.yaml --quiet`, { cwd: "/" }),
  );
  expect([cron.code, cron.stdout, latest()]).toEqual([0, "", "000002"]);

  await step("a list for each category", () =>
    embedOk(
      [
        ...["recall", "store/items/latest", "--lists-per", "category", "--items", "items.csv", "--k", "3"],
        ...["--repeats", "allow"],
        ...["-o", "lists.csv", "--quiet"],
      ],
      here,
    ),
  );
  const best = new Map<string, { category: string; score: number }>();
  // the catalogue's category is the planted group, unless it is missing
  const listed = rowsOf("lists.csv").filter(([, category]) => category !== "NA" && category !== "null");
  expect(listed.filter(([, category, , item]) => category !== planted.groupOf(item!))).toEqual([]);
  for (const [user, category, rank, , score] of listed)
    if (rank === "1" && !((best.get(user!)?.score ?? -Infinity) >= Number(score)))
      best.set(user!, { category: category!, score: Number(score) });
  const ofOwnGroup = [...best].filter(([user, { category }]) => planted.groupOf(user) === category).length;
  expect(ofOwnGroup / best.size).toBeGreaterThan(0.9);

  await step("export", () =>
    embedOk(
      ["export", "store/items/latest", "--format", "jsonl", "--field", "item_id", "-o", "items.jsonl"],
      here,
    ),
  );
  const exported = readFileSync(join(folder, "items.jsonl"), "utf8").trimEnd().split("\n").length;
  expect(exported).toBe(new Set([0, 1, 2, 3].flatMap((day) => itemsSold(day))).size);

  write(4, brokenDays.quarter(planted.days[4]!.purchases));
  const refused = await step("a broken day", () => embed(["run", "shop.yaml", "--quiet"], here));
  expect([refused.code, latest()]).toEqual([81, "000002"]);
  expect(refused.stderr).toContain(`in logs/${planted.days[4]!.date}.csv`);
  await step("rollback", () => embedOk(["rollback", "store/items"], here));
  expect(latest()).toBe("000001");

  write(4);
  await step("the day, mended", () => embedOk(["run", "shop.yaml", "--quiet"], here));
  expect(latest()).toBe("000003");
}, 180_000);

const itemsSold = (day: number) =>
  planted.days[day]!.purchases.trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => line.split(",")[2]!);

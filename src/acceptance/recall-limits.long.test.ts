// `embed recall` with limits that exceed the data: --k above the number of items, --per with fewer categories than
// places in a list, missing categories. Expected lists are cut from a list of all items.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { shop } from "../testing/shop.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const MANY = "100000000";
/** More than half of the catalogue's items have no category. */
const MISSING_TEXTS = ["NULL", "\\N", "N/A", "NaN", ""];

let items: string[] = [];
/** categories by item; undefined if the cell is missing */
const categories = new Map<string, string | undefined>();

interface Summary {
  lists: number;
  short: number;
  longest: number;
  warnings: string[];
}

beforeAll(async () => {
  const { days, itemsOn, groupOf } = shop({ days: 2 });
  const purchases = days.map(({ purchases: csv }) => csv.split("\n").slice(1).join("\n")).join("");
  writeFileSync(at("log.csv"), `order_id,user_id,item_id,quantity,timestamp\n${purchases}`);
  items = itemsOn(1);
  items.forEach((item, i) => categories.set(item, i % 9 === 0 ? undefined : groupOf(item)));
  const cellOf = (item: string, i: number) => categories.get(item) ?? MISSING_TEXTS[(i / 9) % 5]!;
  const lines = items.map((item, i) => `${item},${cellOf(item, i)},${i}`);
  writeFileSync(at("items.csv"), ["item_id,category,place", ...lines, ""].join("\n"));
  const roles = ["--user", "user_id", "--item", "item_id", "--fields", "user_id,item_id"];
  await embedOk(["train-als", at("log.csv"), "-o", at("run"), "--dim", "4", "--epochs", "2", ...roles]);
});

async function lists(out: string, ...options: string[]) {
  const { stdout } = await embedOk(["recall", at("run"), "-o", at(out), "--json", ...options]);
  const byUser = new Map<string, string[][]>();
  for (const line of readFileSync(at(out), "utf8").trimEnd().split("\n").slice(1)) {
    const [user = "", , ...entry] = line.split(",");
    byUser.set(user, [...(byUser.get(user) ?? []), entry]);
  }
  return { byUser, summary: parseJson<Summary>(stdout), bytes: readFileSync(at(out)) };
}

/** Keeps at most `most` items of each category in each list, and returns the first k items that are left. */
function cut(byUser: ReadonlyMap<string, string[][]>, most: number, k: number) {
  return new Map(
    [...byUser].map(([user, list]) => {
      const taken = new Map<string, number>();
      const kept = list.filter(([item]) => {
        const category = categories.get(item!);
        if (category === undefined) return true;
        taken.set(category, (taken.get(category) ?? 0) + 1);
        return taken.get(category)! <= most;
      });
      return [user, kept.slice(0, k)];
    }),
  );
}

test("a list longer than all items is cut to them, and the summary says so", async () => {
  const all = await lists("all.csv", "--k", String(items.length));
  const many = await lists("many.csv", "--k", MANY);
  expect(many.bytes.equals(all.bytes)).toBe(true);
  expect(many.summary).toMatchObject({ longest: all.summary.longest, short: many.summary.lists });
  expect(many.summary.longest).toBeLessThanOrEqual(items.length);
  const { stderr } = await embedOk(["recall", at("run"), "-o", at("text.csv"), "--k", MANY]);
  expect(stderr).toContain(`no list can have more than ${many.summary.longest} items`);
  await embedOk(["recall", at("run"), "--for", "item", "-o", at("similar.csv"), "--k", MANY]);
  for (const score of ["popularity", "item-knn"])
    await embedOk(["recall", at("run"), "--score", score, "-o", at(`${score}.csv`), "--k", MANY]);
});

test.each([
  ["model", 1, "50"],
  ["model", 3, "20"],
  ["model", 2, MANY],
  ["dot", 2, "12"],
  ["popularity", 1, "50"],
  ["popularity", 3, "20"],
])(
  "--score %s: %i of a category, a list of %s; items without a category are not limited",
  async (score, most, k) => {
    const by = ["--score", score, "--items", at("items.csv")];
    const all = await lists(`full-${score}.csv`, ...by, "--k", String(items.length), "--force");
    const limited = await lists(`${score}-${most}-${k}.csv`, ...by, "--k", k, "--per", `category=${most}`);
    expect(limited.byUser).toEqual(cut(all.byUser, most, Number(k)));
    expect(limited.summary.warnings).toEqual([
      expect.stringContaining("of 'category' (NULL, \\N, N/A, NaN)"),
    ]);
  },
);

test("--per says how long a list can be at most", async () => {
  const where = ["--items", at("items.csv"), "--where", "category is not missing"];
  const { summary } = await lists("eight.csv", ...where, "--per", "category=1", "--k", "50");
  expect([summary.longest, summary.short]).toEqual([8, summary.lists]);
});

test("with a category for each item, --per leaves lists as they are", async () => {
  const by = ["--items", at("items.csv"), "--k", "20"];
  const [each, all] = [await lists("each.csv", ...by, "--per", "place=1"), await lists("plain.csv", ...by)];
  expect(each.bytes.equals(all.bytes)).toBe(true);
});

test("a missing category is no category of --within, and --null '' keeps the texts", async () => {
  const users = [...(await lists("whose.csv", "--k", "1")).byUser.keys()];
  writeFileSync(at("users.csv"), `user_id,category\n${users.map((user) => `${user},NULL`).join("\n")}\n`);
  const within = ["--items", at("items.csv"), "--users", at("users.csv"), "--within", "category", "--k", "5"];
  const none = await lists("none.csv", ...within);
  expect(none.summary).toMatchObject({ lists: 0 });
  const literal = await lists("literal.csv", ...within, "--null", "");
  expect(literal.summary.lists).toBeGreaterThan(0);
});

test("labels and content have the same missing cells", async () => {
  const labels = ["--labels", `${at("items.csv")}:item_id`, "--neighbors-by", "category", "--json"];
  const { stdout } = await embedOk(["evaluate", at("run"), ...labels]);
  const labelled = items.filter((item) => categories.get(item) !== undefined).length;
  expect(JSON.stringify(parseJson(stdout))).toContain(`"rows":${labelled}`);
  writeFileSync(at("more.csv"), `${readFileSync(at("items.csv"), "utf8")}new,NaN,1000\n`);
  const content = ["--content", at("more.csv"), "--content-fields", "category", "-o", at("content.csv")];
  const { stderr } = await embedOk(["transform", at("run"), ...content]);
  expect(stderr).toContain("of 'category' (NULL, \\N, N/A, NaN)");
});

test("evaluate takes a --k above the number of items, and says what is too long for its memory", async () => {
  await embedOk(argv`train-als ${at("log.csv")} -o ${at("held")} --dim 4 --epochs 1 --test 0.2`);
  const part = ["evaluate", at("held"), "--part", "test", "--repeats", "allow", "--json"];
  const { stdout } = await embedOk([...part, "--k", MANY, "--baseline", "popularity"]);
  expect(stdout).toContain(`"recallAt${MANY}":1`);
  const { code } = await embed([...part, "--k", "0"]);
  expect(code).toBe(64);
});

// `embed recall --lists-per COLUMN` and `--new-share X`, on a shop with planted groups: users buy within their group,
// and the catalogue says the group of an item, of new ones too.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Papa from "papaparse";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { integerBelow, mulberry32 } from "../testing/random.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const [GROUPS, USERS, ITEMS, NEW] = [4, 80, 120, 24] as const;
const random = mulberry32(11);
const groupOf = (key: string) => Number(key.slice(1)) % GROUPS;
const kindOf = (item: string) => ["shoe", "hat", "bag"][Number(item.slice(1)) % 3]!;
const marketOf = (key: string) => `m${Math.floor(Number(key.slice(1)) / 7) % 2}`;
const known = Array.from({ length: ITEMS }, (_, i) => `i${i}`);
const added = Array.from({ length: NEW }, (_, i) => `i${ITEMS + i}`);
// every tenth item has no kind in the catalogue
const shownKind = (item: string) => (Number(item.slice(1)) % 10 === 9 ? "" : kindOf(item));

const put = (name: string, lines: readonly string[]): string => {
  writeFileSync(join(folder, name), `${lines.join("\n")}\n`);
  return join(folder, name);
};
const log = put("log.csv", [
  "user,item,time",
  ...Array.from({ length: USERS * 15 }, (_, n) => {
    const user = n % USERS;
    const item = integerBelow(ITEMS / GROUPS, random) * GROUPS + (user % GROUPS);
    return `u${user},i${item},${1_700_000_000 + n}`;
  }),
]);
const catalogue = put("catalogue.csv", [
  "item,theme,kind,market",
  ...[...known, ...added].map((item) => `${item},g${groupOf(item)},${shownKind(item)},${marketOf(item)}`),
]);
const users = put("users.csv", [
  "user,market",
  ...Array.from({ length: USERS }, (_, u) => `u${u},${marketOf(`u${u}`)}`),
]);

beforeAll(async () => {
  const cwd = folder;
  await embedOk(argv`train-als ${log} --user user --item item --dim 8 --epochs 6 -o run --quiet`, { cwd });
  const content = ["--content", catalogue, "--content-fields", "theme", "--content-key", "item"];
  await embedOk(["transform", "run", ...content, "--append", "-o", "more", "--quiet"], { cwd });
});

interface Row {
  owner: string;
  category: string;
  rank: number;
  item: string;
  score: string;
}

function grouped(rows: readonly Row[], keyOf: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) groups.set(keyOf(row), [...(groups.get(keyOf(row)) ?? []), row]);
  return groups;
}

async function lists(args: readonly string[]): Promise<{ rows: Row[]; summary: Record<string, unknown> }> {
  const out = ["-o", "lists.csv", "--force", "--json"];
  const { stdout } = await embedOk(["recall", ...args, ...out], { cwd: folder });
  const text = readFileSync(join(folder, "lists.csv"), "utf8");
  const rows = Papa.parse<Record<string, string>>(text, { header: true, skipEmptyLines: true }).data.map(
    (row) => ({
      owner: (row["user"] ?? row["item"])!,
      category: row["kind"] ?? "",
      rank: Number(row["rank"]),
      item: (row["user"] === undefined ? row["neighbor"] : row["item"])!,
      score: row["score"]!,
    }),
  );
  return { rows, summary: parseJson(stdout) as Record<string, unknown> };
}

describe("--lists-per", () => {
  test.each([
    ["users", ["more", "--k", "5"]],
    ["users of a market", ["more", "--k", "5", "--within", "market", "--users", users]],
    ["items", ["run", "--k", "4", "--for", "item"]],
    ["a baseline", ["run", "--k", "5", "--score", "item-cf"]],
  ])("is the list of each kind alone, for %s", async (_, args) => {
    const all = await lists([...args, "--items", catalogue, "--lists-per", "kind"]);
    expect(new Set(all.rows.map(({ category }) => category))).toEqual(new Set(["shoe", "hat", "bag"]));
    for (const kind of ["shoe", "hat", "bag"]) {
      const alone = await lists([...args, "--items", catalogue, "--where", `kind = '${kind}'`]);
      expect(alone.rows.length).toBeGreaterThan(100);
      expect(all.rows.filter(({ category }) => category === kind)).toEqual(
        alone.rows.map((row) => ({ ...row, category: kind })),
      );
    }
    expect(all.summary["warnings"]).toContainEqual(
      expect.stringMatching(/items of .* have no kind and stand in no list/u),
    );
  });

  test("every format has the category; in Redis it follows the owner, and a colon in it is refused", async () => {
    const args = ["recall", "more", "--k", "2", "--items", catalogue, "--lists-per", "kind"];
    const { stdout: jsonl } = await embedOk([...args, "--format", "jsonl", "-o", "-"], { cwd: folder });
    expect(Object.keys(parseJson(jsonl.split("\n")[0]!) as object)).toEqual([
      "user",
      "kind",
      "rank",
      "item",
      "score",
    ]);
    const { stdout: redis } = await embedOk([...args, "--format", "redis", "--into", "L", "-o", "-"], {
      cwd: folder,
    });
    expect(redis).toContain("L:u0:shoe");
    const { stdout: copy } = await embedOk([...args, "--format", "postgres", "-o", "-"], { cwd: folder });
    expect(copy.split("\n")[0]!.split("\t")).toHaveLength(5);
    const colon = put("colon.csv", ["item,kind", ...known.map((item) => `${item},a:b`)]);
    const bad = argv`recall more --items ${colon} --lists-per kind --format redis --into L`;
    const { code, stderr } = await embed([...bad, "-o", "bad.redis"], { cwd: folder });
    expect([code, stderr]).toEqual([65, expect.stringContaining("has a colon")]);
  });

  test("counts and numbers only categories with an item, whether filtered out or unknown to the run", async () => {
    const some = put("some.csv", [
      "item,kind,stock",
      ...known.map((item, i) => `${item},${kindOf(item)},${i % 3 === 1 ? 0 : 5}`),
      "nobody,ghost,5",
    ]);
    const how = ["run", "--k", "4", "--items", some, "--where", "stock > 0", "--lists-per", "kind"];
    const { rows, summary } = await lists(how);
    // no list contains a hat, because all hats are out of stock, or a ghost, because ghosts have no training events
    expect(new Set(rows.map(({ category }) => category))).toEqual(new Set(["shoe", "bag"]));
    expect([summary["lists"], summary["empty"]]).toEqual([2 * USERS, 0]);
    expect(summary["warnings"]).toContainEqual(
      expect.stringContaining("2 of 4 values of kind have no item that may stand in a list"),
    );
    const { stderr } = await embedOk(["recall", ...how, "-o", "lists.csv", "--force"], { cwd: folder });
    expect(stderr).toContain(`2 lists of up to 4 items for each of at most ${USERS} users, up to 160 lists`);
  });

  test("refuses a column of lists, many categories and --per before it ranks", async () => {
    const many = put("many.csv", [
      "item,kind,rank",
      ...Array.from({ length: 1001 }, (_, i) => `i${i},k${i},1`),
    ]);
    const stderrOf = async (args: string[]) => {
      const { code, stderr } = await embed(["recall", "run", "--items", many, ...args], { cwd: folder });
      expect(code).toBe(64);
      return stderr;
    };
    expect(await stderrOf(["--lists-per", "kind"])).toMatch(
      /has 1,001 values of it, the limit is 1,000.*--max-categories 1001/u,
    );
    const goOn = argv`recall run --k 1 --items ${many} --lists-per kind --max-categories 1001`;
    const { stderr } = await embedOk([...goOn, "-o", "many-lists.csv"], { cwd: folder });
    expect(stderr).toContain("881 of 1,001 values of kind have no item");
    expect(await stderrOf(["--max-categories", "5"])).toContain("--lists-per");
    expect(await stderrOf(["--lists-per", "rank"])).toContain("lists have a column of this name");
    expect(await stderrOf(["--lists-per", "kind", "--per", "kind=2"])).toContain("--per");
  });
});

describe("--new-share", () => {
  const isNew = ({ item }: Row) => Number(item.slice(1)) >= ITEMS;

  test("every start of a list holds its share of new items, of the user's group; known items keep their order", async () => {
    const k = 20;
    const plain = await lists(["more", "--k", String(k)]);
    const { rows, summary } = await lists(["more", "--k", String(k), "--new-share", "0.2"]);
    const byOwner = grouped(rows, ({ owner }) => owner);
    expect(byOwner.size).toBe(USERS);
    for (const [owner, own] of byOwner) {
      expect(own.map(({ rank }) => rank)).toEqual(Array.from({ length: k }, (_, r) => r + 1));
      for (let r = 1; r <= k; r++)
        expect(own.slice(0, r).filter(isNew).length).toBeGreaterThanOrEqual(Math.floor((r * 2) / 10));
      const before = plain.rows.filter((row) => row.owner === owner && !isNew(row)).map(({ item }) => item);
      const now = own.filter((row) => !isNew(row)).map(({ item }) => item);
      expect(now).toEqual(before.slice(0, now.length));
    }
    // in nearly every list the first new item belongs to the user's group, although the groups have equally many new
    // items
    const first = [...byOwner].map(([owner, own]) => groupOf(own.find(isNew)!.item) === groupOf(owner));
    expect(first.filter(Boolean).length).toBeGreaterThan(0.9 * USERS);
    const { items, share } = summary["newItems"] as { items: number; share: number };
    expect([items, share >= 0.2]).toEqual([NEW, true]);
  });

  test("goes with --lists-per, share by share", async () => {
    const { rows } = await lists(argv`more --k 10 --items ${catalogue} --lists-per kind --new-share 10%`);
    for (const own of grouped(rows, ({ owner, category }) => `${owner} ${category}`).values()) {
      expect(own).toHaveLength(10);
      expect(own.filter(isNew).length).toBeGreaterThanOrEqual(1);
    }
  });

  test("new items may be those of a date in the catalogue", async () => {
    const dated = put("dated.csv", [
      "item,added",
      ...known.map((item, i) => `${item},${i < 100 ? "2026-01-01" : "2026-11-02"}`),
    ]);
    const how = ["run", "--k", "10", "--items", dated, "--new-share", "0.3"];
    const { rows, summary } = await lists([...how, "--new-since", "added=2026-11-01"]);
    for (const own of grouped(rows, ({ owner }) => owner).values())
      expect(own.filter(({ item }) => Number(item.slice(1)) >= 100).length).toBeGreaterThanOrEqual(3);
    expect(summary["newItems"]).toMatchObject({ items: 20 });
    for (const [since, problem] of [
      ["2026-11-01", /--new-since expects COLUMN=DATE, such as added=2026-11-01, got '2026-11-01'/],
      ["date=2026-11-01", /--new-since names column 'date', which does not exist/],
      ["added=2027-01-01", /--new-since: no item of '.*dated\.csv' has a 'added' so late/],
      ["item=2026-11-01", /--new-since: column 'item' of '.*dated\.csv' has 'i0', expected a date/],
    ] as const) {
      const { code, stderr } = await embed(["recall", ...how, "--new-since", since], { cwd: folder });
      expect([code, stderr]).toEqual([64, expect.stringMatching(problem)]);
    }
  });

  test.each(["1.5", "150%", "-0.1"])("a share of %s is refused", async (share) => {
    const { code, stderr } = await embed(["recall", "more", "--new-share", share], { cwd: folder });
    expect([code, stderr]).toEqual([64, expect.stringMatching(/--new-share .*from 0 to 1/u)]);
  });

  test("needs items that were added", async () => {
    const { code, stderr } = await embed(["recall", "run", "--new-share", "0.1"], { cwd: folder });
    expect([code, stderr]).toEqual([
      64,
      expect.stringContaining("embed transform RUN --content FILE --append"),
    ]);
  });
});

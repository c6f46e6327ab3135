// `embed inspect` describes a log before anything is trained on it.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Inspection } from "../judge/inspect/options.js";
import { Browser, chromium } from "../testing/chromium.js";
import { embed, embedOk, shell, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { shop } from "../testing/shop.js";

const folder = temporaryFolder();

test("shows every column with its role, its distinct values and its missing cells", async () => {
  const { stdout } = await embedOk(["inspect", fixture("clicks.csv")]);
  const lineOf = (column: string): string =>
    stdout.split("\n").find((line) => line.trimStart().startsWith(column)) ?? `no line for ${column}`;
  expect(lineOf("click")).toContain("label");
  expect(lineOf("user_id")).toMatch(/user\b.*\b160\b/);
  expect(lineOf("item_id")).toMatch(/item\b.*\b96\b/);
  expect(lineOf("hour")).toMatch(/\b24\b/);
  expect(lineOf("timestamp")).toContain("time");
  expect(stdout).toMatch(/12,?000 rows/);
  // the item of the first row is printed, which shows how the log was read
  expect(stdout).toContain("garden-09");
});

test("says the same in one JSON object with --json", async () => {
  const { stdout } = await embedOk(["inspect", fixture("clicks.csv"), "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ command: "inspect", rows: 12_000 });
});

test("counts the empty cells of a column", async () => {
  const input = "click,user_id,item_id\n1,a,x\n0,,y\n1,,x\n";
  const { stdout } = await embedOk(["inspect", "-"], { input });
  const line = stdout.split("\n").find((text) => text.trimStart().startsWith("user_id"))!;
  expect(line).toMatch(/\b1\b.*\b2\b/);
});

test("takes names in the header that JavaScript knows too", async () => {
  const input = "click,user_id,item_id,__proto__,constructor\n1,a,x,p,q\n0,b,y,p,q\n";
  const { stdout } = await embedOk(["inspect", "-"], { input });
  expect(stdout).toContain("__proto__");
  expect(stdout).toContain("constructor");
});

test("reads nothing but says 66 for a missing log, 65 for an empty one", async () => {
  expect((await embed(["inspect", "no-such.csv"])).code).toBe(66);
  expect((await embed(["inspect", "-"], { input: "" })).code).toBe(65);
});

test("into `head -1` ends quietly with 0", async () => {
  const got = await shell(`{ embed inspect '${fixture("clicks.csv")}'; echo "exit $?" >&2; } | head -1`);
  expect(got.stderr).toBe("exit 0\n");
});

test("thousands of columns with long names are read within the time limit of a test", async () => {
  const names = Array.from(
    { length: 6000 },
    (_, c) => `${"the same beginning of every name ".repeat(4)}${10_000 + c}`,
  );
  const row = (i: number) => names.map((_, c) => (i + c) % 3).join(",");
  const input = [names.join(","), ...Array.from({ length: 250 }, (_, i) => row(i))].join("\n");
  const { stdout } = await embedOk(["inspect", "-"], { input });
  expect(stdout).toContain("250 rows, 6000 columns");
});

test("shows the most frequent users and items, repeated rows, and warns of users who are hardly people", async () => {
  const { days } = shop({ days: 2, bots: 1 });
  const [first = "", second = ""] = days.map(({ impressions }) =>
    impressions.split("\n").slice(1).join("\n"),
  );
  // the log contains the second day twice
  const input = `click,user_id,item_id,device,timestamp\n${first}${second}${second}`;
  const { stdout } = await embedOk(["inspect", "-", "--json", "--top", "2"], { input });
  const found = parseJson<Inspection & { warnings: string[] }>(stdout);
  expect(found.frequent.map(({ column, keys }) => [column, keys.length])).toEqual([
    ["user_id", 2],
    ["item_id", 2],
  ]);
  expect(found.frequent[0]!.keys[0]).toEqual({ key: "bot-1", rows: 4500, share: 4500 / 11_700 });
  expect(found.duplicates).toEqual({ rows: 3900, share: expect.closeTo(1 / 3), exact: true });
  expect(found.warnings).toEqual([
    expect.stringMatching(
      /^1 user has far more .*'bot-1' \(4,500 events, 38.5 %\).*--drop-users-above \d+ leaves/,
    ),
    expect.stringContaining("33.3 % of rows repeat an earlier row in every cell"),
  ]);
  const text = (await embedOk(["inspect", "-", "--dedupe"], { input })).stdout;
  expect(text).toMatch(/^most frequent user_id: bot-1 \(3,000, 38.5 %\) {2}u\d+ /mu);
  expect(text).toContain("rows that repeat an earlier row: 0 (0.0 %)\n");
});

test("an encoded dataset has the same frequent keys and repeated rows as its log", async () => {
  await embedOk(["encode", fixture("purchases.csv"), "-o", join(folder, "dataset")]);
  const [log, dataset] = await Promise.all(
    [fixture("purchases.csv"), join(folder, "dataset")].map(async (path) =>
      parseJson<Inspection>((await embedOk(["inspect", path, "--json"])).stdout),
    ),
  );
  expect(dataset!.frequent).toEqual(log!.frequent);
  expect(dataset!.duplicates).toEqual(log!.duplicates);
});

describe("--html", () => {
  const page = join(folder, "page.html");
  const sectionsOf = (text: string) => [...text.matchAll(/<section id="([a-z]+)"/g)].map(([, id]) => id);
  const written = async (log: string, ...extra: string[]): Promise<string> => {
    await embedOk(["inspect", log, "--html", page, "--force", ...extra]);
    return readFileSync(page, "utf8");
  };

  test("shows columns, days, users with bots, distributions and repeats; a dataset has the same page", async () => {
    const { days } = shop({ days: 3, bots: 1 });
    const rows = days.map(({ impressions }) => impressions.split("\n").slice(1).join("\n")).join("");
    const log = join(folder, "bots.csv");
    writeFileSync(log, `click,user_id,item_id,device,timestamp\n${rows}`);
    const text = await written(log);
    expect(sectionsOf(text)).toEqual(
      "warnings columns days users items distributions repeats rows".split(" "),
    );
    const users = text.slice(text.indexOf('id="users"'), text.indexOf('id="items"'));
    expect(users).toMatch(/1 user has more than [\d,]+ events/);
    expect(users).toContain("bot-1");
    // the bar of the bot, which has far more events than other users, is drawn in another color
    expect([...users.matchAll(/fill="var\(--bad\)"/g)]).toHaveLength(1);
    await embedOk(["encode", log, "-o", join(folder, "bots")]);
    expect(sectionsOf(await written(join(folder, "bots")))).toEqual(sectionsOf(text));
    expect(await written(log)).toBe(text);
  });

  test("cells and names of the log are escaped and shortened, and no page is wider than a phone", async () => {
    const long = "x".repeat(50_000);
    const header = `label,user,item,<script>alert(1)</script>,${"n".repeat(3000)},\u05D0\u05D1`;
    const rows = Array.from(
      { length: 300 },
      (_, i) =>
        `${i % 2},u${i % 40},<img src=x onerror=alert(${i % 9})>,${i % 3 ? "</style><script>" : long},\u202E${i % 5},\u05E9`,
    );
    const log = join(folder, "hostile.csv");
    writeFileSync(log, [header, ...rows, ""].join("\n"));
    const text = await written(log);
    expect(text.match(/<script/g)).toHaveLength(1);
    expect(text).not.toMatch(/<img|\u202E|x{100}|n{100}/u);
    expect(text.length).toBeLessThan(100_000);
    if (chromium === undefined) return console.warn("skipped the browser: there is none");
    const browser = await Browser.start();
    try {
      for (const width of [390, 1280]) {
        await browser.show(page, { width });
        expect(await browser.value("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
        expect(await browser.value("document.querySelectorAll('.wide').length")).toBeGreaterThan(2);
        expect(browser.logged).toEqual([]);
      }
    } finally {
      await browser.close();
    }
  });

  test("standard output, an existing page, the log itself and an edge list are refused", async () => {
    const refused = async (...args: string[]) => {
      const { code, stderr } = await embed(["inspect", fixture("clicks.csv"), ...args]);
      return [code, stderr];
    };
    expect(await refused("--html", "-")).toEqual([64, expect.stringContaining("--html names a file")]);
    writeFileSync(page, "mine");
    expect(await refused("--html", page)).toEqual([73, expect.stringContaining("already exists")]);
    expect(await refused("--open")).toEqual([64, expect.stringContaining("--html")]);
    expect(await refused("--html", page, "--source", "user_id", "--target", "item_id")).toEqual([
      64,
      expect.stringContaining("--html"),
    ]);
    expect(readFileSync(page, "utf8")).toBe("mine");
  });
});

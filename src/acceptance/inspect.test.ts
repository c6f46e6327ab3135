// `embed inspect`: what a log holds, before anything is trained on it.

import { embed, embedOk, shell } from "../testing/embed.js";
import { fixture } from "../testing/places.js";

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
  // the first row's item, so that a reader sees what was read
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
  const input = [names.join(","), ...Array.from({ length: 1000 }, (_, i) => row(i))].join("\n");
  const { stdout } = await embedOk(["inspect", "-"], { input });
  expect(stdout).toContain("1,000 rows, 6000 columns");
});

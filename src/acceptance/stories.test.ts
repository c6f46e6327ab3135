// One story for each command: the first example of its --help, typed in a folder with the fixtures, in an order in which
// each finds the runs of those before it. What a command prints or writes is compared with what the fixtures have by
// construction: items are of eight groups, which their keys name (tea-03).

import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { commands } from "../faces/cli/commands.js";
import { stories } from "../testing/commands.js";
import { embedOk, temporaryFolder } from "../testing/embed.js";
import { fixturesFolder } from "../testing/places.js";

const folder = temporaryFolder();

beforeAll(() => cpSync(fixturesFolder, join(folder, "fixtures"), { recursive: true }));

test("each command that does not train has a story", () => {
  const told = new Set(stories.map(({ typed }) => typed.split(" ")[0]));
  const untold = commands.filter(({ name, stage }) => stage !== "Train:" && !told.has(name));
  expect(untold.map(({ name }) => name)).toEqual([]);
});

test.each(stories)("embed $typed", async ({ typed, more = "", prints, writes }) => {
  const [command] = typed.split(" ");
  expect((await embedOk([command!, "--help"])).stdout).toContain(`embed ${typed}`);
  const words = `${typed} ${more}`.match(/'[^']*'|[^' ]+/g)!.map((word) => word.replaceAll("'", ""));
  const { stdout, stderr } = await embedOk(words, { cwd: folder });
  if (prints) expect(stderr + stdout).toMatch(prints);
  if (writes) expect(readFileSync(join(folder, writes[0]), "utf8")).toMatch(writes[1]);
});

test("no list of recall has an item that its user has bought before the test split", () => {
  const pairs = (text: string, user: number, item: number) =>
    text
      .trimEnd()
      .split("\n")
      .slice(1)
      .map((line) => `${line.split(",")[user]} ${line.split(",")[item]}`);
  const log = pairs(readFileSync(join(fixturesFolder, "purchases.csv"), "utf8"), 0, 1);
  // the log is in the order of time, and its last tenth is the test split, which recall leaves out of what users have
  const bought = new Set(log.slice(0, Math.floor(0.9 * log.length)));
  const listed = pairs(readFileSync(join(folder, "lists.csv"), "utf8"), 0, 2);
  expect(listed.length).toBeGreaterThan(1000);
  expect(listed.filter((pair) => bought.has(pair))).toEqual([]);
});

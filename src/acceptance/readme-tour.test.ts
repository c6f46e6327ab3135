// Tests that the script which types the commands of README detects errors. CI runs the script on README itself.

import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../testing/embed.js";
import { projectFolder } from "../testing/places.js";

const folder = temporaryFolder();

/** Runs the commands of a page in a new folder, with the script that tests README. */
function typed(readme: string): { status: number | null; stdout: string; stderr: string } {
  const own = mkdtempSync(join(folder, "tour-"));
  writeFileSync(join(own, "README.md"), readme);
  const script = join(projectFolder, ".ci", "readme-tour.mjs");
  return spawnSync(process.execPath, [script, own], { encoding: "utf8" });
}

const block = (language: string, ...lines: string[]) => ["```" + language, ...lines, "```", ""].join("\n");

test("commands run in order in one folder, and may differ in seconds and rates alone", () => {
  const got = typed(
    block("sh", "# a comment", "echo 'run: 12 rows in 2.5 s, 1.25 M rows/s' > made", "npm ci && npm test") +
      block("console", "$ cat made", "run: 12 rows in 1.3 s, 6.00 M rows/s", "$ true") +
      block("cron", "0 3 * * 1  false"),
  );
  expect(got).toMatchObject({
    status: 0,
    stdout: expect.stringContaining("4 commands in README.md, 0 wrong"),
  });
});

test.each([
  ["a command that fails", block("sh", "cat absent"), "README.md:2: `cat absent` ended with 1, expected 0"],
  ["a differing number", block("console", "$ echo '0.25'", "0.24"), "  README.md  0.24\n  printed    0.25"],
  ["a line that is not shown", block("console", "$ printf 'a\\nb\\n'", "a"), "  README.md  (nothing more)\n"],
  ["a line that is not printed", block("console", "$ echo a", "a", "b"), "  printed    (nothing more)\n"],
  ["a page without commands", "text\n", "0 commands"],
])("%s is wrong", (_, readme, message) => {
  expect(typed(readme)).toMatchObject({ status: 1, stdout: expect.stringContaining(message) });
});

test("a language that says neither is refused", () => {
  const got = typed(block("bash", "true"));
  expect([got.status, got.stderr]).toEqual([1, expect.stringContaining("README.md:1: a block of 'bash'")]);
});

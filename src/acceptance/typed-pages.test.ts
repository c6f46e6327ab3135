// The commands of the pages for newcomers end with 0, typed in order in a folder that has the fixtures.

import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { embed, shell, temporaryFolder } from "../testing/embed.js";
import { fixturesFolder, projectFolder } from "../testing/places.js";

const folder = temporaryFolder();

const pages = [
  "which-trainer.md",
  "tutorials/clicks-to-ctr.md",
  "tutorials/purchases-to-lists.md",
  "tutorials/weekly.md",
];

/** Lines of the page's blocks of shell. */
function commandsOf(markdown: string): string[] {
  const blocks = markdown.matchAll(/^```sh\n([\s\S]*?)^```$/gm);
  return [...blocks].flatMap(([, text]) => text!.split("\n").filter((line) => line !== ""));
}

/** Words of a line that needs no shell; undefined of another. */
function wordsOf(line: string): string[] | undefined {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
  const needsShell = words.some((word) => /^[|>&]|[$"`]/.test(word)) || words[0] !== "embed";
  return needsShell ? undefined : words.slice(1);
}

test.each(pages)(
  "the commands of docs/%s run",
  async (page) => {
    const own = join(folder, page.replaceAll("/", "-"));
    mkdirSync(own);
    cpSync(fixturesFolder, join(own, "fixtures"), { recursive: true });
    const commands = commandsOf(readFileSync(join(projectFolder, "docs", page), "utf8"));
    expect(commands.length).toBeGreaterThan(0);
    for (const line of commands) {
      const words = wordsOf(line);
      const { code, stderr } = words ? await embed(words, { cwd: own }) : await shell(line, { cwd: own });
      expect({ line, code, stderr: code === 0 ? "" : stderr }).toEqual({ line, code: 0, stderr: "" });
    }
  },
  180_000,
);

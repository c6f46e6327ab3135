import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { temporaryFolder } from "../../testing/embed.js";
import { addCommand } from "./add-command.js";
import { command as neighbors } from "./commands/neighbors.js";
import { Interrupts } from "./interrupts.js";
import { isShort } from "./main-thread.js";

const folder = temporaryFolder();

/** Creates a run whose table has the given number of bytes. */
function runOf(name: string, bytes: number): string {
  const run = join(folder, name);
  mkdirSync(run);
  writeFileSync(join(run, "manifest.json"), "{}");
  writeFileSync(join(run, "embeddings.arrow"), "");
  truncateSync(join(run, "embeddings.arrow"), bytes);
  return run;
}

const small = runOf("small", 1000);
const ask = (words: string[], environment = {}, execArgv: string[] = []) =>
  isShort(["node", "embed", ...words], environment, execArgv);

test("a few keys of a small run are short, and no other command is", async () => {
  expect(await ask(["neighbors", small, "--key", "item:a", "--top", "3", "--json"])).toBe(true);
  expect(await ask(["neighbors", join(folder, "none"), "--key", "item:a"])).toBe(true);
  for (const name of ["inspect", "recall", "toString", "nothing"])
    expect(await ask([name, small])).toBe(false);
  expect(await ask(["neighbors"])).toBe(false);
});

test("a large table or many keys take a thread", async () => {
  expect(await ask(["neighbors", runOf("large", 20_000_000), "--key", "item:a"])).toBe(false);
  expect(await ask(["neighbors", small, ...Array.from({ length: 50 }, () => "--key=item:a")])).toBe(false);
});

test("a heap of another size takes a thread, whose exhaustion is an error", async () => {
  const words = ["neighbors", small, "--key", "item:a"];
  expect(await ask(words, { NODE_OPTIONS: "--max-old-space-size=20" })).toBe(false);
  expect(await ask(words, {}, ["--max-old-space-size=20"])).toBe(false);
});

test("each option of neighbors takes a thread, but for those that read and write no other file", async () => {
  const command = addCommand(new Command(), "neighbors", neighbors, new Interrupts());
  const short: string[] = [];
  for (const { long, short: letter } of [...command.options, { long: "--config", short: undefined }]) {
    const name = long!.slice(2);
    const words = ["neighbors", small, "--key", "item:a"];
    const answers = [
      await ask([...words, `--${name}`, "x"]),
      await ask([...words, `--${name}=x`]),
      await ask(words, { [`EMBED_${name.toUpperCase()}`]: "x" }),
    ];
    expect({ name, same: new Set(answers).size }).toEqual({ name, same: 1 });
    if (letter !== undefined) expect(await ask([...words, `${letter}x`])).toBe(false);
    if (answers[0]) short.push(name);
  }
  expect(short.sort()).toEqual(["compose", "ef", "json", "key", "metric", "quiet", "top"]);
});

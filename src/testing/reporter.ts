// Prints after the tests how much processor time they took, and which files took most of it.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { ppid } from "node:process";
import { projectFolder } from "./places.js";
import { processorSeconds, TIMES_FILE } from "./processor-time.js";

/** Processor time in seconds that a file of the quick tests may take. */
const QUICK_SECONDS = 3;

/** A reporter of jest. */
export default class ProcessorTimeReporter {
  readonly #folder = mkdtempSync(join(tmpdir(), "embed-times-"));
  readonly #started = performance.now();

  constructor() {
    // the processes of the tests inherit the variable
    process.env[TIMES_FILE] = join(this.#folder, "times.jsonl");
  }

  onRunComplete(): void {
    const times = this.#times();
    rmSync(this.#folder, { recursive: true, force: true });
    const sum = times.reduce((all, { seconds }) => all + seconds, 0);
    // Linux alone counts the processor time of processes that have ended
    if (sum === 0) return;
    const wall = (performance.now() - this.#started) / 1000;
    // the shell in which npm runs the script has built the program before
    const build = process.env["npm_lifecycle_event"] === "test" ? processorSeconds(ppid) : 0;
    const parts = build > 0 ? ` and ${build.toFixed(0)} s of the build` : "";
    const slow = times.filter(({ seconds }) => seconds > QUICK_SECONDS).sort((a, b) => b.seconds - a.seconds);
    const lines = slow.map(
      ({ path, seconds }) => `  ${seconds.toFixed(1)} s  ${relative(projectFolder, path)}\n`,
    );
    process.stderr.write(
      `\n${times.length} test files: ${sum.toFixed(0)} s of processor time${parts}, ${wall.toFixed(0)} s` +
        `${slow.length > 0 ? `; more than ${QUICK_SECONDS} s of processor time each:` : ""}\n${lines.join("")}`,
    );
  }

  #times(): { path: string; seconds: number }[] {
    try {
      const lines = readFileSync(process.env[TIMES_FILE]!, "utf8").trimEnd().split("\n");
      return lines.map((line) => JSON.parse(line) as { path: string; seconds: number });
    } catch {
      return [];
    }
  }
}

// embed align

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import { wholeOf } from "../../flags/parsers.js";
import type { AlignSummary } from "../../api/align.js";
import { noted, type Caller } from "../progress.js";
import { formatTable, writeLine, writeResult } from "../terminal.js";
import { similarTogether } from "../similar-lines.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o last --seed 1, and with -o run --seed 2):
  embed align run --to last -o aligned
  embed align run --to last -o aligned --force --json
`;

interface Flags {
  to: string;
  out: string;
  force?: boolean;
  threads?: number;
  quiet?: boolean;
  json?: boolean;
}

/** Adds the command. */
export function addAlign(program: Command, signal: AbortSignal): Command {
  return program
    .command("align")
    .description(
      "Rotates a run's vectors to match an earlier run's, using the keys that both have, and writes the " +
        "result as a new run. Predictions and nearest neighbours do not change.",
    )
    .argument("<run>", "later run directory")
    .addHelpText("before", examples)
    .requiredOption("--to <run>", "earlier run to align to, such as store/items/latest")
    .requiredOption("-o, --out <run>", "the run directory to write")
    .option("--force", "replace an existing run")
    .addOption(
      new Option("--threads <n>", "maximum number of threads; the result does not depend on it").argParser(
        wholeOf("--threads", 1),
      ),
    )
    .option("--quiet", "print only errors and results")
    .option("--json", "print one JSON object on stdout")
    .action(async (run: string, flags: Flags) => {
      const { quiet, json } = flags;
      const summary = await callAlign(run, flags, { watch: noted(signal, quiet) });
      if (!quiet) for (const warning of similarTogether(summary.warnings)) writeLine(`warning: ${warning}`);
      if (json) await writeResult(`${JSON.stringify(summary)}\n`);
      else await writeResult(textOf(summary));
    });
}

export async function callAlign(
  run: string,
  { to, out, force = false, threads = availableParallelism() }: Flags,
  { watch: { signal } }: Pick<Caller, "watch">,
): Promise<AlignSummary> {
  const { alignRun } = await import("../../api/align.js");
  return await alignRun(run, to, out, { force, threads, signal });
}

function textOf({ out, fields }: AlignSummary): string {
  const fixed = (value: number | undefined) => (value === undefined ? "" : value.toFixed(4));
  const head = "field,in both,cosine,aligned,distance,aligned,same 20 nearest".split(",");
  const lines = Object.entries(fields).map(([field, { keys, before, after, neighbourOverlap }]) => [
    field,
    keys.toLocaleString("en"),
    fixed(before.cosine),
    fixed(after.cosine),
    fixed(before.distance),
    fixed(after.distance),
    fixed(neighbourOverlap?.share),
  ]);
  return `${formatTable([head, ...lines])}${out}: written\n`;
}

// embed forget

import type { Command } from "commander";
import { printable } from "../../errors.js";
import type { ForgetSummary } from "../../privacy/forget.js";
import { definedOf } from "../../training/options/defined.js";
import { noted, type Caller } from "../progress.js";
import { addWaitOption, writerOf, type WriterFlags } from "../store-options.js";
import { writeResult } from "../terminal.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run, and embed publish run --store store --name items):
  embed forget store user:u019 item:tea-03
  embed forget store/items --keys keys.txt --dry-run
`;

interface Flags extends WriterFlags {
  keys?: string;
  dryRun?: boolean;
  json?: boolean;
}

/** Adds the command. */
export function addForget(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("forget")
    .description(
      "Rewrites every version without the given keys: tables, models, user histories and lists. Models then " +
        "score these keys as unknown. Logs and copies elsewhere are not changed.",
    )
    .argument("<place>", "a store, a name in it (store/items), or a run directory")
    .argument("[keys...]", "key to forget as FIELD:KEY, such as user:u019")
    .addHelpText("before", examples)
    .option("--keys <file>", "file with more keys to forget, one FIELD:KEY per line");
  return addWaitOption(command)
    .option("--dry-run", "report what would change without changing anything")
    .option("--quiet", "print only errors and results")
    .option("--json", "print one JSON object on stdout")
    .action(async (place: string, texts: string[], flags: Flags) => {
      const summary = await callForget(place, texts, flags, { watch: noted(signal, flags.quiet) });
      await writeResult(flags.json ? `${JSON.stringify(summary)}\n` : textOf(summary));
    });
}

export async function callForget(
  place: string,
  texts: string[],
  { keys, dryRun = false, ...flags }: Flags,
  { watch }: Pick<Caller, "watch">,
): Promise<ForgetSummary> {
  const { forget } = await import("../../privacy/forget.js");
  return await forget(place, texts, { ...writerOf(flags, watch), dryRun, ...definedOf({ keys }) });
}

function textOf({ changed, unchanged, notFound, work, dryRun }: ForgetSummary): string {
  const would = dryRun ? "would be " : "";
  const lines = [
    ...changed.flatMap(({ path, dropped, removed, remade }) => [
      `${path}: ${dropped} rows and entries ${would}forgotten`,
      ...remade.map((out) => `${path}: exports/${out} ${would}rewritten without them`),
      ...removed.map((file) => `${path}: ${file} ${would}removed; export it again`),
    ]),
    ...work.map((path) => `${path}: ${would}removed; it is recreated when needed`),
    ...notFound.map((key) => `${key}: not found`),
    ...(unchanged.length > 0 ? [`${unchanged.length} unchanged, they do not hold the keys`] : []),
  ];
  return lines.map((line) => `${printable(line)}\n`).join("");
}

// embed gc

import { Option, type Command } from "commander";
import { sizeText } from "../../errors.js";
import { wholeOf } from "../../flags/parsers.js";
import type { GcSummary } from "../../store/gc.js";
import { definedOf } from "../../training/options/defined.js";
import { noted, type Caller } from "../progress.js";
import { addWaitOption, writerOf, type WriterFlags } from "../store-options.js";
import { writeResult } from "../terminal.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run, and embed publish run --store store --name items):
  embed gc store --keep 8
  embed gc store items --keep 3 --dry-run
  embed gc store items --remove 3
`;

interface Flags extends WriterFlags {
  keep: number;
  remove?: string;
  dryRun?: boolean;
  json?: boolean;
}

/** Adds the command. */
export function addGc(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("gc")
    .description(
      "Removes all but the newest versions of each name, and files left behind by killed or failed writers. " +
        "The version that latest points to is always kept.",
    )
    .argument("<store>", "the store")
    .argument("[name]", "only this name")
    .addHelpText("before", examples)
    .addOption(
      new Option("--keep <n>", "number of newest versions to keep")
        .argParser(wholeOf("--keep", 1))
        .default(8),
    )
    .addOption(
      new Option(
        "--remove <version>",
        "remove only this version of the name, damaged or not (embed ls shows which are damaged)",
      ).conflicts("keep"),
    );
  return addWaitOption(command)
    .option("--dry-run", "report what would be removed without removing it")
    .option("--quiet", "print only errors and results")
    .option("--json", "print one JSON object on stdout")
    .action(async (store: string, name: string | undefined, flags: Flags) => {
      const { dryRun = false, json } = flags;
      const summary = await callGc(store, name, flags, { watch: noted(signal, flags.quiet) });
      const lines = summary.names.map((each) => {
        const removed = each.removed.length > 0 ? each.removed.join(", ") : "none";
        const left =
          each.leftovers.length > 0
            ? `, and ${each.leftovers.length} leftover files of interrupted writers`
            : "";
        return (
          `${each.name}: ${dryRun ? "would remove" : "removed"} ${removed}${left}; ${each.kept.length} ` +
          "kept\n"
        );
      });
      if (summary.work.length > 0)
        lines.push(`.work: ${summary.work.length} leftover files of interrupted writers\n`);
      const freed = `${sizeText(summary.bytes)} ${dryRun ? "would be freed" : "freed"}\n`;
      await writeResult(json ? `${JSON.stringify(summary)}\n` : [...lines, freed].join(""));
    });
}

export async function callGc(
  store: string,
  name: string | undefined,
  { keep, remove, dryRun = false, ...flags }: Flags,
  { watch }: Pick<Caller, "watch">,
): Promise<GcSummary> {
  const { gc } = await import("../../store/gc.js");
  return await gc(store, name, { keep, dryRun, ...definedOf({ remove }), ...writerOf(flags, watch) });
}

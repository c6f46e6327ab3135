// embed rollback

import type { Command } from "commander";
import type { RollbackSummary } from "../../store/rollback.js";
import { definedOf } from "../../training/options/log.js";
import { noted, type Caller } from "../progress.js";
import { addWaitOption, storeAndName, writerOf, type WriterFlags } from "../store-options.js";
import { writeLine, writeResult } from "../terminal.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run, and embed publish run --store store --name items, twice):
  embed rollback store/items
  embed rollback store/items --to 000002
`;

interface Flags extends WriterFlags {
  to?: string;
  dryRun?: boolean;
  json?: boolean;
}

/** Adds the command. */
export function addRollback(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("rollback")
    .description(
      "Moves STORE/NAME/latest back to the version that was the latest before, or to any, after checking that it is whole. " +
        "Later versions stay, and the next to be published takes a new number.",
    )
    .argument("<store/name>", "a name in a store, such as store/items")
    .addHelpText("before", examples)
    .option("--to <version>", "version to point latest at, earlier or later");
  return addWaitOption(command)
    .option("--dry-run", "report which version it would point to, and change nothing")
    .option("--quiet", "print nothing but errors and results")
    .option("--json", "print one JSON object on stdout")
    .action(async (place: string, flags: Flags) => {
      const { dryRun = false, json } = flags;
      const summary = await callRollback(place, flags, { watch: noted(signal, flags.quiet) });
      const { from, skipped } = summary.rollback;
      if (skipped.length > 0 && !flags.quiet) writeLine(`damaged, and passed over: ${skipped.join(", ")}`);
      const what = dryRun ? "would be the latest" : "is the latest";
      const was = from === null ? "" : `, ${from} was`;
      await writeResult(json ? `${JSON.stringify(summary)}\n` : `${summary.out}: ${what}${was}\n`);
    });
}

export async function callRollback(
  place: string,
  { to, dryRun = false, ...flags }: Flags,
  { watch }: Pick<Caller, "watch">,
): Promise<RollbackSummary> {
  const { rollback } = await import("../../store/rollback.js");
  const { store, name } = storeAndName(place);
  return await rollback(store, name, { ...writerOf(flags, watch), dryRun, ...definedOf({ to }) });
}

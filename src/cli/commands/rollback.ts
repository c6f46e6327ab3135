// embed rollback

import type { Command } from "commander";
import type { RollbackSummary } from "../../store/rollback.js";
import { definedOf } from "../../training/options/defined.js";
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
      "Points STORE/NAME/latest back to the previous version, or to a given one, after verifying its " +
        "checksums. Later versions are kept, and the next published version gets a new number.",
    )
    .argument("<store/name>", "name in a store, such as store/items")
    .addHelpText("before", examples)
    .option("--to <version>", "version to point latest to, earlier or later");
  return addWaitOption(command)
    .option("--dry-run", "report the version that latest would point to without changing anything")
    .option("--quiet", "print only errors and results")
    .option("--json", "print one JSON object on stdout")
    .action(async (place: string, flags: Flags) => {
      const { dryRun = false, json } = flags;
      const summary = await callRollback(place, flags, { watch: noted(signal, flags.quiet) });
      const { from, skipped } = summary.rollback;
      if (skipped.length > 0 && !flags.quiet) writeLine(`skipped damaged versions: ${skipped.join(", ")}`);
      const what = dryRun ? "would become the latest version" : "is now the latest version";
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

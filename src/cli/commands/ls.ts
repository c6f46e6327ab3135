// embed ls

import type { Command } from "commander";
import { sizeText } from "../../errors.js";
import type { ListedVersion, StoreListing } from "../../store/ls.js";
import { titleOf } from "../../evaluation/metrics.js";
import { noted, type Caller } from "../progress.js";
import { formatTable, writeLine, writeResult } from "../terminal.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run, and embed publish run --store store --name items):
  embed ls store
  embed ls store items --json
`;

interface Flags {
  quick?: boolean;
  quiet?: boolean;
  json?: boolean;
}

/** Adds the command. */
export function addLs(program: Command, signal: AbortSignal): Command {
  return program
    .command("ls")
    .description(
      "Lists the versions of a store and verifies their checksums. The latest version is marked with *.",
    )
    .argument("<store>", "the store")
    .argument("[name]", "only this name")
    .addHelpText("before", examples)
    .option("--quick", "check only file sizes instead of checksums, without reading tables")
    .option("--quiet", "print only errors and results")
    .option("--json", "print one JSON object on stdout")
    .action(async (store: string, name: string | undefined, flags: Flags) => {
      const { quick = false, quiet, json } = flags;
      const listing = await callLs(store, name, flags, { watch: noted(signal) });
      if (json) return await writeResult(`${JSON.stringify(listing)}\n`);
      const { versions } = listing;
      if (versions.length === 0) return await writeResult(`no versions in ${store}\n`);
      await writeResult(formatTable([head, ...versions.map((version) => lineOf(version, quick))]));
      for (const { damage } of versions) if (damage !== null && !quiet) writeLine(damage);
    });
}

export async function callLs(
  store: string,
  name: string | undefined,
  { quick = false }: Flags,
  { watch: { signal } }: Pick<Caller, "watch">,
): Promise<StoreListing> {
  const { listStore } = await import("../../store/ls.js");
  return await listStore(store, name, { quick, signal });
}

const head = ["name", "version", "", "command", "rows", "metric", "", "size", "written", "state"];

function lineOf(version: ListedVersion, quick: boolean): string[] {
  const { metric, damage, latest, written } = version;
  const whole = quick ? "sizes match" : "whole";
  return [
    version.name,
    version.version,
    latest ? "*" : "",
    version.command ?? "",
    version.rows?.toLocaleString("en") ?? "",
    metric ? `${titleOf(metric.name)} (${metric.part})` : "",
    metric ? metric.value.toFixed(4) : "",
    sizeText(version.bytes),
    written === null ? "" : `${written.slice(0, 16).replace("T", " ")}Z`,
    damage === null ? whole : "damaged",
  ];
}

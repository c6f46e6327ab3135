// embed publish

import type { Command } from "commander";
import { basename } from "node:path";
import { UsageError } from "../../errors.js";
import { repeated } from "../../flags/parsers.js";
import type { PublishSummary } from "../../store/publish.js";
import { noted, type Caller } from "../progress.js";
import { addWaitOption, writerOf, type WriterFlags } from "../store-options.js";
import { writeResult } from "../terminal.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run):
  embed publish run --store store --name items
  embed publish run --store store --name items --extra exports/items.txt=items.txt
`;

interface Flags extends WriterFlags {
  store: string;
  name: string;
  extra?: string[];
  dryRun?: boolean;
  json?: boolean;
}

/** Adds the command. */
export function addPublish(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("publish")
    .description(
      "Publishes a run as STORE/NAME/VERSION and points STORE/NAME/latest to it. The switch is atomic: " +
        "readers see either the old version or the new one. Versions are numbered from 000001.",
    )
    .argument("<run>", "run directory")
    .addHelpText("before", examples)
    .requiredOption("--store <dir>", "store directory; created if it does not exist")
    .requiredOption("--name <name>", "name to publish under, such as items")
    .option(
      "--extra <[place=]path>",
      "file or directory to publish together with the run, as PLACE=PATH, such as " +
        "exports/items.txt=items.txt; repeatable",
      repeated,
    );
  return addWaitOption(command)
    .option("--dry-run", "check the run and report the version number it would get, without publishing")
    .option("--quiet", "print only errors and results")
    .option("--json", "print one JSON object on stdout")
    .action(async (run: string, flags: Flags) => {
      const { dryRun = false, json } = flags;
      const summary = await callPublish(run, flags, { watch: noted(signal, flags.quiet) });
      const { out, published } = summary;
      const before = published.previous === null ? "the first version" : `after ${published.previous}`;
      await writeResult(
        json ? `${JSON.stringify(summary)}\n` : `${out}: ${dryRun ? "would be " : ""}${before}\n`,
      );
    });
}

export async function callPublish(
  run: string,
  { store, name, extra = [], dryRun = false, ...flags }: Flags,
  { watch }: Pick<Caller, "watch">,
): Promise<PublishSummary> {
  const { publish } = await import("../../store/publish.js");
  const extras = new Map(extra.map(placeAndPath));
  return await publish(run, { store, name, extras, dryRun, ...writerOf(flags, watch) });
}

/** `exports/items.txt=items.txt`, or the path alone: its name is its place. */
function placeAndPath(text: string): [place: string, path: string] {
  const at = text.indexOf("=");
  const [place, path] = at < 0 ? [basename(text), text] : [text.slice(0, at), text.slice(at + 1)];
  if (place === "" || path === "") {
    throw new UsageError(
      `--extra expects a path or PLACE=PATH, such as exports/items.txt=items.txt, got '${text}'`,
    );
  }
  return [place, path];
}

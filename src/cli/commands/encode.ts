// embed encode

import type { Command } from "commander";
import type { EncodeSummary } from "../../api/encode.js";
import { encodeOf, encodeOptions } from "../../flags/encode.js";
import { addLogOrQueryArgument, addOutputOptions } from "../../flags/options.js";
import { addTable, givenOf } from "../../flags/table-option.js";
import { checkGiven } from "../../training/options/check-given.js";
import { watched, type Caller, type OutputOptions } from "../progress.js";
import { formatTable, writeResult } from "../terminal.js";

const examples = `
Examples:
  embed encode fixtures/clicks.csv -o clicks-dataset
  embed encode fixtures/ratings.csv --side fixtures/items.csv:item_id --multi 'genres:|' -o ratings-dataset
`;

/** Adds the command. */
export function addEncode(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("encode")
    .description(
      "Reads a log once and writes an encoded dataset. Other commands accept it in place of the log and give " +
        "the same results.",
    )
    .addHelpText("before", examples);
  return addOutputOptions(addTable(addLogOrQueryArgument(command), encodeOptions)).action(
    async (paths: string[], flags: OutputOptions) => {
      const summary = await watched(flags, signal, (watch) => callEncode(paths, flags, { watch, command }));
      if (flags.json) await writeResult(`${JSON.stringify(summary)}\n`);
      else await writeResult(textOf(summary));
    },
  );
}

export async function callEncode(
  paths: string[],
  _: object,
  { watch, command }: Omit<Caller, "write">,
): Promise<EncodeSummary> {
  const { encode } = await import("../../api/encode.js");
  const given = givenOf(command, encodeOptions);
  checkGiven(encodeOptions, given);
  return await encode(paths, encodeOf(given as Parameters<typeof encodeOf>[0]), watch);
}

function textOf({ out, rows, seconds, columns }: EncodeSummary): string {
  const head = ["column", "kind", "distinct", "missing"];
  const lines = columns.map(({ name, kind, distinct, missing }) => [
    name,
    kind,
    distinct === undefined ? "" : String(distinct),
    String(missing),
  ]);
  return `${formatTable([head, ...lines])}${out}: ${rows.toLocaleString("en")} rows in ${seconds.toFixed(1)} s\n`;
}

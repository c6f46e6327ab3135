// embed export

import { Option, type Command } from "commander";
import { formatSummaries } from "../../api/export.js";
import type { Compose } from "../../api/compose.js";
import { composeOption } from "../compose-option.js";
import { writeLine, writeResult } from "../terminal.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run):
  embed export run --format word2vec --field item -o items.txt
  embed export run --format csv | head -3
`;

interface Flags {
  format: string;
  field?: string;
  table?: string;
  withWeight?: boolean;
  strict?: boolean;
  compose?: Compose;
  mips?: boolean;
  quiet?: boolean;
  out?: string;
  force?: boolean;
  json?: boolean;
}

/** Adds the command. */
export function addExport(program: Command, signal: AbortSignal): Command {
  const formats = formatSummaries.map(([name, summary]) => `  ${name.padEnd(14)}${summary}`).join("\n");
  return program
    .command("export")
    .summary("write a run's table in another tool's format")
    .description("Writes the vectors of a run in another tool's format, to a file or to stdout.")
    .argument("<run>", "run directory")
    .addHelpText("before", examples)
    .requiredOption("--format <format>", "one of those below")
    .option("--field <field>", "only this field's rows; user and item name the columns in these roles")
    .option("--table <name>", "of a run with several tables")
    .option("--with-weight", "the model's weight of each key too")
    .option("--strict", "an error where a key cannot be written as it is")
    .addOption(composeOption())
    .option("--mips", "a dimension more, with which a dot product of user and item ranks as the model does")
    .option("-o, --out <path>", "file or directory to write; stdout by default, or -")
    .option("--force", "replace an existing output")
    .option("--quiet", "print nothing but errors and results")
    .addOption(new Option("--json", "print one JSON object on stdout; needs -o"))
    .addHelpText("after", `\nFormats:\n${formats}\n`)
    .action(async (run: string, flags: Flags) => {
      const { exportRun } = await import("../../api/export.js");
      const { format, field, table, out, withWeight = false, strict = false, force = false } = flags;
      const { compose, mips = false, quiet } = flags;
      const options = {
        format,
        withWeight,
        strict,
        force,
        mips,
        ...(compose && { compose }),
        ...(field !== undefined && { field }),
        ...(table !== undefined && { table }),
        ...(out !== undefined && { out }),
      };
      const summary = await exportRun(run, options, writeResult, signal, (note) => quiet || writeLine(note));
      if (flags.json && summary.out !== "-") await writeResult(`${JSON.stringify(summary)}\n`);
    });
}

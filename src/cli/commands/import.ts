// embed import

import { Option, type Command } from "commander";
import { importable, type ImportOptions, type ImportSummary } from "../../api/import.js";
import { noted, type Caller } from "../progress.js";
import { writeResult } from "../terminal.js";

const examples = `
Examples (after embed export run --format word2vec --field item -o items.txt):
  embed import items.txt --format word2vec --field item --item item -o foreign
  embed import vectors.csv --format csv --key sku --field item -o foreign
`;

type Flags = Omit<ImportOptions, "force"> & { force?: boolean; json?: boolean; quiet?: boolean };

/** Adds the command. */
export function addImport(program: Command, signal: AbortSignal): Command {
  return program
    .command("import")
    .description(
      "Makes a run directory of another tool's table, to be judged, compared and exported like our own. A key twice or that is no " +
        "UTF-8, a number that is not finite and a row of another dimension are errors 65 that say where; zero vectors are taken as they are.",
    )
    .argument("<file>", "the table; .gz is read through decompression, - is stdin")
    .addHelpText("before", examples)
    .addOption(
      new Option("--format <format>", "format of the file").choices(importable).makeOptionMandatory(),
    )
    .option(
      "--field <name>",
      "field that all keys belong to; without it keys read field:key, or a column `field` names it",
    )
    .option("--key <column>", "csv, tsv: the column of keys (default: key)")
    .option("--user <field>", "field that has the role user")
    .option("--item <field>", "field that has the role item")
    .requiredOption("-o, --out <run>", "run directory to write")
    .option("--force", "replace an existing run")
    .option("--quiet", "print nothing but errors and results")
    .option("--json", "print one JSON object on stdout")
    .action(async (file: string, flags: Flags) => {
      const summary = await callImport(file, flags, { watch: noted(signal) });
      if (flags.json) await writeResult(`${JSON.stringify(summary)}\n`);
      else
        await writeResult(
          `${summary.rows} rows of ${summary.dim} dimensions in ${summary.fields.join(", ")}: ${summary.out}\n`,
        );
    });
}

export async function callImport(
  file: string,
  { json: _, quiet: __, force = false, ...given }: Flags,
  { watch: { signal } }: Pick<Caller, "watch">,
): Promise<ImportSummary> {
  const { importTable } = await import("../../api/import.js");
  return await importTable(file, { ...given, force }, signal);
}

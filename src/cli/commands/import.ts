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
      "Converts another tool's table to a run directory, which can be evaluated, compared and exported like " +
        "a trained run. Duplicate keys, keys that are not UTF-8, non-finite numbers and rows of the wrong " +
        "length are errors (exit code 65). Zero vectors are imported unchanged.",
    )
    .argument("<file>", "table to import; .gz files are decompressed, - is stdin")
    .addHelpText("before", examples)
    .addOption(
      new Option("--format <format>", "format of the file").choices(importable).makeOptionMandatory(),
    )
    .option(
      "--field <name>",
      "field that all keys belong to; without it keys must be field:key, or the file needs a column `field`",
    )
    .option("--key <column>", "csv, tsv: column of the keys (default: key)")
    .option("--user <field>", "field with the role user")
    .option("--item <field>", "field with the role item")
    .requiredOption("-o, --out <run>", "run directory to write")
    .option("--force", "replace an existing run")
    .option("--quiet", "print only errors and results")
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

// embed export

import type { Command } from "commander";
import { formatSummaries, keyRules, type ExportSummary } from "../../api/export/export.js";
import { addExportFlags, exportOf, type ExportFlags } from "../../flags/export.js";
import { noted, type Caller } from "../progress.js";
import { writeResult } from "../terminal.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run):
  embed export run --format word2vec --field item -o items.txt
  embed export run --format csv | head -3
  embed export run --format fnn --reserve keras -o fnn
`;

const KEYS =
  "\nIf a replacement makes two keys equal, export fails with exit code 65 before writing " +
  "anything; with --strict every replacement fails.\nZero vectors are written unchanged and " +
  "counted on stderr. Cells are not escaped for spreadsheets: a key such as =1+1 is a formula " +
  "there.\n";

/** Adds the command. */
export function addExport(program: Command, signal: AbortSignal): Command {
  const formats = formatSummaries.map(([name, summary]) => `  ${name.padEnd(20)}${summary}`).join("\n");
  const rules = keyRules.map(([names, summary]) => `  ${names.join(", ")}:\n    ${summary}`).join("\n");
  const command = program
    .command("export")
    .description("Writes the vectors of a run in another tool's format, to a file or to stdout.")
    .argument("<run>", "run directory")
    .addHelpText("before", examples);
  return addExportFlags(command)
    .addHelpText("after", `\nFormats:\n${formats}\n\nKeys are written exactly, except:\n${rules}\n${KEYS}`)
    .action(async (run: string, flags: ExportFlags) => {
      const summary = await callExport(run, flags, { watch: noted(signal, flags.quiet), write: writeResult });
      if (flags.json && summary.out !== "-") await writeResult(`${JSON.stringify(summary)}\n`);
    });
}

export async function callExport(
  run: string,
  flags: ExportFlags,
  { watch: { signal, observe }, write }: Omit<Caller, "command">,
): Promise<ExportSummary> {
  const { exportRun } = await import("../../api/export/export.js");
  const tell = (text: string) => observe({ stage: "note", text });
  return await exportRun(run, exportOf(flags), write, signal, tell);
}

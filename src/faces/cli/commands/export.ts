import { formatSummaries, keyRules } from "../../../use/export/export.js";
import { exportOptions } from "../../../use/export/options.js";
import { commandSpec } from "../command-spec.js";

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

const formats = formatSummaries.map(([name, summary]) => `  ${name.padEnd(20)}${summary}`).join("\n");
const rules = keyRules.map(([names, summary]) => `  ${names.join(", ")}:\n    ${summary}`).join("\n");

export const command = commandSpec({
  description: "Writes the vectors of a run in another tool's format, to a file or to stdout.",
  arguments: [["<run>", "run directory"]],
  examples,
  after: `\nFormats:\n${formats}\n\nKeys are written exactly, except:\n${rules}\n${KEYS}`,
  options: exportOptions,
  about: { json: "print one JSON object on stdout; needs -o or --url-env" },
  writes: true,
  async call([run], given, { watch: { signal, observe }, write }) {
    const { exportRun } = await import("../../../use/export/export.js");
    return await exportRun(run, given, write, signal, observe);
  },
});

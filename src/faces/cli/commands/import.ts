import { importOptions } from "../../../use/import/options.js";
import { commandSpec } from "../command-spec.js";

const examples = `
Examples (after embed export run --format word2vec --field item -o items.txt):
  embed import items.txt --format word2vec --field item --item item -o foreign
  embed import vectors.csv --format csv --key sku --field item -o foreign
`;

export const command = commandSpec({
  description:
    "Converts another tool's table to a run directory, which can be evaluated, compared and exported like " +
    "a trained run. Duplicate keys, keys that are not UTF-8, non-finite numbers and rows of the wrong " +
    "length are errors (exit code 65). Zero vectors are imported unchanged.",
  arguments: [["<file>", "table to import; .gz files are decompressed, - is stdin"]],
  examples,
  options: importOptions,
  terminal: "lines",
  async call([file], given, { watch: { signal } }) {
    const { importTable } = await import("../../../use/import/import.js");
    return await importTable(file, given, signal);
  },
  text: ({ rows, dim, fields, out }) => `${rows} rows of ${dim} dimensions in ${fields.join(", ")}: ${out}\n`,
});

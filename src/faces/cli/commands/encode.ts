import type { EncodeSummary } from "../../../use/encode.js";
import { encodeOptions } from "../../../use/options.js";
import { commandSpec, logOrQuery } from "../command-spec.js";
import { formatTable } from "../terminal.js";

const examples = `
Examples:
  embed encode fixtures/clicks.csv -o clicks-dataset
  embed encode fixtures/ratings.csv --side fixtures/items.csv:item_id --multi 'genres:|' -o ratings-dataset
`;

export const command = commandSpec({
  description:
    "Reads a log once and writes an encoded dataset. Other commands accept it in place of the log and give " +
    "the same results.",
  arguments: [logOrQuery],
  examples,
  options: encodeOptions,
  async call([paths], given, { watch }) {
    const { encode } = await import("../../../use/encode.js");
    return await encode(paths, given, watch);
  },
  text: encodeText,
});

function encodeText({ out, rows, seconds, columns }: EncodeSummary): string {
  const head = ["column", "kind", "distinct", "missing"];
  const lines = columns.map(({ name, kind, distinct, missing }) => [
    name,
    kind,
    distinct === undefined ? "" : String(distinct),
    String(missing),
  ]);
  return `${formatTable([head, ...lines])}${out}: ${rows.toLocaleString("en")} rows in ${seconds.toFixed(1)} s\n`;
}

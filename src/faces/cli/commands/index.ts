import type { IndexSummary } from "../../../use/index/build.js";
import { indexOptions } from "../../../use/index/options.js";
import { printable } from "../../../base/errors.js";
import { commandSpec } from "../command-spec.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run):
  embed index run --field item -o items
  embed index run --field user -o users --metric cosine --m 24
  embed neighbors run --index items --key item:tea-03
`;

export const command = commandSpec({
  description:
    "Builds an HNSW index for nearest-neighbor search over a field's vectors and writes it in hnswlib's " +
    "format, with ids.tsv and index.json. The output does not depend on the number of threads.",
  arguments: [["<run>", "run directory"]],
  examples,
  options: indexOptions,
  async call([run], given, { watch }) {
    const { indexRun } = await import("../../../use/index/build.js");
    return await indexRun(run, given, watch);
  },
  text: indexText,
});

function indexText({ rows, index, because, options, out }: IndexSummary): string {
  const { field, metric, dim, biased } = index;
  const { m, efConstruction } = options as { m: number; efConstruction: number };
  const weights = biased ? " and weights" : "";
  return (
    `${rows.toLocaleString("en")} rows of ${printable(field)}, ${dim} dimensions${weights}, by ${metric} (${because}), ` +
    `--m ${m}, --ef-construction ${efConstruction}: ${printable(out)}\n`
  );
}

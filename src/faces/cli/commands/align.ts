import type { AlignSummary } from "../../../use/align.js";
import { alignOptions } from "../../../use/options.js";
import { commandSpec } from "../command-spec.js";
import { similarTogether } from "../similar-lines.js";
import { formatTable } from "../terminal.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o last --seed 1, and with -o run --seed 2):
  embed align run --to last -o aligned
  embed align run --to last -o aligned --force --json
`;

export const command = commandSpec({
  description:
    "Rotates a run's vectors to match an earlier run's, using the keys that both have, and writes the " +
    "result as a new run. Predictions and nearest neighbors do not change.",
  arguments: [["<run>", "later run directory"]],
  examples,
  options: alignOptions,
  terminal: "lines",
  async call([run], given, { watch: { signal } }) {
    const { alignRun } = await import("../../../use/align.js");
    return await alignRun(run, given, signal);
  },
  text: alignText,
  notes: ({ warnings }) => similarTogether(warnings).map((warning) => `warning: ${warning}`),
});

function alignText({ out, fields }: AlignSummary): string {
  const fixed = (value: number | undefined) => (value === undefined ? "" : value.toFixed(4));
  const head = "field,in both,cosine,aligned,distance,aligned,same 20 nearest".split(",");
  const lines = Object.entries(fields).map(([field, { keys, before, after, neighborOverlap }]) => [
    field,
    keys.toLocaleString("en"),
    fixed(before.cosine),
    fixed(after.cosine),
    fixed(before.distance),
    fixed(after.distance),
    fixed(neighborOverlap?.share),
  ]);
  return `${formatTable([head, ...lines])}${out}: written\n`;
}

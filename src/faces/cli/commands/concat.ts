import { concatOptions } from "../../../use/options.js";
import { printable } from "../../../base/errors.js";
import { commandSpec } from "../command-spec.js";
import { formatTable } from "../terminal.js";

const examples = `
Examples (after embed train-als fixtures/purchases.csv -o taste --valid 0.1, and train-pca --matrix transitions, -o next):
  embed concat taste=1 next=20 -o both
  embed concat taste next -o both --repeats allow --force
`;

export const command = commandSpec({
  description:
    "Writes the tables of several runs side by side as a new run, whose scores are the weighted sums of the runs' " +
    "scores. Weights that are not given are chosen on the validation split.",
  arguments: [["<run...>", "run directories, each with =WEIGHT if its weight is not to be chosen"]],
  examples,
  options: concatOptions,
  async call([runs], given, { watch }) {
    const { concatRuns } = await import("../../../use/concat.js");
    return await concatRuns(runs, given, watch);
  },
  text({ out, dim, runs }) {
    const lines = runs.map(({ run, weight, dim: own }) => [run, String(weight), String(own)]);
    return `${formatTable([["", "weight", "dim"], ...lines])}${printable(out)}: written, ${dim} dimensions\n`;
  },
});

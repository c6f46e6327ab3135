import { commandSpec } from "../command-spec.js";
import { lockOf, publishOptions } from "../../../weekly/store/options.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run):
  embed publish run --store store --name items
  embed publish run --store store --name items --extra exports/items.txt=items.txt
`;

export const command = commandSpec({
  description:
    "Publishes a run as STORE/NAME/VERSION and points STORE/NAME/latest to it. The switch is atomic: " +
    "readers see either the old version or the new one. Versions are numbered from 000001.",
  arguments: [["<run>", "run directory"]],
  examples,
  options: publishOptions,
  terminal: "lines",
  async call([run], given, { watch }) {
    const { publish } = await import("../../../weekly/store/publish.js");
    return await publish(run, { ...given, ...lockOf(given, watch) });
  },
  text: ({ out, published: { previous }, dryRun }) =>
    `${out}: ${dryRun ? "would be " : ""}${previous === null ? "the first version" : `after ${previous}`}\n`,
});

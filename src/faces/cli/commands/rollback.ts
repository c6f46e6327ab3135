import { commandSpec } from "../command-spec.js";
import { lockOf, rollbackOptions, storeAndName } from "../../../weekly/store/options.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run, and embed publish run --store store --name items, twice):
  embed rollback store/items
  embed rollback store/items --to 000002
`;

export const command = commandSpec({
  description:
    "Points STORE/NAME/latest back to the previous version, or to a given one, after verifying its " +
    "checksums. Later versions are kept, and the next published version gets a new number.",
  arguments: [["<store/name>", "name in a store, such as store/items"]],
  examples,
  options: rollbackOptions,
  terminal: "lines",
  async call([place], given, { watch }) {
    const { rollback } = await import("../../../weekly/store/rollback.js");
    const { store, name } = storeAndName(place);
    return await rollback(store, name, { ...given, ...lockOf(given, watch) });
  },
  text({ out, rollback: { from }, dryRun }) {
    const what = dryRun ? "would become the latest version" : "is now the latest version";
    return `${out}: ${what}${from === null ? "" : `, ${from} was`}\n`;
  },
  notes: ({ rollback: { skipped } }) =>
    skipped.length > 0 ? [`skipped damaged versions: ${skipped.join(", ")}`] : [],
});

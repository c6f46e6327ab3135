import type { NeighborsOf } from "../../../use/neighbors/neighbors.js";
import { neighborsOptions } from "../../../use/options.js";
import { printable } from "../../../base/errors.js";
import { version } from "../../../base/io/package-version.js";
import { commandSpec } from "../command-spec.js";
import { formatTable } from "../terminal.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run):
  embed neighbors run --key item:tea-03
  embed neighbors run --key item:tea-03 --key item:camera-11 --top 5 --metric dot
  embed index run --field item -o items && embed neighbors run --key item:tea-03 --index items
Example of all keys of a table, with their titles (after embed train-fm fixtures/ratings.csv -o films --label rating):
  embed neighbors films --keys fixtures/items.csv:item --names fixtures/items.csv:item:title -o near.csv
`;

export const command = commandSpec({
  description: "Shows the nearest neighbors of a key within its field.",
  arguments: [["<run>", "run directory"]],
  examples,
  options: neighborsOptions,
  terminal: "lines",
  // options of the output file; the TypeScript function returns the lists, and writes no file
  without: ["format", "out", "force"],
  async call([run], given, { watch, write }) {
    const { neighborsOf } = await import("../../../use/neighbors/neighbors.js");
    const found = await neighborsOf(run, given, watch);
    const { format, out, force = false, names } = given;
    if ((format ?? out) !== undefined) {
      const { writeNeighbors } = await import("../../../use/neighbors/neighbor-rows.js");
      await writeNeighbors(found, { format, out, force, named: names !== undefined }, write, watch.signal);
    }
    return found;
  },
  text: (found, { format, out }) =>
    (format ?? out) === undefined ? found.map(neighborsText).join("\n") : "",
  json: (queries) => ({ command: "neighbors", version, queries }),
});

function neighborsText({ field, key, name, metric, neighbors }: NeighborsOf): string {
  const title = printable(`${field}:${key}${name === undefined ? "" : `  ${name}`}`);
  if (neighbors.length === 0) return `${title} has no neighbors\n`;
  const hasNames = neighbors.some((row) => row.name !== undefined);
  const lines = neighbors.map((row) => [
    `  ${row.key}`,
    row.similarity.toFixed(4),
    String(row.count),
    ...(hasNames ? [row.name ?? ""] : []),
  ]);
  const head = ["  key", "similarity", "count", ...(hasNames ? ["name"] : [])];
  return `${title} (${metric})\n${formatTable([head, ...lines])}`;
}

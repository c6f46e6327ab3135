import type { FieldDiff, RunDiff } from "../../../judge/diff.js";
import { diffOptions } from "../../../use/options.js";
import { countText, printable } from "../../../base/errors.js";
import { commandSpec } from "../command-spec.js";
import { formatTable } from "../terminal.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run, and with --seed 2 -o other):
  embed diff run other
  embed diff run other --field item --k 20 --json
`;

export const command = commandSpec({
  description:
    "Compares two tables on the keys that both have: vector norms, nearest neighbors, and how far rows " +
    "moved after aligning the tables.",
  arguments: [
    ["<run-a>", "earlier run directory"],
    ["<run-b>", "later run directory"],
  ],
  examples,
  options: diffOptions,
  terminal: "lines",
  async call([a, b], given, { watch: { signal } }) {
    const { diffRuns } = await import("../../../judge/diff.js");
    return await diffRuns(a, b, given, signal);
  },
  text: (found, { k = diffOptions.k.default }) => diffText(found, k),
});

function diffText({ fields, dims, onlyInA, onlyInB }: RunDiff, k: number): string {
  const fixed = (value: number | undefined) => (value === undefined ? "" : value.toFixed(4));
  const lineOf = ({ field, rows, norms, neighborOverlap, displacement }: FieldDiff) => [
    field,
    ...[rows.both, rows.gained, rows.lost].map(countText),
    fixed(norms.a),
    fixed(norms.b),
    fixed(neighborOverlap),
    ...[displacement?.mean, displacement?.median, displacement?.p90].map(fixed),
  ];
  const head = `field,in both,gained,lost,norm a,norm b,same ${k} nearest,displacement,median,p90`.split(",");
  const notes = [
    ...(dims.a === dims.b
      ? []
      : [`the tables have ${dims.a} and ${dims.b} dimensions: displacement cannot be measured`]),
    ...(onlyInA.length > 0 ? [`only in the first: ${onlyInA.join(", ")}`] : []),
    ...(onlyInB.length > 0 ? [`only in the second: ${onlyInB.join(", ")}`] : []),
    ...fields.flatMap(({ field, rows, neighborKeys }) =>
      neighborKeys === undefined
        ? []
        : [
            `${field}: neighbors are compared among a sample of ${countText(neighborKeys)} of ${countText(rows.both)} keys`,
          ],
    ),
    ...fields
      .filter(({ moved }) => moved.length > 0)
      .map(({ field, moved }) => {
        const keys = moved.map(({ key, displacement }) => `${key} ${displacement.toFixed(3)}`);
        return `${field}: moved most: ${keys.join(", ")}`;
      }),
  ];
  return `${formatTable([head, ...fields.map(lineOf)])}${notes.map((note) => `${printable(note)}\n`).join("")}`;
}

import { gateOptions } from "../../../weekly/gates/options.js";
import type { TriedGates } from "../../../weekly/gates/gate.js";
import { commandSpec } from "../command-spec.js";
import { formatTable, stepLines } from "../terminal.js";

const examples = `
Examples (after embed encode fixtures/clicks.csv -o dataset and embed train-fm dataset -o run --valid 0.1):
  embed gate dataset --bounds fixtures/gates.yaml
  embed gate run --bounds fixtures/gates.yaml --previous run
`;

export const command = commandSpec({
  description:
    "Checks an encoded dataset (rows, positive rate, missing and unseen keys, newest event) or a run " +
    "(metrics, norms, neighbors and displacement since the last version) against bounds. Exits with 81 if " +
    "a bound fails.",
  arguments: [["<dataset-or-run>", "encoded dataset or run to check"]],
  examples,
  options: gateOptions,
  terminal: "lines",
  async call([path], given, { watch: { signal } }) {
    const { tryGates } = await import("../../../weekly/gates/gate.js");
    return await tryGates(path, given, signal);
  },
  text: gateText,
  notes: ({ steps }) => stepLines(steps),
  verify: async ({ outcomes }) => (await import("../../../weekly/gates/gate.js")).checkGates(outcomes),
});

function gateText({ outcomes }: TriedGates): string {
  const marks = {
    passed: "ok",
    failed: "FAILED",
    notCompared: "not compared",
    measured: "",
    accepted: "accepted",
  };
  const lines = outcomes.map(({ gate, message, status }) => [
    marks[status],
    gate,
    message.slice(gate.length).replace(/^ is /, ""),
  ]);
  return formatTable(lines);
}

// Declares the command `embed lift`.

import { comparedTrainings, liftTable } from "../../api/lift/lift.js";
import type { LiftOptions } from "../../api/lift/options.js";
import type { TerminalOptions } from "../../flags/terminal-options.js";
import { commandSpec, logArgument, type CommandSpec } from "../command-spec.js";
import { liftText } from "../lift.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run --valid 0.1 --test 0.1):
  embed lift fixtures/clicks.csv --init run --arch fnn --valid 0.1 --test 0.1
  embed lift fixtures/clicks.csv --init run --arch wide-deep --cross device*hour --valid 0.1 --test 0.1 -o lift.json
`;

/** The command `embed lift`; its options include those of a training. */
export async function command(): Promise<CommandSpec> {
  return commandSpec({
    description:
      "Trains the same network from four initial tables: a run's table, random values, the table with its " +
      "rows shuffled within fields (control), and random rows with the same norms. Learning rates are chosen " +
      "separately for each. Prints the epochs and seconds needed to reach the random start's best validation " +
      "loss, and the final losses.",
    arguments: [logArgument],
    examples,
    options: liftTable(await comparedTrainings()),
    without: ["format"],
    async call([paths], given, { watch }) {
      const { lift } = await import("../../api/lift/lift.js");
      return await lift(paths, given as LiftOptions, watch);
    },
    text: (result, { format = "text" }: TerminalOptions & { format?: "text" | "markdown" }) =>
      liftText(result, format),
  });
}

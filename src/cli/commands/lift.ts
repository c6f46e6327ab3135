// embed lift

import { Option, type Command } from "commander";
import { liftTable, comparedTrainings, type Lift } from "../../api/lift/lift.js";
import type { LiftOptions } from "../../api/lift/options.js";
import { markCommon } from "../../flags/common.js";
import { addLogArgument, addOutputOptions } from "../../flags/options.js";
import { addTable, givenOf } from "../../flags/table-option.js";
import type { OptionTable } from "../../training/options/table.js";
import { liftText } from "../lift.js";
import { watched, type Caller, type OutputOptions } from "../progress.js";
import { writeResult } from "../terminal.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run --valid 0.1 --test 0.1):
  embed lift fixtures/clicks.csv --init run --arch fnn --valid 0.1 --test 0.1
  embed lift fixtures/clicks.csv --init run --arch wide-deep --cross device*hour --valid 0.1 --test 0.1 -o lift.json
`;

/** Adds the command. */
export async function addLift(): Promise<(program: Command, signal: AbortSignal) => Command> {
  const table = liftTable(await comparedTrainings());
  return (program, signal) => addCommand(table, program, signal);
}

function addCommand(table: OptionTable, program: Command, signal: AbortSignal): Command {
  const command = program
    .command("lift")
    .description(
      "Trains the same network from four initial tables: a run's table, random values, the table with its " +
        "rows shuffled within fields (control), and random rows with the same norms. Learning rates are chosen " +
        "separately for each. Prints the epochs and seconds needed to reach the random start's best validation " +
        "loss, and the final losses.",
    )
    .addHelpText("before", examples);
  addTable(addLogArgument(command), table).addOption(
    new Option("--format <format>", "format of the printed result")
      .choices(["text", "markdown"])
      .default("text")
      .helpGroup("Output:"),
  );
  markCommon(command, [
    ...["init", "label", "time", "fields", "numeric", "valid", "test", "split", "arch", "hidden", "epochs"],
    ...["patience", "seeds", "learning-rates", "embedding-learning-rates", "threads", "out", "force"],
  ]);
  return addOutputOptions(command).action(
    async (paths: string[], flags: { format: "text" | "markdown" } & OutputOptions) => {
      const result = await watched(flags, signal, (watch) => callLift(paths, flags, { watch, command }));
      await writeResult(flags.json ? `${JSON.stringify(result)}\n` : liftText(result, flags.format));
    },
  );
}

export async function callLift(
  paths: string[],
  _: object,
  { watch, command }: Omit<Caller, "write">,
): Promise<Lift> {
  const { lift } = await import("../../api/lift/lift.js");
  const given = givenOf(command, liftTable(await comparedTrainings())) as LiftOptions &
    Record<string, unknown>;
  return await lift(paths, given, watch);
}

// embed lift

import type { Command } from "commander";
import { addLiftFlags, liftOf, type LiftFlags } from "../../flags/lift.js";
import { addOutputOptions } from "../../flags/options.js";
import { liftText } from "../lift.js";
import { watched, type OutputOptions } from "../progress.js";
import { writeResult } from "../terminal.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run --valid 0.1 --test 0.1):
  embed lift fixtures/clicks.csv --init run --arch fnn --valid 0.1 --test 0.1
  embed lift fixtures/clicks.csv --init run --arch wide-deep --cross device*hour --valid 0.1 --test 0.1 -o lift.json
`;

/** Adds the command. */
export function addLift(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("lift")
    .description(
      "Trains the same network from a run's table, from random starts, from the table's rows dealt anew within their fields, and from random rows of the " +
        "same lengths, each with step sizes of its own; prints epochs and seconds until the random start's best validation loss, and final losses.",
    )
    .addHelpText("before", examples);
  return addOutputOptions(addLiftFlags(command)).action(
    async (paths: string[], flags: LiftFlags & OutputOptions) => {
      const { lift } = await import("../../api/lift/lift.js");
      const options = await liftOf(flags);
      const result = await watched(flags, signal, (watch) => lift(paths, options, watch));
      await writeResult(flags.json ? `${JSON.stringify(result)}\n` : liftText(result, flags.format));
    },
  );
}

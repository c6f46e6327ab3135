// Options that say what is predicted: a column's label, or events against drawn negatives.

import { Option, type Command } from "commander";
import type { ExampleOptions } from "../training/example-options.js";
import { listOf, numberOf, wholeOf } from "./options.js";

/** As commander gives them. */
export type LabelFlags = Pick<ExampleOptions, "negatives"> &
  Partial<Pick<ExampleOptions, "noise" | "positiveFrom" | "itemFields">>;

/** Where a training that ranks draws otherwise, for the help. */
interface RankingTexts {
  /** what else learns from positive events alone */
  alone?: string;
  negatives?: string;
  noise?: string;
}

/** Adds the options. */
export function addLabelOptions(
  command: Command,
  { alone = "", negatives = "", noise = "" }: RankingTexts = {},
): Command {
  const model = (flags: string, help: string) => new Option(flags, help).helpGroup("Model:");
  return command
    .addOption(
      model(
        "--positive-from <x>",
        `a label from x on is 1, else 0; with --negatives${alone} only such rows are events`,
      ).argParser(numberOf("--positive-from")),
    )
    .addOption(
      model("--negatives <n>", `for a log without labels: negatives drawn an event${negatives}`)
        .argParser(wholeOf("--negatives", 1))
        .default(0, "none"),
    )
    .addOption(
      model("--noise <distribution>", "what negatives are drawn by")
        .choices(["uniform", "popularity"])
        .default(undefined, `uniform${noise}`),
    )
    .addOption(
      model(
        "--item-fields <columns>",
        "columns that go with the item, as its vector and a negative do; inferred by default",
      ).argParser(listOf),
    );
}

/** The flags as options of the api. */
export function labelsOf({ negatives, noise = "uniform", positiveFrom, itemFields }: LabelFlags) {
  return {
    negatives,
    noise,
    ...(positiveFrom !== undefined && { positiveFrom }),
    ...(itemFields && { itemFields }),
  };
}

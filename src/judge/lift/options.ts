import { choice, custom, flag, numberOf, text, whole, type Given } from "../../options/table.js";
import type { GivenTraining } from "../../training/shared-options/log.js";

const group = "Lift:";

export const liftOwn = {
  init: text("run", { help: "run whose table initializes the network", group, required: true }),
  seeds: whole({
    min: 2,
    max: 1_000_000,
    help: "number of seeds (trainings) per initialization",
    group,
    default: 5,
  }),
  /** candidates for the two learning rates of each initialization; each pair is tried */
  learningRates: rates("dense layers", [0.001, 0.003]),
  // candidates for the embedding layer's rate: the best one is high for a table trained on the same rows, and up to a
  // hundred times lower for a table trained on other rows
  embeddingLearningRates: rates("embedding layer", [0.003, 0.02, 0.1, 0.3]),
  unchecked: flag({
    help: "continue even if the table may have been trained on the held-out rows",
    group,
  }),
  out: text("file", {
    help: "file to write the full result to, including learning curves, as JSON",
    group: "Output:",
  }),
  force: flag({ help: "replace an existing file", group: "Output:" }),
  format: choice(["text", "markdown"], {
    placeholder: "format",
    help: "format of the printed result",
    group: "Output:",
    default: "text",
  }),
} as const;

/** Options that --help shows first; some are the trainer's. */
export const liftCommon = [
  ...["init", "label", "time", "fields", "numeric", "valid", "test", "split", "arch", "hidden", "epochs"],
  ...["patience", "seeds", "learningRates", "embeddingLearningRates", "threads", "out", "force"],
];

/** The options that the user set: lift's own, and those of the trainer. */
export type LiftOptions = Given<typeof liftOwn> &
  Omit<GivenTraining, "init" | "out" | "force"> & { init: string; patience?: number };

function rates(what: string, standard: readonly number[]) {
  return custom(
    "list",
    {
      type: "number | string | readonly number[]",
      parse: (given: string, flagName: string): readonly number[] =>
        given.split(",").map((part) => numberOf(part, flagName)),
      complaint: (all: readonly number[]) =>
        all.every((rate) => rate >= 1e-7 && rate <= 10) ? undefined : "numbers from 1e-7 to 10",
    },
    {
      help: `learning rates of the ${what} to try for each initialization`,
      group,
      default: standard,
      shown: standard.join(","),
    },
  );
}

import { comparedTrainings, liftTable, type Lift } from "../../../judge/lift/lift.js";
import type { LiftOptions } from "../../../judge/lift/options.js";
import type { TerminalOptions } from "../terminal-options.js";
import { commandSpec, logArgument, type CommandSpec } from "../command-spec.js";
import { shown, shownReach, type ArmSummary } from "../../../judge/lift/summary.js";
import { formatTable } from "../terminal.js";

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
      const { lift } = await import("../../../judge/lift/lift.js");
      return await lift(paths, given as LiftOptions, watch);
    },
    text: (result, { format = "text" }: TerminalOptions & { format?: "text" | "markdown" }) =>
      liftText(result, format),
  });
}

const BLOCKS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const MAX_EPOCHS = 60;

function liftText(lift: Lift, format: "text" | "markdown"): string {
  const { arms, pretraining, sentences, judged } = lift;
  const head = [
    "start",
    "learning rates",
    "seeds that reach",
    "epochs to reach",
    "seconds to reach",
    "valid loss",
    ...(judged === "test" ? ["test loss"] : []),
    "to random",
    ...(arms.every(({ testAuc }) => testAuc) ? ["test AUC"] : []),
  ];
  const lines = arms.map((arm, i) => {
    const { learningRate, embeddingLearningRate } = lift.trained[i]!.chosen;
    return [
      arm.arm,
      `${learningRate}, ${embeddingLearningRate}`,
      ...reachedCells(arm),
      shown(arm.validLoss, 4),
      ...(arm.testLoss ? [shown(arm.testLoss, 4)] : []),
      arm.toRandom ? shown(arm.toRandom, 4) : "",
      ...(arm.testAuc ? [shown(arm.testAuc, 4)] : []),
    ];
  });
  const numSeeds = lift.trained[0]!.trainings.length;
  const censored = arms.some(({ numReached, numCensored }) => numReached > 0 && numCensored > 0)
    ? "≥: a seed that stopped before it reached that loss counts for the epochs that it trained, so the mean is a lower bound. "
    : "";
  const legend =
    "reach: the best validation loss of the random start with the same seed. " +
    `${censored}The table's seconds include the ${pretraining.seconds.toFixed(1)} s of its own training. ±: half-width of the 95 % interval over ` +
    `${numSeeds} seeds; to random: difference in ${judged} loss, paired by seed.`;
  const table = format === "text" ? formatTable([head, ...lines]) : markdownTable([head, ...lines]);
  const curves = curveLines(lift);
  const drawn = format === "text" ? curves : `\n\`\`\`\n${curves}\`\`\`\n\n`;
  const warnings = lift.unchecked
    ? "unchecked: the table may have been trained on the rows that it is evaluated on.\n"
    : "";
  return `${table}${drawn}${legend}\n${sentences.join("\n")}\n${warnings}`;
}

function reachedCells(arm: ArmSummary): string[] {
  const { numReached, numCensored } = arm;
  const seeds = `${numReached} of ${numReached + numCensored}`;
  return numReached === 0
    ? [seeds, "never", "never"]
    : [seeds, shownReach(arm, "epochsToReach"), shownReach(arm, "secondsToReach")];
}

/** Draws the mean validation loss after each epoch, one line per initialization, on a common scale. */
function curveLines({ trained }: Lift): string {
  const curves = trained.map(({ trainings }) => {
    const length = Math.max(...trainings.map(({ validLosses }) => validLosses.length));
    // after the last epoch of a training that stopped early, its curve continues at its best loss
    return Array.from({ length: Math.min(length, MAX_EPOCHS) }, (_, e) => {
      const losses = trainings.map(({ validLosses }) => validLosses[e] ?? Math.min(...validLosses));
      return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    });
  });
  const all = curves.flat();
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const width = Math.max(...trained.map(({ arm }) => arm.length));
  const block = (loss: number): string =>
    BLOCKS[Math.min(7, Math.floor((8 * (loss - low)) / (high - low || 1)))]!;
  const lines = curves.map((curve, i) => `${trained[i]!.arm.padEnd(width)}  ${curve.map(block).join("")}`);
  return `validation loss by epoch, ${low.toFixed(4)} (▁) to ${high.toFixed(4)} (█)\n${lines.join("\n")}\n`;
}

function markdownTable([head, ...body]: string[][]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  return `${line(head!)}| --- |${" ---: |".repeat(head!.length - 1)}\n${body.map(line).join("")}`;
}

// Chooses the trainings of a comparison by the columns and labels of the log, in ascending order of estimated effort.

import { join } from "node:path";
import type { Untrained } from "../../metrics/leaderboard.js";
import { UsageError } from "../../base/errors.js";
import type { Candidate, LogTraits, Trainer } from "../../training/session/trainer.js";
import { trainers } from "../../trainers/index.js";

export interface ChosenTraining extends Candidate {
  trainer: Trainer;
  path: string;
  /** the training whose table initializes the vectors of this one */
  from?: ChosenTraining;
}

/** @param asked commands of the trainers to compare; all trainers when absent */
export async function chooseTrainings(
  traits: LogTraits,
  asked: readonly string[] | undefined,
  runs: string,
): Promise<{ entered: ChosenTraining[]; untrained: Untrained[] }> {
  const commands = trainers.map(({ command }) => command);
  const odd = asked?.find((name) => !commands.includes(name));
  if (odd !== undefined)
    throw new UsageError(`--trainers expects some of ${commands.join(", ")}, got '${odd}'`);
  const [own, untrained]: [ChosenTraining[], Untrained[]] = [[], []];
  for (const { command, load } of trainers.filter((one) => asked?.includes(one.command) ?? true)) {
    const { trainer } = await load();
    const suits = trainer.suits(traits);
    if ("whyNot" in suits) untrained.push({ name: command, why: suits.whyNot });
    else own.push(...suits.candidates.map((one) => ({ ...one, trainer, path: join(runs, one.name) })));
  }
  if (own.every(({ start }) => start === "only")) {
    const why = [
      ...untrained.map((one) => `${one.name} ${one.why}`),
      ...own.map(
        ({ name, trainer }) =>
          `${trainer.command} predicts nothing by itself (${name} is a start for others)`,
      ),
    ];
    throw new UsageError(`no trainer suits --goal ${traits.goal}: ${why.join("; ")}`);
  }
  const entered = [...own, ...own.flatMap((one) => initializedCopies(one, own, runs))];
  // the sort is stable, so trainings of equal effort keep the order of the list of trainers
  return { entered: entered.sort((a, b) => a.effort - b.effort), untrained };
}

/** Returns copies of a training that start from the tables of others; baselines if the others are baselines. */
function initializedCopies(
  one: ChosenTraining,
  all: readonly ChosenTraining[],
  runs: string,
): ChosenTraining[] {
  const { startOption, baseline: _, ...own } = one;
  if (startOption === undefined) return [];
  return all
    .filter(({ start }) => start !== undefined)
    .map((from) => {
      const name = `${one.name}-from-${from.name}`;
      return {
        ...own,
        ...{ name, from, path: join(runs, name), effort: one.effort + from.effort },
        options: { ...one.options, [startOption]: from.path },
        ...(from.baseline && { baseline: true as const }),
      };
    });
}

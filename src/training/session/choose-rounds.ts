// Without a validation split, the number of rounds (epochs or trees) of a training that may overfit is chosen on a tenth of
// its rows; the training then uses all of them.

import { flagOf } from "../../base/errors.js";
import { titleOf } from "../../metrics/metrics.js";
import { differenceOf } from "../../metrics/user-metric.js";
import type { Evaluated } from "../epochs/checkpoint.js";
import { holdOutInside } from "../reading/split-parts.js";
import type { Plan, Session, Trainer, TrainingInput } from "./trainer.js";

type WithoutControls = Omit<Session, "controls">;

/** Returns a session for a training that is only measured. */
export function silentTrial(session: WithoutControls): WithoutControls {
  const silent = { warn: () => undefined, note: () => undefined, lap: () => undefined };
  return { ...session, ...silent, watch: { ...session.watch, observe: () => undefined }, isTrial: true };
}

interface ChosenRounds {
  plan: Plan;
  /** results of the training with held-out rows */
  first: Evaluated;
  /** options that the choice adds to the user's */
  rival: Readonly<Record<string, unknown>>;
}

/** Undefined if the training does not choose, options set the number of rounds, or there are too few rows. */
export async function chooseRounds(
  trainer: Trainer,
  plan: Plan,
  source: TrainingInput,
  session: WithoutControls,
): Promise<ChosenRounds | undefined> {
  const { given, note, watch } = session;
  const { round = "epoch" } = trainer;
  const flag = round === "tree" ? "numTrees" : "epochs";
  const set = given as Readonly<Record<string, unknown>>;
  const isOpen = !source.parts.valid && !given.init && set[flag] === undefined && set["patience"] !== 0;
  const choice = isOpen ? plan.choosesRounds?.(source) : undefined;
  const parts = choice && holdOutInside(source.dataset, source.parts, session.options, plan.seed);
  if (!choice || !parts) return undefined;
  watch.observe({ stage: "doing", text: `choosing the number of ${round}s on held-out training rows` });
  const fit = async (own: Plan) =>
    await own.fit({ ...source, parts }, { ...silentTrial(session), controls: {} });
  let chosen: Pick<ChosenRounds, "plan" | "rival"> = { plan, rival: {} };
  let fitted = await fit(plan);
  const metric = plan.comparedBy!(fitted.evaluated.metrics["valid"]!);
  if (choice.rival) {
    const other = { plan: await trainer.plan({ ...given, ...choice.rival }), rival: choice.rival };
    const fittedToo = await fit(other.plan);
    const [standard, rival] = await Promise.all(
      [fitted, fittedToo].map(async ({ byUnit }) => (await byUnit?.())?.find(({ name }) => name === metric)),
    );
    const bounds = standard && rival && differenceOf(rival, standard);
    // the metric is a loss; half of the interval's margin is a standard error
    if (bounds && bounds.low + 3 * bounds.high < 0) [chosen, fitted] = [other, fittedToo];
  }
  const { bestEpoch, metrics } = fitted.evaluated;
  const added = Object.entries(chosen.rival).map(([name, value]) => ` ${flagOf(name)} ${String(value)}`);
  note(
    `${flagOf(flag)} ${Math.max(1, bestEpoch)}${added.join("")}, chosen on a tenth of the training rows ` +
      `(${titleOf(metric)} ${(metrics["valid"]![metric] as number).toFixed(4)}), now trained on all of them: ` +
      `${flagOf(flag)} N sets the number, --patience 0 uses the default`,
  );
  return { ...chosen, first: fitted.evaluated };
}

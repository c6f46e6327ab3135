// The forests of one training, grown one after another: one, or one for each fold of --cross-fit. RUN.checkpoint holds the arrays
// of the forest under way (train.ts) and
//
//   done     u8, JSON: the forests before it; absent before the first is done

import { count, either, flag, list, number, object, record } from "../../../io/json-shape.js";
import type { Controls, EpochEvent } from "../../../training/epochs/epoch-loop.js";
import { jsonBytes, jsonOf } from "../../../training/epochs/named-arrays.js";
import type { GbdtOptions } from "../options.js";
import { trainGbdt, type GbdtInput, type GbdtModel } from "./train.js";
import { treeShape } from "../forest/tree.js";

const doneShape = list(
  object({
    trees: list(treeShape),
    bestEpoch: count,
    epochs: list(record(either(number, flag))),
    interrupted: flag,
  }),
);

/** Grows the next forest of a training. */
export type GrowNext = (
  input: GbdtInput,
  options: GbdtOptions,
  observe: (event: EpochEvent) => void,
) => Promise<GbdtModel>;

/**
 * What grows forest after forest: those that the checkpoint holds are taken from it, the one under way goes on, later ones start.
 *
 * @param signal ends the training promptly
 * @throws {ArtifactError} the checkpoint holds something else
 */
export function forestsInTurn({ onInterrupt, checkpoint, resume }: Controls, signal: AbortSignal): GrowNext {
  const found =
    resume && "done" in resume.arrays ? (jsonOf(resume.arrays, "done", doneShape) as GbdtModel[]) : [];
  const done: GbdtModel[] = [];

  const controlsOfNext = (): Controls => ({
    onInterrupt,
    ...(resume && done.length === found.length && { resume }),
    ...(checkpoint && {
      checkpoint: {
        every: checkpoint.every,
        save: async ({ arrays, ...standing }) => {
          const before = done.length > 0 && { done: jsonBytes(done) };
          await checkpoint.save({ ...standing, arrays: { ...arrays, ...before } });
        },
      },
    }),
  });
  return async (input, options, observe) => {
    const model = found[done.length] ?? (await trainGbdt(input, options, observe, signal, controlsOfNext()));
    done.push(model);
    return model;
  };
}

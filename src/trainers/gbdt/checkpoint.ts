// --checkpoint-every and --resume of trees: RUN.checkpoint, one file beside the run that is to be, written anew every so many
// iterations.
//
//   scores      f32: of all rows, as the machine has them
//   standing    u8, JSON: what the training was asked for, its trees so far, and the forests that are done before them
//
// A command may boost more than once (folds, a refit); forests that are done are taken from the file as they are.

import { anything, count, either, flag, list, number, object, orNull, record } from "../../io/json-shape.js";
import { CheckpointFile, type Contents, type Identity } from "../../training/checkpoint-file.js";
import type { Watch } from "../../training/watch.js";
import type { GbdtOptions } from "./options.js";
import {
  trainGbdt as boost,
  type GbdtCheckpoint,
  type GbdtInput,
  type GbdtModel,
  type TreeEvent,
} from "./train.js";
import { treeShape } from "./tree.js";

interface Saved extends Omit<GbdtCheckpoint, "scores"> {
  done: GbdtModel[];
}

const eventShape = record(either(number, flag));
const savedShape = object({
  identity: record(anything),
  done: list(
    object({ trees: list(treeShape), numIterations: count, events: list(eventShape), interrupted: flag }),
  ),
  trees: list(treeShape),
  events: list(eventShape),
  best: object({ iteration: count, loss: orNull(number) }),
});

/** The boosting of one command, which saves where it stands. */
export class Boosting {
  readonly #file: CheckpointFile<Saved>;
  readonly #watch: Watch;
  readonly #done: GbdtModel[] = [];

  private constructor(file: CheckpointFile<Saved>, watch: Watch) {
    this.#file = file;
    this.#watch = watch;
  }

  /** @throws as CheckpointFile.open */
  static async open(
    out: string,
    steering: { checkpointEvery?: number; resume?: boolean },
    identity: Identity,
    watch: Watch,
  ): Promise<Boosting> {
    const file = await CheckpointFile.open<Saved>(out, steering, identity, savedShape, watch.signal);
    const { found } = file;
    if (found) {
      scoresOf(file, found);
      watch.observe({ stage: "note", text: `goes on after tree ${found.saved.events.length}` });
    }
    return new Boosting(file, watch);
  }

  /** Grows the next forest of the command. @param mayFinish whether an interruption leaves a forest that is of use */
  async run(
    input: GbdtInput,
    gbdt: GbdtOptions,
    observe: (event: TreeEvent) => void,
    mayFinish: boolean,
  ): Promise<GbdtModel> {
    const { every, found } = this.#file;
    const index = this.#done.length;
    const isUnderWay = found?.saved.done.length === index;
    const onInterrupt = this.#watch.finishInstead;
    const model =
      found?.saved.done[index] ??
      (await boost(input, gbdt, observe, this.#watch.signal, {
        ...(isUnderWay && { resume: { ...found.saved, scores: scoresOf(this.#file, found) } }),
        ...(onInterrupt && mayFinish && { onInterrupt }),
        ...(every !== undefined && { checkpoint: { every, save: (now) => this.#save(now) } }),
      }));
    this.#done.push(model);
    return model;
  }

  /** To be called when the run is written. */
  async remove(): Promise<void> {
    await this.#file.remove();
  }

  async #save({ scores, ...standing }: GbdtCheckpoint): Promise<void> {
    await this.#file.save({ arrays: { scores }, saved: { done: this.#done, ...standing } });
  }
}

/** @throws {ArtifactError} they are none */
function scoresOf(file: CheckpointFile<Saved>, { arrays }: Contents<Saved>): Float32Array {
  const { scores } = arrays;
  if (!(scores instanceof Float32Array)) throw file.damaged();
  return scores;
}

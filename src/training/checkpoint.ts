// --checkpoint-every and --resume: RUN.checkpoint, one file beside the run that is to be, written anew every few epochs.
//
//   standing    u8, JSON: what the training was asked for, its epochs, and how early stopping stands
//   others      what the trainer has made and, where early stopping waits for a better epoch, the best one's parameters, by
//               names of its own (epoch-loop.ts)
//
// A training that was killed goes on from it as if it had not been: the same bytes at any number of threads.

import type { PartMetrics, Trial } from "../embedding/manifest.js";
import { anything, count, either, flag, list, number, object, orNull, record } from "../io/json-shape.js";
import { CheckpointFile, type Identity } from "./checkpoint-file.js";
import type { Checkpoint, LoopControls } from "./controls.js";
import type { EpochEvent } from "./epoch.js";

/** What a training came to, as far as its refit needs it. */
export interface Evaluated {
  /** the trainer's own, as they were used */
  options: Record<string, unknown>;
  metrics: Record<string, PartMetrics>;
  epochs: EpochEvent[];
  bestEpoch: number;
  trials?: Trial[];
}

const eventShape = record(either(number, flag));
const identityShape = record(anything);

/** What every trainer's checkpoint says beside its arrays. */
const savedShape = object(
  {
    identity: identityShape,
    standing: object({ kept: count, value: orNull(number), mark: orNull(number), waited: count }),
    epochs: list(eventShape),
  },
  {
    first: object(
      { options: identityShape, metrics: record(anything), epochs: list(eventShape), bestEpoch: count },
      { trials: list(record(orNull(number))) },
    ),
  },
);

/** What is saved beside the arrays and the identity. */
interface Saved extends Pick<Checkpoint, "standing" | "epochs"> {
  /** of a refit: what the first training came to */
  first?: Evaluated;
}

/** The checkpoints of one training. */
export class Checkpoints {
  readonly #file: CheckpointFile<Saved>;

  private constructor(file: CheckpointFile<Saved>) {
    this.#file = file;
  }

  /** @throws as CheckpointFile.open */
  static async open(
    out: string,
    steering: { checkpointEvery?: number; resume?: boolean },
    identity: Identity,
    signal: AbortSignal,
  ): Promise<Checkpoints> {
    return new Checkpoints(await CheckpointFile.open<Saved>(out, steering, identity, savedShape, signal));
  }

  /** The epoch after which training goes on; undefined from the start. */
  get epoch(): number | undefined {
    return this.#file.found?.saved.epochs.length;
  }

  /** What the first training came to, where its refit was under way. */
  get first(): Evaluated | undefined {
    return this.#file.found?.saved.first;
  }

  /** What a training, or with `first` its refit, is steered by. */
  controls(first?: Evaluated): Pick<LoopControls, "checkpoint" | "resume"> {
    const { found, every } = this.#file;
    const isOfThis = (found?.saved.first === undefined) === (first === undefined);
    return {
      ...(every !== undefined && {
        checkpoint: { every, save: (checkpoint) => this.#save(checkpoint, first) },
      }),
      ...(found && isOfThis && { resume: { ...found.saved, arrays: found.arrays } }),
    };
  }

  /** To be called when the run is written. */
  async remove(): Promise<void> {
    await this.#file.remove();
  }

  async #save({ arrays, standing, epochs }: Checkpoint, first: Evaluated | undefined): Promise<void> {
    await this.#file.save({ arrays, saved: { standing, epochs, ...(first && { first }) } });
  }
}

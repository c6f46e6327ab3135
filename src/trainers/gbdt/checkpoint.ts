// --checkpoint-every and --resume of trees: RUN.checkpoint, one file beside the run that is to be, written anew every so many
// iterations.
//
//   scores      f32: of all rows, as the machine has them
//   standing    u8, JSON: what the training was asked for, its trees so far, and the forests that are done before them
//
// A command may boost more than once (folds, a refit); forests that are done are taken from the file as they are.

import { piecesOf } from "../../embedding/safetensors-file.js";
import { safetensorsChunks } from "../../embedding/safetensors.js";
import { writeFileAtomic } from "../../io/atomic.js";
import {
  anything,
  count,
  either,
  flag,
  list,
  number,
  object,
  orNull,
  parseJson,
  record,
} from "../../io/json-shape.js";
import { pathExists } from "../../io/read-artifact.js";
import { removeFile } from "../../io/remove.js";
import type { GbdtOptions } from "./options.js";
import {
  trainGbdt as boost,
  type GbdtCheckpoint,
  type GbdtInput,
  type GbdtModel,
  type TreeEvent,
} from "./train.js";
import {
  checkpointPath,
  checkpointTensors,
  checkSame,
  checkSavable,
  damaged,
  type Identity,
} from "../../training/checkpoint.js";
import { treeShape } from "./tree.js";
import type { Watch } from "../../training/watch.js";

interface Saved extends Omit<GbdtCheckpoint, "scores"> {
  identity: Identity;
  done: GbdtModel[];
}

/** The boosting of one command, which saves where it stands. */
export class Boosting {
  readonly #path: string;
  readonly #every: number | undefined;
  readonly #identity: Identity;
  readonly #watch: Watch;
  readonly #done: GbdtModel[] = [];
  #found: (Saved & GbdtCheckpoint) | undefined;

  private constructor(path: string, every: number | undefined, identity: Identity, watch: Watch) {
    this.#path = path;
    this.#every = every;
    this.#identity = identity;
    this.#watch = watch;
  }

  /**
   * @param out the run that is to be written
   * @throws {UsageError} with resume: the checkpoint is of another training; names what differs
   * @throws {ArtifactError} with resume: it is damaged
   * @throws {OutputError} something else stands where checkpoints are to be written
   */
  static async open(
    out: string,
    { checkpointEvery, resume }: { checkpointEvery?: number; resume?: boolean },
    identity: Identity,
    watch: Watch,
  ): Promise<Boosting> {
    const path = checkpointPath(out);
    const whole = JSON.parse(JSON.stringify(identity)) as Identity;
    const boosting = new Boosting(path, checkpointEvery, whole, watch);
    if (resume && (await pathExists(path))) {
      const found = await read(path);
      checkSame(path, found.identity, whole);
      boosting.#found = found;
      watch.observe({ stage: "note", text: `goes on after tree ${found.events.length}` });
    } else if (checkpointEvery !== undefined) await checkSavable(path);
    return boosting;
  }

  /** Grows the next forest of the command. @param mayFinish whether an interruption leaves a forest that is of use */
  async run(
    input: GbdtInput,
    gbdt: GbdtOptions,
    observe: (event: TreeEvent) => void,
    mayFinish: boolean,
  ): Promise<GbdtModel> {
    const found = this.#found;
    const index = this.#done.length;
    const isUnderWay = found?.done.length === index;
    const every = this.#every;
    const onInterrupt = this.#watch.finishInstead;
    const model =
      found?.done[index] ??
      (await boost(input, gbdt, observe, this.#watch.signal, {
        ...(isUnderWay && { resume: found }),
        ...(onInterrupt && mayFinish && { onInterrupt }),
        ...(every !== undefined && { checkpoint: { every, save: (now) => this.#save(now) } }),
      }));
    this.#done.push(model);
    return model;
  }

  /** To be called when the run is written. */
  async remove(): Promise<void> {
    if (this.#every !== undefined || this.#found) await removeFile(this.#path);
  }

  async #save({ scores, ...standing }: GbdtCheckpoint): Promise<void> {
    const saved: Saved = { identity: this.#identity, done: this.#done, ...standing };
    const json = Uint8Array.from(Buffer.from(JSON.stringify(saved)));
    const tensors = new Map([
      ["scores", { shape: [scores.length], data: scores }],
      ["standing", { shape: [json.length], data: json }],
    ]);
    const { signal } = this.#watch;
    await writeFileAtomic(this.#path, piecesOf(safetensorsChunks(tensors)), true, { signal });
  }
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

async function read(path: string): Promise<Saved & GbdtCheckpoint> {
  const tensors = await checkpointTensors(path);
  const [scores, standing] = [tensors.get("scores")?.data, tensors.get("standing")?.data];
  if (!(scores instanceof Float32Array && standing instanceof Uint8Array)) throw damaged(path);
  const saved = parseJson(standing, savedShape, path, "remove it and train from the start") as Saved;
  return { ...saved, scores };
}

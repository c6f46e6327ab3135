// --checkpoint-every and --resume: RUN.checkpoint, one file beside the run that is to be, written anew every few epochs.
//
//   standing    u8, JSON: what the training was asked for, its epochs, and how early stopping stands
//   others      what the trainer has made and, where early stopping waits for a better epoch, the best one's parameters, by
//               names of its own (epoch-loop.ts)
//
// A training that was killed goes on from it as if it had not been: the same bytes at any number of threads.

import { basename, dirname } from "node:path";
import type { Metrics, Trial } from "../embedding/manifest.js";
import { readSafetensorsFile, piecesOf } from "../embedding/safetensors-file.js";
import { safetensorsChunks, type Tensor } from "../embedding/safetensors.js";
import { ArtifactError, OutputError, UsageError } from "../errors.js";
import { writeFileAtomic } from "../io/atomic.js";
import { checkRegularFiles } from "../io/listed-files.js";
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
} from "../io/json-shape.js";
import { pathExists, withArtifact } from "../io/read-artifact.js";
import { removeFile } from "../io/remove.js";
import { kindAt } from "../io/tree.js";
import type { Checkpoint, TrainingControls } from "./controls.js";
import type { FmOptions } from "../trainers/fm/options.js";
import type { EpochEvent } from "./epoch.js";

/** The tensor that holds what is no array. */
const STANDING = "standing";

/** Everything that decides a training's bytes, by name. */
export type Identity = Record<string, unknown>;

/** What a first training came to, as far as its refit needs it. */
export interface Judged {
  options: FmOptions;
  metrics: Record<string, Metrics>;
  epochs: EpochEvent[];
  bestEpoch: number;
  trials?: Trial[];
}

/** What is saved beside the arrays. */
interface Saved extends Pick<Checkpoint, "standing" | "epochs"> {
  identity: Identity;
  /** of a refit: what the first training came to */
  first?: Judged;
}

/** Where the checkpoint of a training is. @param out the run that is to be written */
export function checkpointPath(out: string): string {
  return `${out.replace(/[/\\]+$/, "")}.checkpoint`;
}

/** The checkpoints of one training. */
export class Checkpoints {
  readonly #path: string;
  readonly #every: number | undefined;
  readonly #identity: Identity;
  readonly #signal: AbortSignal;
  #found: (Checkpoint & Saved) | undefined;

  private constructor(path: string, every: number | undefined, identity: Identity, signal: AbortSignal) {
    this.#path = path;
    this.#every = every;
    this.#identity = identity;
    this.#signal = signal;
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
    signal: AbortSignal,
  ): Promise<Checkpoints> {
    const path = checkpointPath(out);
    const whole = JSON.parse(JSON.stringify(identity)) as Identity;
    const checkpoints = new Checkpoints(path, checkpointEvery, whole, signal);
    if (resume && (await pathExists(path))) checkpoints.#found = await read(path);
    else if (checkpointEvery !== undefined) await checkSavable(path);
    if (checkpoints.#found) checkSame(path, checkpoints.#found.identity, whole);
    return checkpoints;
  }

  /** The epoch after which training goes on; undefined from the start. */
  get epoch(): number | undefined {
    return this.#found?.epochs.length;
  }

  /** What the first training came to, where its refit was under way. */
  get first(): Judged | undefined {
    return this.#found?.first;
  }

  /** What a training, or with `first` its refit, is steered by. */
  controls(first?: Judged): Pick<TrainingControls, "checkpoint" | "resume"> {
    const found = this.#found;
    const resume = found && (found.first === undefined) === (first === undefined) ? found : undefined;
    const every = this.#every;
    return {
      ...(every !== undefined && {
        checkpoint: { every, save: (checkpoint) => this.#save(checkpoint, first) },
      }),
      ...(resume && { resume }),
    };
  }

  /** To be called when the run is written. */
  async remove(): Promise<void> {
    if (this.#every !== undefined || this.#found) await removeFile(this.#path);
  }

  async #save({ arrays, standing, epochs }: Checkpoint, first: Judged | undefined): Promise<void> {
    const saved: Saved = { identity: this.#identity, standing, epochs, ...(first && { first }) };
    const json = Uint8Array.from(Buffer.from(JSON.stringify(saved)));
    const all = Object.entries({ ...arrays, [STANDING]: json });
    const tensors = new Map(all.map(([name, data]) => [name, { shape: [data.length], data }]));
    await writeFileAtomic(this.#path, piecesOf(safetensorsChunks(tensors)), true, { signal: this.#signal });
  }
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

async function read(path: string): Promise<Checkpoint & Saved> {
  const tensors = await checkpointTensors(path);
  const json = tensors.get(STANDING)?.data;
  if (!(json instanceof Uint8Array)) throw damaged(path);
  tensors.delete(STANDING);
  const arrays = Object.fromEntries([...tensors].map(([name, { data }]) => [name, data]));
  return { ...(parseJson(json, savedShape, path, "remove it and train from the start") as Saved), arrays };
}

/** The tensors of a checkpoint. @throws {ArtifactError} damaged, or no regular file */
export async function checkpointTensors(path: string, only?: string): Promise<Map<string, Tensor>> {
  await checkRegularFiles(dirname(path), [basename(path)]);
  return await withArtifact(path, (file) => readSafetensorsFile(file, path, only));
}

/** Checks that saving replaces nothing but an older checkpoint. @throws {OutputError} something else stands there */
export async function checkSavable(path: string): Promise<void> {
  if ((await kindAt(path)) === undefined) return;
  const json = await checkpointTensors(path, STANDING).catch(() => undefined);
  const text = json?.get(STANDING) && Buffer.from(json.get(STANDING)!.data.buffer).toString("utf8");
  if (text?.startsWith('{"identity":')) return;
  throw new OutputError(
    `'${path}' stands where checkpoints of this training go (--checkpoint-every), and is none: move it away, or choose another -o`,
  );
}

/** A checkpoint that is none, or cut short. */
export function damaged(path: string): ArtifactError {
  return new ArtifactError(
    `'${path}' is no checkpoint, or a damaged one: remove it and train from the start`,
  );
}

/** @throws {UsageError} a checkpoint is of another training: names what differs */
export function checkSame(path: string, before: Identity, now: Identity): void {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const differing = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name]));
  if (differing.length === 0) return;
  throw new UsageError(
    `--resume finds '${path}', which is of a training with other ${differing.join(", ")}: ` +
      `resume with the same options and log, or leave --resume out to train from the start`,
  );
}

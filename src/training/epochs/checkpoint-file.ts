// Reads and writes the file RUN.checkpoint for any trainer, and checks that it belongs to the training.

import { basename, dirname } from "node:path";
import {
  entriesOfFile,
  piecesOf,
  readSafetensorsFile,
  safetensorsHead,
  tensorShape,
  type Tensor,
} from "../../embedding/safetensors.js";
import { ArtifactError, OutputError, UsageError } from "../../errors.js";
import { writeFileAtomic } from "../../io/atomic.js";
import { parseJson, type Shape } from "../../io/json-shape.js";
import { checkRegularFiles } from "../../io/listed-files.js";
import { pathExists, withArtifact } from "../../io/read-artifact.js";
import { removeFile } from "../../io/write.js";
import { kindAt } from "../../io/tree.js";
import { floatsOf, type LargeArrays, type NamedArrays } from "./named-arrays.js";

/** Name of the tensor that contains a checkpoint's JSON object. */
const STANDING = "standing";

/** Prefix of the names of large tensors, which are read one by one instead of all at once. */
const LARGE = "large.";

const ADVICE = "remove it and train from the start";

/** All options and inputs that determine a training's bytes, keyed by their names. */
export type Identity = Record<string, unknown>;

/** Content of a checkpoint: arrays, and a JSON object, which is stored together with the training's identity. */
export interface Contents<Saved> {
  arrays: NamedArrays;
  large?: LargeArrays | undefined;
  saved: Saved;
}

/** Returns the path of a training's checkpoint. @param out path of the run that the training will write */
export function checkpointPath(out: string): string {
  return `${out.replace(/[/\\]+$/, "")}.checkpoint`;
}

/** The checkpoint of one training, which each save replaces. @typeParam Saved JSON content, without the identity */
export class CheckpointFile<Saved extends object> {
  readonly #path: string;
  readonly #identity: Identity;
  readonly #signal: AbortSignal;
  /** number of epochs, or trees, between two saves; undefined if there are no periodic saves */
  readonly every: number | undefined;
  /** checkpoint of the interrupted training; set if this training resumes it */
  readonly found: Contents<Saved> | undefined;
  #isSaved = false;

  private constructor(
    path: string,
    every: number | undefined,
    identity: Identity,
    signal: AbortSignal,
    found: Contents<Saved> | undefined,
  ) {
    this.#path = path;
    this.every = every;
    this.#identity = identity;
    this.#signal = signal;
    this.found = found;
  }

  /**
   * Opens the checkpoint; with `resume`, reads it.
   *
   * @param out path of the run that the training will write
   * @param shape shape of the JSON object, including the identity
   * @throws {UsageError} with resume: the checkpoint belongs to another training; the message lists the differences
   * @throws {ArtifactError} with resume: it is damaged
   * @throws {OutputError} the path exists and is not a checkpoint
   */
  static async open<Saved extends object>(
    out: string,
    { checkpointEvery, resume, search }: { checkpointEvery?: number; resume?: boolean; search?: number },
    identity: Identity,
    shape: Shape,
    signal: AbortSignal,
  ): Promise<CheckpointFile<Saved>> {
    const path = checkpointPath(out);
    // converts the training's identity to JSON and back, so that it can be compared with one that was read from a file
    const whole = JSON.parse(JSON.stringify(identity)) as Identity;
    let found: Contents<Saved> | undefined;
    if (resume && (await pathExists(path))) {
      const { arrays, large, saved } = await read<Saved & { identity: Identity }>(path, shape);
      checkSame(path, saved.identity, whole);
      found = { arrays, large, saved };
    } else if ((checkpointEvery ?? search) !== undefined) await checkSavable(path);
    return new CheckpointFile(path, checkpointEvery, whole, signal, found);
  }

  async save({ arrays, large, saved }: Contents<Saved>): Promise<void> {
    const json = Uint8Array.from(Buffer.from(JSON.stringify({ identity: this.#identity, ...saved })));
    const chunks = checkpointChunks({ ...arrays, [STANDING]: json }, large);
    await writeFileAtomic(this.#path, chunks, true, { signal: this.#signal });
    this.#isSaved = true;
  }

  /** Deletes the checkpoint; called once the run is written. */
  async remove(): Promise<void> {
    if (this.every !== undefined || this.found || this.#isSaved) await removeFile(this.#path);
  }

  /** Returns the error for a checkpoint whose arrays do not match those of the training. */
  damaged(): ArtifactError {
    return damaged(this.#path);
  }
}

/** Yields the bytes of a checkpoint; large arrays are read only when their bytes are requested. */
async function* checkpointChunks(
  arrays: NamedArrays,
  large: LargeArrays | undefined,
): AsyncGenerator<Uint8Array> {
  const shapes = new Map(
    Object.entries(arrays).map(([name, data]) => [name, tensorShape([data.length], data)]),
  );
  for (const name of large?.names ?? []) shapes.set(LARGE + name, { dtype: "F32", shape: [large!.length] });
  const { head, order } = safetensorsHead(shapes);
  yield head;
  for (const name of order) {
    const data = arrays[name] ?? (await large!.read(name.slice(LARGE.length)));
    yield* piecesOf([new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
  }
}

async function read<Saved>(path: string, shape: Shape): Promise<Contents<Saved>> {
  const tensors = await checkpointTensors(path, (name) => !name.startsWith(LARGE)).catch((error: unknown) => {
    if (!(error instanceof ArtifactError)) throw error;
    throw new ArtifactError(`${error.message}: ${ADVICE}`, { cause: error });
  });
  const json = tensors.get(STANDING)?.data;
  if (!(json instanceof Uint8Array)) throw damaged(path);
  tensors.delete(STANDING);
  const arrays = Object.fromEntries([...tensors].map(([name, { data }]) => [name, data]));
  return { arrays, large: await largeArrays(path), saved: parseJson(json, shape, path, ADVICE) as Saved };
}

/** Returns the large arrays of a checkpoint; undefined if there are none. */
async function largeArrays(path: string): Promise<LargeArrays | undefined> {
  const entries = await withArtifact(path, (file) => entriesOfFile(file, path));
  const names = [...entries.keys()].filter((name) => name.startsWith(LARGE));
  if (names.length === 0) return undefined;
  const length = entries.get(names[0]!)!.bytes / 4;
  return {
    names: names.map((name) => name.slice(LARGE.length)),
    length,
    async read(name) {
      const tensors = await checkpointTensors(path, (tensor) => tensor === LARGE + name);
      return floatsOf({ [name]: tensors.get(LARGE + name)?.data ?? new Uint8Array() }, name, length);
    },
  };
}

/** Reads the tensors of a checkpoint. @throws {ArtifactError} damaged, or not a regular file */
async function checkpointTensors(
  path: string,
  isWanted: (name: string) => boolean,
): Promise<Map<string, Tensor>> {
  checkRegularFiles(dirname(path), [basename(path)]);
  return await withArtifact(path, (file) => readSafetensorsFile(file, path, isWanted));
}

/** Checks that a save can only replace an older checkpoint. @throws {OutputError} the path is something else */
async function checkSavable(path: string): Promise<void> {
  if ((await kindAt(path)) === undefined) return;
  const json = await checkpointTensors(path, (name) => name === STANDING).catch(() => undefined);
  const text = json?.get(STANDING) && Buffer.from(json.get(STANDING)!.data.buffer).toString("utf8");
  if (text?.startsWith('{"identity":')) return;
  throw new OutputError(
    `'${path}' is not a checkpoint, but checkpoints of this training would be written there ` +
      "(--checkpoint-every, --search): move it away, or choose another -o",
  );
}

/** Returns the error for a file that is not a checkpoint or is truncated. */
function damaged(path: string): ArtifactError {
  return new ArtifactError(`'${path}' is not a checkpoint or is damaged: ${ADVICE}`);
}

/**
 * Compares the identities of two trainings: all options and inputs that determine their bytes.
 *
 * @throws {UsageError} they differ; the message lists the names of the differences
 */
function checkSame(path: string, before: Identity, now: Identity): void {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const differing = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name]));
  if (differing.length === 0) return;
  throw new UsageError(
    `--resume: checkpoint '${path}' belongs to a training with different ${differing.join(", ")}: resume ` +
      "with the same options and log, or omit --resume to train from the start",
  );
}

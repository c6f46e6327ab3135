// --checkpoint-every and --resume: the file RUN.checkpoint next to the future run, which is replaced every few epochs.
//
//   standing    u8, JSON: the training's options, its epochs, and the state of early stopping
//   search.*    with --search: metric values per row, of the default and of the best setting (the settings are in
//               `standing`)
//   others      the trainer's parameters and, with early stopping, those of the best epoch, under the trainer's own
//               names (epoch-loop.ts)
//   ~sha256     u8[32], the last bytes of the file: SHA-256 of all bytes before them
//
// A resumed training writes the same bytes as an uninterrupted one, at any number of threads.

import type { PartMetrics, VectorsAdd } from "../../table/manifest.js";
import { trialShape } from "../../table/run-directory.js";
import type { UserMetric } from "../../metrics/user-metric.js";
import {
  anything,
  count,
  either,
  flag,
  list,
  number,
  object,
  orNull,
  record,
  text,
  parseJson,
} from "../../base/io/json-shape.js";
import type { Checkpoint, Controls, EpochEvent } from "./epoch-loop.js";
import { firstStanding } from "./early-stopping.js";
import { arrayOf, floatsOf, type NamedArrays, type LargeArrays } from "./named-arrays.js";
import type { SearchState } from "../search/search.js";
import { basename, dirname } from "node:path";
import {
  entriesOfFile,
  piecesOf,
  readSafetensorsFile,
  safetensorsHead,
  tensorShape,
  type Tensor,
} from "../../table/safetensors.js";
import { ArtifactError, OutputError, UsageError } from "../../base/errors.js";
import { writeFileAtomic } from "../../base/io/atomic.js";
import { CHECKSUM_BYTES, endsWithChecksum, withChecksum } from "../../base/io/fingerprint.js";
import { checkRegularFiles } from "../../base/io/listed-files.js";
import { pathExists, withArtifact } from "../../base/io/read-artifact.js";
import { removeFile } from "../../base/io/write.js";
import { kindAt } from "../../base/io/tree.js";

/** Results of the first training that its refit needs. */
export interface Evaluated {
  options: Record<string, unknown>;
  metrics: Record<string, PartMetrics>;
  vectorsAdd?: VectorsAdd | undefined;
  epochs: EpochEvent[];
  bestEpoch: number;
  /** choices of the first training that the refit reuses, by names that the trainer defines */
  keeps?: Record<string, unknown>;
}

const eventShape = record(either(number, flag));
const identityShape = record(anything);

const savedShape = object(
  {
    identity: identityShape,
    standing: object({ kept: count, value: orNull(number), mark: orNull(number), waited: count }),
    epochs: list(eventShape),
  },
  {
    first: object(
      { options: identityShape, metrics: record(anything), epochs: list(eventShape), bestEpoch: count },
      { keeps: identityShape, vectorsAdd: identityShape },
    ),
    search: object(
      { trials: list(trialShape) },
      { standard: identityShape, metric: text, roots: list(text) },
    ),
  },
);

const STANDING = "standing";
const SEARCH = "search.";
/** Prefix of the names of large tensors, which are read one by one instead of all at once. */
const LARGE = "large.";
/** Name of the checksum: sorts after the names of all other tensors, so that it is written last. */
const CHECKSUM = "~sha256";

const ADVICE = "remove it and train from the start";

/** All options and inputs that determine a training's bytes, keyed by their names. */
type Identity = Record<string, unknown>;

/** JSON part of a checkpoint. */
interface Saved extends Pick<Checkpoint, "standing" | "epochs"> {
  identity: Identity;
  /** results of the first training; set only for a refit */
  first?: Evaluated;
  /** state of --search; `roots` names those of the metrics in SearchState.units that are square roots */
  search?: Omit<SearchState, "units"> & { roots?: string[] };
}

interface Contents {
  arrays: NamedArrays;
  large?: LargeArrays | undefined;
  saved: Saved;
}

/** Returns the path of a training's checkpoint. @param out path of the run that the training will write */
export function checkpointPath(out: string): string {
  return `${out.replace(/[/\\]+$/, "")}.checkpoint`;
}

/** The checkpoint of one training, which each save replaces. */
export class Checkpoints {
  /** state of --search, which every checkpoint contains; undefined without --search */
  #search: SearchState | undefined;
  #isSaved = false;

  /**
   * @param every number of epochs, or trees, between two saves; undefined if there are no periodic saves
   * @param found checkpoint of the interrupted training; set if this training resumes it
   */
  private constructor(
    private readonly path: string,
    private readonly every: number | undefined,
    private readonly identity: Identity,
    private readonly signal: AbortSignal,
    private readonly found: Contents | undefined,
  ) {
    this.#search = found?.saved.search && searchIn(found.saved.search, found.arrays);
    if (this.#search && !areUsable(Object.values(this.#search.units))) throw damaged(path);
  }

  /**
   * Opens the checkpoint; with `resume`, reads it.
   *
   * @param out path of the run that the training will write
   * @throws {UsageError} with resume: the checkpoint belongs to another training; the message lists the differences
   * @throws {ArtifactError} with resume: it is damaged
   * @throws {OutputError} the path exists and is not a checkpoint
   */
  static async open(
    out: string,
    { checkpointEvery, resume, search }: { checkpointEvery?: number; resume?: boolean; search?: number },
    identity: Identity,
    signal: AbortSignal,
  ): Promise<Checkpoints> {
    const path = checkpointPath(out);
    // converts the training's identity to JSON and back, so that it can be compared with one that was read from a file
    const whole = JSON.parse(JSON.stringify(identity)) as Identity;
    let found: Contents | undefined;
    if (resume && (await pathExists(path))) {
      found = await read(path);
      checkSame(path, found.saved.identity, whole);
    } else if ((checkpointEvery ?? search) !== undefined) await checkSavable(path);
    return new Checkpoints(path, checkpointEvery, whole, signal, found);
  }

  /** Number of completed epochs in the checkpoint; undefined if the training starts from scratch. */
  get epoch(): number | undefined {
    return this.found?.saved.epochs.length || undefined;
  }

  get search(): SearchState | undefined {
    return this.#search;
  }

  /** Results of the first training; set if its refit was interrupted. */
  get first(): Evaluated | undefined {
    return this.found?.saved.first;
  }

  controls(first?: Evaluated): Pick<Controls, "checkpoint" | "resume"> {
    const { found, every } = this;
    const isOfThis = (found?.saved.first === undefined) === (first === undefined);
    return {
      ...(every !== undefined && {
        checkpoint: { every, save: (checkpoint) => this.#save(checkpoint, first) },
      }),
      ...(found &&
        isOfThis &&
        this.epoch !== undefined && {
          resume: { ...found.saved, arrays: withoutSearch(found.arrays), large: found.large },
        }),
    };
  }

  async saveSearch(search: SearchState): Promise<void> {
    this.#search = search;
    await this.#save({ arrays: {}, standing: firstStanding(), epochs: [] }, undefined);
  }

  async remove(): Promise<void> {
    if (this.every !== undefined || this.found || this.#isSaved) await removeFile(this.path);
  }

  async #save({ arrays, large, standing, epochs }: Checkpoint, first: Evaluated | undefined): Promise<void> {
    const { units, ...search } = this.#search ?? { units: {} };
    const roots = Object.entries(units).flatMap(([name, metric]) => (metric?.root ? [name] : []));
    const saved: Saved = {
      ...{ identity: this.identity, standing, epochs },
      first,
      ...("trials" in search && { search: { ...search, roots } }),
    };
    const json = Uint8Array.from(Buffer.from(JSON.stringify(saved)));
    const chunks = checkpointChunks({ ...arrays, ...arraysOf(units), [STANDING]: json }, large);
    await writeFileAtomic(this.path, withChecksum(chunks), true, { signal: this.signal });
    this.#isSaved = true;
  }
}

function arraysOf(units: SearchState["units"]): NamedArrays {
  return Object.fromEntries(
    Object.entries(units).flatMap(([name, { sums, weights }]) => [
      [`${SEARCH}${name}.sums`, sums],
      ...(weights ? [[`${SEARCH}${name}.weights`, weights]] : []),
    ]) as [string, Float64Array][],
  );
}

function searchIn({ roots = [], ...saved }: NonNullable<Saved["search"]>, arrays: NamedArrays): SearchState {
  const unitsOf = (name: "standard" | "best"): UserMetric | undefined => {
    const [sums, weights] = [`${SEARCH}${name}.sums`, `${SEARCH}${name}.weights`];
    if (!arrays[sums]) return undefined;
    return {
      name: saved.metric ?? "",
      sums: arrayOf(arrays, sums, Float64Array),
      ...(arrays[weights] && { weights: arrayOf(arrays, weights, Float64Array) }),
      ...(roots.includes(name) && { root: true as const }),
    };
  };
  const [standard, best] = [unitsOf("standard"), unitsOf("best")];
  return { ...saved, units: { standard, best } };
}

/** Whether all settings were measured on the same number of rows or users, and all values are finite. */
function areUsable(units: readonly UserMetric[]): boolean {
  const length = units[0]?.sums.length;
  return units
    .flatMap(({ sums, weights }) => [sums, weights ?? sums])
    .every((numbers) => numbers.length === length && numbers.every((one) => Number.isFinite(one)));
}

function withoutSearch(arrays: NamedArrays): NamedArrays {
  return Object.fromEntries(Object.entries(arrays).filter(([name]) => !name.startsWith(SEARCH)));
}

/** Yields the bytes of a checkpoint except the checksum; large arrays are read only when their bytes are requested. */
async function* checkpointChunks(
  arrays: NamedArrays,
  large: LargeArrays | undefined,
): AsyncGenerator<Uint8Array> {
  const shapes = new Map(
    Object.entries(arrays).map(([name, data]) => [name, tensorShape([data.length], data)]),
  );
  for (const name of large?.names ?? []) shapes.set(LARGE + name, { dtype: "F32", shape: [large!.length] });
  shapes.set(CHECKSUM, { dtype: "U8", shape: [CHECKSUM_BYTES] });
  const { head, order } = safetensorsHead(shapes);
  yield head;
  for (const name of order.slice(0, -1)) {
    const data = arrays[name] ?? (await large!.read(name.slice(LARGE.length)));
    yield* piecesOf([new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
  }
}

async function read(path: string): Promise<Contents> {
  const isWanted = (name: string) => !name.startsWith(LARGE) && name !== CHECKSUM;
  const tensors = await checkpointTensors(path, isWanted, true).catch((error: unknown) => {
    if (!(error instanceof ArtifactError)) throw error;
    throw new ArtifactError(`${error.message}: ${ADVICE}`, { cause: error });
  });
  const json = tensors.get(STANDING)?.data;
  if (!(json instanceof Uint8Array)) throw damaged(path);
  tensors.delete(STANDING);
  const arrays = Object.fromEntries([...tensors].map(([name, { data }]) => [name, data]));
  return {
    arrays,
    large: await largeArrays(path),
    saved: parseJson(json, savedShape, path, ADVICE) as Saved,
  };
}

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

async function checkpointTensors(
  path: string,
  isWanted: (name: string) => boolean,
  isChecked = false,
): Promise<Map<string, Tensor>> {
  checkRegularFiles(dirname(path), [basename(path)]);
  return await withArtifact(path, async (file) => {
    if (isChecked && !(await endsWithChecksum(file)))
      throw new ArtifactError(
        `'${path}' does not match its checksum (it was changed or damaged, or an earlier version of embed wrote it)`,
      );
    return await readSafetensorsFile(file, path, isWanted);
  });
}

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

function damaged(path: string): ArtifactError {
  return new ArtifactError(`'${path}' is not a checkpoint or is damaged: ${ADVICE}`);
}

/** @throws {UsageError} the trainings differ; the message lists the names of the differences */
function checkSame(path: string, before: Identity, now: Identity): void {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const differing = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name]));
  if (differing.length === 0) return;
  throw new UsageError(
    `--resume: checkpoint '${path}' belongs to a training with different ${differing.join(", ")}: resume ` +
      "with the same options and log, or omit --resume to train from the start",
  );
}

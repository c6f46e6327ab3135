// --checkpoint-every and --resume: RUN.checkpoint, one file beside the run that is to be, written anew every few epochs.
//
//   standing    u8, JSON: what the training was asked for, its epochs, and how early stopping stands
//   search.*    of --search: values by row of the default and of the best setting; `standing` has the settings that were tried
//   others      what the trainer has made and, where early stopping waits for a better epoch, the best one's parameters, by
//               names of its own (epoch-loop.ts)
//
// A training that was killed goes on from it as if it had not been: the same bytes at any number of threads.

import type { PartMetrics, VectorsAdd } from "../../embedding/manifest.js";
import { trialShape } from "../../embedding/run-directory.js";
import type { UserMetric } from "../../evaluation/user-metric.js";
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
} from "../../io/json-shape.js";
import { CheckpointFile, type Identity } from "./checkpoint-file.js";
import type { Checkpoint, Controls, EpochEvent } from "./epoch-loop.js";
import { firstStanding } from "./early-stopping.js";
import { arrayOf, type NamedArrays } from "./named-arrays.js";
import type { SearchState } from "../search/search.js";

/** What a training came to, as far as its refit needs it. */
export interface Evaluated {
  /** the trainer's own, as they were used */
  options: Record<string, unknown>;
  metrics: Record<string, PartMetrics>;
  vectorsAdd?: VectorsAdd | undefined;
  epochs: EpochEvent[];
  bestEpoch: number;
  /** what else its refit keeps, by names of the trainer: choices that are not made again */
  keeps?: Record<string, unknown>;
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
      { keeps: identityShape, vectorsAdd: identityShape },
    ),
    search: object(
      { trials: list(trialShape) },
      { standard: identityShape, metric: text, roots: list(text) },
    ),
  },
);

/** What is saved beside the arrays and the identity. */
interface Saved extends Pick<Checkpoint, "standing" | "epochs"> {
  /** of a refit: what the first training came to */
  first?: Evaluated;
  /** of --search; `roots` are the units whose metric is a root */
  search?: Omit<SearchState, "units"> & { roots?: string[] };
}

/** Arrays of a search among those of a checkpoint. */
const SEARCH = "search.";

/** The checkpoints of one training. */
export class Checkpoints {
  readonly #file: CheckpointFile<Saved>;
  /** goes into every checkpoint */
  #search: SearchState | undefined;

  private constructor(file: CheckpointFile<Saved>) {
    this.#file = file;
    const { found } = file;
    this.#search = found?.saved.search && searchIn(found.saved.search, found.arrays);
    if (this.#search && !areUsable(Object.values(this.#search.units))) throw file.damaged();
  }

  /** @param steering.search whether settings are tried, each of which is saved @throws as CheckpointFile.open */
  static async open(
    out: string,
    steering: { checkpointEvery?: number; resume?: boolean; search?: number },
    identity: Identity,
    signal: AbortSignal,
  ): Promise<Checkpoints> {
    return new Checkpoints(await CheckpointFile.open<Saved>(out, steering, identity, savedShape, signal));
  }

  /** The epoch after which training goes on; undefined from the start. */
  get epoch(): number | undefined {
    return this.#file.found?.saved.epochs.length || undefined;
  }

  /** Where the search stood. */
  get search(): SearchState | undefined {
    return this.#search;
  }

  /** What the first training came to, where its refit was under way. */
  get first(): Evaluated | undefined {
    return this.#file.found?.saved.first;
  }

  /** What a training, or with `first` its refit, is steered by. */
  controls(first?: Evaluated): Pick<Controls, "checkpoint" | "resume"> {
    const { found, every } = this.#file;
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

  /** Saves a search before its training begins. */
  async saveSearch(search: SearchState): Promise<void> {
    this.#search = search;
    await this.#save({ arrays: {}, standing: firstStanding(), epochs: [] }, undefined);
  }

  /** To be called when the run is written. */
  async remove(): Promise<void> {
    await this.#file.remove();
  }

  async #save({ arrays, large, standing, epochs }: Checkpoint, first: Evaluated | undefined): Promise<void> {
    const { units, ...search } = this.#search ?? { units: {} };
    const roots = Object.entries(units).flatMap(([name, metric]) => (metric?.root ? [name] : []));
    await this.#file.save({
      arrays: { ...arrays, ...arraysOf(units) },
      large,
      saved: {
        ...{ standing, epochs },
        first,
        ...("trials" in search && { search: { ...search, roots } }),
      },
    });
  }
}

/** As arrays of a checkpoint. */
function arraysOf(units: SearchState["units"]): NamedArrays {
  return Object.fromEntries(
    Object.entries(units).flatMap(([name, { sums, weights }]) => [
      [`${SEARCH}${name}.sums`, sums],
      ...(weights ? [[`${SEARCH}${name}.weights`, weights]] : []),
    ]) as [string, Float64Array][],
  );
}

/** @throws {ArtifactError} the checkpoint is damaged */
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

/** Whether the settings were measured on the same units, and by numbers. */
function areUsable(units: readonly UserMetric[]): boolean {
  const length = units[0]?.sums.length;
  return units
    .flatMap(({ sums, weights }) => [sums, weights ?? sums])
    .every((numbers) => numbers.length === length && numbers.every((one) => Number.isFinite(one)));
}

function withoutSearch(arrays: NamedArrays): NamedArrays {
  return Object.fromEntries(Object.entries(arrays).filter(([name]) => !name.startsWith(SEARCH)));
}

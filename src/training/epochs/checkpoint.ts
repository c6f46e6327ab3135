// --checkpoint-every and --resume: the file RUN.checkpoint next to the future run, which is replaced every few epochs.
//
//   standing    u8, JSON: the training's options, its epochs, and the state of early stopping
//   search.*    with --search: metric values per row, of the default and of the best setting (the settings are in
//               `standing`)
//   others      the trainer's parameters and, with early stopping, those of the best epoch, under the trainer's own
//               names (epoch-loop.ts)
//
// A resumed training writes the same bytes as an uninterrupted one, at any number of threads.

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

/** Results of the first training that its refit needs. */
export interface Evaluated {
  /** options of the trainer with defaults applied */
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

/** Schema of the JSON part of every trainer's checkpoint. */
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

/** JSON part of a checkpoint, without the training's identity (its options and inputs). */
interface Saved extends Pick<Checkpoint, "standing" | "epochs"> {
  /** results of the first training; set only for a refit */
  first?: Evaluated;
  /** state of --search; `roots` names those of the metrics in SearchState.units that are square roots */
  search?: Omit<SearchState, "units"> & { roots?: string[] };
}

/** Prefix of the names of a search's arrays in a checkpoint. */
const SEARCH = "search.";

/** The checkpoints of one training. */
export class Checkpoints {
  readonly #file: CheckpointFile<Saved>;
  /** state of --search, which every checkpoint contains; undefined without --search */
  #search: SearchState | undefined;

  private constructor(file: CheckpointFile<Saved>) {
    this.#file = file;
    const { found } = file;
    this.#search = found?.saved.search && searchIn(found.saved.search, found.arrays);
    if (this.#search && !areUsable(Object.values(this.#search.units))) throw file.damaged();
  }

  /**
   * Opens the checkpoints of a training.
   *
   * @param steering.search true if --search tries settings, whose results are saved
   * @throws the errors of CheckpointFile.open
   */
  static async open(
    out: string,
    steering: { checkpointEvery?: number; resume?: boolean; search?: number },
    identity: Identity,
    signal: AbortSignal,
  ): Promise<Checkpoints> {
    return new Checkpoints(await CheckpointFile.open<Saved>(out, steering, identity, savedShape, signal));
  }

  /** Number of completed epochs in the checkpoint; undefined if the training starts from scratch. */
  get epoch(): number | undefined {
    return this.#file.found?.saved.epochs.length || undefined;
  }

  /** State of the search; undefined without --search. */
  get search(): SearchState | undefined {
    return this.#search;
  }

  /** Results of the first training; set if its refit was interrupted. */
  get first(): Evaluated | undefined {
    return this.#file.found?.saved.first;
  }

  /** Returns the controls of the epoch loop for a training or, if `first` is given, for its refit. */
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

  /** Saves the state of a search before its training begins. */
  async saveSearch(search: SearchState): Promise<void> {
    this.#search = search;
    await this.#save({ arrays: {}, standing: firstStanding(), epochs: [] }, undefined);
  }

  /** Deletes the checkpoint; called once the run is written. */
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

/** Returns a search's metric values, by row or by user, as arrays of a checkpoint. */
function arraysOf(units: SearchState["units"]): NamedArrays {
  return Object.fromEntries(
    Object.entries(units).flatMap(([name, { sums, weights }]) => [
      [`${SEARCH}${name}.sums`, sums],
      ...(weights ? [[`${SEARCH}${name}.weights`, weights]] : []),
    ]) as [string, Float64Array][],
  );
}

/** Restores the state of a search. @throws {ArtifactError} the checkpoint is damaged */
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

// The course of a training whose users' rows are in a store: its epochs, the best one, and its checkpoints. The items'
// parameters are in memory.

import { sizeText } from "../../../base/errors.js";
import type { BlockStore } from "../../../base/io/block-store.js";
import {
  runEpochs,
  type Controls,
  type EpochEvent,
  type EpochOptions,
  type Steered,
} from "../../../training/epochs/epoch-loop.js";
import { floatsOf, type NamedArrays } from "../../../training/epochs/named-arrays.js";
import { listMetric } from "../../../training/shared-options/passes.js";
import type { Scorer } from "../../../training/session/feature-training.js";
import type { ThreadsInUse } from "../../../compute/threads/thread-choice.js";
import { KEPT, NOW, restoreRows, savedRows, type KeptRows, type RowPlaces } from "./kept-rows.js";
import { storedScorer, type StoredResult, type StoredVectors } from "./stored-vectors.js";

export interface StoreInput {
  /** returns ranking metrics on the validation split; undefined if there is no such split */
  validate: ((model: Scorer) => Promise<Record<string, number>>) | undefined;
  /** path next to which temporary files are created */
  beside: string;
  /** maximum number of bytes of vectors and events in memory */
  maxMemory: number;
  /** whether the rows of the log are on disk */
  isStored: boolean;
  note: ((text: string) => void) | undefined;
}

/** Reports that a part of `what` is read from disk, if it is. */
export function noteDisk(
  store: BlockStore,
  numBlocks: number,
  { maxMemory, note }: Pick<StoreInput, "maxMemory" | "note">,
  what = "the users' vectors and events",
): void {
  if (store.bytesOnDisk > 0)
    note?.(
      `${sizeText(store.bytesOnDisk)} of ${what} are read from disk during training, in ` +
        `${numBlocks} blocks (--max-memory ${sizeText(maxMemory)})`,
    );
}

/** Parameters of the items by their names in a checkpoint. */
type ItemState = Record<string, Float32Array>;

/** A model in training whose users' vectors are in a block store, in memory or on disk, in partitions. */
interface StoringMachine<S extends ItemState> {
  readonly rows: KeptRows;
  /** number of partitions of users, and number of floats of the rows of each */
  readonly sizes: { numPartitions: number; length: number };
  /** a copy of the items' parameters */
  get state(): S;
  /** Restores the items' parameters. @throws {ArtifactError} arrays of a checkpoint of other features or another dim */
  set state(arrays: NamedArrays);
  setPartition(partition: number, numbers: Uint32Array): Promise<void>;
  terminate(): Promise<void>;
}

/** Parameters of an epoch that may be returned: those of items, and where users' rows are in the block store. */
export interface KeptState<S> {
  state: S;
  places: RowPlaces;
}

export interface StoredEpochs<S extends ItemState> {
  numEvents: number;
  train: (epoch: number) => Promise<{ trainLoss: number; vectorNorm?: number }>;
  modelOf: (kept: KeptState<S>) => StoredVectors;
  /** Checks parameters that are kept. @throws {DivergedError} they are not finite */
  check?: (kept: KeptState<S>, epoch: number) => void;
  threadsInUse?: () => ThreadsInUse;
}

/**
 * Trains epoch by epoch, and keeps the users' rows of the best epoch in the block store.
 * @returns the result of the training, and the parameters of the epoch that it returns
 */
export async function trainStored<S extends ItemState>(
  machine: StoringMachine<S>,
  { numEvents, train, modelOf, check, threadsInUse }: StoredEpochs<S>,
  { validate, controls = {} }: Pick<StoreInput, "validate"> & { controls?: Controls | undefined },
  options: EpochOptions & { metric: string; k: number; evaluateEvery?: number },
  observe: (event: EpochEvent) => void,
): Promise<{ result: StoredResult; kept: KeptState<S> }> {
  const { rows, sizes } = machine;
  const { evaluateEvery = 1 } = options;
  const restore = async (prefix: typeof NOW | typeof KEPT, large: Parameters<typeof restoreRows>[0]) =>
    await restoreRows(large, prefix, sizes, async (p, numbers) => machine.setPartition(p, numbers));
  let copied: KeptState<S> | undefined;
  // the parameters of the last epoch are copied once
  const now = () => (copied ??= { state: machine.state, places: rows.places });
  let kept: KeptState<S> | undefined;
  const training: Steered = {
    async epoch(epoch) {
      copied = undefined;
      const began = performance.now();
      const { trainLoss, ...norm } = await train(epoch);
      const rowsPerSecond = (numEvents / (performance.now() - began)) * 1000;
      const validates = validate !== undefined && (epoch % evaluateEvery === 0 || epoch === options.epochs);
      const metrics = validates ? await validate(storedScorer(modelOf(now()))) : {};
      const stoppingValue = validates ? (metrics[listMetric(options)] ?? 0) : null;
      return {
        event: { trainLoss, ...metrics, ...norm, rowsPerSecond },
        stoppingValue: validate ? stoppingValue : undefined,
      };
    },
    keep(epoch) {
      kept = now();
      rows.keep(kept.places);
      check?.(kept, epoch);
    },
    save: (withKept) => ({
      ...now().state,
      ...(withKept &&
        kept &&
        Object.fromEntries(Object.entries(kept.state).map(([k, v]) => [keptName(k), v]))),
    }),
    saveLarge: (withKept) =>
      savedRows(
        {
          ...sizes,
          read: async (p, numbers, isKept) => rows.read(p, numbers, isKept ? kept?.places : undefined),
        },
        withKept && kept !== undefined,
      ),
    async restore(arrays, large) {
      machine.state = arrays;
      // restores the users' rows of the best epoch first, so that the current ones are written to other blocks
      if (arrays["keptItems"]) {
        await restore(KEPT, large);
        const state = Object.fromEntries(
          Object.entries(machine.state).map(([k, v]) => [k, floatsOf(arrays, keptName(k), v.length)]),
        );
        kept = { state: state as S, places: rows.places };
        rows.keep(kept.places);
      }
      await restore(NOW, large);
    },
    terminate: () => machine.terminate(),
    ...(threadsInUse && { threadsInUse }),
    better: "higher",
    validates: validate !== undefined,
  };
  const { interrupted, ...done } = await runEpochs(training, options, controls, observe);
  const result = { model: modelOf(kept!), ...done, ...(interrupted && { interrupted }) };
  return { result, kept: kept! };
}

/** Returns the name in a checkpoint of parameters of the best epoch: `keptItems` for `items`. */
function keptName(name: string): string {
  return `kept${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
}

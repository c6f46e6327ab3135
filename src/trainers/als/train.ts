// The epoch loop of implicit feedback: each epoch solves the vectors of the users, then those of the items, while the
// others are fixed.
//
//   events ──► machine (vectors of both sides, threads) ──► epochs ──► vectors
//
// Source: Hu, Koren and Volinsky 2008 (doi:10.1109/ICDM.2008.22), Rendle et al. 2021 (arXiv:2110.14037). Equations and
// deviations: docs/algorithms/implicit.md.

import { DataError, DivergedError } from "../../base/errors.js";
import { paddedDim, type SparseRows } from "../../compute/kernels/als/binding.js";
import { pow } from "../../base/numeric/exp.js";
import { mapTo } from "../../base/numeric/indices.js";
import { featureKey } from "../../base/numeric/initial.js";
import { signedDraw } from "../../base/numeric/random.js";
import { type Controls, runEpochs, type Steered, type EpochEvent } from "../../training/epochs/epoch-loop.js";
import { floatsOf, type LargeArrays } from "../../training/epochs/named-arrays.js";
import { KEPT, NOW, restoreRows, savedRows } from "../shared/factor-model/kept-rows.js";
import { AlsMachine, type SideName } from "./machine.js";
import { cutUsers, mostBetween } from "./user-blocks.js";
import type { ImplicitOptions } from "./options.js";
import { withMachine } from "../../compute/threads/with-machine.js";
import { rowSums } from "../../dataset/sequences/interactions.js";

/** Root mean square length of an item's first vector: a dimension has a standard deviation of this / sqrt(dim). */
const FIRST_LENGTH = 0.1;
const sides: readonly SideName[] = ["users", "items"];

export interface ImplicitInput {
  /** the same events grouped by user and grouped by item; values are confidences, which are 1 when absent */
  users: SparseRows;
  items: SparseRows;
  /** u32[numItems][2]: hash of each item's key, from which the item's first vector is generated */
  itemHashes: Uint32Array;
  /** returns the value that decides the best epoch (the highest value), and the validation metrics */
  validate?: (
    vectors: ImplicitVectors,
  ) => Promise<{ value: number; metrics: Pick<EpochEvent, `${string}At${number}`> }>;
  /**
   * first vectors of users and items that the run of --init has; if `freezes` is true, all of them keep these vectors,
   * otherwise only those without events
   */
  start?: Record<SideName, StartSide> & { freezes: boolean };
  controls?: Controls;
}

export interface StartSide {
  /** u8[numRows]: 1 for rows whose key the run of --init contains */
  known: Uint8Array;
  /** f32[numRows * dim]: vectors of known rows; 0 for other rows */
  vectors: Float32Array;
}

export interface ImplicitVectors {
  dim: number;
  /** vectors of the users, f32[numUsers * dim], and of the items, f32[numItems * dim], row-major */
  users: Float32Array;
  items: Float32Array;
}

export interface ImplicitModel extends ImplicitVectors {
  /** from 1 */
  bestEpoch: number;
  epochs: EpochEvent[];
  /** true if a signal ended the training early */
  interrupted?: boolean;
}

/**
 * Factorizes users x items by alternating least squares, with a small weight for pairs without events.
 *
 * The same input, options and seed give the same bytes at any number of threads. With `validate` and a patience above
 * 0, training stops after that many epochs without improvement and returns the vectors of the best epoch; otherwise it
 * returns those of the last epoch.
 *
 * @param signal ends the training promptly; the promise rejects with its reason
 * @throws {DataError} there are no events
 * @throws {UsageError} the vectors do not fit 4 GiB
 * @throws {DivergedError} the loss is no longer finite
 */
export async function trainImplicit(
  input: ImplicitInput,
  options: ImplicitOptions,
  observe: (event: EpochEvent) => void = () => undefined,
  signal?: AbortSignal,
): Promise<ImplicitModel> {
  signal?.throwIfAborted();
  if (input.users.indices.length === 0) throw new DataError("no events with a known user and item");
  const { users, items } = input;
  const { dim, threads } = options;
  const machine = await AlsMachine.start({ dim, threads, users, items });
  return await withMachine(machine, signal, () => trainEpochs(machine, input, options, observe));
}

async function trainEpochs(
  machine: AlsMachine,
  input: ImplicitInput,
  options: ImplicitOptions,
  observe: (event: EpochEvent) => void,
): Promise<ImplicitModel> {
  const { dim } = options;
  const { validate, start, controls = {} } = input;
  const mass = { users: rowSums(input.users), items: rowSums(input.items) };
  machine.fill("items", firstValue(input.itemHashes, mass.items, options));
  for (const name of sides) {
    const numOthers = mass[name === "users" ? "items" : "users"].length;
    const penalties = penaltiesOf(mass[name], numOthers, options);
    if (start) machine.setVectors(name, start[name].vectors, startFrom(start, name, penalties, mass[name]));
    machine.arena.f32(machine.sides[name].penalties).set(penalties);
  }

  const vectors = (): ImplicitVectors => ({
    dim,
    users: machine.vectors("users"),
    items: machine.vectors("items"),
  });
  let kept: ImplicitVectors | undefined;
  const checkpoints = userCheckpoints(input.users, dim);
  const solver: Solver = {
    itemGram: async () => await machine.gram("items"),
    async solveUsers(gram) {
      await machine.solve("users", gram);
      return await machine.gram("users");
    },
    solveItems: async (gram) => await machine.solve("items", gram),
  };
  const solve = solvingEpochs(solver, mass.users, options);
  const training: Steered = {
    async epoch(epoch) {
      const began = performance.now();
      const trainLoss = await solve(epoch);
      const rowsPerSecond = (input.users.indices.length / (performance.now() - began)) * 1000;
      const seen = validate && (await validate(vectors()));
      return { event: { trainLoss, rowsPerSecond, ...seen?.metrics }, stoppingValue: seen?.value };
    },
    keep: () => void (kept = vectors()),
    save: (withKept) => ({
      items: machine.vectors("items"),
      ...(withKept && kept && { keptItems: kept.items }),
    }),
    saveLarge: (withKept) => checkpoints.save(machine.vectors("users"), withKept ? kept?.users : undefined),
    async restore(arrays, large) {
      const read = async (prefix: typeof NOW | typeof KEPT, items: string): Promise<ImplicitVectors> => ({
        dim,
        users: await checkpoints.restore(large, prefix),
        items: floatsOf(arrays, items, machine.sides.items.numRows * dim),
      });
      const now = await read(NOW, "items");
      for (const name of sides) machine.setVectors(name, now[name]);
      if (arrays["keptItems"]) kept = await read(KEPT, "keptItems");
    },
    terminate: () => machine.terminate(),
    better: "higher",
    validates: validate !== undefined,
  };
  const { interrupted, ...done } = await runEpochs(training, options, controls, observe);
  return { ...kept!, ...done, ...(interrupted && { interrupted }) };
}

/** Solves the vectors of all users, or of all items; `gram` is already multiplied by the weight of unobserved pairs. */
interface Solver {
  itemGram(): Promise<Float64Array>;
  /** @returns the Gram matrix of the users */
  solveUsers(gram: Float64Array): Promise<Float64Array>;
  /** @returns the sum over all events of c (1 - s)^2, for an event with confidence c and score s */
  solveItems(gram: Float64Array): Promise<number>;
}

/**
 * Saves and restores the users' vectors, f32[numUsers * dim], in the same blocks of users, padded to f32[][D], as a training
 * that has them in a store, so that either can resume from the checkpoint, with any --max-memory.
 */
function userCheckpoints(users: SparseRows, dim: number) {
  const D = paddedDim(dim);
  const starts = cutUsers(users, 4 * D);
  const sizes = { numPartitions: starts.length - 1, length: mostBetween(starts) * D };
  return {
    /** @param kept vectors of the best epoch, if there is one */
    save: (now: Float32Array, kept: Float32Array | undefined): LargeArrays =>
      savedRows(
        {
          ...sizes,
          read(block, into, isKept) {
            const [vectors, rows] = [isKept ? kept! : now, new Float32Array(into.buffer)];
            for (let user = starts[block]!, at = 0; user < starts[block + 1]!; user++, at += D)
              rows.set(vectors.subarray(user * dim, (user + 1) * dim), at);
            return Promise.resolve();
          },
        },
        kept !== undefined,
      ),
    /** @throws {ArtifactError} the checkpoint has other sizes */
    async restore(large: LargeArrays | undefined, prefix: typeof NOW | typeof KEPT): Promise<Float32Array> {
      const vectors = new Float32Array((users.indptr.length - 1) * dim);
      await restoreRows(large, prefix, sizes, (block, numbers) => {
        const rows = new Float32Array(numbers.buffer, numbers.byteOffset, numbers.length);
        for (let user = starts[block]!, at = 0; user < starts[block + 1]!; user++, at += D)
          vectors.set(rows.subarray(at, at + dim), user * dim);
      });
      return vectors;
    },
  };
}

/**
 * Returns the function that trains an epoch and returns its loss: the objective without its penalties, divided by the
 * sum of all confidences.
 *
 * @param mass f64[numUsers]: sum of each user's confidences
 */
export function solvingEpochs(
  solver: Solver,
  mass: Float64Array,
  { unobservedWeight }: ImplicitOptions,
): (epoch: number) => Promise<number> {
  const total = mass.reduce((sum, c) => sum + c, 0);
  const scaled = (gram: Float64Array) => gram.map((g) => unobservedWeight * g);
  let itemGram: Float64Array | undefined;
  return async (epoch) => {
    itemGram ??= await solver.itemGram();
    const userGram = await solver.solveUsers(scaled(itemGram));
    const observed = await solver.solveItems(scaled(userGram));
    const gram = await solver.itemGram();
    itemGram = gram;
    // the sum of s^2 over all pairs is the inner product of the Gram matrices of users and items
    const all = userGram.reduce((sum, g, i) => sum + g * gram[i]!, 0);
    const trainLoss = (observed + unobservedWeight * all) / total;
    if (Number.isFinite(trainLoss)) return trainLoss;
    throw new DivergedError(
      `the training loss is not finite in epoch ${epoch}: try a larger --l2-vector, or smaller weights`,
    );
  };
}

/**
 * Returns whether a row starts from its vector in the run of --init. A penalty below 0 marks a row that is not trained:
 * frozen rows, and rows without events in the log. A known row that is all zero was never trained and starts as a new
 * one, unless it is frozen.
 *
 * @param penalties changed by the returned function
 */
export function startFrom(
  start: NonNullable<ImplicitInput["start"]>,
  name: SideName,
  penalties: Float32Array,
  mass: Float64Array,
): (row: number) => boolean {
  const { known, vectors } = start[name];
  const dim = vectors.length / known.length;
  return (row) => {
    if (!known[row]) return false;
    const stays = start.freezes || mass[row] === 0;
    if (stays) penalties[row] = -1;
    return stays || vectors.subarray(row * dim, (row + 1) * dim).some((v) => v !== 0);
  };
}

/**
 * Returns f32[numRows]: the penalty p = l2 (sum of the row's confidences + a numOthers)^exponent, where a is the weight
 * of a pair without events, and numOthers the number of rows on the other side. Rendle et al. 2021 (arXiv:2110.14037),
 * eq. 4.
 */
export function penaltiesOf(
  mass: Float64Array,
  numOthers: number,
  { l2Vector, l2Exponent, unobservedWeight }: ImplicitOptions,
): Float32Array {
  return mapTo(Float32Array, mass, (c) => l2Vector * pow(c + unobservedWeight * numOthers, l2Exponent));
}

/**
 * Draws the first vectors of the items: uniform with the standard deviation FIRST_LENGTH / sqrt(dim), by a hash of the
 * item's key; an item without events gets zeros.
 */
export function firstValue(
  hashes: Uint32Array,
  mass: Float64Array,
  { dim, seed }: ImplicitOptions,
): (item: number, d: number) => number {
  const spread = FIRST_LENGTH * Math.sqrt(3 / dim);
  const keys = Uint32Array.from(mass, (_, item) => featureKey(seed, hashes, item));
  return (item, d) => (mass[item] === 0 ? 0 : signedDraw(keys[item]!, d) * spread);
}

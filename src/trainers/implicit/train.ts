// The epoch loop of implicit feedback: users, then items, each solved with the other fixed.
//
//   events ──► machine (vectors of both sides, threads) ──► epochs ──► vectors
//
// Source: Hu, Koren and Volinsky 2008 (doi:10.1109/ICDM.2008.22), Rendle et al. 2021 (arXiv:2110.14037). Equations and deviations:
// docs/algorithms/implicit.md.

import { DataError, DivergedError } from "../../errors.js";
import type { SparseRows } from "../../kernels/als.js";
import { pow } from "../../kernels/reference/exp.js";
import { draw } from "../../kernels/reference/random.js";
import { AlsMachine, type SideName } from "./machine.js";
import type { ImplicitOptions } from "./options.js";
import { withMachine } from "../../workers/with-machine.js";

/** Standard deviation of an item's first vector as a whole; a dimension has this over the root of dim. */
const FIRST_LENGTH = 0.1;
/** Dimensions solved together: as good as all at once, in half the time (docs/algorithms/implicit.md). */
const BLOCK = 16;

export interface ImplicitInput {
  /** the same events by user and by item: values are confidences, 1 when absent */
  users: SparseRows;
  items: SparseRows;
  /** u32[numItems][2]: a hash of each item's key, from which its first vector is drawn */
  itemHashes: Uint32Array;
  /** what decides the best epoch: greater is better, with the metrics of the look */
  look?: (vectors: ImplicitVectors) => Promise<{ value: number; metrics: Record<string, number> }>;
}

/** What happened in an epoch. */
export interface ImplicitEpoch {
  /** from 1 */
  epoch: number;
  /** the objective without its penalties, over the sum of the confidences */
  trainLoss: number;
  /** events of an epoch over its time */
  rowsPerSecond: number;
  seconds: number;
  /** whether no earlier epoch looks better; without looks always true */
  best: boolean;
  /** of the look */
  metrics: Record<string, number>;
}

export interface ImplicitVectors {
  dim: number;
  /** f32[numUsers * dim] and f32[numItems * dim], row-major */
  users: Float32Array;
  items: Float32Array;
}

export interface ImplicitModel extends ImplicitVectors {
  /** the epoch whose vectors these are, from 1 */
  bestEpoch: number;
  epochs: ImplicitEpoch[];
}

/**
 * Factorizes users x items by alternating least squares, with a small weight for the pairs that are no events.
 *
 * The same input, options and seed give the same bytes at any number of threads. With looks and a patience above 0, training
 * stops after so many epochs that look no better, and the vectors are the best epoch's; else the last's.
 *
 * @param observe called after every epoch
 * @param signal  ends the training promptly; the promise rejects with its reason
 * @throws {DataError} there are no events
 * @throws {UsageError} the vectors do not fit 4 GiB
 * @throws {DivergedError} the loss is no longer finite
 */
export async function trainImplicit(
  input: ImplicitInput,
  options: ImplicitOptions,
  observe: (event: ImplicitEpoch) => void = () => undefined,
  signal?: AbortSignal,
): Promise<ImplicitModel> {
  signal?.throwIfAborted();
  if (input.users.indices.length === 0)
    throw new DataError("no events of a known user and item: nothing to learn from");
  const { users, items } = input;
  const { dim, threads } = options;
  const machine = await AlsMachine.start({ dim, block: BLOCK, threads, users, items });
  return await withMachine(machine, signal, () => runEpochs(machine, input, options, observe));
}

async function runEpochs(
  machine: AlsMachine,
  input: ImplicitInput,
  options: ImplicitOptions,
  observe: (event: ImplicitEpoch) => void,
): Promise<ImplicitModel> {
  const { dim, seed, unobservedWeight, patience } = options;
  const mass = { users: confidencesOf(input.users), items: confidencesOf(input.items) };
  for (const name of ["users", "items"] as const) setPenalties(machine, name, mass[name], options);
  machine.fill("items", firstValue(input.itemHashes, mass.items, dim, seed));
  const total = mass.users.reduce((sum, c) => sum + c, 0);
  const scaled = (gram: Float64Array) => gram.map((g) => unobservedWeight * g);

  const stopsEarly = input.look !== undefined && patience > 0;
  const epochs: ImplicitEpoch[] = [];
  let best: { epoch: number; value: number; vectors: ImplicitVectors } | undefined;
  let itemGram = await machine.gram("items");
  for (let epoch = 1; epoch <= options.epochs; epoch++) {
    const start = performance.now();
    await machine.solve("users", scaled(itemGram));
    const userGram = await machine.gram("users");
    const observed = await machine.solve("items", scaled(userGram));
    itemGram = await machine.gram("items");

    // the sum of all pairs' s^2 is the inner product of both Gram matrices
    const all = userGram.reduce((sum, g, i) => sum + g * itemGram[i]!, 0);
    const trainLoss = (observed + unobservedWeight * all) / total;
    const trained = (performance.now() - start) / 1000;
    if (!Number.isFinite(trainLoss)) {
      throw new DivergedError(
        `the training loss is no longer finite in epoch ${epoch}: try a greater --l2-vector, or smaller weights`,
      );
    }

    // a look at the validation part
    const vectors = (): ImplicitVectors => ({
      dim,
      users: machine.vectors("users"),
      items: machine.vectors("items"),
    });
    const now = input.look || epoch === options.epochs ? vectors() : undefined;
    const { value = Infinity, metrics = {} } = now && input.look ? await input.look(now) : {};
    const isBest = !best || value > best.value || value === Infinity;
    if (now && (isBest || !stopsEarly)) best = { epoch, value, vectors: now };
    const event: ImplicitEpoch = {
      epoch,
      trainLoss,
      rowsPerSecond: input.users.indices.length / trained,
      seconds: (performance.now() - start) / 1000,
      best: isBest,
      metrics,
    };
    epochs.push(event);
    observe(event);
    if (stopsEarly && epoch - best!.epoch >= patience) break;
  }
  return { ...best!.vectors, bestEpoch: best!.epoch, epochs };
}

/** f64[numRows]: sum of each row's confidences. */
function confidencesOf({ indptr, values }: SparseRows): Float64Array {
  return Float64Array.from({ length: indptr.length - 1 }, (_, r) => {
    if (!values) return indptr[r + 1]! - indptr[r]!;
    let sum = 0;
    for (let e = indptr[r]!; e < indptr[r + 1]!; e++) sum += values[e]!;
    return sum;
  });
}

/** p = l2 (sum of the row's confidences + a numOthers)^exponent: Rendle et al. 2021 (arXiv:2110.14037), eq. 4. */
function setPenalties(
  { arena, sides }: AlsMachine,
  name: SideName,
  mass: Float64Array,
  { l2Vector, l2Exponent, unobservedWeight }: ImplicitOptions,
): void {
  const numOthers = sides[name === "users" ? "items" : "users"].numRows;
  const penalties = arena.f32(sides[name].penalties);
  mass.forEach((c, r) => (penalties[r] = l2Vector * pow(c + unobservedWeight * numOthers, l2Exponent)));
}

/** Uniform draws of deviation FIRST_LENGTH / sqrt(dim), named by the item's key; an item without events stays 0. */
function firstValue(
  hashes: Uint32Array,
  mass: Float64Array,
  dim: number,
  seed: number,
): (item: number, d: number) => number {
  const spread = FIRST_LENGTH * Math.sqrt(3 / dim);
  const keys = Uint32Array.from(mass, (_, item) =>
    draw(draw(seed, hashes[2 * item]!), hashes[2 * item + 1]!),
  );
  return (item, d) => (mass[item] === 0 ? 0 : (draw(keys[item]!, d) / 2 ** 31 - 1) * spread);
}

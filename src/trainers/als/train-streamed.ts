// The epoch loop of implicit feedback whose users' vectors are in a store, in memory or on disk. The model is that of
// train.ts, bit for bit.

import { columnSums, rowSums, type FieldFeatures } from "../../dataset/sequences/interactions.js";
import { DataError, sizeText } from "../../errors.js";
import { KEPT, NOW, restoreRows, savedRows, type RowPlaces } from "../../factors/kept-rows.js";
import { storedScorer, type StoredResult, type StoredVectors } from "../../factors/stored-vectors.js";
import { runEpochs, type EpochEvent, type Steered } from "../../training/epochs/epoch-loop.js";
import { floatsOf, type LargeArrays } from "../../training/epochs/named-arrays.js";
import { listMetric } from "../../training/options/lists.js";
import type { Scorer } from "../../training/session/feature-training.js";
import { withMachine } from "../../workers/with-machine.js";
import { heldBytes } from "./memory.js";
import type { AlsOptions, ImplicitOptions } from "./options.js";
import { StreamedMachine } from "./streamed-machine.js";
import { firstValue, penaltiesOf, solvingEpochs, startFrom, type ImplicitInput } from "./train.js";
import { BLOCK } from "./user-blocks.js";

export interface StreamedInput extends Omit<ImplicitInput, "items" | "validate"> {
  /** ranges of the features of users and items, and number of features */
  user: FieldFeatures;
  item: FieldFeatures;
  numFeatures: number;
  validate: ((model: Scorer) => Promise<Record<string, number>>) | undefined;
  /** path next to which temporary files are created */
  beside: string;
  /** maximum number of bytes of vectors and events in memory */
  maxMemory: number;
  note: ((text: string) => void) | undefined;
}

/**
 * Trains as trainImplicit does, with the users' vectors in a store. `input.users` loses its events once the store has
 * them.
 *
 * @throws the errors of trainImplicit
 * @throws {IoError} the disk is full
 * @throws {ArtifactError} the vectors on disk were truncated or changed
 */
export async function trainStreamed(
  input: StreamedInput,
  options: ImplicitOptions & Pick<AlsOptions, "k" | "metric">,
  observe: (event: EpochEvent) => void,
  signal: AbortSignal | undefined,
): Promise<StoredResult> {
  signal?.throwIfAborted();
  const { users, item, start, maxMemory, beside, note } = input;
  const numEvents = users.indices.length;
  if (numEvents === 0) throw new DataError("no events with a known user and item");
  const { dim, threads } = options;
  const mass = { users: rowSums(users), items: columnSums(users, item.count) };
  const penalties = {
    users: penaltiesOf(mass.users, item.count, options),
    items: penaltiesOf(mass.items, mass.users.length, options),
  };
  const isFirst = start && {
    users: startFrom(start, "users", penalties.users, mass.users),
    items: startFrom(start, "items", penalties.items, mass.items),
  };
  // sets the penalties of users that are not trained below 0, before the machine stores the penalties
  const known = isFirst && Uint8Array.from(mass.users, (_, user) => Number(isFirst.users(user)));
  const held = heldBytes({ numFeatures: input.numFeatures, numEvents, numItems: item.count, dim });
  const left = Math.max(0, maxMemory - held);
  const shape = { dim, block: BLOCK, threads, users, numItems: item.count, maxMemory: left, beside };
  const machine = await StreamedMachine.start(shape, penalties.users);
  // the store has a copy of the events, so that they need no memory during training
  Object.assign(users, { indices: new Uint32Array(), values: undefined });
  return await withMachine(machine, signal, async () => {
    const itemRows = machine.arena.f32(machine.items);
    const valueOf = firstValue(input.itemHashes, mass.items, options);
    for (let i = 0; i < item.count; i++) {
      const isKnown = isFirst?.items(i) === true;
      for (let d = 0; d < dim; d++)
        itemRows[i * machine.D + d] = isKnown ? start!.items.vectors[i * dim + d]! : valueOf(i, d);
    }
    machine.arena.f32(machine.itemPenalties).set(penalties.items);
    if (known) await setUsers(machine, dim, known, start!.users.vectors);
    if (machine.store.bytesOnDisk > 0)
      note?.(
        `the users' vectors and events are read from disk during training, in ${machine.starts.length - 1} blocks ` +
          `(--max-memory ${sizeText(maxMemory)})`,
      );
    return await trainEpochs(machine, input, { mass: mass.users, numEvents }, options, observe);
  });
}

/** Stores the initial vectors of known users. @param vectors f32[numUsers * dim] */
async function setUsers(machine: StreamedMachine, dim: number, known: Uint8Array, vectors: Float32Array) {
  const { starts, D, blockLength } = machine;
  for (let block = 0; block + 1 < starts.length; block++) {
    const rows = new Float32Array(blockLength);
    for (let user = starts[block]!; user < starts[block + 1]!; user++)
      if (known[user]) rows.set(vectors.subarray(user * dim, (user + 1) * dim), (user - starts[block]!) * D);
    await machine.setBlock(block, new Uint32Array(rows.buffer));
  }
}

/** Vectors of an epoch that may be returned: the items' vectors, and the places of the users' vectors in the store. */
interface Kept {
  /** f32[numItems][D]: vectors of all items */
  items: Float32Array;
  places: RowPlaces;
}

async function trainEpochs(
  machine: StreamedMachine,
  { user, item, numFeatures, validate, controls = {} }: StreamedInput,
  { mass, numEvents }: { mass: Float64Array; numEvents: number },
  options: ImplicitOptions & Pick<AlsOptions, "k" | "metric">,
  observe: (event: EpochEvent) => void,
): Promise<StoredResult> {
  const { rows, starts, blockLength } = machine;
  const itemRows = machine.arena.f32(machine.items);
  const now = (): Kept => ({ items: itemRows.slice(), places: rows.places });
  const w = new Float32Array(numFeatures);
  const modelOf = (kept: Kept) => storedVectors(machine, kept, { dim: options.dim, w, user, item });
  const sizes = { numPartitions: starts.length - 1, length: blockLength };
  const restoreUsers = async (prefix: typeof NOW | typeof KEPT, large: LargeArrays | undefined) =>
    await restoreRows(large, prefix, sizes, async (block, numbers) => machine.setBlock(block, numbers));
  let kept: Kept | undefined;
  const solve = solvingEpochs(machine, mass, options);
  const training: Steered = {
    async epoch(epoch) {
      const began = performance.now();
      const trainLoss = await solve(epoch);
      const rowsPerSecond = (numEvents / (performance.now() - began)) * 1000;
      const metrics = validate && (await validate(storedScorer(modelOf(now()))));
      const stoppingValue = metrics && (metrics[listMetric(options)] ?? 0);
      return { event: { trainLoss, rowsPerSecond, ...metrics }, stoppingValue };
    },
    keep() {
      kept = now();
      rows.keep(kept.places);
    },
    save: (withKept) => ({
      items: denseItems(machine, itemRows, options.dim),
      ...(withKept && kept && { keptItems: denseItems(machine, kept.items, options.dim) }),
    }),
    saveLarge: (withKept) =>
      savedRows(
        {
          ...sizes,
          read: async (block, numbers, isKept) =>
            rows.read(block, numbers, isKept ? kept?.places : undefined),
        },
        withKept && kept !== undefined,
      ),
    async restore(arrays, large) {
      // restores the users' vectors of the best epoch first; the current ones are then written to other blocks of the
      // store
      if (arrays["keptItems"]) {
        setItems(machine, floatsOf(arrays, "keptItems", item.count * options.dim), options.dim);
        await restoreUsers(KEPT, large);
        kept = now();
        rows.keep(kept.places);
      }
      setItems(machine, floatsOf(arrays, "items", item.count * options.dim), options.dim);
      await restoreUsers(NOW, large);
    },
    terminate: () => machine.terminate(),
    better: "higher",
    validates: validate !== undefined,
  };
  const { interrupted, ...done } = await runEpochs(training, options, controls, observe);
  return { model: modelOf(kept!), ...done, ...(interrupted && { interrupted }) };
}

/** Returns the items' vectors without the padding of their rows, f32[numItems * dim]. */
function denseItems({ D }: StreamedMachine, rows: Float32Array, dim: number): Float32Array {
  const dense = new Float32Array((rows.length / D) * dim);
  for (let i = 0; i < rows.length / D; i++) dense.set(rows.subarray(i * D, i * D + dim), i * dim);
  return dense;
}

function setItems({ arena, items, D }: StreamedMachine, dense: Float32Array, dim: number): void {
  const rows = arena.f32(items);
  for (let i = 0; i < dense.length / dim; i++) rows.set(dense.subarray(i * dim, (i + 1) * dim), i * D);
}

/** Returns the model whose users' vectors are read from the store. Features of other fields do not exist. */
function storedVectors(
  { rows, starts, D, blockLength }: StreamedMachine,
  { items, places }: Kept,
  { dim, w, user, item }: { dim: number; w: Float32Array; user: FieldFeatures; item: FieldFeatures },
): StoredVectors {
  const isUser = (feature: number) => feature >= user.first && feature < user.first + user.count;
  const vector = new Float32Array(dim);
  const bits = new Uint32Array(vector.buffer);
  /** Returns the block of a user: the last one that does not begin after it. */
  const blockOf = (id: number): number => {
    let [low, high] = [0, starts.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= id) low = middle;
      else high = middle;
    }
    return low;
  };
  return {
    ...{ dim, w },
    vectorOf(feature) {
      const from = (feature - item.first) * D;
      if (!isUser(feature)) return items.subarray(from, from + dim);
      const id = feature - user.first;
      const block = blockOf(id);
      rows.readPart(block, (id - starts[block]!) * D, bits, places);
      return vector;
    },
    vectorsOf({ first, last }) {
      const vectors = new Float32Array((last - first) * dim);
      const copy = (padded: Float32Array, at: number) => {
        for (let r = 0; r < padded.length / D; r++)
          vectors.set(padded.subarray(r * D, r * D + dim), (at + r) * dim);
      };
      if (!isUser(first)) {
        copy(items.subarray((first - item.first) * D, (last - item.first) * D), 0);
        return vectors;
      }
      const [begin, end] = [first - user.first, last - user.first];
      for (let block = blockOf(begin), id = begin; id < end; block++) {
        const next = Math.min(end, starts[block + 1]!);
        const padded = new Float32Array((next - id) * D);
        rows.readPart(block, (id - starts[block]!) * D, new Uint32Array(padded.buffer), places);
        copy(padded, id - begin);
        id = next;
      }
      return vectors;
    },
    async check() {
      const numbers = new Uint32Array(blockLength);
      for (let block = 0; block + 1 < starts.length; block++) await rows.read(block, numbers, places);
    },
  };
}

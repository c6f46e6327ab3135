// The epoch loop of implicit feedback whose users' vectors are in a store, in memory or on disk. It returns the same
// model, bit for bit, as the loop of train.ts, whose vectors are all in one memory.

import { columnSums, rowSums, type FieldFeatures } from "../../dataset/sequences/interactions.js";
import type { RowRange } from "../../table/table.js";
import { DataError } from "../../base/errors.js";
import {
  noteDisk,
  trainStored,
  type KeptState,
  type StoreInput,
} from "../shared/factor-model/stored-training.js";
import type { StoredResult, StoredVectors } from "../shared/factor-model/stored-vectors.js";
import type { EpochEvent } from "../../training/epochs/epoch-loop.js";
import { withMachine } from "../../compute/threads/with-machine.js";
import { heldBytes } from "./memory.js";
import type { AlsOptions, ImplicitOptions } from "./options.js";
import { withoutPadding } from "./machine.js";
import { StreamedMachine, type ItemVectors } from "./streamed-machine.js";
import { firstValue, penaltiesOf, solvingEpochs, startFrom, type ImplicitInput } from "./train.js";

interface StreamedInput extends Omit<ImplicitInput, "items" | "validate">, StoreInput {
  /** ranges of the features of users and items, and number of features */
  user: FieldFeatures;
  item: FieldFeatures;
  numFeatures: number;
}

/**
 * Trains as trainImplicit does, with the users' vectors in a store. `input.users` loses its events once the store has
 * them.
 *
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
  const { users, user, item, start, maxMemory, isStored, beside } = input;
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
  // gives users that are not trained a penalty below 0, before the machine stores the penalties
  const known = isFirst && Uint8Array.from(mass.users, (_, user) => Number(isFirst.users(user)));
  const { numFeatures } = input;
  const held = heldBytes({ numFeatures, numEvents, numItems: item.count, dim, isStored });
  const left = Math.max(0, maxMemory - held);
  const shape = { dim, threads, users, numItems: item.count, maxMemory: left, beside };
  const machine = await StreamedMachine.start(shape, penalties.users);
  // frees the events, of which the block store (memory and disk) has a copy
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
    noteDisk(machine.store, machine.sizes.numPartitions, input);
    const solve = solvingEpochs(machine, mass.users, options);
    const w = new Float32Array(input.numFeatures);
    const epochs = {
      numEvents,
      train: async (epoch: number) => ({ trainLoss: await solve(epoch) }),
      modelOf: (kept: KeptState<ItemVectors>) => storedVectors(machine, kept, { dim, w, user, item }),
    };
    return (await trainStored(machine, epochs, input, options, observe)).result;
  });
}

/** Stores the initial vectors of known users. @param vectors f32[numUsers * dim] */
async function setUsers(machine: StreamedMachine, dim: number, known: Uint8Array, vectors: Float32Array) {
  const { starts, D, sizes } = machine;
  for (let block = 0; block + 1 < starts.length; block++) {
    const rows = new Float32Array(sizes.length);
    for (let user = starts[block]!; user < starts[block + 1]!; user++)
      if (known[user]) rows.set(vectors.subarray(user * dim, (user + 1) * dim), (user - starts[block]!) * D);
    await machine.setPartition(block, new Uint32Array(rows.buffer));
  }
}

/** Returns the model, whose users' vectors are read from the block store; it has only features of users and items. */
function storedVectors(
  { rows, starts, D, sizes }: StreamedMachine,
  { state: { items }, places }: KeptState<ItemVectors>,
  { dim, w, user, item }: { dim: number; w: Float32Array; user: FieldFeatures; item: FieldFeatures },
): StoredVectors {
  const isUser = (feature: number) => feature >= user.first && feature < user.first + user.count;
  // the last block that does not begin after the user
  const blockOf = (id: number): number => {
    let [low, high] = [0, starts.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= id) low = middle;
      else high = middle;
    }
    return low;
  };
  const vectorsOf = ({ first, last }: RowRange): Float32Array => {
    if (!isUser(first)) return items.slice((first - item.first) * dim, (last - item.first) * dim);
    const vectors = new Float32Array((last - first) * dim);
    const [begin, end] = [first - user.first, last - user.first];
    for (let block = blockOf(begin), id = begin; id < end; block++) {
      const next = Math.min(end, starts[block + 1]!);
      const padded = new Float32Array((next - id) * D);
      rows.readPart(block, (id - starts[block]!) * D, new Uint32Array(padded.buffer), places);
      vectors.set(withoutPadding(padded, D, dim), (id - begin) * dim);
      id = next;
    }
    return vectors;
  };
  return {
    ...{ dim, w, vectorsOf },
    vectorOf: (feature) => vectorsOf({ first: feature, last: feature + 1 }),
    async check() {
      const numbers = new Uint32Array(sizes.length);
      for (let block = 0; block + 1 < starts.length; block++) await rows.read(block, numbers, places);
    },
  };
}

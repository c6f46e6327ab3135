// Encodes the users of partitions: those of a validation while towers are trained, and all users after the training,
// whose vectors are then in a store.

import { rowsAt, type FeatureRows } from "../../dataset/rows.js";
import { KeptRows } from "../shared/factor-model/kept-rows.js";
import { vectorsInPartitions, type StoredVectors } from "../shared/factor-model/stored-vectors.js";
import { BlockStore } from "../../base/io/block-store.js";
import type { TowerShape } from "../../compute/kernels/two-tower/binding.js";
import type { TowerUsers } from "../../compute/kernels/two-tower/inputs.js";
import { floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";
import type { ItemRanker } from "../../training/session/feature-training.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { withMachine } from "../../compute/threads/with-machine.js";
import type { Towers } from "./examples.js";
import { TowersMachine } from "./machine.js";
import { forEachRow } from "./rows.js";
import type { TowersStart } from "./warm-start.js";

export function machineRanker(
  { rows, users, partitions }: Towers,
  dim: number,
): (machine: TowersMachine) => ItemRanker {
  /** users of the contexts that were encoded last, by partition, with the contexts' rows */
  let selected: { of: FeatureRows; pieces: { users: TowerUsers; queries: Uint32Array }[] } | undefined;
  const select = async (contexts: FeatureRows) => {
    if (selected?.of === contexts) return selected.pieces;
    const userOf = new Map<number, number>();
    const wanted = new Set(contexts.ids);
    users.features.forEach((feature, user) => {
      if (feature !== users.partitions.users.first && wanted.has(feature)) userOf.set(feature, user);
    });
    const queries = Array.from({ length: users.partitions.count }, (): number[] => []);
    contexts.ids.forEach((feature, query) => {
      const user = userOf.get(feature);
      if (user !== undefined) queries[users.partitionOf[user]!]!.push(query);
    });
    const pieces = [];
    for (const [p, own] of queries.entries()) {
      if (own.length === 0) continue;
      const places = own.map((query) => users.placeOf[userOf.get(contexts.ids[query]!)!]!);
      const { newest } = await partitions.read(p);
      pieces.push({ users: usersAt(newest, places), queries: Uint32Array.from(own) });
    }
    selected = { of: contexts, pieces };
    return pieces;
  };
  /** u32: item of each feature that is not a user's, by its row in `partitions` */
  const itemOf = new Uint32Array(users.partitions.itemRows);
  rows.itemFeatures.forEach((feature, item) => (itemOf[users.partitions.itemRow(feature)] = item));
  return (machine) => ({
    async rank(contexts, items) {
      const queries = new Float32Array(contexts.numRows * dim);
      for (const piece of await select(contexts)) {
        const found = await machine.users(piece.users, piece.queries.length);
        piece.queries.forEach((query, i) => queries.set(found.subarray(i * dim, (i + 1) * dim), query * dim));
      }
      const [own, biases] = [await machine.items(), machine.biases()];
      const places = Uint32Array.from(items.ids, (feature) => itemOf[users.partitions.itemRow(feature)]!);
      const vectors = new Float32Array(places.length * dim);
      places.forEach((item, i) => vectors.set(own.subarray(item * dim, (item + 1) * dim), i * dim));
      const weights = Float32Array.from(places, (item) => (biases ? biases[item]! : 0));
      return { dim, queries, items: vectors, weights };
    },
  });
}

function usersAt({ histories, context }: TowerUsers, places: readonly number[]): TowerUsers {
  const numRows = context.indptr ? context.indptr.length - 1 : histories[0]!.begins.length;
  const rows = rowsAt({ ...context, numRows, labels: new Float32Array(numRows) }, places);
  return {
    histories: histories.map(({ tokens, begins, ends }) => {
      const own = places.map((place) => tokens.subarray(begins[place], ends[place]));
      const stops = new Uint32Array(own.length);
      own.forEach((range, i) => (stops[i] = (i === 0 ? 0 : stops[i - 1]!) + range.length));
      const all = new Uint32Array(stops.at(-1) ?? 0);
      own.forEach((range, i) => all.set(range, stops[i]! - range.length));
      return { tokens: all, begins: stops.map((stop, i) => stop - own[i]!.length), ends: stops };
    }),
    context: { ...rows, rowEnds: context.rowEnds },
  };
}

interface EncodeInput {
  space: FeatureSpace;
  /** u32[numFeatures]: number of training events with each feature */
  counts: Uint32Array;
  towers: Towers;
  start: TowersStart | undefined;
  /** path next to which vectors are stored */
  beside: string;
}

/** Encodes all users and items. Users' vectors are in a store. */
export async function encodeAll(
  parameters: NamedArrays,
  input: EncodeInput,
  shape: TowerShape,
  { dim, threads }: { dim: number; threads: number },
  signal: AbortSignal | undefined,
): Promise<StoredVectors> {
  const { rows, users, partitions: stored, side } = input.towers;
  const { numRows, numItems, firstHistoryRow, context } = rows;
  const { partitions } = users;
  const machine = await TowersMachine.startEncoding(
    { numRows, numItems, firstHistoryRow, ...(side && { side }) },
    { numHistories: stored.numHistories, rowEnds: context.rowEnds },
    shape,
    threads,
  );
  return await withMachine(machine, signal, async () => {
    machine.load(parameters);
    const known = await vectorsBesideUsers(machine, parameters, input, dim);
    const kept = new KeptRows(new BlockStore(input.beside, stored.store.bytesFree), partitions.count);
    for (let p = 0; p < partitions.count; p++) {
      const numbers = await vectorsOfUsers(machine, p, input, dim);
      await kept.write(p, new Uint32Array(numbers.buffer));
    }
    return vectorsInPartitions({
      ...{ dim, partitions, stride: dim, ...known },
      ...{ rows: kept, places: kept.places },
    });
  });
}

/** Without events, a feature keeps the vector of the run of --init. */
function isCarried({ start, counts }: EncodeInput, feature: number): boolean {
  return start?.known[feature] === 1 && counts[feature] === 0;
}

/** Vectors of features that are not users, by row of `partitions`, and weights of all features. */
async function vectorsBesideUsers(
  machine: TowersMachine,
  parameters: NamedArrays,
  input: EncodeInput,
  dim: number,
): Promise<{ itemRows: Float32Array; w: Float32Array }> {
  const { rows, users } = input.towers;
  const { partitions } = users;
  const itemRows = new Float32Array(partitions.itemRows * dim);
  const w = new Float32Array(input.space.numFeatures);
  const put = (feature: number, from: Float32Array, row: number) =>
    itemRows.set(from.subarray(row * dim, (row + 1) * dim), partitions.itemRow(feature) * dim);
  const [items, biases] = [await machine.items(), machine.biases()];
  rows.itemFeatures.forEach((feature, item) => {
    put(feature, items, item);
    if (biases) w[feature] = biases[item]!;
  });
  const scored = input.start?.scored;
  if (scored)
    for (let feature = 0; feature < w.length; feature++) {
      if (!isCarried(input, feature)) continue;
      w[feature] = scored.w[feature]!;
      if (!partitions.isUser(feature)) put(feature, scored.vectors, feature);
    }
  const trained = floatsOf(parameters, "vectors");
  for (const fields of [rows.context, rows.side])
    forEachRow(input.space, fields, (row, feature) => put(feature, trained, row));
  return { itemRows, w };
}

/** By row of the partition. */
async function vectorsOfUsers(
  machine: TowersMachine,
  partition: number,
  input: EncodeInput,
  dim: number,
): Promise<Float32Array> {
  const { users, partitions: stored } = input.towers;
  const { partitions, order, ends, features } = users;
  const own = order.subarray(ends[partition], ends[partition + 1]);
  const found = await machine.users((await stored.read(partition)).newest, own.length);
  const vectors = new Float32Array(partitions.rows * dim);
  own.forEach((user, i) => {
    const feature = features[user]!;
    if (feature === partitions.users.first) return;
    vectors.set(found.subarray(i * dim, (i + 1) * dim), partitions.rowOf(feature) * dim);
  });
  const scored = input.start?.scored;
  if (scored)
    for (let row = 0; row < partitions.rows; row++) {
      const feature = partitions.featureOf(partition, row);
      if (feature !== undefined && isCarried(input, feature))
        vectors.set(scored.vectors.subarray(feature * dim, (feature + 1) * dim), row * dim);
    }
  return vectors;
}

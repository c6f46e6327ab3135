import { Partitions } from "../../compute/kernels/ranking/partitions.js";
import { strataGroups, type RankingData, type RankingShape } from "../../compute/kernels/ranking/binding.js";
import { ReferenceRanking, type ReferenceBag } from "../../compute/kernels/ranking/ranking.reference.js";
import { referenceStrata } from "../../compute/kernels/ranking/strata.reference.js";
import { BlockStore } from "../../base/io/block-store.js";
import { draw, permutation } from "../../base/numeric/random.js";
import { temporaryFolder } from "../../testing/embed.js";
import { join } from "node:path";
import { PartitionedMachine } from "./partitioned-machine.js";

const folder = temporaryFolder();
const [numUsers, numItems, numEvents, count] = [150, 300, 30_000, 3];
const [epochKey, spread, accumulator] = [77, 0.4, 0.5];
const shape: RankingShape = {
  ...{ dim: 12, threads: 1, loss: "bpr", cosine: false, method: "adagrad", batchSize: 256 },
  ...{ negatives: 2, inBatch: false, averages: false, hardNegatives: [1, 1], learningRate: 0.05 },
  ...{ l2Weight: 1e-3, l2Vector: 2e-3, margin: 0.5, negativeWeight: 20, temperature: 0.7 },
};

/**
 * Items have features 0 to 299 and users the features after them, as in a log whose item column comes first; user 7 has
 * no events.
 */
const data: RankingData = (() => {
  const users = Uint32Array.from({ length: numEvents }, (_, e) => draw(1, e) % numUsers).map((u) =>
    u === 7 ? 8 : u,
  );
  const items = Uint32Array.from({ length: numEvents }, (_, e) => draw(2, e) % numItems);
  const sets = Array.from({ length: numUsers }, () => new Set<number>());
  users.forEach((user, e) => sets[user]!.add(items[e]!));
  const owned = sets.map((set) => [...set].sort((a, b) => a - b));
  const ends = owned.reduce((all, list) => [...all, all.at(-1)! + list.length], [0]);
  return {
    ...{ numFeatures: numItems + numUsers, users, items, numItems },
    context: { width: 1, ids: users.map((user) => numItems + user) },
    templates: { width: 1, ids: Uint32Array.from({ length: numItems }, (_, i) => i) },
    weights: Float32Array.from(users, (_, e) => 0.5 + (e % 3)),
    history: { indptr: Uint32Array.from(ends), items: Uint32Array.from(owned.flat()) },
  };
})();
const partitions = new Partitions(data.numFeatures, { first: numItems, count: numUsers }, count);
const featureHashes = Uint32Array.from({ length: 2 * data.numFeatures }, (_, i) => draw(5, i));
const counts = new Uint32Array(data.numFeatures).fill(1);

async function started(threads: number, budget: number) {
  const store = new BlockStore(join(folder, "run"), budget);
  const featureOfUser = Uint32Array.from({ length: numUsers }, (_, user) => numItems + user);
  const first = { featureHashes, counts, seed: 1, spread, accumulator, start: undefined };
  const how = { partitions, featureOfUser, store };
  return { store, machine: await PartitionedMachine.start({ ...data }, { ...shape, threads }, how, first) };
}

/** Returns the vectors of all features, f32[numFeatures][dim]. */
async function vectorsOf(machine: PartitionedMachine): Promise<Float32Array> {
  const { stride } = machine;
  const vectors = new Float32Array(data.numFeatures * shape.dim);
  const { items } = machine.state;
  for (let item = 0; item < numItems; item++)
    vectors.set(items.subarray(item * stride, item * stride + shape.dim), item * shape.dim);
  for (let p = 0; p < count; p++) {
    const numbers = new Float32Array(partitions.rows * stride);
    await machine.rows.read(p, new Uint32Array(numbers.buffer));
    for (let row = 0; row < partitions.rows; row++) {
      const feature = partitions.featureOf(p, row);
      if (feature !== undefined)
        vectors.set(numbers.subarray(row * stride, row * stride + shape.dim), feature * shape.dim);
    }
  }
  return vectors;
}

test("every user has one row of one partition", () => {
  const places = new Set<string>();
  for (let feature = numItems; feature < data.numFeatures; feature++) {
    const [p, row] = [partitions.partitionOf(feature), partitions.rowOf(feature)];
    expect(partitions.featureOf(p, row)).toBe(feature);
    const { first, last } = partitions.rowsBetween(p, feature, feature + 1);
    expect(row >= first && row < last && row < partitions.rows).toBe(true);
    places.add(`${p} ${row}`);
  }
  expect(places.size).toBe(numUsers);
});

test("an epoch of three partitions agrees with the reference to 5e-4", async () => {
  const { machine } = await started(1, Infinity);
  const twin = new ReferenceRanking(shape.dim, await vectorsOf(machine), accumulator);
  const loss = await machine.train(true, epochKey, shape.learningRate);

  let expected = 0;
  const order = permutation(count, draw(epochKey, 0xfffffffb));
  const average = { ...data, items: data.items.subarray(0, numEvents / count / 4) };
  for (let turn = 0; turn < 4 * count; turn++) {
    const [p, visit] = [order[turn % count]!, Math.floor(turn / count)];
    const all = Array.from(data.items.keys()).filter(
      (e) => partitions.partitionOf(data.context.ids[e]!) === p,
    );
    const own = all.slice(Math.floor((visit * all.length) / 4), Math.floor(((visit + 1) * all.length) / 4));
    const pick = (numbers: Uint32Array) => Uint32Array.from(own, (e) => numbers[e]!);
    const rowOf = (feature: number): ReferenceBag => ({ ids: [feature], values: [1] });
    const firstRow = partitions.itemRows + (turn % 2) * partitions.rows;
    const lists = Array.from({ length: partitions.rows }, (_, row) => {
      const user = (partitions.featureOf(p, row) ?? Infinity) - numItems;
      const { indptr, items } = data.history;
      return user < numUsers ? [...items.subarray(indptr[user], indptr[user + 1])] : [];
    });
    const local = {
      ...{ numFeatures: partitions.localRows, numItems, items: pick(data.items) },
      context: { width: 1, ids: pick(data.context.ids).map((f) => firstRow + partitions.rowOf(f)) },
      templates: data.templates,
      users: pick(data.context.ids).map((feature) => partitions.rowOf(feature)),
      weights: Float32Array.from(own, (e) => data.weights![e]!),
      history: {
        indptr: Uint32Array.from(lists.reduce((all, list) => [...all, all.at(-1)! + list.length], [0])),
        items: Uint32Array.from(lists.flat()),
      },
      rowsOf: {
        context: own.map((e) => rowOf(data.context.ids[e]!)),
        templates: Array.from(data.templates.ids, rowOf),
      },
    };
    const key = draw(draw(draw(epochKey, 0xfffffffa), visit), p);
    const options = { ...shape, rankWeights: [] };
    expected += referenceStrata(twin, local, strataGroups(average), key, options);
  }
  const vectors = await vectorsOf(machine);
  await machine.terminate();
  expect(Math.max(...vectors.map((v, i) => Math.abs(v - twin.vectors[i]!)))).toBeLessThan(5e-4);
  expect(Math.abs(loss / expected - 1)).toBeLessThan(1e-5);
});

test("one and three threads, in memory and on disk, give the same bytes", async () => {
  const results: string[] = [];
  for (const [threads, budget] of [
    [1, Infinity],
    [3, Infinity],
    [2, 0],
    [1, 60_000],
  ] as const) {
    const { machine, store } = await started(threads, budget);
    for (const epoch of [1, 2, 3]) await machine.train(true, epoch, 0.05);
    expect(store.bytesOnDisk > 0).toBe(budget < Infinity);
    results.push(Buffer.from((await vectorsOf(machine)).buffer).toString("base64"));
    await machine.terminate();
  }
  expect(new Set(results).size).toBe(1);
});

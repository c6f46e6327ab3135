import { kernelImports, loadKernel } from "../shared/load.js";
import { Arena } from "../shared/memory.js";
import {
  allocateRanking,
  rankWeights,
  RANKING_BATCH,
  sharesNegatives,
  takeRankingLoss,
  type RankingData,
  type RankingKernel,
  type RankingLoss,
  type RankingShape,
} from "./binding.js";
import { draw, permutation } from "../../../base/numeric/random.js";
import { referenceStrata } from "./strata.reference.js";
import {
  behindLayers,
  denseLayers,
  referenceContrast,
  ReferenceRanking,
  referenceDraw,
  referencePairs,
  referenceRank,
  type ReferenceBag,
} from "./ranking.reference.js";

const numUsers = 40;
const numItems = 90;
const numEvents = RANKING_BATCH + 59;
const epochKey = 77;
const FIRST_SQUARES = 0.5;
const spread = 0.4;

const shape: RankingShape = {
  dim: 12,
  threads: 1,
  loss: "bpr",
  cosine: false,
  method: "adagrad",
  batchSize: RANKING_BATCH,
  negatives: 3,
  inBatch: false,
  averages: false,
  hardNegatives: [1, 1],
  learningRate: 0.05,
  l2Weight: 1e-3,
  l2Vector: 2e-3,
  margin: 0.5,
  negativeWeight: 20,
  temperature: 0.7,
};

/**
 * Generates data for the tests.
 *
 * @param rich true: an event's context has a user and another feature, and an item has two or three features, with
 *   values; false: both have a single feature
 * @param crawler true if user 0 has events with every item
 */
function dataOf(
  rich: boolean,
  noise: boolean,
  crawler = false,
): RankingData & { rowsOf: Record<"context" | "templates", ReferenceBag[]> } {
  const users = Uint32Array.from({ length: numEvents }, (_, e) => draw(1, e) % numUsers);
  const items = Uint32Array.from({ length: numEvents }, (_, e) => draw(2, e) % numItems);
  const owned = Array.from({ length: numUsers }, (_, u) =>
    [
      ...new Set([...(crawler && u === 0 ? Array(numItems).keys() : items.filter((_, e) => users[e] === u))]),
    ].sort((a, b) => a - b),
  );
  const first = numUsers + numItems;
  const value = (i: number) => Math.fround((1 + (i % 3)) / 2);
  const context = [...users].map((u, e): ReferenceBag =>
    rich ? { ids: [u, first + (e % 4)], values: [1, value(e)] } : { ids: [u], values: [1] },
  );
  const templates = Array.from({ length: numItems }, (_, i): ReferenceBag => {
    if (!rich) return { ids: [numUsers + i], values: [1] };
    const more = i % 2 === 0 ? [first + 4 + (i % 5)] : [first + 4 + (i % 5), first + 9 + (i % 3)];
    return { ids: [numUsers + i, ...more], values: [1, ...more.map(value)] };
  });
  const packed = (rows: ReferenceBag[]) =>
    rich
      ? {
          width: 0,
          indptr: Uint32Array.from([
            0,
            ...rows.map((_, r) => rows.slice(0, r + 1).flatMap(({ ids }) => ids).length),
          ]),
          ids: Uint32Array.from(rows.flatMap(({ ids }) => ids)),
          values: Float32Array.from(rows.flatMap(({ values }) => values)),
        }
      : { width: 1, ids: Uint32Array.from(rows.flatMap(({ ids }) => ids)) };
  return {
    numFeatures: first + 12,
    context: packed(context),
    templates: packed(templates),
    users,
    items,
    weights: Float32Array.from(users, (_, e) => 0.5 + (e % 3)),
    numItems,
    history: {
      indptr: Uint32Array.from([0, ...owned.map((_, u) => owned.slice(0, u + 1).flat().length)]),
      items: Uint32Array.from(owned.flat()),
    },
    ...(noise && {
      // the alias table keeps every item with probability one half, and otherwise takes the adjacent item
      alias: Uint32Array.from({ length: 2 * numItems }, (_, j) =>
        j % 2 === 0 ? 0x7fffffff : ((j >> 1) + 1) % numItems,
      ),
      logNoise: Float32Array.from({ length: numItems }, (_, i) => -4 - (i % 5) / 10),
    }),
    rowsOf: { context, templates },
  };
}

async function kernelOf(data: RankingData, options: RankingShape) {
  const arena = new Arena();
  const layout = allocateRanking(arena, data, options);
  const module = await loadKernel("ranking");
  const { exports: kernel } = new WebAssembly.Instance<RankingKernel>(module, kernelImports(arena.memory));
  const n = data.numFeatures;
  const put = (values: Uint32Array) => {
    const region = arena.allocate("test", values.byteLength);
    arena.u32(region).set(values);
    return region.offset;
  };
  const hashes = put(Uint32Array.from({ length: 2 * n }, (_, i) => draw(5, i)));
  const counts = put(new Uint32Array(n).fill(1));
  kernel.initialize(layout.plan, layout.threads[0]!, 0, n, hashes, counts, 1, spread, FIRST_SQUARES);
  const vectors = () => {
    const rows = arena.f32(layout.vectors.region);
    return Float32Array.from({ length: n * options.dim }, (_, i) => {
      return rows[layout.vectors.at(Math.floor(i / options.dim), i % options.dim)]!;
    });
  };
  const w = () => {
    const width = layout.weightStride / 4;
    return Float32Array.from({ length: n }, (_, i) => arena.f32(layout.weights)[width * i]!);
  };
  return { arena, layout, kernel, vectors, w };
}

const maxDifference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));

/** Trains for one epoch with the kernel. */
function trainKernel(
  { layout, kernel }: Awaited<ReturnType<typeof kernelOf>>,
  loss: RankingLoss,
  key: number,
  learningRate: number,
): void {
  const { plan, strata } = layout;
  const thread = layout.threads[0]!;
  if (strata) {
    expect(kernel.sortEvents(plan, thread, 0, numEvents, epochKey, key !== 0)).toBe(1);
    for (let round = 0; round < strata.groups; round++) {
      while (kernel.trainBlock(plan, thread, 0, round, epochKey)) continue;
      kernel.endRound(plan);
    }
    return;
  }
  const of = [plan, thread, 0, 0, numEvents, key, epochKey] as const;
  const done = sharesNegatives(loss) ? kernel.trainContrast(...of, learningRate) : kernel.trainPairs(...of);
  expect(done).toBe(1);
}

/** Trains the reference in strata, one block of events after another. */
function trainStrataTwin(
  data: ReturnType<typeof dataOf>,
  options: RankingShape,
  first: Float32Array,
  groups: number,
) {
  const twin = new ReferenceRanking(options.dim, first, FIRST_SQUARES);
  const settings = { ...options, rankWeights: rankWeights(numItems, options.negatives) };
  return { twin, sum: referenceStrata(twin, data, groups, epochKey, settings) };
}

/** Trains the reference, one batch after another, on the batches on which the kernel trains. */
function trainTwin(
  data: ReturnType<typeof dataOf>,
  options: RankingShape,
  first: Float32Array,
  order: Uint32Array,
) {
  const twin = new ReferenceRanking(options.dim, first, FIRST_SQUARES);
  const { context, templates } = data.rowsOf;
  const has = (u: number, i: number) =>
    data.history.items.subarray(data.history.indptr[u], data.history.indptr[u + 1]).includes(i);
  const settings = { ...options, rankWeights: rankWeights(numItems, options.negatives) };
  const noiseOf = (i: number) => data.logNoise?.[i] ?? 0;
  let sum = 0;
  const layers = data.graph && denseLayers(data.graph);
  const size = sharesNegatives(options.loss) ? options.batchSize : RANKING_BATCH;
  for (let from = 0; from < numEvents; from += size) {
    const batch = [...order.subarray(from, from + size)];
    const candidatesOf = (event: number) => {
      const key = draw(epochKey, event);
      const drawn: number[] = [];
      for (let counter = 0; drawn.length < options.negatives; counter++) {
        const item = referenceDraw(numItems, data.alias, key, counter);
        if (!has(data.users[event]!, item)) drawn.push(item);
      }
      return drawn;
    };
    const key = draw(epochKey, batch[0]!);
    const drawn = Array.from({ length: options.negatives }, (_, n) =>
      referenceDraw(numItems, data.alias, key, n),
    );
    // the items of a batch's events are negatives for all of its events, but only as many as a multiple of eight
    const inBatch = options.inBatch ? batch.slice(0, batch.length - (batch.length % 8)) : [];
    const shared = [...drawn, ...inBatch.map((event) => data.items[event]!)];
    const eventsOf = (user: number) => batch.filter((event) => data.users[event] === user).length;
    const itemsOf = batch.map((event) => [
      data.items[event]!,
      ...(sharesNegatives(options.loss) ? shared : candidatesOf(event)),
    ]);
    const events = batch.map((event, r) => ({
      context: context[event]!,
      items: itemsOf[r]!.map((i) => templates[i]!),
      weight: data.weights![event]! / (options.averages ? eventsOf(data.users[event]!) : 1),
      rank: referenceRank(options.hardNegatives, epochKey, event),
    }));
    if (sharesNegatives(options.loss)) {
      const logNoise = itemsOf.map((items) => items.map(noiseOf));
      const excluded = itemsOf.map((items, r) =>
        items.map((i, k) => k > 0 && has(data.users[batch[r]!]!, i)),
      );
      sum += referenceContrast(twin, events, { logNoise, excluded }, settings, layers);
    } else {
      sum += referencePairs(twin, events, settings);
    }
  }
  return { twin, sum };
}

interface Case extends Partial<RankingShape> {
  rich?: true;
  noise?: true;
  crawler?: true;
  groups?: number;
  layers?: number;
}

test.each<[RankingLoss, number, Case]>([
  ["bpr", 1, {}],
  ["bpr", 4, { rich: true, noise: true }],
  ["warp", 5, { noise: true }],
  ["warp", 5, { rich: true }],
  ["bpr", 1, { method: "sgd" }],
  ["bpr", 1, { method: "sgd", dim: 64, noise: true }],
  ["bpr", 4, { method: "sgd" }],
  ["bpr", 1, { groups: 4 }],
  ["bpr", 1, { groups: 8, noise: true, method: "sgd" }],
  ["bpr", 3, { groups: 4, noise: true }],
  ["warp", 5, { groups: 2 }],
  // with this many groups, some users have every item of a group
  ["bpr", 1, { groups: 32 }],
  ["warp", 5, { groups: 64, noise: true, method: "sgd" }],
  ["warp", 5, { method: "sgd", noise: true }],
  ["sampled-softmax", 16, { cosine: true }],
  ["sampled-softmax", 24, { cosine: true, noise: true, negativeWeight: 1.25 }],
  ["sampled-softmax", 16, { rich: true, noise: true }],
  ["sampled-softmax", 16, { rich: true, negativeWeight: 0.8, batchSize: 512 }],
  ["ccl", 32, { cosine: true }],
  ["ccl", 32, { cosine: true, method: "adam", batchSize: 512 }],
  ["sampled-softmax", 16, { method: "adam", rich: true, noise: true }],
  ["sampled-softmax", 16, { method: "adam", cosine: true, batchSize: 512, averages: true }],
  ["sampled-softmax", 8, { method: "adam", cosine: true, batchSize: 512, inBatch: true, noise: true }],
  ["sampled-softmax", 0, { inBatch: true }],
  // user 0 has every item, so all its negatives are excluded
  ["sampled-softmax", 16, { crawler: true, cosine: true, negativeWeight: 1.25 }],
  ["sampled-softmax", 16, { crawler: true, cosine: true, noise: true, method: "adam" }],
  ["sampled-softmax", 16, { crawler: true, rich: true, negativeWeight: 1.25 }],
  ["ccl", 16, { crawler: true, cosine: true }],
  // the last batch has 3 events, which are too few for negatives
  ["sampled-softmax", 0, { inBatch: true, batchSize: 8 }],
  ["sampled-softmax", 0, { inBatch: true, batchSize: 8, cosine: true }],
  ["ccl", 0, { inBatch: true, batchSize: 8, cosine: true }],
  ["sampled-softmax", 16, { layers: 1, cosine: true }],
  ["sampled-softmax", 16, { layers: 2, method: "adam", batchSize: 512, inBatch: true }],
  ["ccl", 16, { layers: 3, method: "adam", cosine: true }],
])(
  "%s with %i negatives agrees with the reference to 2e-5 over one or two batches (%j)",
  async (loss, negatives, { rich, noise, crawler, groups, layers, ...more }) => {
    const data = dataOf(rich === true, noise === true, crawler);
    if (groups) data.groups = groups;
    if (layers) data.graph = { layers, through: true, ...joinsOf(data) };
    const options = { ...shape, loss, negatives, ...(loss === "ccl" && { margin: 0.1 }), ...more };
    // Adam's first steps have the length of the learning rate, even if a gradient is only a rounding error
    const learningRate = options.method === "adam" ? 1e-3 : options.learningRate;
    const machine = await kernelOf(data, options);
    const { arena, layout, vectors, w } = machine;
    const { twin, sum } = layout.strata
      ? trainStrataTwin(data, options, vectors(), layout.strata.groups)
      : trainTwin(data, { ...options, learningRate }, vectors(), permutation(numEvents, 9));
    trainKernel(machine, loss, 9, learningRate);
    expect(maxDifference(vectors(), twin.vectors)).toBeLessThan(2e-5);
    expect(maxDifference(w(), twin.w)).toBeLessThan(2e-5);
    expect(Math.abs(takeRankingLoss(arena, layout) - sum) / Math.abs(sum)).toBeLessThan(1e-5);
  },
);

test.each([1, 2, 3, 4])("vectors behind %i layers are the dense product", async (layers) => {
  const data = dataOf(false, false);
  data.graph = { layers, through: true, ...joinsOf(data) };
  const { arena, layout, kernel, vectors } = await kernelOf(data, {
    ...shape,
    loss: "ccl",
    negatives: 8,
    dim: 30,
    threads: 2,
  });
  layout.threads.forEach((thread, index) => kernel.propagateVectors(layout.plan, thread, index));
  const panel = arena.f32(layout.propagated!);
  const width = 8 * layout.slices;
  const got = vectors().map((_, at) => panel[Math.floor(at / 30) * width + (at % 30)]!);
  const expected = behindLayers(denseLayers(data.graph), Float64Array.from(vectors()), 30);
  expect(maxDifference(got, expected)).toBeLessThan(1e-6);
});

/** Returns the graph of users and items that events join; each context and each item has one feature. */
function joinsOf({ numFeatures, users, items, context, templates }: RankingData) {
  const sets = Array.from({ length: numFeatures }, () => new Set<number>());
  users.forEach((_, e) => {
    const [user, item] = [context.ids[e]!, templates.ids[items[e]!]!];
    sets[user]!.add(item);
    sets[item]!.add(user);
  });
  const lists = sets.map((set) => [...set].sort((a, b) => a - b));
  return {
    ends: Uint32Array.from([0, ...lists.map((_, f) => lists.slice(0, f + 1).flat().length)]),
    neighbors: Uint32Array.from(lists.flat()),
  };
}

test.each([
  [8, [2, 5], false],
  [8, [8, 8], true],
  [3, [1, 3], true],
  [40, [11, 40], false],
] as const)(
  "bpr takes of %i candidates the ranks %p that the reference takes (many features: %p)",
  async (negatives, hardNegatives, rich) => {
    const data = dataOf(rich, true);
    const options = { ...shape, negatives, hardNegatives };
    const machine = await kernelOf(data, options);
    const { arena, layout, vectors, w } = machine;
    const { twin, sum } = layout.strata
      ? trainStrataTwin(data, options, vectors(), layout.strata.groups)
      : trainTwin(data, options, vectors(), permutation(numEvents, 9));
    trainKernel(machine, "bpr", 9, options.learningRate);
    expect(maxDifference(vectors(), twin.vectors)).toBeLessThan(2e-5);
    expect(maxDifference(w(), twin.w)).toBeLessThan(2e-5);
    expect(Math.abs(takeRankingLoss(arena, layout) - sum) / Math.abs(sum)).toBeLessThan(1e-5);
  },
);

test("ranks are uniform in their range, over events and over epochs (chi-squared of 4 degrees below 18.5, p 0.001)", () => {
  const range = [3, 7] as const;
  const rankOf = (epoch: number, event: number) => referenceRank(range, draw(draw(1, epoch), 1), event);
  const chiSquared = (ranks: number[]) => {
    const counts = [3, 4, 5, 6, 7].map((rank) => ranks.filter((other) => other === rank).length);
    expect(counts.reduce((sum, n) => sum + n, 0)).toBe(ranks.length);
    const expected = ranks.length / counts.length;
    return counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  };
  const numbers = Array.from({ length: 20_000 }, (_, i) => i);
  expect(chiSquared(numbers.map((event) => rankOf(1, event)))).toBeLessThan(18.5);
  expect(chiSquared(numbers.map((epoch) => rankOf(epoch + 1, 12)))).toBeLessThan(18.5);
  // Expects that the ranks of an event in two consecutive epochs are independent.
  const pairs = numbers.map((event) => (rankOf(1, event) - 3) * 5 + rankOf(2, event) - 3);
  const counts = Array.from({ length: 25 }, (_, pair) => pairs.filter((other) => other === pair).length);
  // the 99.9 % point of chi-square with 24 degrees of freedom
  expect(counts.reduce((sum, n) => sum + (n - 800) ** 2 / 800, 0)).toBeLessThan(51.2);
});

test("a user of all items but one is given that one", async () => {
  const data = dataOf(false, false);
  const all = Uint32Array.from({ length: numItems - 1 }, (_, i) => i);
  const history = {
    indptr: Uint32Array.from({ length: numUsers + 1 }, (_, u) => u * all.length),
    items: new Uint32Array(numUsers * all.length),
  };
  for (let u = 0; u < numUsers; u++) history.items.set(all, u * all.length);
  const items = data.items.map((i) => i % all.length);
  const options = { ...shape, negatives: 1, l2Vector: 0, l2Weight: 0 };
  const machine = await kernelOf({ ...data, items, history }, options);
  trainKernel(machine, "bpr", 0, options.learningRate);
  const falling = [...machine.w()].flatMap((weight, feature) => (weight < 0 ? [feature] : []));
  expect(falling).toEqual([numUsers + numItems - 1]);
});

test("ranks weigh by the harmonic number of items over tries", () => {
  expect([...rankWeights(7, 3)].map((x) => x.toFixed(4))).toEqual(["0.0000", "2.4500", "1.8333", "1.5000"]);
});

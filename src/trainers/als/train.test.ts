import { DataError, DivergedError } from "../../base/errors.js";
import type { SparseRows } from "../../compute/kernels/als/binding.js";
import { draw } from "../../base/numeric/random.js";
import { trainImplicit as train, type ImplicitInput } from "./train.js";

const [numUsers, numItems, numGroups] = [300, 120, 4];
const options = {
  dim: 12,
  epochs: 6,
  seed: 1,
  threads: 1,
  unobservedWeight: 0.1,
  l2Vector: 0.01,
  l2Exponent: 1,
  patience: 0,
  k: 20,
  metric: "ndcg",
};

const ranges = {
  user: { first: 0, count: numUsers },
  item: { first: numUsers, count: numItems },
  numFeatures: numUsers + numItems,
};

async function trainImplicit(...[input, options, ...rest]: Parameters<typeof train>) {
  const result = await train(input, options, ...rest);
  const { dim, vectorsOf } = result.model;
  const [users, items] = [input.user, input.item].map(({ first, count }) =>
    vectorsOf({ first, last: first + count }),
  );
  return { ...result, dim, users: users!, items: items! };
}

function sparse(rows: number[][]): SparseRows {
  const indptr = new Uint32Array(rows.length + 1);
  rows.forEach((row, r) => (indptr[r + 1] = indptr[r]! + row.length));
  return { indptr, indices: Uint32Array.from(rows.flat()) };
}

/** User u has events with half of the items i in its group: those with u % 4 = i % 4. The last item has no events. */
function planted(): ImplicitInput {
  const taken = (u: number, i: number) =>
    i < numItems - 1 && u % numGroups === i % numGroups && draw(u, i) % 2 === 0;
  const users = Array.from({ length: numUsers }, (_, u) =>
    Array.from({ length: numItems }, (_, i) => i).filter((i) => taken(u, i)),
  );
  const itemHashes = Uint32Array.from({ length: 2 * numItems }, (_, i) => draw(5, i));
  return { users: sparse(users), itemHashes, ...ranges };
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, d) => sum + value * b[d]!, 0);

test.each([2, 3])("%i threads give the same bytes as one", async (threads) => {
  const one = await trainImplicit(planted(), options);
  const several = await trainImplicit(planted(), { ...options, threads });
  expect(several.users).toEqual(one.users);
  expect(several.items).toEqual(one.items);
  expect(several.epochs.map(({ trainLoss }) => trainLoss)).toEqual(
    one.epochs.map(({ trainLoss }) => trainLoss),
  );
});

test("items of a user's group that it has not taken score above all others", async () => {
  const { dim, users, items, epochs } = await trainImplicit(planted(), options);
  const row = (matrix: Float32Array, r: number) => matrix.subarray(r * dim, (r + 1) * dim);
  let right = 0;
  for (let u = 0; u < numUsers; u++) {
    const scores = Array.from({ length: numItems - 1 }, (_, i) => dot(row(users, u), row(items, i)));
    const own = scores.filter((_, i) => i % numGroups === u % numGroups);
    const others = scores.filter((_, i) => i % numGroups !== u % numGroups);
    if (Math.min(...own) > Math.max(...others)) right++;
  }
  expect(right / numUsers).toBeGreaterThan(0.95);
  expect(epochs.at(-1)!.trainLoss).toBeLessThan(epochs[0]!.trainLoss);
  // the vector of an item without events stays zero
  expect(row(items, numItems - 1).every((value) => value === 0)).toBe(true);
});

test("the loss is the objective without its penalties, an event", async () => {
  const events = planted().users;
  const { dim, users, items, epochs } = await trainImplicit(planted(), options);
  let sum = 0;
  for (let u = 0; u < numUsers; u++) {
    const taken = new Set(events.indices.subarray(events.indptr[u], events.indptr[u + 1]));
    for (let i = 0; i < numItems; i++) {
      const s = dot(users.subarray(u * dim, (u + 1) * dim), items.subarray(i * dim, (i + 1) * dim));
      sum += options.unobservedWeight * s * s + (taken.has(i) ? (1 - s) ** 2 : 0);
    }
  }
  expect(epochs.at(-1)!.trainLoss).toBeCloseTo(sum / events.indices.length, 5);
});

test("another seed is another start, and the same seed the same", async () => {
  const [first, again, other] = await Promise.all(
    [1, 1, 2].map((seed) => trainImplicit(planted(), { ...options, seed })),
  );
  expect(again!.items).toEqual(first!.items);
  expect(other!.items).not.toEqual(first!.items);
});

test("no events is a DataError, and weights that overflow are a DivergedError", async () => {
  const nothing = { ...planted(), users: sparse([[], []]) };
  await expect(trainImplicit(nothing, options)).rejects.toThrow(DataError);
  const { users } = planted();
  const values = new Float32Array(users.indices.length).fill(3e38);
  const heavy = { ...planted(), users: { ...users, values } };
  await expect(trainImplicit(heavy, options)).rejects.toThrow(DivergedError);
});

test("a signal ends the training with its reason", async () => {
  const stop = new AbortController();
  const training = trainImplicit(
    planted(),
    { ...options, epochs: 1e6 },
    () => stop.abort(new Error("enough")),
    stop.signal,
  );
  await expect(training).rejects.toThrow("enough");
});

describe("looks", () => {
  const values = [1, 3, 2, 2, 5, 5];
  const validate = () => {
    let epoch = 0;
    return async () => Promise.resolve({ ndcgAt20: values[epoch++]! });
  };

  test("stop training after epochs that look no better, and the best epoch's vectors are given", async () => {
    const stopped = await trainImplicit({ ...planted(), validate: validate() }, { ...options, patience: 2 });
    const short = await trainImplicit(planted(), { ...options, epochs: 2 });
    expect(stopped.epochs.map(({ best }) => best)).toEqual([true, true, false, false]);
    expect(stopped.bestEpoch).toBe(2);
    expect(stopped.items).toEqual(short.items);
  });

  test("without patience all epochs are trained, and the last is given", async () => {
    const all = await trainImplicit({ ...planted(), validate: validate() }, options);
    const blind = await trainImplicit(planted(), options);
    expect([all.epochs.length, all.bestEpoch]).toEqual([6, 6]);
    expect(all.users).toEqual(blind.users);
    expect(all.epochs[1]!.ndcgAt20).toBe(3);
  });
});

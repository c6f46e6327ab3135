import { NO_ITEM, type ItemLists } from "../../kernels/top-items/binding.js";
import {
  referenceDegrees,
  referenceGraph,
  referenceScores,
  type ReferenceFilter,
} from "../../kernels/graph-filter/graph-filter.reference.js";
import { draw } from "../../../base/numeric/random.js";
import { eigenOf } from "../svd/symmetric.js";
import {
  checkGraphFilter,
  graphFilter,
  publishedFilter,
  type FilterChoices,
  type FilterSettings,
  type PublishedFilter,
} from "./graph-filter.js";
import { withFilterMachine, type FilterMachine } from "./machine.js";
import type { FilterQueries } from "./graph-filter.worker.js";

const [NUM_USERS, NUM_ITEMS] = [203, 70];
/** An item without users. */
const UNUSED_ITEM = 33;
/** A user without items. */
const EMPTY_USER = 17;

/** Creates users in seven groups. Each user has half of the group's items and a few other items. */
const events = Array.from({ length: NUM_USERS }, (_, u) =>
  Array.from({ length: NUM_ITEMS }, (__, i) => {
    if (i === UNUSED_ITEM || u === EMPTY_USER) return 0;
    return draw(u, i) % 100 < (u % 7 === i % 7 ? 50 : 3 + (i % 5)) ? 1 : 0;
  }),
);

function listsOf(rows: readonly (readonly number[])[]): ItemLists {
  const lists = rows.map((row) => row.flatMap((x, i) => (x > 0 ? [i] : [])));
  const indptr = Uint32Array.of(0, ...lists.map(({ length }) => length));
  for (let r = 1; r < indptr.length; r++) indptr[r]! += indptr[r - 1]!;
  return { indptr, items: Uint32Array.from(lists.flat()) };
}

const users = listsOf(events);
const graph = {
  users,
  items: listsOf(Array.from({ length: NUM_ITEMS }, (_, i) => events.map((row) => row[i]!))),
};
const every: ItemLists = listsOf(events.map((row) => row.map(() => 1)));
const none: ItemLists = { indptr: new Uint32Array(NUM_USERS + 1), items: new Uint32Array() };

async function scoring<T>(
  settings: FilterSettings,
  threads: number,
  work: (machine: FilterMachine) => Promise<T>,
): Promise<T> {
  const filter = await graphFilter(graph, settings, { threads });
  return await withFilterMachine(filter, NUM_USERS, { threads }, work);
}

const scoresOf = async (settings: FilterSettings, queries: FilterQueries = users, threads = 1) =>
  await scoring(settings, threads, async (machine) => await machine.scores(queries, every));

/** Computes the filter from the eigenvectors of the normalized graph P, as a dense matrix. */
function reference({ coefficients, power, ideal }: FilterSettings): ReferenceFilter {
  const { size, vectors } = eigenOf(referenceGraph(events).flat(), NUM_ITEMS);
  const matrix = Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (__, j) => {
      let sum = 0;
      for (let d = 0; d < ideal.dim; d++) sum += vectors[i * size + d]! * vectors[j * size + d]!;
      return ideal.weight * sum;
    }),
  );
  return { events, coefficients, power, ideal: { matrix, power: ideal.power } };
}

const cases: [PublishedFilter, FilterChoices][] = [
  ["gf-cf", { dim: 6 }],
  ["gf-cf", { dim: 0 }],
  ["chebycf", { dim: 7 }],
  ["chebycf", { dim: 0, flatness: 2.5 }],
  ["chebycf", { dim: 9, weight: 1.5, flatness: 1, power: 0.7 }],
];

test.each(cases)(
  "%s with %o scores as the dense definition in f64, to 1e-5 of the greatest",
  async (name, choices) => {
    const settings = publishedFilter(name, choices);
    const got = await scoresOf(settings);
    const wanted = referenceScores(reference(settings)).flat();
    const greatest = Math.max(...wanted.map(Math.abs));
    const difference = Math.max(...wanted.map((x, at) => Math.abs(x - got[at]!)));
    expect(difference / greatest).toBeLessThan(1e-5);
  },
);

test("what is published for gowalla is the default", () => {
  expect(publishedFilter("gf-cf")).toMatchObject({ power: 0, ideal: { dim: 256, weight: 0.3, power: 0.5 } });
  const { coefficients, ...others } = publishedFilter("chebycf");
  expect(others).toEqual({ power: 0.4, ideal: { dim: 512, weight: 0.2, power: 0.4 } });
  expect(coefficients).toHaveLength(8);
});

test("a filter has the same bytes at 1, 2 and 3 threads", async () => {
  const results = [1, 2, 3].map(
    async (threads) =>
      await scoring(publishedFilter("chebycf", { dim: 8 }), threads, async (machine) => {
        const { items, scores } = await machine.best(users, users, 10);
        return [items, scores, await machine.scores(users, every)].map((array) => Buffer.from(array.buffer));
      }),
  );
  const [one, ...others] = await Promise.all(results);
  for (const other of others) expect(other).toEqual(one);
});

test("a query's scores depend on no other query", async () => {
  const alone = (u: number): ItemLists => {
    const lists = Array.from({ length: NUM_USERS }, (_, q) => (q === NUM_USERS - 1 - u ? events[u]! : []));
    return listsOf(lists);
  };
  const settings = publishedFilter("chebycf", { dim: 5 });
  const together = await scoresOf(settings);
  for (const u of [0, 70, 202]) {
    const own = await scoresOf(settings, alone(u));
    const at = (NUM_USERS - 1 - u) * NUM_ITEMS;
    expect(own.slice(at, at + NUM_ITEMS)).toEqual(together.slice(u * NUM_ITEMS, (u + 1) * NUM_ITEMS));
  }
});

test("who has nothing scores 0 everywhere, and so does an item that nobody has", async () => {
  const scores = await scoresOf(publishedFilter("chebycf", { dim: 5 }));
  const empty = scores.slice(EMPTY_USER * NUM_ITEMS, (EMPTY_USER + 1) * NUM_ITEMS);
  expect([...empty].every((x) => x === 0)).toBe(true);
  expect(events.every((_, u) => scores[u * NUM_ITEMS + UNUSED_ITEM] === 0)).toBe(true);
  // An item without users contributes nothing to a query.
  const asked = await scoresOf(
    publishedFilter("gf-cf", { dim: 5 }),
    listsOf(events.map((row) => row.map((_, i) => (i === UNUSED_ITEM ? 1 : 0)))),
  );
  expect(asked.every((x) => x === 0)).toBe(true);
});

test("weights count as often as an item stands in a query", async () => {
  const settings = publishedFilter("chebycf", { dim: 5 });
  const twice = { ...users, weights: Float64Array.from(users.items, () => 2) };
  const [single, double] = [await scoresOf(settings), await scoresOf(settings, twice)];
  expect(double).toEqual(single.map((x) => 2 * x));
});

test("the best are the highest scores that are not masked, ties in the items' order, and end where nothing is left", async () => {
  const settings = publishedFilter("chebycf", { dim: 5 });
  const top = NUM_ITEMS;
  const { scores, best } = await scoring(settings, 2, async (machine) => ({
    scores: await machine.scores(users, every),
    best: await machine.best(users, users, top),
  }));
  const wanted = events.flatMap((row, u) => {
    const open = row.flatMap((x, i) => (x > 0 ? [] : [i]));
    const score = (i: number) => scores[u * NUM_ITEMS + i]!;
    const order = open.sort((a, b) => score(b) - score(a) || a - b);
    return Array.from({ length: top }, (_, r) => order[r] ?? NO_ITEM);
  });
  expect([...best.items]).toEqual(wanted);
  expect(best.scores[0]).toBe(scores[best.items[0]!]);
  expect(referenceDegrees(events)[UNUSED_ITEM]).toBe(0);
});

test("lists of another length follow in the same machine", async () => {
  const settings = publishedFilter("gf-cf", { dim: 5 });
  const [three, one] = await scoring(settings, 2, async (machine) => [
    await machine.best(users, none, 3),
    await machine.best(users, none, 1),
  ]);
  expect([...one!.items]).toEqual([...three!.items].filter((_, at) => at % 3 === 0));
});

test("a graph that does not fit is refused by its sizes, before anything is computed", () => {
  const sizes = { numUsers: 5e6, numItems: 3e6, numEntries: 1e8 };
  expect(() => checkGraphFilter("the baseline chebycf", sizes, 512, 2)).toThrow(
    /the baseline chebycf of 5000000 users and 3000000 items with 512 components on 2 threads needs .* of memory, the limit is /,
  );
  expect(() =>
    checkGraphFilter("it", { numUsers: 29_858, numItems: 40_981, numEntries: 810_128 }, 512, 16),
  ).not.toThrow();
  // The number of components is limited by the smaller side of the matrix.
  expect(() =>
    checkGraphFilter("it", { numUsers: 100, numItems: 4e5, numEntries: 1e6 }, 4096, 2),
  ).not.toThrow();
});

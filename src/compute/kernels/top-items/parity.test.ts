import { kernelImports, loadKernel } from "../shared/load.js";
import { Arena } from "../shared/memory.js";
import { draw } from "../../../base/numeric/random.js";
import { referenceTopItems } from "./top-items.reference.js";
import {
  packItems,
  queriesOfBlock,
  SearchRoom,
  type ItemLists,
  type TopItemsInput,
  type TopItemsKernel,
} from "./binding.js";

/**
 * Returns the lists that a search by one thread finds, and the number of pairs of a query and an item that the bound
 * did not exclude.
 */
async function searchAll(input: TopItemsInput, top: number) {
  const arena = new Arena();
  const room = new SearchRoom(arena, input.dim, 1);
  room.layOut(packItems(arena, input), { ...input, top });
  const numAll = input.queries.length / input.dim;
  const module = await loadKernel("top-items");
  const { exports: kernel } = new WebAssembly.Instance<TopItemsKernel>(module, kernelImports(arena.memory));
  const block = queriesOfBlock(numAll, 1);
  let numLeft = 0;
  for (let first = 0; first < numAll; first += block)
    numLeft += kernel.searchBlock(room.search, room.scratches[0]!, first, Math.min(block, numAll - first));
  return { found: room.results(), numLeft };
}

/** Generates numbers with few distinct values, so that many scores tie. */
function coarse(length: number, key: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => ((draw(key, i) % 9) - 4) / 4);
}

function fine(length: number, key: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => draw(key, i) / 2 ** 31 - 1);
}

const unmasked = (numQueries: number): ItemLists => ({
  indptr: new Uint32Array(numQueries + 1),
  items: new Uint32Array(),
});

/** Returns masks: item i is masked for query q if a hash of (q, i) is divisible by 3. */
function thirdMasked(numQueries: number, numItems: number): ItemLists {
  const masked = Array.from({ length: numQueries }, (_, q) =>
    Array.from({ length: numItems }, (_, i) => i).filter((i) => draw(q, i) % 3 === 0),
  );
  const indptr = new Uint32Array(numQueries + 1);
  masked.forEach((list, q) => (indptr[q + 1] = indptr[q]! + list.length));
  return { indptr, items: Uint32Array.from(masked.flat()) };
}

describe.each([
  [1, 1, 1, 1],
  [3, 70, 131, 5],
  [8, 130, 1000, 20],
  [64, 66, 600, 20],
  [70, 5, 40, 50],
  [4, 9, 700, 129],
  [8, 66, 500, 500],
  [3, 5, 40, 1000],
])("dim %i, %i queries, %i items, the best %i", (dim, numQueries, numItems, top) => {
  test.each([
    ["of many ties", coarse],
    ["of fine scores", fine],
  ])("are the reference's, bit for bit: %s", async (_, numbers) => {
    const weights = numbers(numItems, 3);
    weights[numItems >> 1] = -Infinity;
    const input = {
      dim,
      queries: numbers(numQueries * dim, 1),
      items: numbers(numItems * dim, 2),
      weights,
      masks: thirdMasked(numQueries, numItems),
    };
    expect((await searchAll(input, top)).found).toEqual(referenceTopItems(input, top));
  });
});

/**
 * Functions that return the factor by which a row of the table is multiplied. For these tables, a slightly wrong bound
 * on the scores would lose items, or there is no bound.
 */
const factors: Record<string, (row: number, random: number) => number> = {
  "equal lengths": () => 1,
  "lengths from 1e-37 to 1e18": (_, random) => 10 ** (55 * random - 37),
  "lengths that grow from item to item": (row) => 1 + row / 100,
  "numbers too small for a product": () => 1e-23,
  "the smallest numbers": () => 1e-44,
  "scores beyond f32": (row) => (row % 50 === 7 ? 3e18 : 1e3),
  "one enormous item in a hundred": (row) => (row % 100 === 99 ? 1e6 : 1),
  "rows of zeros": (row) => row % 3 && 1,
  "numbers that are not finite": (row) => (row % 401 === 5 ? Infinity : row % 397 === 9 ? NaN : 1),
};

/**
 * Generates random rows, each multiplied by its `factor`. Some rows are one of 40 prototypes with changes in the sixth
 * digit.
 */
function table(numRows: number, dim: number, key: number, factor: (row: number, random: number) => number) {
  const rows = fine(numRows * dim, key);
  const prototypes = fine(40 * dim, key + 1);
  for (let row = 0; row < numRows; row++) {
    const scale = factor(row, draw(key + 2, row) / 2 ** 32);
    const prototype = row % 4 === 0 ? draw(key + 3, row) % 40 : undefined;
    for (let d = 0; d < dim; d++) {
      const at = row * dim + d;
      if (prototype !== undefined) rows[at] = prototypes[prototype * dim + d]! * (1 + 1e-6 * rows[at]!);
      rows[at]! *= scale;
    }
  }
  return rows;
}

describe.each([1, 2, 7, 64, 131, 1024])("lists much shorter than the items, dim %i", (dim) => {
  const [numQueries, numItems, top] = [21, dim > 200 ? 302 : 1005, 3];

  test.each(Object.keys(factors))("are the reference's, bit for bit: %s", async (name) => {
    const factor = factors[name]!;
    const weightings = [
      undefined,
      fine(numItems, 8),
      Float32Array.from({ length: numItems }, (_, i) => (i % 5 === 1 ? -Infinity : i % 7 ? -0 : 0)),
      table(numItems, 1, 9, factor),
    ];
    const queries = table(numQueries, dim, 1, name === "scores beyond f32" ? () => 3e20 : factor);
    const items = table(numItems, dim, 20, factor);
    const [some, none] = [thirdMasked(numQueries, numItems), unmasked(numQueries)];
    for (const weights of weightings) {
      const input = { dim, queries, items, weights, masks: weights ? some : none };
      expect((await searchAll(input, top)).found).toEqual(referenceTopItems(input, top));
    }
  });
});

test.each([0, 0.1])(
  "the bound leaves little more than the items that enter a list, weights of a share %d of the length",
  async (share) => {
    const [dim, numQueries, numItems, top] = [64, 32, 8000, 5];
    const [queries, items] = [fine(numQueries * dim, 1), fine(numItems * dim, 2)];
    const weights = fine(numItems, 3).map((w, i) =>
      i % 10 === 0 ? -Infinity : w * share * Math.sqrt(dim / 3),
    );
    const input = { dim, queries, items, weights, masks: unmasked(numQueries) };
    const { found, numLeft } = await searchAll(input, top);
    expect(found).toEqual(referenceTopItems(input, top));
    // among items in random order, the i-th enters a list with probability top / i; the first 16 * top items are scored
    // without a bound
    const expected = numQueries * top * Math.log(numItems / (16 * top));
    expect(numLeft).toBeGreaterThan(0.5 * expected);
    expect(numLeft).toBeLessThan(2 * expected);
  },
);

test("no item beyond the last one enters a list of negative scores", async () => {
  const [dim, numQueries, numItems, top] = [5, 32, 1001, 3];
  const [queries, items] = [fine(numQueries * dim, 1), fine(numItems * dim, 2)];
  const input = {
    dim,
    queries: queries.map((y) => -Math.abs(y)),
    items: items.map(Math.abs),
    masks: unmasked(numQueries),
  };
  expect((await searchAll(input, top)).found).toEqual(referenceTopItems(input, top));
});

test("where a bound leaves everything, every score is computed", async () => {
  const [dim, numQueries, numItems, top] = [16, 32, 8000, 5];
  const items = new Float32Array(numItems * dim).fill(0.5);
  const input = { dim, queries: fine(numQueries * dim, 1), items, masks: unmasked(numQueries) };
  const { found, numLeft } = await searchAll(input, top);
  expect(found).toEqual(referenceTopItems(input, top));
  expect(numLeft).toBeLessThan((numQueries * numItems) / 4);
});

test("a query of zeros leaves nothing", async () => {
  const [dim, numQueries, numItems] = [16, 32, 4000];
  const input = {
    ...{ dim, queries: new Float32Array(numQueries * dim), items: fine(numItems * dim, 2) },
    masks: unmasked(numQueries),
  };
  const { found, numLeft } = await searchAll(input, 5);
  expect(found).toEqual(referenceTopItems(input, 5));
  expect(numLeft).toBe(0);
});

test("blocks of queries are as large as each other, for any number of threads", () => {
  for (const threads of [1, 2, 3, 16])
    for (const numQueries of [0, 1, 5, 64, 129, 300, 4096, 16_384]) {
      const block = queriesOfBlock(numQueries, threads);
      expect([block % 4, block >= 4, block <= 128]).toEqual([0, true, true]);
      const rounds = Math.ceil(Math.ceil(numQueries / block) / threads);
      expect(rounds).toBe(Math.ceil(numQueries / threads / 128));
    }
});

test("without weights the score is the inner product", async () => {
  const input = {
    dim: 2,
    queries: Float32Array.of(1, 2),
    items: Float32Array.of(1, 0, 0, 1, 3, -1),
    masks: unmasked(1),
  };
  const { items, scores } = (await searchAll(input, 2)).found;
  expect([...items, ...scores]).toEqual([1, 0, 2, 1]);
});

import { kernelImports, loadKernel } from "../shared/load.js";
import { Arena } from "../shared/memory.js";
import { draw } from "../../numeric/random.js";
import { referenceTopItems } from "./reference.js";
import { BLOCK_QUERIES, packItems, SearchRoom, type TopItemsInput, type TopItemsKernel } from "./binding.js";

async function searchAll(input: TopItemsInput, top: number) {
  const arena = new Arena();
  const room = new SearchRoom(arena, input.dim, 1);
  room.layOut(packItems(arena, input), { ...input, top });
  const numAll = input.queries.length / input.dim;
  const module = await loadKernel("top-items");
  const { exports: kernel } = new WebAssembly.Instance<TopItemsKernel>(module, kernelImports(arena.memory));
  for (let first = 0; first < numAll; first += BLOCK_QUERIES)
    kernel.searchBlock(room.search, room.scratches[0]!, first, Math.min(BLOCK_QUERIES, numAll - first));
  return room.results();
}

/** Numbers of few values, so that many scores tie. */
function coarse(length: number, key: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => ((draw(key, i) % 9) - 4) / 4);
}

function fine(length: number, key: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => draw(key, i) / 2 ** 31 - 1);
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
    // query q is masked from every item i with a hash of (q, i) divisible by 3
    const masked = Array.from({ length: numQueries }, (_, q) =>
      Array.from({ length: numItems }, (_, i) => i).filter((i) => draw(q, i) % 3 === 0),
    );
    const indptr = new Uint32Array(numQueries + 1);
    masked.forEach((list, q) => (indptr[q + 1] = indptr[q]! + list.length));
    const weights = numbers(numItems, 3);
    weights[numItems >> 1] = -Infinity;
    const input = {
      dim,
      queries: numbers(numQueries * dim, 1),
      items: numbers(numItems * dim, 2),
      weights,
      masks: { indptr, items: Uint32Array.from(masked.flat()) },
    };
    expect(await searchAll(input, top)).toEqual(referenceTopItems(input, top));
  });
});

test("without weights the score is the inner product", async () => {
  const input = {
    dim: 2,
    queries: Float32Array.of(1, 2),
    items: Float32Array.of(1, 0, 0, 1, 3, -1),
    masks: { indptr: Uint32Array.of(0, 0), items: new Uint32Array() },
  };
  const { items, scores } = await searchAll(input, 2);
  expect([...items, ...scores]).toEqual([1, 0, 2, 1]);
});

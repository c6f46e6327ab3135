import { draw } from "../../../base/numeric/random.js";
import { buildHnsw } from "../../../table/retrieval/hnsw/build.js";
import { linksOf } from "../../../table/retrieval/hnsw/graph.js";
import { searchGraph } from "../../../table/retrieval/hnsw/search.js";
import { batchEnds, type Nearness } from "./binding.js";
import { ReferenceGraph } from "./hnsw.reference.js";

/** Generates numbers with few distinct values, so that many distances tie. */
function coarse(length: number, key: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => ((draw(key, i) % 9) - 4) / 4);
}

function fine(length: number, key: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => draw(key, i) / 2 ** 31 - 1);
}

/** Creates a graph with higher levels than usual at this size, so that every level has several nodes. */
function shapeOf(numNodes: number, dim: number, nearness: Nearness) {
  const levels = Uint8Array.from({ length: numNodes }, (_, i) => Math.min(3, Math.clz32(draw(9, i)) >> 1));
  const order = Uint32Array.from(levels.keys()).sort(
    (a, b) => levels[b]! - levels[a]! || draw(8, a) - draw(8, b) || a - b,
  );
  return { dim, nearness, levels, order, entry: order[0]! };
}

const numbers = { "many ties": coarse, "fine distances": fine };

describe.each([
  [1, 2, 3, 4, "dot"],
  [40, 3, 4, 6, "l2"],
  [700, 4, 4, 20, "dot"],
  [600, 13, 5, 30, "l2"],
  [400, 24, 8, 40, "dot"],
  [300, 66, 12, 40, "dot"],
] as const)("%i nodes of %i numbers, %i links, ef %i, %s", (numNodes, dim, m, efConstruction, nearness) => {
  test.each(Object.entries(numbers))(
    "links and lists are the reference's, bit for bit: %s",
    async (_, numbersOf) => {
      const shape = shapeOf(numNodes, dim, nearness);
      const vectors = numbersOf(numNodes * dim, 1);
      const labels = Uint32Array.from({ length: numNodes }, (_, i) => i);
      const reference = new ReferenceGraph({ ...shape, vectors, m, m0: 2 * m, efConstruction });
      const graph = await buildHnsw({ ...shape, vectors, labels }, { m, efConstruction, threads: 1 });
      const linked = Array.from(shape.levels, (level, node) =>
        Array.from({ length: level + 1 }, (_, l) => [...linksOf(graph, node, l)]),
      );
      expect(linked).toEqual(reference.links.map((rows) => rows.map((row) => row.map(({ node }) => node))));

      // the mask of query q contains a fraction of the nodes that grows with q, up to all nodes
      const queries = numbersOf(20 * dim, 2);
      const masked = Array.from({ length: 20 }, (_, q) =>
        [...labels].filter((node) => draw(q + 30, node) / 2 ** 32 < q / 19),
      );
      const indptr = new Uint32Array(21);
      masked.forEach((list, q) => (indptr[q + 1] = indptr[q]! + list.length));
      const masks = { indptr, items: Uint32Array.from(masked.flat()) };
      for (const [top, ef] of [
        [1, 1],
        [5, 20],
        [30, 30],
      ] as const) {
        const { items, scores } = await searchGraph(graph, queries, { top, ef, masks, threads: 1 });
        expect({ items, scores }).toEqual(reference.search(queries, masks, { top, ef }));
      }
    },
  );
});

test("batches are a fiftieth of what stands, and one node at least", () => {
  const ends = batchEnds(10_000);
  expect([...ends.subarray(0, 3), ...ends.subarray(96, 101)]).toEqual([2, 3, 4, 98, 99, 100, 102, 104]);
  expect(ends.at(-1)).toBe(10_000);
});

test.each([2, 3])("%i threads make the bytes of one", async (threads) => {
  const shape = shapeOf(2000, 16, "dot");
  const input = { ...shape, vectors: fine(2000 * 16, 1), labels: Uint32Array.from(shape.levels.keys()) };
  const built = async (size: number) => {
    const { arena, layout } = await buildHnsw(input, { m: 6, efConstruction: 30, threads: size });
    return [arena.u32(layout.links).slice(), arena.u32(layout.upperLinks).slice()];
  };
  expect(await built(threads)).toEqual(await built(1));
});

// Builds an index for inner products: half of a node's links lead to the nodes with the greatest inner products, half
// to the nodes with the least distances.
//
// The inner product is not a distance. If the lengths of the vectors vary, links by inner products lead to the longest
// vectors only: a search finds the first items of a list but not the others, to which no links lead. Links by distance
// lead to all vectors, but rarely to those with the greatest products. At the same number of links, the mix has a
// higher recall than either kind alone (docs/experiments/index.md).

import { NO_NODE } from "../../kernels/hnsw/binding.js";
import { buildHnsw, type BuildInput, type HnswBuildOptions } from "./build.js";
import { graphOf, unsearched, type HnswGraph } from "./graph.js";

/** Minimum number of links of a node: two that are chosen by inner product, and two by distance. */
export const FEWEST_LINKS = 4;

/**
 * Builds a graph whose links are chosen half by inner product and half by distance. Searches of the graph rank by inner
 * product.
 *
 * @param options.m at least FEWEST_LINKS
 * @throws {UsageError} the vectors and their links exceed 4 GiB
 */
export async function buildMixed(
  input: Omit<BuildInput, "nearness">,
  { m, progress, ...options }: HnswBuildOptions,
): Promise<HnswGraph> {
  const { dim, vectors, labels, levels, order } = input;
  const numNodes = levels.length;
  const byProduct = await linksBy("dot", Math.ceil(m / 2), (n) => progress?.(Math.floor(n / 2)));
  const byDistance = await linksBy("l2", Math.floor(m / 2), (n) =>
    progress?.(Math.floor((numNodes + n) / 2)),
  );

  const { arena, layout } = graphOf(
    { dim, nearness: "dot", m, m0: 2 * m, levels, entry: order[0]! },
    vectors,
  );
  putUnion(arena.u32(layout.links), 2 * m, [byProduct.links, byDistance.links]);
  putUnion(arena.u32(layout.upperLinks), m, [byProduct.upperLinks, byDistance.upperLinks]);
  return unsearched({ arena, layout, labels, efConstruction: options.efConstruction });

  /** Returns a copy of the links, so that the memory of the rest of the graph can be freed. */
  async function linksBy(nearness: "dot" | "l2", half: number, heard: (n: number) => void) {
    const graph = await buildHnsw({ ...input, nearness }, { ...options, m: half, progress: heard });
    const { links, upperLinks } = graph.layout;
    return {
      links: { width: 2 * half, rows: graph.arena.u32(links).slice() },
      upperLinks: { width: half, rows: graph.arena.u32(upperLinks).slice() },
    };
  }
}

/** Lists of links in rows of equal width. NO_NODE terminates a list that does not fill its row. */
interface Rows {
  width: number;
  rows: Uint32Array;
}

/**
 * Writes to each row of `target` the union of the links in the same row of `parts`, without duplicates.
 *
 * @param target u32[n][width], filled with NO_NODE
 */
function putUnion(target: Uint32Array, width: number, parts: readonly Rows[]): void {
  for (let row = 0; row < target.length / width; row++) {
    let end = row * width;
    for (const part of parts) {
      for (let i = 0; i < part.width; i++) {
        const link = part.rows[row * part.width + i]!;
        if (link === NO_NODE) break;
        if (!target.subarray(row * width, end).includes(link)) target[end++] = link;
      }
    }
  }
}

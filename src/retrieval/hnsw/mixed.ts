// Builds an index for inner products: half of a node's links lead to the greatest products, half to the nearest by
// distance.
//
// The inner product is not a distance. If lengths vary, links by products alone lead to the long vectors: the first
// items of a list are found but the others are not, because no links lead to them. Links by distance lead everywhere,
// but rarely to the greatest product. Both together find more than either, with the same number of links
// (docs/experiments/index.md).

import { NO_NODE } from "../../kernels/hnsw/binding.js";
import { buildHnsw, type BuildInput, type HnswBuildOptions } from "./build.js";
import { graphOf, unsearched, type HnswGraph } from "./graph.js";

/** The fewest links, so that each half has two. */
export const FEWEST_LINKS = 4;

/**
 * Links every vector to others by product and by distance; the index is searched by product.
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

  /** Returns the links alone, so that the rest of the graph can be freed. */
  async function linksBy(nearness: "dot" | "l2", half: number, heard: (n: number) => void) {
    const graph = await buildHnsw({ ...input, nearness }, { ...options, m: half, progress: heard });
    const { links, upperLinks } = graph.layout;
    return {
      links: { width: 2 * half, rows: graph.arena.u32(links).slice() },
      upperLinks: { width: half, rows: graph.arena.u32(upperLinks).slice() },
    };
  }
}

/** Rows of links, each terminated by NO_NODE if it is not full. */
interface Rows {
  width: number;
  rows: Uint32Array;
}

/** Writes the union of the links of several rows without duplicates. @param target u32[n][width], filled with NO_NODE */
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

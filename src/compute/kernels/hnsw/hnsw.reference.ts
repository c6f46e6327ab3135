// A graph of nearest neighbors, built and searched by plain code: the definition of correct for assembly/, bit for bit.

import type { ItemLists, TopItems } from "../top-items/binding.js";
import { batchEnds, NO_NODE, WIDEST, type GraphShape } from "./binding.js";

interface Near {
  node: number;
  distance: number;
}

/** `checked` if it was selected with the other checked links of its row, which are far enough apart. */
interface Link extends Near {
  checked: boolean;
}

/** Vectors and options for building a graph. */
export interface ReferenceInput extends GraphShape {
  /** f32[n * dim] */
  vectors: Float32Array;
  /** nodes in the order in which they are added, u32[n] */
  order: Uint32Array;
  efConstruction: number;
}

const { fround } = Math;

const sums = new Float32Array(8);

const byDistance = (a: Near, b: Near) => a.distance - b.distance || a.node - b.node;

/**
 * Returns the distance of two vectors. For each d below 8, an f32 sum over dimensions d, d + 8, ... is made, then the
 * eight sums are added in pairs; if the number of dimensions is not a multiple of 8, the last four are added to the
 * first four sums.
 */
function distanceOf({ dim, nearness }: GraphShape, x: Float32Array, y: Float32Array): number {
  sums.fill(0);
  const stride = Math.ceil(dim / 4) * 4;
  for (let d = 0; d < dim; d++) {
    const lane = d >= stride - (stride % 8) ? d % 4 : d % 8;
    const difference = fround(x[d]! - y[d]!);
    sums[lane]! += nearness === "l2" ? fround(difference * difference) : fround(x[d]! * y[d]!);
  }
  const four = (i: number) => fround(sums[i]! + sums[i + 4]!);
  const sum = fround(fround(four(0) + four(2)) + fround(four(1) + four(3)));
  return nearness === "l2" ? sum : 0 - sum;
}

export class ReferenceGraph {
  readonly #input: ReferenceInput;
  /** links[node][level] */
  readonly links: Link[][][];

  constructor(input: ReferenceInput) {
    this.#input = input;
    const { levels, order } = input;
    this.links = Array.from(levels, (level) => Array.from({ length: level + 1 }, () => []));
    let first = 1;
    for (const last of batchEnds(order.length)) {
      const batch = order.subarray(first, last);
      // all nodes of a batch search the graph as it was before the batch
      const chosen = Array.from(batch, (node) => this.#choices(node));
      batch.forEach((node, i) => (this.links[node] = chosen[i]!));
      batch.forEach((node) => this.#linkBack(node));
      first = last;
    }
  }

  #choices(node: number): Link[][] {
    const { levels, entry, m, efConstruction } = this.#input;
    const x = this.#vector(node);
    const top = levels[node]!;
    let start = this.#descend(x, entry, top);
    const links: Link[][] = [];
    for (let level = top; level >= 0; level--) {
      const found = this.#walk(x, start, level, efConstruction);
      start = found[0]!.node;
      links[level] =
        found.length < m
          ? found.map((near) => ({ ...near, checked: false }))
          : this.#choose(
              found.map((near) => ({ ...near, checked: false })),
              m,
            );
    }
    return links;
  }

  /** Selects at most `most` links, nearest first; skips a link that is nearer to a selected one than to the node. */
  #choose(sorted: Link[], most: number): Link[] {
    const kept: Link[] = [];
    for (const link of sorted) {
      if (kept.length === most) break;
      const isCovered = kept.some(
        (other) =>
          !(link.checked && other.checked) &&
          distanceOf(this.#input, this.#vector(link.node), this.#vector(other.node)) < link.distance,
      );
      if (!isCovered) kept.push(link);
    }
    return kept.map((link) => ({ ...link, checked: true }));
  }

  #linkBack(node: number): void {
    const { m, m0 } = this.#input;
    this.links[node]!.forEach((row, level) => {
      for (const { node: target, distance } of row) {
        const most = level === 0 ? m0 : m;
        const links = this.links[target]!;
        const all = [...links[level]!, { node, distance, checked: false }];
        links[level] = all.length <= most ? all : this.#choose(all.toSorted(byDistance), most);
      }
    });
  }

  #descend(x: Float32Array, entry: number, level: number): number {
    let node = entry;
    for (let above = this.#input.levels[entry]!; above > level; above--)
      node = this.#walk(x, node, above, 1)[0]!.node;
    return node;
  }

  /** Returns the `ef` nearest nodes found, by visiting the neighbors of the nearest node that has not been expanded. */
  #walk(x: Float32Array, start: number, level: number, ef: number): Near[] {
    const near = (node: number): Near => ({
      node,
      distance: distanceOf(this.#input, x, this.#vector(node)),
    });
    const found = [near(start)];
    const seen = new Set([start]);
    const expanded = new Set<number>();
    for (;;) {
      const next = found.find(({ node }) => !expanded.has(node));
      if (!next) return found;
      expanded.add(next.node);
      for (const { node } of this.links[next.node]![level]!) {
        if (seen.has(node)) continue;
        seen.add(node);
        const other = near(node);
        const at = found.findLastIndex((each) => byDistance(each, other) < 0) + 1;
        found.splice(at, 0, other);
        if (found.length > ef) found.pop();
      }
    }
  }

  #vector(node: number): Float32Array {
    const { dim, vectors } = this.#input;
    return vectors.subarray(node * dim, (node + 1) * dim);
  }

  /** Returns the nearest nodes of each query that its mask does not contain; labels are the node numbers. */
  search(queries: Float32Array, masks: ItemLists, { top, ef }: { top: number; ef: number }): TopItems {
    const { dim, entry, levels } = this.#input;
    const numQueries = queries.length / dim;
    const items = new Uint32Array(numQueries * top).fill(NO_NODE);
    const scores = new Float32Array(numQueries * top).fill(-Infinity);
    for (let q = 0; q < numQueries; q++) {
      const x = queries.subarray(q * dim, (q + 1) * dim);
      const masked = new Set(masks.items.subarray(masks.indptr[q], masks.indptr[q + 1]));
      const start = this.#descend(x, entry, 0);
      const unmasked = (width: number) => {
        const found = this.#walk(x, start, 0, width);
        const left = found.filter(({ node }) => !masked.has(node)).slice(0, top);
        return { left, isWhole: found.length < width };
      };
      const enough = masked.size === 0 ? Math.min(top, levels.length) : top;
      let width = ef;
      let { left, isWhole } = unmasked(width);
      while (left.length < enough && width < WIDEST && !isWhole) {
        width = Math.min(4 * width, WIDEST);
        ({ left, isWhole } = unmasked(width));
      }
      if (left.length < enough)
        left = Array.from(levels, (_, node) => ({
          node,
          distance: distanceOf(this.#input, x, this.#vector(node)),
        }))
          .filter(({ node }) => !masked.has(node))
          .sort(byDistance)
          .slice(0, top);
      left.forEach(({ node, distance }, rank) => {
        items[q * top + rank] = node;
        scores[q * top + rank] = 0 - distance;
      });
    }
    return { items, scores };
  }
}

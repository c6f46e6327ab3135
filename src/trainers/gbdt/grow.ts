// One tree, grown by all threads at once.
//
//   scores ─► gradients ─► integers ─► root histogram ─► best split of the root
//   repeat: the leaf of the greatest gain ─► its rows to two sides ─► the smaller side's histogram ─► the larger's by
//           subtraction ─► best split of both
//   leaves' values from f64 sums ─► scores
//
// Every thread runs this function over the shared memory and takes the same decisions from the same numbers; rows are cut
// among threads for the sums, features for the searches. Sums of integers do not depend on how rows are cut, sides keep the
// rows' order, and f64 sums are made by blocks of 4,096 rows of a leaf: the same bytes at any number of threads.
//
// Source: Ke et al. 2017 (LightGBM); best-first growth: Shi 2007.

import {
  BLOCK_ROWS,
  CELL_BYTES,
  splitOptionWords,
  type GbdtKernel,
  type GbdtLayout,
  type SplitOptions,
} from "../../kernels/gbdt.js";
import { scalesOf } from "./scales.js";

export interface GrowOptions extends SplitOptions {
  learningRate: number;
  numLeaves: number;
  /** levels at most; 0 for any number */
  maxDepth: number;
  /** which leaf is split next: that of the greatest gain, or of the least depth */
  grow: "leaf" | "depth";
  squared: boolean;
}

export interface GrowTask {
  options: GrowOptions;
  /** rows of the sample in `bag`; undefined for all */
  bagged?: number;
  /** by feature, whether it may split; undefined for all */
  features?: Uint8Array;
}

/** A split of the tree, in bins. */
export interface GrownNode {
  feature: number;
  gain: number;
  left: number;
  right: number;
  /** numbers: bins up to it go left */
  bin: number;
  missingLeft: boolean;
  /** categories: u8 by bin */
  goesLeft?: Uint8Array;
}

/** The tree in bins; sums are of unquantised gradients. */
export interface GrownTree {
  nodes: GrownNode[];
  leaves: { value: number; sumG: number; sumH: number; count: number }[];
}

/** Sum of |g| or of h is not finite. */
export type Grown = GrownTree | "diverged";

interface Split {
  feature: number;
  gain: number;
  bin: number;
  flag: boolean;
  leftCount: number;
  goesLeft?: Uint8Array;
}

interface GrowingLeaf {
  begin: number;
  end: number;
  depth: number;
  /** which histogram */
  slot: number;
  split?: Split;
  /** what its parent's split adds to lambdaL2 */
  moreL2: number;
  /** node and side that point to it */
  parent?: GrownNode;
  side: "left" | "right";
}

/** What one thread needs. */
export class Grower {
  readonly #kernel: GbdtKernel;
  readonly #layout: GbdtLayout;
  readonly #index: number;
  readonly #buffer: SharedArrayBuffer;

  constructor(kernel: GbdtKernel, layout: GbdtLayout, index: number, buffer: SharedArrayBuffer) {
    this.#kernel = kernel;
    this.#layout = layout;
    this.#index = index;
    this.#buffer = buffer;
  }

  /** Grows a tree from the scores and adds its values to them. */
  grow({ options, bagged, features }: GrowTask): Grown {
    const count = bagged ?? this.#layout.numTrain;
    if (!this.#prepare(options, count, bagged !== undefined)) return "diverged";
    const leaves: GrowingLeaf[] = [{ begin: 0, end: count, depth: 0, slot: 0, moreL2: 0, side: "left" }];
    const nodes: GrownNode[] = [];
    this.#search(leaves[0]!, undefined, options, features);
    while (leaves.length < options.numLeaves) {
      const chosen = nextLeaf(leaves, options.grow);
      if (chosen === undefined) break;
      const leaf = leaves[chosen]!;
      const { node, right } = this.#split(leaf, chosen, leaves.length, nodes.length, options);
      nodes.push(node);
      leaves.push(right);
      if (leaves.length < options.numLeaves) this.#search(leaf, right, options, features);
    }
    return { nodes, leaves: this.#finish(nodes, leaves, options, bagged !== undefined) };
  }

  /** Gradients, their integers, and all rows in one leaf. @returns whether all sums are finite */
  #prepare(options: GrowOptions, count: number, bagged: boolean): boolean {
    const { scores, labels, weights, pairs, cells, numTrain, sums, order, bag } = this.#layout;
    for (const { first, n, block } of this.#blocks(0, numTrain)) {
      const own = weights === 0 ? 0 : weights + 4 * first;
      this.#kernel.gradients(
        scores + 4 * first,
        labels + 4 * first,
        own,
        pairs + 8 * first,
        n,
        options.squared,
        sums + 16 * block,
      );
    }
    this.#meet();
    const [sumG, sumH] = this.#sumOf(0, Math.ceil(numTrain / BLOCK_ROWS));
    if (!Number.isFinite(sumG) || !Number.isFinite(sumH)) return false;
    const { scaleG, scaleH } = scalesOf(sumG, sumH);
    for (const { first, n } of this.#blocks(0, numTrain)) {
      this.#kernel.quantise(pairs + 8 * first, cells + CELL_BYTES * first, n, scaleG, scaleH);
    }
    const [from, to] = this.#share(0, count);
    const rows = this.#u32(order, count);
    if (bagged) rows.set(this.#u32(bag, count).subarray(from, to), from);
    else for (let i = from; i < to; i++) rows[i] = i;
    new Float64Array(this.#buffer, this.#layout.options, 12).set(splitOptionWords(options, scaleG, scaleH));
    this.#meet();
    return true;
  }

  /** Finds the best splits of a leaf, or of both sides of a split; the left side has its parent's histogram. */
  #search(
    left: GrowingLeaf,
    right: GrowingLeaf | undefined,
    options: GrowOptions,
    features: Uint8Array | undefined,
  ): void {
    const both = right ? [left, right] : [left];
    const open = both.map((leaf) => canSplit(leaf, options));
    for (const leaf of both) delete leaf.split;
    if (!open.includes(true)) return;
    const [smaller, larger] = right && sizeOf(right) < sizeOf(left) ? [right, left] : [left, right];
    if (larger) {
      // the parent's histogram becomes the larger side's
      const { slot } = left;
      smaller.slot = right!.slot;
      larger.slot = slot;
    }
    this.#addRows(smaller);
    this.#meet();
    const { places } = this.#layout;
    for (let f = this.#index; f < places.length; f += this.#layout.numThreads) {
      this.#merge(f, smaller, larger);
      if (features && features[f] === 0) continue;
      both.forEach((leaf, which) => open[which] && this.#searchFeature(f, leaf, which));
    }
    this.#meet();
    both.forEach((leaf, which) => {
      const split = open[which] ? this.#bestOf(which, features) : undefined;
      if (split) leaf.split = split;
    });
  }

  /** Adds this thread's share of a leaf's rows to its own histogram. */
  #addRows({ begin, end }: GrowingLeaf): void {
    const { order, bins, stride, numNarrow, wideCells, numWide, cells, partials, numCells } = this.#layout;
    const room = this.#scratch();
    const out = partials + this.#index * numCells * CELL_BYTES;
    const [from, to] = this.#share(begin, end);
    for (let at = from; at < to; at += BLOCK_ROWS) {
      const n = Math.min(BLOCK_ROWS, to - at);
      this.#kernel.histogram(
        order + 4 * at,
        n,
        bins,
        stride,
        numNarrow,
        wideCells,
        numWide,
        cells,
        room,
        out,
      );
    }
  }

  /** Sums the threads' histograms of a feature, and subtracts them from the parent's. */
  #merge(f: number, smaller: GrowingLeaf, larger: GrowingLeaf | undefined): void {
    const { places, partials, numThreads, numCells: apart } = this.#layout;
    const { cell, numCells } = places[f]!;
    const own = this.#histogramOf(smaller) + cell * CELL_BYTES;
    this.#kernel.addHistograms(partials + cell * CELL_BYTES, numThreads, apart * CELL_BYTES, own, numCells);
    if (larger) this.#kernel.subtractHistogram(this.#histogramOf(larger) + cell * CELL_BYTES, own, numCells);
  }

  #searchFeature(f: number, leaf: GrowingLeaf, which: number): void {
    const { places, options, splits, lefts, numCells } = this.#layout;
    const place = places[f]!;
    const cells = this.#histogramOf(leaf) + place.cell * CELL_BYTES;
    const out = splits + 32 * (which * places.length + f);
    if (!place.categorical) {
      this.#kernel.bestNumeric(cells, place.numCells - 1, options, out);
      return;
    }
    const left = lefts + which * numCells + place.cell;
    this.#kernel.bestCategorical(cells, place.numCells, options, this.#scratch(), left, out);
  }

  /** The best of all features; of equal gains the first feature's. */
  #bestOf(which: number, features: Uint8Array | undefined): Split | undefined {
    const { places, splits, lefts, numCells } = this.#layout;
    const gains = new Float64Array(this.#buffer, splits + 32 * which * places.length, 4 * places.length);
    let best = -1;
    for (let f = 0; f < places.length; f++) {
      if (features && features[f] === 0) continue;
      if (gains[4 * f]! > (best < 0 ? 0 : gains[4 * best]!)) best = f;
    }
    if (best < 0) return undefined;
    const words = this.#u32(splits + 32 * (which * places.length + best), 8);
    const { categorical, cell, numCells: own } = places[best]!;
    return {
      feature: best,
      gain: gains[4 * best]!,
      bin: words[2]!,
      flag: words[3] === 1,
      leftCount: words[4]!,
      ...(categorical && {
        goesLeft: new Uint8Array(this.#buffer, lefts + which * numCells + cell, own).slice(),
      }),
    };
  }

  /** Sends a leaf's rows to two sides: the leaf becomes the left one, the right one is new. */
  #split(
    leaf: GrowingLeaf,
    number: number,
    rightNumber: number,
    nodeNumber: number,
    options: GrowOptions,
  ): { node: GrownNode; right: GrowingLeaf } {
    const { feature, gain, bin, flag, leftCount, goesLeft } = leaf.split!;
    const node: GrownNode = {
      feature,
      gain,
      left: ~number,
      right: ~rightNumber,
      bin,
      missingLeft: goesLeft === undefined && flag,
      ...(goesLeft && { goesLeft }),
    };
    if (leaf.parent) leaf.parent[leaf.side] = nodeNumber;
    this.#partition(leaf, this.#tableOf(node, nodeNumber), feature);
    const middle = leaf.begin + leftCount;
    const moreL2 = goesLeft !== undefined && flag ? options.catL2 : 0;
    const depth = leaf.depth + 1;
    const right: GrowingLeaf = {
      begin: middle,
      end: leaf.end,
      depth,
      slot: rightNumber,
      moreL2,
      parent: node,
      side: "right",
    };
    Object.assign(leaf, { end: middle, depth, moreL2, parent: node, side: "left" });
    return { node, right };
  }

  /** Which bins go left, as a table; every thread writes the same. */
  #tableOf({ feature, bin, missingLeft, goesLeft }: GrownNode, number: number): number {
    const { tables, tableBytes, places } = this.#layout;
    const at = tables + number * tableBytes;
    const table = new Uint8Array(this.#buffer, at, tableBytes);
    if (goesLeft) table.set(goesLeft);
    else {
      const missing = places[feature]!.numCells - 1;
      table.fill(1, 0, bin + 1);
      table.fill(0, bin + 1, missing);
      table[missing] = missingLeft ? 1 : 0;
    }
    return at;
  }

  /** Moves a leaf's rows so that those of the left side stand first, each side in the rows' order. */
  #partition({ begin, end }: GrowingLeaf, table: number, feature: number): void {
    const { order, columns, places, left, right, counts, numThreads } = this.#layout;
    const { wide } = places[feature]!;
    const [from, to] = this.#share(begin, end);
    let [l, r] = [from, from];
    for (let at = from; at < to; at += BLOCK_ROWS) {
      const n = Math.min(BLOCK_ROWS, to - at);
      const goes = this.#kernel.partition(
        order + 4 * at,
        n,
        columns[feature]!,
        wide,
        table,
        left + 4 * l,
        right + 4 * r,
      );
      l += goes;
      r += n - goes;
    }
    const numLeft = this.#u32(counts, numThreads);
    numLeft[this.#index] = l - from;
    this.#meet();

    // the threads' sides one after another
    let [toLeft, toRight] = [begin, begin];
    for (let t = 0; t < numThreads; t++) toRight += numLeft[t]!;
    for (let t = 0; t < this.#index; t++) {
      const [a, b] = this.#share(begin, end, t);
      toLeft += numLeft[t]!;
      toRight += b - a - numLeft[t]!;
    }
    const rows = this.#u32(order, end);
    rows.set(this.#u32(left, l).subarray(from, l), toLeft);
    rows.set(this.#u32(right, r).subarray(from, r), toRight);
    this.#meet();
  }

  /** Values of the leaves from f64 sums of their rows' gradients, added to the scores of all rows. */
  #finish(
    nodes: GrownNode[],
    leaves: GrowingLeaf[],
    { lambdaL1, lambdaL2, learningRate }: GrowOptions,
    bagged: boolean,
  ): GrownTree["leaves"] {
    const { order, pairs, sums, scores, values, numTrain, numRows } = this.#layout;
    let block = 0;
    const starts = leaves.map(({ begin, end }) => {
      for (const part of this.#blocks(begin, end, block)) {
        this.#kernel.leafSums(order + 4 * part.first, part.n, pairs, sums + 16 * part.block);
      }
      const start = block;
      block += Math.ceil((end - begin) / BLOCK_ROWS);
      return start;
    });
    if (this.#index === 0) this.#writeNodes(nodes);
    this.#meet();
    const valueOf = new Float64Array(this.#buffer, values, leaves.length);
    const finished = leaves.map((leaf, i) => {
      const count = sizeOf(leaf);
      const [sumG, sumH] = this.#sumOf(starts[i]!, Math.ceil(count / BLOCK_ROWS));
      // a tree without a split changes nothing
      const l2 = lambdaL2 + leaf.moreL2;
      const value = nodes.length === 0 ? 0 : learningRate * leafValue(sumG, sumH, lambdaL1, l2);
      valueOf[i] = value;
      return { value, sumG, sumH, count };
    });
    if (!bagged) {
      leaves.forEach(({ begin, end }, i) => {
        for (const { first, n } of this.#blocks(begin, end, starts[i])) {
          this.#kernel.addValue(order + 4 * first, n, scores, finished[i]!.value);
        }
      });
    }
    this.#walk(bagged ? 0 : numTrain, numRows, nodes.length);
    this.#meet();
    return finished;
  }

  /** Nodes as `walk` reads them. */
  #writeNodes(nodes: readonly GrownNode[]): void {
    const { nodes: at, places } = this.#layout;
    const words = new Int32Array(this.#buffer, at, 4 * nodes.length);
    nodes.forEach(({ feature, left, right }, i) => {
      const { byte, wide } = places[feature]!;
      words.set([byte, wide ? 1 : 0, left, right], 4 * i);
    });
  }

  /** Sends rows that no leaf holds down the tree. */
  #walk(begin: number, end: number, numNodes: number): void {
    const { bins, stride, nodes, tables, tableBytes, values, scores } = this.#layout;
    if (numNodes === 0) return;
    for (const { first, n } of this.#blocks(begin, end)) {
      this.#kernel.walk(
        bins + first * stride,
        n,
        stride,
        nodes,
        tables,
        tableBytes,
        values,
        scores + 4 * first,
      );
    }
  }

  /** Losses of rows by blocks: this thread's, in the blocks' order. */
  losses(begin: number, end: number, squared: boolean): number[] {
    const { scores, labels, weights } = this.#layout;
    return [...this.#blocks(begin, end)].map(({ first, n }) =>
      this.#kernel.losses(
        scores + 4 * first,
        labels + 4 * first,
        weights === 0 ? 0 : weights + 4 * first,
        n,
        squared,
      ),
    );
  }

  /** This thread's blocks of rows begin .. end - 1; they are numbered from `start`. */
  *#blocks(begin: number, end: number, start = 0): Generator<{ first: number; n: number; block: number }> {
    const { numThreads } = this.#layout;
    let block = start + ((this.#index - (start % numThreads) + numThreads) % numThreads);
    for (; ; block += numThreads) {
      const first = begin + (block - start) * BLOCK_ROWS;
      if (first >= end) return;
      yield { first, n: Math.min(BLOCK_ROWS, end - first), block };
    }
  }

  /** The consecutive rows of a thread. */
  #share(begin: number, end: number, index = this.#index): [from: number, to: number] {
    const { numThreads } = this.#layout;
    const at = (t: number) => begin + Math.floor(((end - begin) * t) / numThreads);
    return [at(index), at(index + 1)];
  }

  /** The sum of blocks' sums, in their order. */
  #sumOf(first: number, count: number): [sumG: number, sumH: number] {
    const sums = new Float64Array(this.#buffer, this.#layout.sums + 16 * first, 2 * count);
    let [sumG, sumH] = [0, 0];
    for (let b = 0; b < count; b++) {
      sumG += sums[2 * b]!;
      sumH += sums[2 * b + 1]!;
    }
    return [sumG, sumH];
  }

  #scratch(): number {
    return this.#layout.scratch + this.#index * this.#layout.scratchBytes;
  }

  #histogramOf({ slot }: GrowingLeaf): number {
    return this.#layout.histograms + slot * this.#layout.numCells * CELL_BYTES;
  }

  #u32(at: number, length: number): Uint32Array {
    return new Uint32Array(this.#buffer, at, length);
  }

  #meet(): void {
    const { barrier, numThreads } = this.#layout;
    if (!this.#kernel.meet(barrier, numThreads)) throw new Error("the training was ended");
  }
}

/** -T(G) / (H + l2), T as in gain.ts: the step that gains most. */
export function leafValue(g: number, h: number, l1: number, l2: number): number {
  const t = Math.sign(g) * Math.max(0, Math.abs(g) - l1);
  return h + l2 > 0 ? -t / (h + l2) : 0;
}

/** The number of the leaf to split; undefined when none gains. */
function nextLeaf(leaves: readonly GrowingLeaf[], grow: GrowOptions["grow"]): number | undefined {
  let best: number | undefined;
  leaves.forEach(({ split, depth }, i) => {
    if (!split) return;
    const other = best === undefined ? undefined : leaves[best]!;
    const shallower = grow === "depth" && other !== undefined && depth !== other.depth;
    if (!other || (shallower ? depth < other.depth : split.gain > other.split!.gain)) best = i;
  });
  return best;
}

function canSplit(leaf: GrowingLeaf, { minDataInLeaf, maxDepth }: GrowOptions): boolean {
  return sizeOf(leaf) >= 2 * minDataInLeaf && (maxDepth === 0 || leaf.depth < maxDepth);
}

function sizeOf({ begin, end }: GrowingLeaf): number {
  return end - begin;
}

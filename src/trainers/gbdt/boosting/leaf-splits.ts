// Finds the best splits of leaves: threads sum histograms of their rows, and search each feature.
//
//   the smaller side's rows ─► a histogram per thread ─► their sum ─► its best split
//   the parent's histogram minus that sum ──────────────────────────► the larger side's best split

import { CELL_BYTES, MARK, Split } from "../../../compute/kernels/gbdt/binding.js";
import { getField } from "../../../compute/kernels/shared/struct.js";
import { sizeOf, type GrowingLeaf, type GrownSplit as Found } from "./growing-tree.js";
import type { GbdtOptions } from "../options.js";
import type { OwnShare } from "./thread-share.js";

export type LeafLimits = Pick<GbdtOptions, "minDataInLeaf" | "maxDepth">;

interface SearchedLeaves {
  both: readonly GrowingLeaf[];
  /** whether each of the searched leaves may be split */
  open: readonly boolean[];
  /** the leaf whose histogram is computed from its rows; the root if there is only one leaf */
  smaller: GrowingLeaf;
  /** the leaf whose histogram is computed as that of the parent minus that of `smaller` */
  larger?: GrowingLeaf;
}

/**
 * Searches a leaf, or both sides of a split; the left side starts with its parent's histogram.
 *
 * @param pairs byte offset of the gradients of the tree's class
 * @param features by feature, whether the tree may split on it; undefined for all
 */
export function findSplits(
  share: OwnShare,
  pairs: number,
  left: GrowingLeaf,
  right: GrowingLeaf | undefined,
  limits: LeafLimits,
  features: Uint8Array | undefined,
): void {
  const sides = sidesOf(left, right, limits);
  if (!sides) return;
  const { begin, end, isWhole } = sides.smaller;
  const size = share.pieceOf(end - begin);
  const { order } = share.layout;
  beginRows(share);
  share.take(Math.ceil((end - begin) / size), (piece) => {
    const at = begin + piece * size;
    const n = Math.min(size, end - at);
    // if `isWhole`, the leaf's rows are begin .. end - 1, so that no list of row numbers is needed
    if (isWhole) addRows(share, 0, n, pairs, at);
    else addRows(share, order + 4 * at, n, pairs);
  });
  share.barrier();
  share.take(share.layout.places.length, (f) => searchAll(share, f, sides, features));
  share.barrier();
  takeBest(share, sides, features);
}

/** Undefined if neither leaf may be split. Deletes the splits that were found for both earlier. */
export function sidesOf(
  left: GrowingLeaf,
  right: GrowingLeaf | undefined,
  limits: LeafLimits,
): SearchedLeaves | undefined {
  const both = right ? [left, right] : [left];
  const open = both.map((leaf) => canSplit(leaf, limits));
  for (const leaf of both) delete leaf.split;
  if (!open.includes(true)) return undefined;
  if (!right) return { both, open, smaller: left };
  const [smaller, larger] = sizeOf(right) < sizeOf(left) ? [right, left] : [left, right];
  // the histogram of the leaf with more rows is written in place of the parent's histogram
  const { slot } = left;
  smaller.slot = right.slot;
  larger.slot = slot;
  return { both, open, smaller, larger };
}

function canSplit(leaf: GrowingLeaf, { minDataInLeaf, maxDepth }: LeafLimits): boolean {
  return sizeOf(leaf) >= 2 * minDataInLeaf && (maxDepth === 0 || leaf.depth < maxDepth);
}

export function beginRows(share: OwnShare): void {
  share.u32(share.layout.marks + MARK * share.index, 1)[0] = 0;
}

/** @param order address of at most BLOCK_ROWS row numbers; 0 for consecutive rows from `first` */
export function addRows(share: OwnShare, order: number, n: number, pairs: number, first = 0): void {
  if (n === 0) return;
  const { bins, stride, numNarrow, wideCells, numWide, options, partials, numCells } = share.layout;
  share.u32(share.layout.marks + MARK * share.index, 1)[0] = 1;
  const out = partials + share.index * numCells * CELL_BYTES;
  const [own, pairsOf] = [bins + stride * first, pairs + 8 * first];
  const { scratch, kernel } = share;
  kernel.histogram(order, n, own, stride, numNarrow, wideCells, numWide, pairsOf, options, scratch, out);
}

export function searchAll(
  share: OwnShare,
  f: number,
  { both, open, smaller, larger }: SearchedLeaves,
  features: Uint8Array | undefined,
): void {
  merge(share, f, smaller, larger);
  if (features && features[f] === 0) return;
  both.forEach((leaf, which) => open[which] && searchFeature(share, f, leaf, which));
}

/** Called after all features have been searched. */
export function takeBest(
  share: OwnShare,
  { both, open }: SearchedLeaves,
  features: Uint8Array | undefined,
): void {
  both.forEach((leaf, which) => {
    const split = open[which] ? bestOf(share, leaf, which, features) : undefined;
    if (split) leaf.split = split;
  });
}

function merge(share: OwnShare, f: number, smaller: GrowingLeaf, larger: GrowingLeaf | undefined): void {
  const { kernel, layout, numThreads } = share;
  const { places, partials, numCells: apart } = layout;
  const { cell, numCells } = places[f]!;
  const own = histogramOf(share, smaller) + cell * CELL_BYTES;
  const parts = partials + cell * CELL_BYTES;
  kernel.addHistograms(parts, numThreads, apart * CELL_BYTES, layout.marks, own, numCells);
  if (larger) kernel.subtractHistogram(histogramOf(share, larger) + cell * CELL_BYTES, own, numCells);
}

function searchFeature(share: OwnShare, f: number, leaf: GrowingLeaf, which: number): void {
  const { places, options, splits, lefts, numCells } = share.layout;
  const place = places[f]!;
  const cells = histogramOf(share, leaf) + place.cell * CELL_BYTES;
  const out = splits + Split.size * (which * places.length + f);
  if (!place.categorical) {
    share.kernel.numericGain(cells, place.numCells - 1, options, out);
    return;
  }
  const left = lefts + which * numCells + place.cell;
  share.kernel.bestCategorical(cells, place.numCells, options, share.scratch, left, out);
}

/** Of splits with equal gains, that of the first feature. */
function bestOf(
  share: OwnShare,
  leaf: GrowingLeaf,
  which: number,
  features: Uint8Array | undefined,
): Found | undefined {
  const { places, splits, lefts, numCells, options } = share.layout;
  const placeOf = (f: number) => splits + Split.size * (which * places.length + f);
  const apart = Split.size / 8;
  const gains = share.f64(placeOf(0) + Split.fields.gain[1], places.length * apart);
  let [best, bestGain] = [-1, 0];
  for (let f = 0; f < places.length; f++) {
    if (features && features[f] === 0) continue;
    const gain = gains[f * apart]!;
    if (gain > bestGain) [best, bestGain] = [f, gain];
  }
  if (best < 0) return undefined;
  const { categorical, cell, numCells: own } = places[best]!;
  // the search of numeric features returned only the gain; each thread computes the same split in its scratch memory
  const found = categorical ? placeOf(best) : share.scratch;
  if (!categorical) {
    const cells = histogramOf(share, leaf) + cell * CELL_BYTES;
    share.kernel.bestNumeric(cells, own - 1, options, found);
  }
  const field = (name: keyof typeof Split.fields) => getField(share, Split, found, name);
  return {
    feature: best,
    gain: bestGain,
    bin: field("threshold"),
    flag: field("flag") === 1,
    leftCount: field("numLeft"),
    left: { sumG: field("leftG"), sumH: field("leftH") },
    right: { sumG: field("rightG"), sumH: field("rightH") },
    goesLeft: categorical
      ? new Uint8Array(share.buffer, lefts + which * numCells + cell, own).slice()
      : undefined,
  };
}

function histogramOf({ layout }: OwnShare, { slot }: GrowingLeaf): number {
  return layout.histograms + slot * layout.numCells * CELL_BYTES;
}

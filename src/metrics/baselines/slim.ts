// SLIM: sparse nonnegative weights with which the events of other items reproduce the events of each item best.
//
//   min over w >= 0 of  1/2 |a_j - A w|^2 + l2/2 |w|^2 + l1 |w|_1          a_j  the users of item j, 0 and 1
//
// solved by coordinate descent on the residual r = a_j - A w: with  g = sum of r_v over the users of i + c_i w_i,
//
//   w_i = max(0, g - l1) / (c_i + l2)
//
// where i is one of the 50 items nearest to j by cosine (fsSLIM). l1 and l2 are selected on the training part
// (item-weights.ts).
//
// Source: Ning and Karypis 2011 (doi:10.1109/ICDM.2011.134), eq. 3 and section V.C; the update is that of Friedman et
// al. 2010 (doi:10.18637/jss.v033.i01), eq. 5.

import {
  cosineColumns,
  type ItemColumns,
  type ItemEvents,
  itemModelBaseline,
  type ItemModel,
} from "./item-weights.js";

interface Setting {
  l1: number;
  l2: number;
}

const CANDIDATES = 50;
const MOST_SWEEPS = 20;
/** Convergence threshold: sweeps end when no weight has changed by more than this. */
const TOLERANCE = 1e-3;

export const slim: ItemModel<Setting> = {
  name: "slim",
  grid: [0.02, 0.1, 0.5].flatMap((l1) => [10, 50, 200].map((l2) => ({ l1, l2 }))),
  textOf: ({ l1, l2 }) => `L1 ${l1}, L2 ${l2}`,
  columnsOf: ({ l1, l2 }) => `${l1} ${l2}`,
  columns: async (events, setting, pause) =>
    await fitSlim(events, await candidatesOf(events, pause), setting, pause),
  view: () => ({}),
};

export const baseline = itemModelBaseline(slim);

const candidates = new WeakMap<ItemEvents, Promise<ItemColumns>>();

function candidatesOf(events: ItemEvents, pause: () => Promise<void>): Promise<ItemColumns> {
  let found = candidates.get(events);
  if (!found) candidates.set(events, (found = cosineColumns(events, CANDIDATES, 0, pause)));
  return found;
}

/** For each item, the weights of its candidates. Exported for tests. */
export async function fitSlim(
  { users, owners, counts }: ItemEvents,
  near: ItemColumns,
  { l1, l2 }: Setting,
  pause: () => Promise<void>,
): Promise<ItemColumns> {
  const numItems = counts.length;
  const residual = new Float64Array(users.indptr.length - 1);
  const indptr = new Uint32Array(numItems + 1);
  const items: number[] = [];
  const weights: number[] = [];
  const addTo = (i: number, much: number) => {
    for (let o = owners.indptr[i]!; o < owners.indptr[i + 1]!; o++) residual[owners.items[o]!]! += much;
  };
  for (let j = 0; j < numItems; j++) {
    if (j % 256 === 0) await pause();
    const from = near.indptr[j]!;
    const w = new Float64Array(near.indptr[j + 1]! - from);
    addTo(j, 1);
    for (let sweep = 0, moved = Infinity; sweep < MOST_SWEEPS && moved > TOLERANCE; sweep++) {
      moved = 0;
      for (let c = 0; c < w.length; c++) {
        const i = near.items[from + c]!;
        let g = counts[i]! * w[c]!;
        for (let o = owners.indptr[i]!; o < owners.indptr[i + 1]!; o++) g += residual[owners.items[o]!]!;
        const step = Math.max(0, g - l1) / (counts[i]! + l2) - w[c]!;
        if (step === 0) continue;
        w[c]! += step;
        addTo(i, -step);
        moved = Math.max(moved, Math.abs(step));
      }
    }
    // resets the residual to exactly 0, so that rounding errors of one item do not affect the next
    const clear = (i: number) => {
      for (let o = owners.indptr[i]!; o < owners.indptr[i + 1]!; o++) residual[owners.items[o]!] = 0;
    };
    clear(j);
    for (let c = 0; c < w.length; c++) {
      if (w[c] === 0) continue;
      items.push(near.items[from + c]!);
      weights.push(w[c]!);
    }
    for (let c = 0; c < w.length; c++) clear(near.items[from + c]!);
    indptr[j + 1] = items.length;
  }
  return { indptr, items: Uint32Array.from(items), weights: Float32Array.from(weights) };
}

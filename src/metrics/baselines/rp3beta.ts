// Random walks of three steps, user → item → user → item, with a penalty on popular targets:
//
//   W_ij = (1 / c_i)^a  sum over the users v who have both i and j of (1 / d_v)^a
//   c_i  number of users of i        d_v  number of items of v
//   score(u, j) = (1 / c_j)^b  sum over i of u's query of W_ij
//
// For each target, only the k sources with the largest W are used. a, b and k are selected on the training part
// (item-weights.ts). The probability of the first step is omitted, because it is the same for all items of a user.
//
// Source: Paudel et al. 2017 (doi:10.1145/2955101), section 3.3; a of Cooper et al. 2014 (doi:10.1145/2567948.2579244).

import { mapTo } from "../../base/numeric/indices.js";
import { pow } from "../../base/numeric/exp.js";
import { nearestColumns, itemModelBaseline, type ItemModel } from "./item-weights.js";

interface Setting {
  a: number;
  b: number;
  k: number;
}

const AS = [0.25, 0.5, 0.75, 1];
const BS = [0, 0.2, 0.4, 0.6, 0.8];
const KS = [50, 200];

export const rp3beta: ItemModel<Setting> = {
  name: "rp3beta",
  grid: AS.flatMap((a) => BS.flatMap((b) => KS.map((k) => ({ a, b, k })))),
  textOf: ({ a, b, k }) => `alpha ${a}, beta ${b}, ${k} nearest items`,
  columnsOf: ({ a }) => String(a),
  columns: async (events, { a }, pause) => {
    const { indptr } = events.users;
    const weightOf = mapTo(Float64Array, { length: indptr.length - 1 }, (_, v) =>
      power(indptr[v + 1]! - indptr[v]!, -a),
    );
    const ofItem = events.counts.map((count) => power(count, -a));
    const similarity = (x: number, i: number) => ofItem[i]! * x;
    return await nearestColumns(events, Math.max(...KS), { weightOf, similarity }, pause);
  },
  view: ({ b, k }, counts) => ({ most: k, scales: counts.map((count) => power(count, -b)) }),
};

export const baseline = itemModelBaseline(rp3beta);

function power(x: number, exponent: number): number {
  return x === 0 ? 0 : pow(x, exponent);
}

// Nearest items by shrunk cosine:
//
//   s_ij = c_ij / (sqrt(c_i c_j) + h)        c_ij  number of users who have both        h  the shrinkage
//   W_ij = s_ij where i is one of the k items nearest to j, else 0
//
// k and h are selected on the training part (item-weights.ts).
//
// Source: Sarwar et al. 2001 (doi:10.1145/371920.372071), section 3.2, with the shrinkage of Bell and Koren 2007
// (doi:10.1109/ICDM.2007.90); the variant of Ferrari Dacrema et al. 2019 (arXiv:1907.06902).

import { cosineColumns, itemModelBaseline, type ItemModel } from "./item-weights.js";

interface Setting {
  k: number;
  shrink: number;
}

const KS = [20, 50, 100, 200];
const SHRINKS = [0, 5, 20, 100];

export const itemKnn: ItemModel<Setting> = {
  name: "item-knn",
  grid: SHRINKS.flatMap((shrink) => KS.map((k) => ({ k, shrink }))),
  textOf: ({ k, shrink }) => `${k} nearest items, shrinkage ${shrink}`,
  columnsOf: ({ shrink }) => String(shrink),
  columns: async (events, { shrink }, pause) => await cosineColumns(events, Math.max(...KS), shrink, pause),
  view: ({ k }) => ({ most: k }),
};

export const baseline = itemModelBaseline(itemKnn);

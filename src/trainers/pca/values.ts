// Computes the matrix values of pairs of a user and an item from their numbers of events, both for the decomposition
// and for folding in.
//
//   counts c     binary 1     log1p log(1 + c)
//   tfidf  c (1 + log((1 + N) / (1 + n_i)))
//   bm25   log(1 + (N - n_i + 0.5) / (n_i + 0.5)) c (k + 1) / (c + k (1 - b + b l_u / l))
//
//   c  events of the user and the item      N    users, of whom n_i have item i
//   l  events per user on average           l_u  events of the user
//
// Source: Salton and Buckley 1988 (10.1016/0306-4573(88)90021-0) as smoothed in scikit-learn; Robertson and Zaragoza
// 2009 (10.1561/1500000019), eq. 3.15, with k = 1.2 and b = 0.75, and a positive logarithm.

import { log, log1p } from "../../base/numeric/exp.js";
import type { SparseRows } from "../../compute/kernels/als/binding.js";
import type { ValueKind } from "./options.js";

const [K, B] = [1.2, 0.75];

interface ValueStatistics {
  numUsers: number;
  meanEvents: number;
}

export function statisticsOf({ indptr, indices, values }: SparseRows): ValueStatistics {
  const numUsers = indptr.length - 1;
  const events = values ? values.reduce((sum, c) => sum + c, 0) : indices.length;
  return { numUsers, meanEvents: events / numUsers };
}

/**
 * Returns the matrix value of a user and an item.
 * @param count number of the pair's events
 */
export function valueOf(
  kind: ValueKind,
  { numUsers, meanEvents }: ValueStatistics,
  count: number,
  userEvents: number,
  itemUsers: number,
): number {
  if (kind === "counts") return count;
  if (kind === "binary") return 1;
  if (kind === "log1p") return log1p(count);
  if (kind === "tfidf") return count * (1 + log((1 + numUsers) / (1 + itemUsers)));
  const rarity = log1p((numUsers - itemUsers + 0.5) / (itemUsers + 0.5));
  return (rarity * count * (K + 1)) / (count + K * (1 - B + (B * userEvents) / meanEvents));
}

/** Returns the matrix that is decomposed, a row of item values per user; its `values` are omitted if all are 1. */
export function valueMatrix(kind: ValueKind, events: SparseRows, itemUsers: Uint32Array): SparseRows {
  const { indptr, indices, values } = events;
  if (kind === "binary" || (kind === "counts" && !values)) return { indptr, indices };
  const statistics = statisticsOf(events);
  const own = new Float32Array(indices.length);
  for (let u = 0; u + 1 < indptr.length; u++) {
    let userEvents = 0;
    for (let e = indptr[u]!; e < indptr[u + 1]!; e++) userEvents += values ? values[e]! : 1;
    for (let e = indptr[u]!; e < indptr[u + 1]!; e++)
      own[e] = valueOf(kind, statistics, values ? values[e]! : 1, userEvents, itemUsers[indices[e]!]!);
  }
  return { indptr, indices, values: own };
}

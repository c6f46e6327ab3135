// Definitions of the methods: the walks from which each learns, and the tables that it trains.
//
//   deepwalk   Perozzi, Al-Rfou and Skiena 2014 (arXiv:1403.6652)     first-order walks
//   node2vec   Grover and Leskovec 2016 (arXiv:1607.00653)            second-order walks; with p = q = 1 it is DeepWalk
//   eges       Wang et al. 2018 (arXiv:1803.02349)                    first-order walks; nodes have side information
//   line       Tang et al. 2015 (arXiv:1503.03578)                    edges sampled by weight, as walks of two nodes

import type { WalksShape } from "../../compute/kernels/walks/binding.js";
import type { GraphOptions } from "./options.js";

export type SampledOptions = GraphOptions & { samples: number };

export type Walks = Omit<WalksShape, "graph">;

/** A pair of tables, vectors and contexts, that is trained on the walks. */
export interface LearnedSide {
  dim: number;
  /** whether a node has a single vector, in one table, both as a node and as a context */
  oneTable: boolean;
}

export interface WalkMethod {
  walks(options: SampledOptions): Walks;
  /**
   * initial learning rate if an epoch visits each node more than 500 times on average; chosen on the wiki graph
   * (docs/experiments/graph.md)
   */
  oftenRate: number;
  /** returns the pairs of tables to train, usually one; vectors of two pairs are normalized and concatenated */
  sides(options: SampledOptions): readonly LearnedSide[];
}

const walked = (options: SampledOptions, p: number, q: number): Walks => {
  const { numWalks, walkLength, window } = options;
  return { length: walkLength, starts: { nodes: numWalks }, p, q, before: window, after: window };
};

const oneSide = ({ dim }: SampledOptions): LearnedSide[] => [{ dim, oneTable: false }];

export const methods = {
  deepwalk: { walks: (options) => walked(options, 1, 1), sides: oneSide, oftenRate: 0.1 },
  node2vec: { walks: (options) => walked(options, options.p, options.q), sides: oneSide, oftenRate: 0.1 },
  eges: { walks: (options) => walked(options, 1, 1), sides: oneSide, oftenRate: 0.1 },
  line: {
    oftenRate: 0.2,
    walks: ({ samples, directed }) => ({
      ...{ length: 2, starts: { arcs: samples }, p: 1, q: 1 },
      // both ends of an undirected edge are centres, but only the source of a directed one
      ...{ before: directed ? 0 : 1, after: 1 },
    }),
    sides: ({ order, dim }) =>
      order === "both"
        ? [
            { dim: dim / 2, oneTable: true },
            { dim: dim / 2, oneTable: false },
          ]
        : [{ dim, oneTable: order === 1 }],
  },
} as const satisfies Record<string, WalkMethod>;

// Methods as data: which walks each learns from, and into which tables.
//
//   deepwalk   Perozzi, Al-Rfou and Skiena 2014 (arXiv:1403.6652)     walks of the first order
//   node2vec   Grover and Leskovec 2016 (arXiv:1607.00653)            of the second order; with p = q = 1 it is DeepWalk
//   eges       Wang et al. 2018 (arXiv:1803.02349)                    of the first order; a node is composed with its side information
//   line       Tang et al. 2015 (arXiv:1503.03578)                    edges drawn by weight: walks of two nodes

import type { WalksShape } from "../../kernels/walks/binding.js";
import type { GraphOptions } from "./options.js";

/** Options with the number of edges that LINE draws. */
export type SampledOptions = GraphOptions & { samples: number };

/** How a graph is walked, whatever the graph. */
export type Walks = Omit<WalksShape, "graph">;

/** Vectors that are trained on the walks. */
export interface Side {
  dim: number;
  /** a node is its own context: one table for both */
  oneTable: boolean;
}

export interface Method {
  walks(options: SampledOptions): Walks;
  /** the first step size where an epoch meets a node more than 500 times: chosen on wiki (docs/experiments/graph.md) */
  oftenRate: number;
  /** one as a rule; those of several are normalized and put side by side */
  sides(options: SampledOptions): readonly Side[];
}

const walked = (options: SampledOptions, p: number, q: number): Walks => {
  const { numWalks, walkLength, window } = options;
  return { length: walkLength, starts: { nodes: numWalks }, p, q, before: window, after: window };
};

const oneSide = ({ dim }: SampledOptions): Side[] => [{ dim, oneTable: false }];

export const methods = {
  deepwalk: { walks: (options) => walked(options, 1, 1), sides: oneSide, oftenRate: 0.1 },
  node2vec: { walks: (options) => walked(options, options.p, options.q), sides: oneSide, oftenRate: 0.1 },
  eges: { walks: (options) => walked(options, 1, 1), sides: oneSide, oftenRate: 0.1 },
  line: {
    oftenRate: 0.2,
    walks: ({ samples, directed }) => ({
      ...{ length: 2, starts: { arcs: samples }, p: 1, q: 1 },
      // an undirected edge teaches both of its ends
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
} as const satisfies Record<string, Method>;

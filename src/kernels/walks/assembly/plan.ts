// The kernel's arguments, as a struct in shared memory; ../binding.ts writes it.
// All fields are four bytes but the f64, pointers are byte offsets.
//
//   V   nodes                      E   arcs; an undirected edge is two       L   nodes of a walk
//   p   node2vec's return parameter          q   its in-out parameter        t, v   the walk's last two nodes
//   alpha(x)  factor of the weight of the arc v→x: 1/p for x = t, 1 if x has an arc to t, else 1/q
//   M   max(1, 1/q); candidates are accepted with probability alpha / M, and the part of 1/p above M is a separate candidate

/** Content of the slots that a walk leaves empty. */
export const NONE: u32 = 0xffffffff;

/** The graph and its walks. All threads read it, none writes to it. */
export class Plan {
  /** u32[V + 1]: arcs of node v are [offsets[v], offsets[v + 1]) */
  offsets: usize;
  /** u32[E], ascending within a node */
  neighbors: usize;
  /** u32[E][2]: threshold and other neighbor of the alias method; 0 if the arcs of each node have equal weights */
  alias: usize;
  /** f32[E], f64[V]: weights of arcs and their sums; 0 if they are not needed */
  weights: usize;
  sums: usize;
  directed: u32;
  /** u32[numStarts]: nodes with an arc */
  starts: usize;
  numStarts: u32;
  /** u32[numStarts][2]: threshold and other position in `starts`, by which they are sampled; 0: each in turn, in random order */
  startAlias: usize;
  /** walks of an epoch */
  numWalks: u32;
  /** L */
  length: u32;
  /** number of nodes that a centre looks back and ahead, at most 255 */
  before: u32;
  after: u32;
  /** whether p or q differs from 1 */
  secondOrder: u32;
  /** a candidate is accepted when a u32 is at most ceil(2^32 alpha / M) - 1, by its alpha */
  returnMost: u32;
  nearMost: u32;
  farMost: u32;
  /** 1/p, 1/q */
  returnAlpha: f64;
  farAlpha: f64;
  /** M, and 1/p - M if that is positive, else 0: the part of the return arc without a candidate */
  most: f64;
  folded: f64;
  /** u32[n], u8[n], u8[n] of the stream that walks are written into: room for a chunk */
  tokens: usize;
  left: usize;
  right: usize;
}

// The kernel's arguments, as a struct in shared memory; ../binding.ts writes it.
// All fields are four bytes but the f64, pointers are byte offsets.
//
//   V   nodes      E   arcs; an undirected edge is two arcs      L   nodes of a walk
//   p   node2vec's return parameter          q   node2vec's in-out parameter   t, v   the walk's last two nodes
//   alpha(x)  factor of the weight of the arc v→x: 1/p for x = t, 1 if x has an arc to t, else 1/q
//   M   max(1, 1/q); candidates are accepted with probability alpha / M, and the part of 1/p above M is a separate
//       candidate

/** Node at the positions of a walk after its end. */
export const NONE: u32 = 0xffffffff;

/** All threads read it, none writes to it. */
export class Plan {
  /** u32[V + 1]: arcs of node v are [offsets[v], offsets[v + 1]) */
  offsets: usize;
  /** u32[E]: target of each arc, ascending within a node */
  neighbors: usize;
  /**
   * u32[E][2]: alias tables of the nodes' arcs, of threshold and other neighbor; 0 if a node's arcs have equal weights
   */
  alias: usize;
  /** f32[E]: weights; f64[V]: sums of each node's weights; 0 if they are not needed */
  weights: usize;
  sums: usize;
  directed: u32;
  /** u32[numStarts]: nodes with an arc, at which walks start */
  starts: usize;
  numStarts: u32;
  /** u32[numStarts][2]: alias table of positions in `starts`; 0: every start in turn, in random order */
  startAlias: usize;
  /** walks per epoch */
  numWalks: u32;
  /** L */
  length: u32;
  /** nodes before and after a centre that are its contexts, at most 255 */
  before: u32;
  after: u32;
  /** 1 if node2vec's p or q differs from 1, so that steps depend on the previous node */
  secondOrder: u32;
  /** ceil(2^32 alpha / M) - 1, the maximum draw with which a candidate is accepted, for each value of alpha */
  returnMost: u32;
  nearMost: u32;
  farMost: u32;
  /** 1/p and 1/q */
  returnAlpha: f64;
  farAlpha: f64;
  /** M; and 1/p - M if positive, else 0 */
  most: f64;
  folded: f64;
  /** the stream to which a chunk is written: u32[n], u8[n], u8[n] */
  tokens: usize;
  left: usize;
  right: usize;
}

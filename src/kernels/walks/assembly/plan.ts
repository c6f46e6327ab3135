// The kernel's arguments, as a struct in shared memory; ../binding.ts writes it.
// All fields are four bytes but the f64, pointers are byte offsets.
//
//   V   nodes      E   arcs; an undirected edge is two arcs      L   nodes of a walk
//   p   node2vec's return parameter          q   node2vec's in-out parameter   t, v   the walk's last two nodes
//   alpha(x)  factor of the weight of the arc v→x: 1/p for x = t, 1 if x has an arc to t, else 1/q
//   M   max(1, 1/q); candidates are accepted with probability alpha / M, and the part of 1/p above M is a separate
//       candidate

/** Node number at the positions of a walk after its end. */
export const NONE: u32 = 0xffffffff;

/** The graph and its walks. All threads read it, none writes to it. */
export class Plan {
  /** u32[V + 1]: arcs of node v are [offsets[v], offsets[v + 1]) */
  offsets: usize;
  /** u32[E]: target of each arc, ascending within a node */
  neighbors: usize;
  /**
   * u32[E][2]: alias tables of the nodes' arcs (threshold and alternative neighbor); 0 if the arcs of each node have
   * equal weights
   */
  alias: usize;
  /** f32[E]: weight of each arc; f64[V]: sum of each node's weights; 0 if they are not needed */
  weights: usize;
  sums: usize;
  directed: u32;
  /** u32[numStarts]: nodes with an arc, at which walks start */
  starts: usize;
  numStarts: u32;
  /**
   * u32[numStarts][2]: alias table by which positions in `starts` are sampled; 0: every start in turn, in random order
   */
  startAlias: usize;
  /** number of walks per epoch */
  numWalks: u32;
  /** L: number of nodes per walk */
  length: u32;
  /** number of nodes before and after a centre that are its contexts, at most 255 */
  before: u32;
  after: u32;
  /** 1 if node2vec's p or q differs from 1, so that steps depend on the previous node */
  secondOrder: u32;
  /**
   * maximum u32 draw with which a candidate is accepted, ceil(2^32 alpha / M) - 1, for each of the three values of
   * node2vec's factor alpha
   */
  returnMost: u32;
  nearMost: u32;
  farMost: u32;
  /** node2vec's factors 1/p and 1/q */
  returnAlpha: f64;
  farAlpha: f64;
  /**
   * M, the bound max(1, 1/q) of alpha in rejection sampling; and 1/p - M if positive, else 0: the part of the return
   * arc's factor that is a separate candidate
   */
  most: f64;
  folded: f64;
  /**
   * the stream to which a chunk of walks is written: node at each position, u32[n], and numbers of contexts before and
   * after it, u8[n] each
   */
  tokens: usize;
  left: usize;
  right: usize;
}

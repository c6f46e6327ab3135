// Applies a polynomial of a bipartite graph's normalized adjacency matrix for sixteen users at once, and adds dot
// products.
//
//   A      users x items, 0 and 1         d_u, d_i   its row and column sums       P = D_i^-1/2 A' D_u^-1 A D_i^-1/2
//   L      I - 2 P                        c(P) x = sum over k of c_k T_k(L) x      T_k  Chebyshev polynomials
//   b_k    = c_k x + 2 L b_k+1 - b_k+2,   c(P) x = c_0 x + L b_1 - b_2             Clenshaw's recurrence
//
// All vectors x are stored as D_i^-1/2 x. P then becomes D_i^-1 A' D_u^-1 A, whose matrices have only ones, so that an
// entry costs a row of a panel and an addition, and diagonals are applied once per row. A panel is f32[numRows][16]: a
// row is a cache line, a lane a user. Each thread processes whole panels; lanes do not depend on each other.
//
// Sources: Mason and Handscomb 2003, Chebyshev Polynomials, 2.4.1, for the recurrence. Twin:
// ../graph-filter.reference.ts.

import { addPacked } from "../../shared/assembly/tile";
import { insertBest } from "../../shared/assembly/best-list";

/** The graph and the leading eigenvectors that the filter uses. */
class FilterPlan {
  numUsers: u32;
  numItems: u32;
  /** u32[numUsers + 1] and u32[numEntries]: items of each user in compressed rows */
  userEnds: usize;
  userItems: usize;
  /** u32[numItems + 1] and u32[numEntries]: users of each item in compressed rows */
  itemEnds: usize;
  itemUsers: usize;
  /** 1 / (number of items) of each user, f32[numUsers]; 0 for a user without items */
  userScale: usize;
  /** 1 / (number of users) of each item, f32[numItems]; 0 for an item without users */
  itemScale: usize;
  /** f32[numItems], padded to a multiple of 4: factor by which finishPanels multiplies each row of a panel */
  after: usize;
  /** d: number of leading eigenvectors; 0 without them */
  dim: u32;
  /** f32[ceil(numItems / 4)][d][4]: rows of the items in the matrix of leading eigenvectors, four side by side */
  components: usize;
}

/** Items whose scores are finished at a time: so few that their eigenvectors' rows stay in the second-level cache. */
const TURN: u32 = 32;

/** Writes, for each user, the mean of the rows of the user's items in the panel `items`. */
export function gatherUsers(plan: FilterPlan, items: usize, users: usize): void {
  for (let u: u32 = 0; u < plan.numUsers; u++) {
    let y0 = f32x4.splat(0);
    let y1 = f32x4.splat(0);
    let y2 = f32x4.splat(0);
    let y3 = f32x4.splat(0);
    const at = (<usize>u) << 2;
    const end = plan.userItems + ((<usize>load<u32>(plan.userEnds + at, 4)) << 2);
    for (let e = plan.userItems + ((<usize>load<u32>(plan.userEnds + at)) << 2); e < end; e += 4) {
      const x = items + ((<usize>load<u32>(e)) << 6);
      y0 = f32x4.add(y0, v128.load(x));
      y1 = f32x4.add(y1, v128.load(x, 16));
      y2 = f32x4.add(y2, v128.load(x, 32));
      y3 = f32x4.add(y3, v128.load(x, 48));
    }
    const scale = v128.load32_splat(plan.userScale + at);
    const y = users + ((<usize>u) << 6);
    v128.store(y, f32x4.mul(y0, scale));
    v128.store(y, f32x4.mul(y1, scale), 16);
    v128.store(y, f32x4.mul(y2, scale), 32);
    v128.store(y, f32x4.mul(y3, scale), 48);
  }
}

/**
 * Adds an item's value in one lane to the users of the item, divided by each user's number of items. If all other
 * values of the panel are zero, this gives the result of gatherUsers.
 *
 * @param lane byte offset of the lane in a row
 */
export function scatterItem(plan: FilterPlan, item: u32, lane: usize, value: f32, users: usize): void {
  const at = (<usize>item) << 2;
  const end = plan.itemUsers + ((<usize>load<u32>(plan.itemEnds + at, 4)) << 2);
  for (let e = plan.itemUsers + ((<usize>load<u32>(plan.itemEnds + at)) << 2); e < end; e += 4) {
    const u = <usize>load<u32>(e);
    const y = users + (u << 6) + lane;
    store<f32>(y, load<f32>(y) + value * load<f32>(plan.userScale + (u << 2)));
  }
}

/**
 * Takes a step of Clenshaw's recurrence, target = m L last - target, without the term c_k x, which the caller adds.
 * `users` must contain the result of gatherUsers for the panel `last`.
 *
 * @param m 2; 1 for the last step
 */
export function stepItems(plan: FilterPlan, users: usize, last: usize, target: usize, m: f32): void {
  const times = f32x4.splat(m);
  for (let i: u32 = 0; i < plan.numItems; i++) {
    let y0 = f32x4.splat(0);
    let y1 = f32x4.splat(0);
    let y2 = f32x4.splat(0);
    let y3 = f32x4.splat(0);
    const at = (<usize>i) << 2;
    const end = plan.itemUsers + ((<usize>load<u32>(plan.itemEnds + at, 4)) << 2);
    for (let e = plan.itemUsers + ((<usize>load<u32>(plan.itemEnds + at)) << 2); e < end; e += 4) {
      const x = users + ((<usize>load<u32>(e)) << 6);
      y0 = f32x4.add(y0, v128.load(x));
      y1 = f32x4.add(y1, v128.load(x, 16));
      y2 = f32x4.add(y2, v128.load(x, 32));
      y3 = f32x4.add(y3, v128.load(x, 48));
    }
    const scale = f32x4.splat(2 * load<f32>(plan.itemScale + at));
    const row = (<usize>i) << 6;
    stepLanes(last + row, target + row, f32x4.mul(scale, y0), times);
    stepLanes(last + row + 16, target + row + 16, f32x4.mul(scale, y1), times);
    stepLanes(last + row + 32, target + row + 32, f32x4.mul(scale, y2), times);
    stepLanes(last + row + 48, target + row + 48, f32x4.mul(scale, y3), times);
  }
}

/** Takes a step of Clenshaw's recurrence for one item and four users. */
function stepLanes(last: usize, target: usize, twiceP: v128, times: v128): void {
  const turned = f32x4.mul(times, f32x4.sub(v128.load(last), twiceP));
  v128.store(target, f32x4.sub(turned, v128.load(target)));
}

/**
 * Replaces the panels' values by scores: multiplies each row by its item's output factor (FilterPlan.after), and adds W
 * z, the summand of the leading eigenvectors.
 *
 * @param panels u32[numPanels]: offsets of the panels
 * @param queries f32[2 numPanels][d][8]: z of the panels' users, eight side by side
 * @param tile f32[4][8], buffer of this thread
 */
export function finishPanels(
  plan: FilterPlan,
  panels: usize,
  numPanels: u32,
  queries: usize,
  tile: usize,
): void {
  const d = plan.dim;
  for (let turn: u32 = 0; turn < plan.numItems; turn += TURN) {
    const end = min(turn + TURN, plan.numItems);
    for (let half: u32 = 0; half < numPanels << 1; half++) {
      const panel = <usize>load<u32>(panels + ((<usize>(half >>> 1)) << 2)) + ((<usize>(half & 1)) << 5);
      const z = queries + ((<usize>(half * d)) << 5);
      for (let i = turn; i < end; i += 4) {
        const rows = panel + ((<usize>i) << 6);
        for (let r: usize = 0; r < 4; r++) {
          const after = v128.load32_splat(plan.after + ((<usize>i + r) << 2));
          v128.store(tile + (r << 5), f32x4.mul(after, v128.load(rows + (r << 6))));
          v128.store(tile + (r << 5), f32x4.mul(after, v128.load(rows + (r << 6), 16)), 16);
        }
        if (d > 0) addPacked(plan.components + ((<usize>i * d) << 2), z, d, tile);
        for (let r: usize = 0; r < 4; r++) {
          v128.store(rows + (r << 6), v128.load(tile + (r << 5)));
          v128.store(rows + (r << 6), v128.load(tile + (r << 5), 16), 16);
        }
      }
    }
  }
}

/**
 * Finds the best items of a panel's users, best first; ties are sorted by item.
 *
 * @param found,scores u32[16][top] and f32[16][top]; NO_ITEM fills the rest if fewer scores are above -Infinity
 * @param worst f32[16], buffer of this thread
 */
export function bestOfPanel(
  plan: FilterPlan,
  panel: usize,
  top: u32,
  found: usize,
  scores: usize,
  worst: usize,
): void {
  for (let i = <usize>0; i < (<usize>top) << 6; i += 4) {
    store<u32>(found + i, u32.MAX_VALUE);
    store<f32>(scores + i, -Infinity);
  }
  for (let lane: usize = 0; lane < 64; lane += 4) store<f32>(worst + lane, -Infinity);
  const list = (<usize>top) << 2;
  for (let i: u32 = 0; i < plan.numItems; i++) {
    const row = panel + ((<usize>i) << 6);
    const above = v128.or(
      v128.or(f32x4.gt(v128.load(row), v128.load(worst)), f32x4.gt(v128.load(row, 16), v128.load(worst, 16))),
      v128.or(
        f32x4.gt(v128.load(row, 32), v128.load(worst, 32)),
        f32x4.gt(v128.load(row, 48), v128.load(worst, 48)),
      ),
    );
    if (!v128.any_true(above)) continue;
    for (let lane: usize = 0; lane < 16; lane++) {
      const score = load<f32>(row + (lane << 2));
      if (!(score > load<f32>(worst + (lane << 2)))) continue;
      insertBest(scores + lane * list, found + lane * list, top, i, score);
      store<f32>(worst + (lane << 2), load<f32>(scores + lane * list + list - 4));
    }
  }
}

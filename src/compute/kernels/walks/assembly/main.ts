// Random walks on a graph, written as a stream of skip-grams. Walk w of a chunk that begins with walk f has the slots
// (w - f) L .. (w - f + 1) L; those after a dead end contain NONE and have no contexts.
//
// A draw is a hash of (epoch's key, walk, step, number of the draw), so walks do not depend on the threads.
//
// Second-order steps use rejection sampling: a candidate x is sampled by the arcs' weights and accepted with
// probability alpha(x) / M. If 1/p is above M = max(1, 1/q), the part of the return arc beyond M is a separate
// candidate, so that few others are rejected. After as many tries as the node has arcs, the step is sampled from all of
// them: the distribution is the same, and the cost is bounded for any p and q.
//
// Structs and shapes: plan.ts. Twin: ../walks.reference.ts.
// Source: Perozzi et al. 2014 (arXiv:1403.6652); Grover and Leskovec 2016 (arXiv:1607.00653); Yang et al. 2019,
// KnightKing (doi:10.1145/3341301.3359634), sections 4.1 and 4.2.

import { draw, permutedAt } from "../../shared/assembly/random";
import { NONE, Plan } from "./plan";

/** Counter of the key that permutes start nodes; a walk's key has its number, which is lower. */
const STARTS: u32 = 0xffffffff;

/** Walks that advance in turn: while one waits for memory, the others continue. */
const ABREAST: u32 = 16;

/**
 * Writes walks from .. to - 1 of an epoch.
 *
 * @param first number of the walk in the stream's first slots
 * @param key   random key of the epoch's walks
 * @returns number of nodes of these walks that have a context
 */
export function writeWalks(plan: Plan, first: u32, from: u32, to: u32, key: u32): u32 {
  const L = plan.length;
  let centres: u32 = 0;
  let w = from;
  while (w < to) {
    const end = to - w > ABREAST ? w + ABREAST : to;
    for (let i = w; i < end; i++) {
      store<u32>(plan.tokens + ((<usize>((i - first) * L)) << 2), startOf(plan, i, key));
    }
    for (let step: u32 = 1; step < L; step++) {
      for (let i = w; i < end; i++) advance(plan, draw(key, i), (i - first) * L, step);
    }
    for (let i = w; i < end; i++) centres += look(plan, (i - first) * L);
    w = end;
  }
  return centres;
}

function startOf(plan: Plan, walk: u32, key: u32): u32 {
  let place: u32;
  if (plan.startAlias) {
    const step = draw(draw(key, walk), 0);
    place = <u32>((<u64>draw(step, 0) * plan.numStarts) >>> 32);
    const entry = plan.startAlias + ((<usize>place) << 3);
    if (draw(step, 1) > load<u32>(entry)) place = load<u32>(entry, 4);
  } else {
    place = permutedAt(walk, plan.numWalks, draw(key, STARTS)) % plan.numStarts;
  }
  return load<u32>(plan.starts + ((<usize>place) << 2));
}

/** Writes the next node of a walk; NONE after a dead end. @param own key of the walk */
function advance(plan: Plan, own: u32, slot: u32, steps: u32): void {
  const at = plan.tokens + ((<usize>(slot + steps)) << 2);
  const node = load<u32>(at - 4);
  let next = NONE;
  if (node != NONE) {
    const from = load<u32>(plan.offsets + ((<usize>node) << 2));
    const degree = load<u32>(plan.offsets + ((<usize>node) << 2), 4) - from;
    if (degree) {
      const key = draw(own, steps);
      next =
        plan.secondOrder && steps > 1
          ? drawBiased(plan, load<u32>(at - 8), node, from, degree, key)
          : drawArc(plan, from, degree, key, 0);
    }
  }
  store<u32>(at, next);
}

/** Writes the number of contexts before and after each node of a walk. @returns number of nodes that have a context */
function look(plan: Plan, slot: u32): u32 {
  const tokens = plan.tokens + ((<usize>slot) << 2);
  const left = plan.left + slot;
  const right = plan.right + slot;
  let nodes = plan.length;
  while (load<u32>(tokens + ((<usize>(nodes - 1)) << 2)) == NONE) nodes--;
  let centres: u32 = 0;
  for (let i: u32 = 0; i < nodes; i++) {
    const back = min(plan.before, i);
    const ahead = min(plan.after, nodes - 1 - i);
    store<u8>(left + i, <u8>back);
    store<u8>(right + i, <u8>ahead);
    if (back + ahead) centres++;
  }
  memory.fill(left + nodes, 0, <usize>(plan.length - nodes));
  memory.fill(right + nodes, 0, <usize>(plan.length - nodes));
  return centres;
}

/** Draws for one candidate of a step. */
const DRAWS: u32 = 4;
/** Counter of the draw that samples from all arcs. */
const ALL: u32 = 0xffffffff;

function entry(array: usize, i: u32): u32 {
  return load<u32>(array + ((<usize>i) << 2));
}

/** Samples a neighbor by weight. @param counter of the first of two draws */
function drawArc(plan: Plan, from: u32, degree: u32, key: u32, counter: u32): u32 {
  const arc = from + <u32>((<u64>draw(key, counter) * degree) >>> 32);
  if (plan.alias) {
    const slot = plan.alias + ((<usize>arc) << 3);
    if (draw(key, counter + 1) > load<u32>(slot)) return load<u32>(slot, 4);
  }
  return entry(plan.neighbors, arc);
}

function arcTo(plan: Plan, from: u32, to: u32): u32 {
  let low = entry(plan.offsets, from);
  const end = entry(plan.offsets, from + 1);
  let count = end - low;
  while (count > 0) {
    const half = count >>> 1;
    const beyond = entry(plan.neighbors, low + half) < to;
    low = beyond ? low + half + 1 : low;
    count = beyond ? count - half - 1 : half;
  }
  return low < end && entry(plan.neighbors, low) == to ? low : NONE;
}

/**
 * Returns whether candidate x has an arc to the previous node t, as in node2vec. In an undirected graph, the arcs of t
 * give the same answer, and they are in the cache.
 */
function isNear(plan: Plan, x: u32, t: u32): bool {
  return (plan.directed ? arcTo(plan, x, t) : arcTo(plan, t, x)) != NONE;
}

function weightOf(plan: Plan, arc: u32): f64 {
  return plan.weights ? <f64>load<f32>(plan.weights + ((<usize>arc) << 2)) : 1;
}

/** Returns 2^32 times the probability that an attempt proposes the return arc as a separate candidate. */
function foldedShare(plan: Plan, t: u32, v: u32, degree: u32): u32 {
  if (plan.folded == 0) return 0;
  let weight: f64 = 1;
  if (plan.weights || plan.directed) {
    const arc = arcTo(plan, v, t);
    if (arc == NONE) return 0;
    weight = weightOf(plan, arc);
  }
  const sum = plan.weights ? load<f64>(plan.sums + ((<usize>v) << 3)) : <f64>degree;
  const extra = weight * plan.folded;
  return <u32>((4294967296.0 * extra) / (plan.most * sum + extra));
}

/**
 * Samples the next node of a walk that came to node v from node t.
 * @param from,degree first arc of v, and number of its arcs
 * @param key random key of the step
 */
function drawBiased(plan: Plan, t: u32, v: u32, from: u32, degree: u32, key: u32): u32 {
  if (degree == 1) return entry(plan.neighbors, from);
  const folded = foldedShare(plan, t, v, degree);
  const either = max(plan.nearMost, plan.farMost);
  const both = min(plan.nearMost, plan.farMost);
  for (let attempt: u32 = 0; attempt < degree; attempt++) {
    const counter = attempt * DRAWS;
    if (folded && draw(key, counter) < folded) return t;
    const x = drawArc(plan, from, degree, key, counter + 1);
    const chance = draw(key, counter + 3);
    if (x == t) {
      if (chance <= plan.returnMost) return x;
    } else if (chance <= either) {
      // isNear is called only if the decision depends on it
      if (chance <= both || isNear(plan, x, t) == plan.nearMost > plan.farMost) return x;
    }
  }
  return drawFromAll(plan, t, from, degree, draw(key, ALL));
}

/** Returns the weight times alpha. */
function biasedWeight(plan: Plan, t: u32, arc: u32): f64 {
  const x = entry(plan.neighbors, arc);
  const alpha = x == t ? plan.returnAlpha : isNear(plan, x, t) ? 1 : plan.farAlpha;
  return weightOf(plan, arc) * alpha;
}

/** Samples by cumulative weights. @param chance random u32 */
function drawFromAll(plan: Plan, t: u32, from: u32, degree: u32, chance: u32): u32 {
  let total: f64 = 0;
  for (let i: u32 = 0; i < degree; i++) total += biasedWeight(plan, t, from + i);
  const wanted = (<f64>chance / 4294967296.0) * total;
  let sum: f64 = 0;
  let i: u32 = 0;
  do sum += biasedWeight(plan, t, from + i);
  while (sum <= wanted && ++i < degree - 1);
  return entry(plan.neighbors, from + i);
}

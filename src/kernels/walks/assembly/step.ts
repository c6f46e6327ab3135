// Samples one step of a walk: an arc by its weight, or by node2vec's weight, which depends on the previous node.
//
// Second-order steps use rejection sampling: a candidate x is sampled by the arcs' weights and accepted with
// probability alpha(x) / M. If 1/p is above M = max(1, 1/q), the part of the return arc beyond M is a separate
// candidate, so that few others are rejected. After as many tries as the node has arcs, the step is sampled from all of
// them: the distribution is the same, and the cost is bounded for any p and q.
//
// Source: Yang et al. 2019, KnightKing (doi:10.1145/3341301.3359634), sections 4.1 and 4.2.

import { draw } from "../../shared/assembly/random";
import { NONE, Plan } from "./plan";

/** Number of random draws for one candidate of a step. */
const DRAWS: u32 = 4;
/** Counter of the draw that samples from all arcs. */
const ALL: u32 = 0xffffffff;

function entry(array: usize, i: u32): u32 {
  return load<u32>(array + ((<usize>i) << 2));
}

/** Samples a neighbor by the weights of the arcs. @param counter counter of the first of the two draws */
export function drawArc(plan: Plan, from: u32, degree: u32, key: u32, counter: u32): u32 {
  const arc = from + <u32>((<u64>draw(key, counter) * degree) >>> 32);
  if (plan.alias) {
    const slot = plan.alias + ((<usize>arc) << 3);
    if (draw(key, counter + 1) > load<u32>(slot)) return load<u32>(slot, 4);
  }
  return entry(plan.neighbors, arc);
}

/** Returns the arc from one node to another; NONE if there is none. */
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

/**
 * Returns 2^32 times the probability that an attempt of the rejection sampler proposes the return arc as a separate
 * candidate, for the part of its factor 1/p above the bound M.
 */
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
export function drawBiased(plan: Plan, t: u32, v: u32, from: u32, degree: u32, key: u32): u32 {
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
      // whether candidate x has an arc to the previous node t is looked up only if the decision depends on it
      if (chance <= both || isNear(plan, x, t) == plan.nearMost > plan.farMost) return x;
    }
  }
  return drawFromAll(plan, t, from, degree, draw(key, ALL));
}

/** Returns the weight of an arc of v times node2vec's factor alpha. */
function biasedWeight(plan: Plan, t: u32, arc: u32): f64 {
  const x = entry(plan.neighbors, arc);
  const alpha = x == t ? plan.returnAlpha : isNear(plan, x, t) ? 1 : plan.farAlpha;
  return weightOf(plan, arc) * alpha;
}

/** Samples a neighbor from all arcs, by cumulative weights. @param chance random u32 */
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

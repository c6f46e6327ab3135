// Random walks on a graph, written as a stream of skip-grams. Walk w of a chunk that begins with walk f has the slots
// (w - f) L .. (w - f + 1) L; those after a dead end contain NONE and have no contexts.
//
// A draw is a hash of (epoch's key, walk, step, number of the draw), so walks do not depend on the threads.
//
// Structs and shapes: plan.ts. Twin: ../walks.reference.ts.
// Source: Perozzi et al. 2014 (arXiv:1403.6652); Grover and Leskovec 2016 (arXiv:1607.00653).

import { draw, permutedAt } from "../../shared/assembly/random";
import { NONE, Plan } from "./plan";
import { drawArc, drawBiased } from "./step";

/** Counter of the random key that permutes start nodes; the counter of a walk's key is its number, which is lower. */
const STARTS: u32 = 0xffffffff;

/** Number of walks that advance in turn: while one walk waits for memory, the other walks continue. */
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
    for (let i = w; i < end; i++) start(plan, i, (i - first) * L, key);
    for (let step: u32 = 1; step < L; step++) {
      for (let i = w; i < end; i++) advance(plan, draw(key, i), (i - first) * L, step);
    }
    for (let i = w; i < end; i++) centres += look(plan, (i - first) * L);
    w = end;
  }
  return centres;
}

/** Returns the first node of a walk. @param own random key of the walk */
function startOf(plan: Plan, walk: u32, key: u32, own: u32): u32 {
  let place: u32;
  if (plan.startAlias) {
    const step = draw(own, 0);
    place = <u32>((<u64>draw(step, 0) * plan.numStarts) >>> 32);
    const entry = plan.startAlias + ((<usize>place) << 3);
    if (draw(step, 1) > load<u32>(entry)) place = load<u32>(entry, 4);
  } else {
    place = permutedAt(walk, plan.numWalks, draw(key, STARTS)) % plan.numStarts;
  }
  return load<u32>(plan.starts + ((<usize>place) << 2));
}

/** Writes the first node of a walk to the walk's first position in the stream. */
function start(plan: Plan, walk: u32, slot: u32, key: u32): void {
  store<u32>(plan.tokens + ((<usize>slot) << 2), startOf(plan, walk, key, draw(key, walk)));
}

/** Writes the next node of a walk; NONE after a dead end. @param own random key of the walk */
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

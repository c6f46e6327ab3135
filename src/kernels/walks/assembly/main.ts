// Random walks over a graph, written as a stream of skip-grams: walk w of a chunk that begins with walk f has the slots
// (w - f) L .. (w - f + 1) L; those after a dead end hold NONE and look nowhere.
//
// A draw is a hash of (epoch's key, walk, step, number of the draw), so walks do not depend on who makes them.
//
// Structs and shapes: plan.ts. Twin: ../reference.ts.
// Source: Perozzi et al. 2014 (arXiv:1403.6652); Grover and Leskovec 2016 (arXiv:1607.00653).

import { draw, permutedAt } from "../../shared/assembly/random";
import { NONE, Plan } from "./plan";
import { drawArc, drawBiased } from "./step";

/** Names the order of the starts among the walks, whose numbers stay below it. */
const STARTS: u32 = 0xffffffff;

/**
 * Writes walks from .. to of an epoch.
 *
 * @param first the walk that has the stream's first slots
 * @param key   names the epoch's walks
 * @returns nodes of these walks that see another
 */
export function writeWalks(plan: Plan, first: u32, from: u32, to: u32, key: u32): u32 {
  let centres: u32 = 0;
  for (let w = from; w < to; w++) centres += writeWalk(plan, w, (w - first) * plan.length, key);
  return centres;
}

/** The first node of a walk. @param own names the walk's draws */
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

/** Writes one walk to its slots. @returns its nodes that see another */
function writeWalk(plan: Plan, walk: u32, slot: u32, key: u32): u32 {
  const L = plan.length;
  const tokens = plan.tokens + ((<usize>slot) << 2);
  const own = draw(key, walk);
  let node = startOf(plan, walk, key, own);
  let before: u32 = NONE;
  store<u32>(tokens, node);
  let steps: u32 = 1;
  for (; steps < L; steps++) {
    const from = load<u32>(plan.offsets + ((<usize>node) << 2));
    const degree = load<u32>(plan.offsets + ((<usize>node) << 2), 4) - from;
    if (!degree) break; // a dead end
    const step = draw(own, steps);
    const next =
      plan.secondOrder && before != NONE
        ? drawBiased(plan, before, node, from, degree, step)
        : drawArc(plan, from, degree, step, 0);
    before = node;
    node = next;
    store<u32>(tokens + ((<usize>steps) << 2), node);
  }

  // what each sees of the walk
  const left = plan.left + slot;
  const right = plan.right + slot;
  let centres: u32 = 0;
  for (let i: u32 = 0; i < steps; i++) {
    const back = min(plan.before, i);
    const ahead = min(plan.after, steps - 1 - i);
    store<u8>(left + i, <u8>back);
    store<u8>(right + i, <u8>ahead);
    if (back + ahead) centres++;
  }
  const rest = <usize>(L - steps);
  memory.fill(tokens + ((<usize>steps) << 2), 0xff, rest << 2);
  memory.fill(left + steps, 0, rest);
  memory.fill(right + steps, 0, rest);
  return centres;
}

// Computes a user's input: a slot for each history, which is the mean of the rows of its items, and a slot for each
// context field, which is the sum of its rows.
//
//   input   f32[S][d]: S slots of d numbers, one after another; the padding of a slot adds zeros to the next slot

import { BLOCK, DenseNetwork, lastLayer, layerAt, PANELS } from "../../shared/assembly/dense/layers";
import { forward } from "../../shared/assembly/dense/passes";
import { featureAt, firstPair, valueAt } from "../../shared/assembly/rows";
import { transpose4, addTo } from "../../shared/assembly/vector";
import { FieldPairs, History, Plan, Users } from "./plan";

export function rowBytes(plan: Plan): usize {
  return (<usize>plan.numSlices) << 5;
}

export function vectorOf(plan: Plan, row: u32): usize {
  return plan.vectors + <usize>row * rowBytes(plan);
}

export function historyAt(users: Users, h: u32): History {
  return changetype<History>(users.histories + <usize>h * offsetof<History>());
}

export function beginOf(history: History, event: u32): u32 {
  return load<u32>(history.begins + ((<usize>event) << 2));
}

export function endOf(history: History, event: u32): u32 {
  return load<u32>(history.ends + ((<usize>event) << 2));
}

export function tokenAt(history: History, place: u32): u32 {
  return load<u32>(history.tokens + ((<usize>place) << 2));
}

/** Returns 1 / sum of the weights of a history's tokens; 0 if the history is empty. */
export function historyScale(plan: Plan, users: Users, begin: u32, end: u32): f32 {
  const count = end - begin;
  // a history contains the own item exactly once if it is left out
  if (users.others) return count > 1 ? 1 / <f32>(count - 1) : 0;
  if (count == 0) return 0;
  return 1 / (plan.recency ? load<f32>(plan.recencySums + ((<usize>count) << 2)) : <f32>count);
}

/** Returns the weight of a token times the history's scale. @param back number of newer tokens */
export function tokenWeight(plan: Plan, scale: f32, back: u32): f32 {
  return plan.recency ? scale * load<f32>(plan.recency + ((<usize>back) << 2)) : scale;
}

/** Returns the field of a row; the search starts at field f. */
export function fieldOf(fields: FieldPairs, row: u32, f: u32): u32 {
  if (row < load<u32>(fields.rowEnds + ((<usize>f) << 2))) f = 0;
  while (row >= load<u32>(fields.rowEnds + ((<usize>f) << 2), 4)) f++;
  return f;
}

/** Adds x times a row to a slot. */
function addRow(plan: Plan, slot: usize, row: u32, x: f32): void {
  const vector = vectorOf(plan, row);
  const factor = f32x4.splat(x);
  const bytes = rowBytes(plan);
  for (let at: usize = 0; at < bytes; at += 16) addTo(slot + at, f32x4.mul(factor, v128.load(vector + at)));
}

/** Adds each feature of a row to the slot of its field. */
export function addFields(plan: Plan, fields: FieldPairs, row: u32, slots: usize): void {
  const end = firstPair(fields, row + 1);
  let f: u32 = 0;
  for (let pair = firstPair(fields, row); pair < end; pair++) {
    const feature = featureAt(fields, pair);
    f = fieldOf(fields, feature, f);
    addRow(plan, slots + ((<usize>(f * plan.dim)) << 2), feature, valueAt(fields, pair));
  }
}

/** Adds up the user's input in an array of zeros. @param item the event's own, left out if `users.others` is set */
function gatherUser(plan: Plan, users: Users, event: u32, item: u32, input: usize): void {
  for (let h: u32 = 0; h < users.numHistories; h++) {
    const history = historyAt(users, h);
    const begin = beginOf(history, event);
    const end = endOf(history, event);
    const scale = historyScale(plan, users, begin, end);
    const slot = input + ((<usize>(h * plan.dim)) << 2);
    for (let place = begin; place < end; place++) {
      const token = tokenAt(history, place);
      if (users.others && token == item) continue;
      addRow(plan, slot, plan.firstHistoryRow + token, tokenWeight(plan, scale, end - 1 - place));
    }
  }
  addFields(plan, users.context, event, input + ((<usize>(users.numHistories * plan.dim)) << 2));
}

/** Writes inputs, row by row in memory, to the panels of the first layer. */
export function writePanels(network: DenseNetwork, scratch: usize, rows: usize, pitch: usize): void {
  const first = layerAt(network, 0);
  for (let p: usize = 0; p < PANELS; p++) {
    const panel = scratch + first.x + p * ((<usize>first.inputs) << 5);
    for (let u: usize = 0; u < first.inputs; u += 4) {
      const source = rows + ((p * pitch) << 3) + (u << 2);
      transpose4(source, pitch, panel + (u << 5), 32);
      transpose4(source + (pitch << 2), pitch, panel + (u << 5) + 16, 32);
    }
  }
}

/** Copies panels to rows. @param panels f32[PANELS][U][8] */
export function readPanels(panels: usize, units: u32, rows: usize, pitch: usize): void {
  for (let p: usize = 0; p < PANELS; p++) {
    const panel = panels + p * ((<usize>units) << 5);
    for (let u: usize = 0; u < units; u += 4) {
      const target = rows + ((p * pitch) << 3) + (u << 2);
      transpose4(panel + (u << 5), 32, target, pitch);
      transpose4(panel + (u << 5) + 16, 32, target + (pitch << 2), pitch);
    }
  }
}

/**
 * Writes the user vectors of a block of events, before any normalization; beyond the last event, that of zero inputs.
 *
 * @param events u32: at most BLOCK events
 * @param inputs f32[BLOCK][userPitch], written
 * @param items  u32: the items of all events; 0 for users to encode
 * @param target f32[BLOCK][D]
 */
export function composeUsers(
  plan: Plan,
  users: Users,
  events: usize,
  numEvents: u32,
  items: usize,
  inputs: usize,
  scratch: usize,
  keys: usize,
  target: usize,
): void {
  const bytes = rowBytes(plan);
  const pitch = (<usize>plan.userPitch) << 2;
  memory.fill(inputs, 0, <usize>BLOCK * pitch);
  for (let r: usize = 0; r < numEvents; r++) {
    const event = load<u32>(events + (r << 2));
    const item: u32 = items ? load<u32>(items + ((<usize>event) << 2)) : 0;
    gatherUser(plan, users, event, item, inputs + r * pitch);
  }
  if (plan.userTower) {
    writePanels(plan.userTower, scratch, inputs, pitch);
    forward(plan.userTower, scratch, keys, keys != 0);
    const last = lastLayer(plan.userTower);
    readPanels(scratch + last.y, last.outputs, target, bytes);
    if (!plan.skip) return;
  } else {
    memory.fill(target, 0, <usize>BLOCK * bytes);
  }
  const numSlots = users.numHistories + users.context.numFields;
  for (let r: usize = 0; r < numEvents; r++) {
    for (let s: u32 = 0; s < numSlots; s++) addSlot(plan, inputs + r * pitch, s, target + r * bytes);
  }
}

/** Adds slot s to a vector. Reads `dim` numbers only, because the next slot follows in memory. */
function addSlot(plan: Plan, input: usize, s: u32, target: usize): void {
  const slot = input + ((<usize>(s * plan.dim)) << 2);
  let at: usize = 0;
  for (; at + 16 <= (<usize>plan.dim) << 2; at += 16) addTo(target + at, v128.load(slot + at));
  for (; at < (<usize>plan.dim) << 2; at += 4)
    store<f32>(target + at, load<f32>(target + at) + load<f32>(slot + at));
}

// Vectors of a batch's items: the row of each item, plus the item tower's output for its side features.

import { BLOCK, lastLayer, layerAt } from "../../shared/assembly/dense/layers";
import { backward, forward } from "../../shared/assembly/dense/passes";
import { itemOf } from "../../shared/assembly/negatives";
import { addTo, dot, sum4 } from "../../shared/assembly/vector";
import { BIAS, Plan, Thread } from "./plan";
import { addFields, readPanels, rowBytes, vectorOf, writePanels } from "./users";

/** Vectors of a smaller squared length are divided by its root. */
const SHORTEST: f32 = 1e-12;

/** Returns the item of candidate c: candidates are the sampled negatives, then the items of the batch's events. */
export function candidateOf(plan: Plan, thread: Thread, events: usize, c: u32): u32 {
  if (c < plan.numNegatives) return load<u32>(thread.shared + ((<usize>c) << 2));
  return itemOf(plan, events, c - plan.numNegatives);
}

/** Divides a vector by its length. @returns 1 / length */
export function divideByLength(at: usize, bytes: usize): f32 {
  let squares = f32x4.splat(0);
  for (let k: usize = 0; k < bytes; k += 16) {
    const v = v128.load(at + k);
    squares = f32x4.add(squares, f32x4.mul(v, v));
  }
  const scale: f32 = 1 / sqrt<f32>(max<f32>(SHORTEST, sum4(squares)));
  for (let k: usize = 0; k < bytes; k += 16) {
    v128.store(at + k, f32x4.mul(v128.load(at + k), f32x4.splat(scale)));
  }
  return scale;
}

/** Replaces dLoss/d(v / |v|) by dLoss/dv. @param unit v / |v| @param scale 1 / |v| */
export function throughLength(gradient: usize, unit: usize, scale: f32, bytes: usize): void {
  const along = f32x4.splat(dot(gradient, unit, bytes));
  for (let k: usize = 0; k < bytes; k += 16) {
    const across = f32x4.sub(v128.load(gradient + k), f32x4.mul(along, v128.load(unit + k)));
    v128.store(gradient + k, f32x4.mul(across, f32x4.splat(scale)));
  }
}

/**
 * Writes the vectors of a block of items; for the cosine, the caller normalizes them.
 *
 * @param items  u32: indexes of the items
 * @param target f32[BLOCK][D]
 */
export function composeItems(plan: Plan, thread: Thread, items: usize, numItems: u32, target: usize): void {
  const bytes = rowBytes(plan);
  if (plan.itemTower) {
    const pitch = (<usize>plan.itemPitch) << 2;
    memory.fill(thread.inputs, 0, <usize>BLOCK * pitch);
    for (let r: usize = 0; r < numItems; r++) {
      addFields(plan, plan.side, load<u32>(items + (r << 2)), thread.inputs + r * pitch);
    }
    writePanels(plan.itemTower, thread.itemScratch, thread.inputs, pitch);
    forward(plan.itemTower, thread.itemScratch, 0, false);
    const last = lastLayer(plan.itemTower);
    readPanels(thread.itemScratch + last.y, last.outputs, target, bytes);
  } else {
    memory.fill(target, 0, <usize>BLOCK * bytes);
  }
  for (let r: usize = 0; r < numItems; r++) {
    const vector = vectorOf(plan, load<u32>(items + (r << 2)));
    for (let k: usize = 0; k < bytes; k += 16) addTo(target + r * bytes + k, v128.load(vector + k));
  }
}

/** Writes candidates c .. c + 15 to thread.tiles. @returns their number */
function blockOfItems(plan: Plan, thread: Thread, events: usize, c: u32, numCandidates: u32): u32 {
  const count = min(BLOCK, numCandidates - c);
  for (let r: u32 = 0; r < count; r++) {
    store<u32>(thread.tiles + ((<usize>r) << 2), candidateOf(plan, thread, events, c + r));
  }
  return count;
}

/** Writes the vectors of candidates c .. c + 15, c a multiple of 16. */
export function composeCandidates(
  plan: Plan,
  thread: Thread,
  events: usize,
  c: u32,
  numCandidates: u32,
): void {
  const b = plan.batch;
  const bytes = rowBytes(plan);
  const count = blockOfItems(plan, thread, events, c, numCandidates);
  const target = b.items + <usize>c * bytes;
  composeItems(plan, thread, thread.tiles, count, target);
  for (let r: u32 = 0; r < count; r++) {
    const at = (<usize>(c + r)) << 2;
    const item = load<u32>(thread.tiles + ((<usize>r) << 2));
    const vector = target + <usize>r * bytes;
    store<f32>(b.itemScales + at, plan.cosine ? divideByLength(vector, bytes) : 1);
    store<f32>(b.offsets + at, plan.biases ? load<f32>(plan.biases + <usize>item * BIAS) : 0);
    store<f32>(b.offsetGradients + at, 0);
    store<f32>(b.offsetGradients + ((<usize>b.numRoom) << 2) + at, 0);
    const panel = b.panels + <usize>((c + r) >>> 3) * (bytes << 3) + ((<usize>((c + r) & 7)) << 2);
    for (let d: usize = 0; d < bytes >>> 2; d++) store<f32>(panel + (d << 5), load<f32>(vector + (d << 2)));
  }
  memory.fill(b.itemGradients + <usize>c * bytes, 0, <usize>count * bytes);
  memory.fill(b.itemGradients + <usize>(b.numRoom + c) * bytes, 0, <usize>count * bytes);
}

/**
 * Adds the sums over the second half of the events, `apart` bytes further, to those over the first.
 * @param bytes a multiple of 16
 */
function addHalves(at: usize, apart: usize, bytes: usize): void {
  for (let k: usize = 0; k < bytes; k += 16) addTo(at + k, v128.load(at + apart + k));
}

/** Computes the derivatives by the rows and side features of candidates c .. c + 15, given those by their vectors. */
export function itemsBackward(plan: Plan, thread: Thread, events: usize, c: u32, numCandidates: u32): void {
  const b = plan.batch;
  const bytes = rowBytes(plan);
  const count = min(BLOCK, numCandidates - c);
  const gradients = b.itemGradients + <usize>c * bytes;
  addHalves(gradients, <usize>b.numRoom * bytes, <usize>count * bytes);
  if (!plan.cosine)
    addHalves(b.offsetGradients + ((<usize>c) << 2), (<usize>b.numRoom) << 2, (<usize>BLOCK) << 2);
  if (plan.cosine) {
    for (let r: u32 = 0; r < count; r++) {
      const at = <usize>(c + r);
      const scale = load<f32>(b.itemScales + (at << 2));
      throughLength(b.itemGradients + at * bytes, b.items + at * bytes, scale, bytes);
    }
  }
  if (!plan.itemTower) return;
  // the layers now hold another block of items, so the forward pass is repeated
  blockOfItems(plan, thread, events, c, numCandidates);
  composeItems(plan, thread, thread.tiles, count, thread.packed);
  const last = lastLayer(plan.itemTower);
  writeGradients(thread.itemScratch + last.dy, last.outputs, gradients, bytes, count);
  backward(plan.itemTower, thread.itemScratch, 0, c, true);
  const first = layerAt(plan.itemTower, 0);
  const pitch = (<usize>plan.itemPitch) << 2;
  readPanels(thread.itemScratch + first.dx, first.inputs, b.sideGradients + <usize>c * pitch, pitch);
}

/** Writes rows of derivatives to panels f32[units][8], eight rows side by side; rows beyond the last are zeros. */
export function writeGradients(panels: usize, units: u32, rows: usize, pitch: usize, count: u32): void {
  memory.fill(panels, 0, ((<usize>units) << 5) * 2);
  for (let r: usize = 0; r < count; r++) {
    const panel = panels + (r >>> 3) * ((<usize>units) << 5) + ((r & 7) << 2);
    for (let u: usize = 0; u < units; u++)
      store<f32>(panel + (u << 5), load<f32>(rows + r * pitch + (u << 2)));
  }
}

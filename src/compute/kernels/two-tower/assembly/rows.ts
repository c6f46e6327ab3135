// Vector rows that a batch uses: each row gets a place, at which its derivatives are added up, and takes one step of
// Adam.
//
// Every thread assigns the places itself, with the same result. Each thread processes its own slices of the sums, and
// of Adam's moments.

import { featureAt, firstPair, valueAt } from "../../shared/assembly/rows";
import { Adam, adamBy, nextCorrection1, nextCorrection2, step } from "../../shared/assembly/steps";
import { addTo, firstLanes } from "../../shared/assembly/vector";
import { candidateOf } from "./items";
import { BIAS, FieldPairs, Plan, SLICE, Thread } from "./plan";
import {
  beginOf,
  endOf,
  fieldOf,
  historyAt,
  historyScale,
  rowBytes,
  tokenAt,
  tokenWeight,
  vectorOf,
} from "./users";

function hold(thread: Thread, row: u32): void {
  const at = thread.placeOf + ((<usize>row) << 2);
  if (load<u32>(at)) return;
  store<u32>(thread.held + ((<usize>thread.numHeld) << 2), row);
  store<u32>(at, ++thread.numHeld);
}

function placeOf(thread: Thread, row: u32): usize {
  return load<u32>(thread.placeOf + ((<usize>row) << 2)) - 1;
}

function holdFields(thread: Thread, fields: FieldPairs, row: u32): void {
  const end = firstPair(fields, row + 1);
  for (let pair = firstPair(fields, row); pair < end; pair++) hold(thread, featureAt(fields, pair));
}

/** Assigns a place to each row of the batch. */
export function holdRows(plan: Plan, thread: Thread, events: usize, size: u32, numCandidates: u32): void {
  thread.numHeld = 0;
  for (let c: u32 = 0; c < numCandidates; c++) {
    const item = candidateOf(plan, thread, events, c);
    hold(thread, item);
    if (plan.itemTower) holdFields(thread, plan.side, item);
  }
  const users = plan.training;
  for (let r: u32 = 0; r < size; r++) {
    const event = load<u32>(events + ((<usize>r) << 2));
    for (let h: u32 = 0; h < users.numHistories; h++) {
      const history = historyAt(users, h);
      const end = endOf(history, event);
      for (let p = beginOf(history, event); p < end; p++)
        hold(thread, plan.firstHistoryRow + tokenAt(history, p));
    }
    holdFields(thread, users.context, event);
  }
}

/** Sets the thread's slices of the sums to 0, and those by biases if this thread updates them. */
export function zeroRows(plan: Plan, thread: Thread, fromSlice: u32, toSlice: u32, biases: bool): void {
  thread.sums = plan.batch.rowGradients + <usize>fromSlice * plan.batch.mostRows * SLICE;
  thread.sumBytes = <usize>(toSlice - fromSlice) * SLICE;
  memory.fill(thread.sums, 0, <usize>thread.numHeld * thread.sumBytes);
  if (biases) memory.fill(plan.batch.biasGradients, 0, (<usize>thread.numHeld) << 2);
}

/** Adds x times bytes from .. to of a vector of derivatives, the thread's slices, to the sums of a row. */
function add(thread: Thread, row: u32, gradient: usize, x: f32, from: usize, to: usize): void {
  const target = thread.sums + placeOf(thread, row) * thread.sumBytes - from;
  const factor = f32x4.splat(x);
  for (let k = from; k < to; k += 16) addTo(target + k, f32x4.mul(factor, v128.load(gradient + k)));
}

function addToFields(
  plan: Plan,
  thread: Thread,
  fields: FieldPairs,
  row: u32,
  slots: usize,
  apart: usize,
  from: usize,
  to: usize,
): void {
  const end = firstPair(fields, row + 1);
  let f: u32 = 0;
  for (let pair = firstPair(fields, row); pair < end; pair++) {
    const feature = featureAt(fields, pair);
    f = fieldOf(fields, feature, f);
    add(thread, feature, slots + <usize>f * apart, valueAt(fields, pair), from, to);
  }
}

/** Adds slices from .. to - 1 of the derivatives by users and items to the sums of their rows. */
export function addRows(
  plan: Plan,
  thread: Thread,
  events: usize,
  size: u32,
  numCandidates: u32,
  fromSlice: u32,
  toSlice: u32,
): void {
  const b = plan.batch;
  const bytes = rowBytes(plan);
  const from = <usize>fromSlice * SLICE;
  const to = <usize>toSlice * SLICE;
  const itemPitch = (<usize>plan.itemPitch) << 2;
  const apart = (<usize>plan.dim) << 2;
  for (let c: u32 = 0; c < numCandidates; c++) {
    const item = candidateOf(plan, thread, events, c);
    add(thread, item, b.itemGradients + <usize>c * bytes, 1, from, to);
    if (plan.itemTower) {
      addToFields(plan, thread, plan.side, item, b.sideGradients + <usize>c * itemPitch, apart, from, to);
    }
  }

  // without a tower, the user is the sum of the slots, so the derivatives by every slot are those by the user
  const users = plan.training;
  const userPitch = (<usize>plan.userPitch) << 2;
  const slotBytes = plan.userTower ? apart : 0;
  for (let r: u32 = 0; r < size; r++) {
    const event = load<u32>(events + ((<usize>r) << 2));
    const item = load<u32>(plan.items + ((<usize>event) << 2));
    let slot = plan.userTower ? b.inputGradients + <usize>r * userPitch : b.userGradients + <usize>r * bytes;
    for (let h: u32 = 0; h < users.numHistories; h++, slot += slotBytes) {
      const history = historyAt(users, h);
      const begin = beginOf(history, event);
      const end = endOf(history, event);
      const scale = historyScale(plan, users, begin, end);
      for (let place = begin; place < end; place++) {
        const token = tokenAt(history, place);
        if (users.others && token == item) continue;
        const weight = tokenWeight(plan, scale, end - 1 - place);
        add(thread, plan.firstHistoryRow + token, slot, weight, from, to);
      }
    }
    addToFields(plan, thread, users.context, event, slot, slotBytes, from, to);
  }
}

/** Takes one Adam step of slices from .. to - 1 of every row of the batch; steps are counted for each row. */
export function stepRows(plan: Plan, thread: Thread, fromSlice: u32, toSlice: u32): void {
  const l2 = f32x4.splat(plan.l2);
  // the sums of a place are followed by those of the next place, so lanes beyond dim are masked
  const left = plan.dim - ((plan.numSlices - 1) << 3);
  const table = <usize>plan.numRows * 2 * SLICE;
  let gradients = thread.sums;
  for (let place: u32 = 0; place < thread.numHeld; place++) {
    const row = load<u32>(thread.held + ((<usize>place) << 2));
    const corrections = thread.corrections + ((<usize>row) << 3);
    const c1 = nextCorrection1(load<f32>(corrections));
    const c2 = nextCorrection2(load<f32>(corrections, 4));
    store<f32>(corrections, c1);
    store<f32>(corrections, c2, 4);
    const rate = f32x4.splat(thread.learningRate / c1);
    const inverse = f32x4.splat(1 / c2);
    let v = vectorOf(plan, row) + <usize>fromSlice * SLICE;
    let m = plan.moments + <usize>fromSlice * table + <usize>row * 2 * SLICE;
    for (let j = fromSlice; j < toSlice; j++) {
      let g0 = f32x4.add(v128.load(gradients), f32x4.mul(l2, v128.load(v)));
      let g1 = f32x4.add(v128.load(gradients, 16), f32x4.mul(l2, v128.load(v, 16)));
      if (j + 1 == plan.numSlices) {
        g0 = v128.and(g0, firstLanes(left));
        g1 = v128.and(g1, firstLanes(left > 4 ? left - 4 : 0));
      }
      adamBy(v, m, m + SLICE, g0, rate, inverse);
      adamBy(v + 16, m + 16, m + SLICE + 16, g1, rate, inverse);
      gradients += SLICE;
      v += SLICE;
      m += table;
    }
  }
}

export function stepBiases(plan: Plan, thread: Thread, events: usize, numCandidates: u32): void {
  const sums = plan.batch.biasGradients;
  for (let c: u32 = 0; c < numCandidates; c++) {
    const at = sums + (placeOf(thread, candidateOf(plan, thread, events, c)) << 2);
    store<f32>(at, load<f32>(at) + load<f32>(plan.batch.offsetGradients + ((<usize>c) << 2)));
  }
  for (let place: usize = 0; place < thread.numHeld; place++) {
    const row = load<u32>(thread.held + (place << 2));
    // only the first numItems rows are items and have a bias
    if (row >= plan.numItems) continue;
    const at = plan.biases + <usize>row * BIAS;
    const g = load<f32>(sums + (place << 2));
    if (g != 0) step<Adam, f32>(at, 4, load<f32>(at), g, thread.learningRate);
  }
}

export function releaseRows(thread: Thread): void {
  for (let place: usize = 0; place < thread.numHeld; place++) {
    store<u32>(thread.placeOf + ((<usize>load<u32>(thread.held + (place << 2))) << 2), 0);
  }
}

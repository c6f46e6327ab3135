// A field of one feature a row at most: sums for its parameters, and their steps taken back to e and q of the rows.

import { atRow } from "./rows";

/** Adds p h e and p h^2 of rows [first, end) to the sums of their features. */
export function accumulate(
  first: u32,
  end: u32,
  ids: usize,
  values: usize,
  precisions: usize,
  eq: usize,
  v: usize,
  sums: usize,
  linear: bool,
): void {
  if (!values && !precisions && !linear) {
    for (let r: usize = first; r < end; r++) {
      const id = <usize>load<u32>(ids + (r << 2));
      const h = load<f32>(eq + (r << 3), 4) - load<f32>(v + (id << 2));
      const sum = sums + (id << 3);
      store<f32>(sum, load<f32>(sum) + h * load<f32>(eq + (r << 3)));
      store<f32>(sum, load<f32>(sum, 4) + h * h, 4);
    }
    return;
  }
  for (let r: usize = first; r < end; r++) {
    const id = <usize>load<u32>(ids + (r << 2));
    const x = values ? load<f32>(values + (r << 2)) : 1;
    const h = linear ? x : x * (load<f32>(eq + (r << 3), 4) - x * load<f32>(v + (id << 2)));
    const ph = atRow(precisions, r) * h;
    const sum = sums + (id << 3);
    store<f32>(sum, load<f32>(sum) + ph * load<f32>(eq + (r << 3)));
    store<f32>(sum, load<f32>(sum, 4) + ph * h, 4);
  }
}

/** Takes the steps of a field's features to e and q of rows [first, end). */
export function move(
  first: u32,
  end: u32,
  ids: usize,
  values: usize,
  eq: usize,
  step: usize,
  linear: bool,
): void {
  for (let r: usize = first; r < end; r++) {
    const s = step + ((<usize>load<u32>(ids + (r << 2))) << 3);
    const x = values ? load<f32>(values + (r << 2)) : 1;
    const at = eq + (r << 3);
    const q = load<f32>(at, 4);
    const moved = x * load<f32>(s, 4);
    const gradient = linear ? <f32>1 : q - x * load<f32>(s);
    store<f32>(at, load<f32>(at) + gradient * moved);
    store<f32>(at, q + moved, 4);
  }
}

/**
 * `move` of one field and `accumulate` of the next in one pass, for vectors and cells that are all 1: most of a sweep over
 * one-hot rows, whose e and q are then loaded and stored once instead of twice.
 */
export function moveAndAccumulate(
  first: u32,
  end: u32,
  movedIds: usize,
  step: usize,
  ids: usize,
  precisions: usize,
  eq: usize,
  v: usize,
  sums: usize,
): void {
  for (let r: usize = first; r < end; r++) {
    const s = step + ((<usize>load<u32>(movedIds + (r << 2))) << 3);
    const moved = load<f32>(s, 4);
    const at = eq + (r << 3);
    let q = load<f32>(at, 4);
    const e = load<f32>(at) + (q - load<f32>(s)) * moved;
    q += moved;
    store<f32>(at, e);
    store<f32>(at, q, 4);
    const id = <usize>load<u32>(ids + (r << 2));
    const h = q - load<f32>(v + (id << 2));
    const ph = atRow(precisions, r) * h;
    const sum = sums + (id << 3);
    store<f32>(sum, load<f32>(sum) + ph * e);
    store<f32>(sum, load<f32>(sum, 4) + ph * h, 4);
  }
}

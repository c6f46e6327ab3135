// Passes over rows that update the error e and the sum q of x v: add the terms of a field to q, or subtract the squares
// of a field from e.

/** Returns element r of an array of f32; 1 if the array is absent (0). */
export function atRow(numbers: usize, r: usize): f32 {
  return numbers ? load<f32>(numbers + (r << 2)) : 1;
}

/**
 * Adds x v, the value times the parameter of the row's feature in one field, to the sum q of each row of [first, end).
 */
export function addToQ(first: u32, end: u32, ids: usize, values: usize, eq: usize, v: usize): void {
  for (let r: usize = first; r < end; r++) {
    const x = values ? load<f32>(values + (r << 2)) : 1;
    const at = eq + (r << 3);
    store<f32>(at, load<f32>(at, 4) + x * load<f32>(v + ((<usize>load<u32>(ids + (r << 2))) << 2)), 4);
  }
}

/** Adds x v for four fields to the sums q at once, as addToQ does for one field; all values must be 1. */
export function addFourToQ(
  first: u32,
  end: u32,
  ids0: usize,
  ids1: usize,
  ids2: usize,
  ids3: usize,
  eq: usize,
  v0: usize,
  v1: usize,
  v2: usize,
  v3: usize,
): void {
  for (let r: usize = first; r < end; r++) {
    const at = eq + (r << 3);
    const a = load<f32>(v0 + ((<usize>load<u32>(ids0 + (r << 2))) << 2));
    const b = load<f32>(v1 + ((<usize>load<u32>(ids1 + (r << 2))) << 2));
    const c = load<f32>(v2 + ((<usize>load<u32>(ids2 + (r << 2))) << 2));
    const d = load<f32>(v3 + ((<usize>load<u32>(ids3 + (r << 2))) << 2));
    store<f32>(at, load<f32>(at, 4) + (a + b + (c + d)), 4);
  }
}

/** Sets q, the sum of x v over the features of a row, to 0 for rows [first, end). */
export function clearQ(first: u32, end: u32, eq: usize): void {
  for (let r: usize = first; r < end; r++) store<f32>(eq + (r << 3), 0, 4);
}

/**
 * Adds q^2 / 2 to the error e of each row, where q is the row's sum of x v: half of a dimension's interactions.
 * `subtractSquares`, called for every field, adds the other half.
 */
export function addSquare(first: u32, end: u32, eq: usize): void {
  for (let r: usize = first; r < end; r++) {
    const at = eq + (r << 3);
    const q = load<f32>(at, 4);
    store<f32>(at, load<f32>(at) + 0.5 * q * q);
  }
}

/**
 * Subtracts (x v)^2 / 2, the square for the row's feature in one field, from the error e of each row of [first, end).
 */
export function subtractSquares(first: u32, end: u32, ids: usize, values: usize, eq: usize, v: usize): void {
  for (let r: usize = first; r < end; r++) {
    const x = values ? load<f32>(values + (r << 2)) : 1;
    const t = x * load<f32>(v + ((<usize>load<u32>(ids + (r << 2))) << 2));
    store<f32>(eq + (r << 3), load<f32>(eq + (r << 3)) - 0.5 * t * t);
  }
}

/** Adds `shift`, the change of the bias w0, to the residuals e of rows [first, end). */
export function shiftE(first: u32, end: u32, eq: usize, shift: f32): void {
  for (let r: usize = first; r < end; r++) store<f32>(eq + (r << 3), load<f32>(eq + (r << 3)) + shift);
}

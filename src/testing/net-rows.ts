// Seeded rows for networks of any shape.

import { type NetInputs, type NetShape, numFieldsOf } from "../compute/kernels/net/shape.js";
import { between, integerBelow, mulberry32, type Random } from "./random.js";

/**
 * Creates rows with one feature of value 1 per field; if `general`, rows with up to two features per field, with values
 * and weights.
 */
export function netRows(
  shape: NetShape,
  numRows: number,
  { seed, general }: { seed: number; general: boolean },
): NetInputs {
  const random = mulberry32(seed);
  const pairs = Array.from({ length: numRows }, () => featuresOf(shape, general, random));
  const crosses = Array.from({ length: numRows }, () => {
    const n = shape.numCrosses === 0 ? 0 : general ? integerBelow(3, random) : 2;
    return Array.from({ length: n }, () => integerBelow(shape.numCrosses, random));
  });
  const numbers = (length: number, from: number) =>
    Float32Array.from({ length }, () => between(from, 2, random));
  const ids = Uint32Array.from(pairs.flat());
  return {
    numRows,
    width: general ? 0 : numFieldsOf(shape),
    ids,
    labels: numbers(numRows, -1).map((y) => (shape.loss === "logistic" ? Number(y > 0.5) : y)),
    ...(general && {
      indptr: startsOf(pairs),
      values: numbers(ids.length, -1),
      weights: numbers(numRows, 0),
    }),
    ...(shape.numNumeric > 0 && { numeric: numbers(numRows * shape.numNumeric, -2) }),
    ...(shape.numCrosses > 0 && {
      crosses: {
        width: general ? 0 : 2,
        ids: Uint32Array.from(crosses.flat()),
        ...(general && { indptr: startsOf(crosses) }),
      },
    }),
  };
}

function featuresOf({ offsets }: NetShape, general: boolean, random: Random): number[] {
  return Array.from({ length: offsets.length - 1 }, (_, f) => {
    const size = offsets[f + 1]! - offsets[f]!;
    const n = general ? integerBelow(3, random) : 1;
    // draws distinct features for a row
    const first = integerBelow(size, random);
    return Array.from({ length: Math.min(n, size) }, (_, i) => offsets[f]! + ((first + i) % size));
  }).flat();
}

function startsOf(lists: readonly unknown[][]): Uint32Array {
  const starts = new Uint32Array(lists.length + 1);
  lists.forEach((list, i) => (starts[i + 1] = starts[i]! + list.length));
  return starts;
}

// Tests the projection of one-hot leaves to shorter vectors.

import { mulberry32 } from "../../../testing/random.js";
import { leafProjection, projected } from "./leaf-vectors.js";

test("distances between rows of leaves are kept within a fifth, by 256 numbers", () => {
  const random = mulberry32(1);
  const starts = Array.from({ length: 50 }, (_, t) => t * 31);
  const leaves = Uint32Array.from({ length: 40 * 50 }, () => Math.floor(random() * random() * 31));
  const dense = projected(leaves, starts, leafProjection(50 * 31, 256, 3), 256);
  let worst = 0;
  for (let a = 0; a < 40; a++) {
    for (let b = 0; b < a; b++) {
      const differ = starts.filter((_, t) => leaves[a * 50 + t] !== leaves[b * 50 + t]).length;
      let squares = 0;
      for (let d = 0; d < 256; d++) squares += (dense[a * 256 + d]! - dense[b * 256 + d]!) ** 2;
      worst = Math.max(worst, Math.abs(Math.sqrt(squares / (2 * differ)) - 1));
    }
  }
  expect(worst).toBeLessThan(0.2);
});

test("a leaf's numbers depend on nothing but the seed, its number and how many there are", () => {
  expect(leafProjection(5, 8, 1)).toEqual(leafProjection(9, 8, 1).subarray(0, 40));
  expect(leafProjection(5, 8, 1)).not.toEqual(leafProjection(5, 8, 2));
});

// Passes rows through a forest: finds the leaf of each row in each tree, and sums up their values.
//
//   codes   u16[n][columns]: number of the column's thresholds below the row's value, or the category; 65535 is missing
//   node    u16 column, u16 kind, u32 test, i32 left, i32 right; 16 bytes. A child below 0 is leaf ~child of its tree
//             kind 0, 1: number; kind says whether missing values go left, and test is the threshold's position + kind
//             kind 2: category; test is the offset in bytes of its set: the number of u32 words, then the words of the
//               bit set

/** Code of a missing value. */
export const MISSING_BIN: u32 = 0xffff;

function next(node: i32, row: usize, nodes: usize, sets: usize): i32 {
  if (node < 0) return node;
  const own = nodes + ((<usize>node) << 4);
  const code = <u32>load<u16>(row + ((<usize>load<u16>(own)) << 1));
  const kind = <u32>load<u16>(own, 2);
  const test = load<u32>(own, 4);
  let left: bool;
  // the code of missing values is the greatest; after adding one it wraps to 0, the least
  if (kind < 2) left = ((code + kind) & MISSING_BIN) <= test;
  else {
    const set = sets + test;
    left = code >> 5 < load<u32>(set) && ((load<u32>(set + ((code >> 5) << 2), 4) >> (code & 31)) & 1) != 0;
  }
  // loads the child from a computed address instead of branching, as half of the branches would be mispredicted
  return load<i32>(own + ((<usize>!left) << 2), 8);
}

/**
 * Finds the leaf of each row in each tree, and adds its value to the row's scores.
 * @param roots i32[numTrees]: each tree's first node, or ~0 if the tree is a single leaf
 * @param starts u32[numTrees]: index in `values` of each tree's first leaf
 * @param values f64 by leaf
 * @param leaves u32[n][numTrees], to which leaves are written; 0 writes none
 * @param scores f64[n][numClasses], to which the trees' values are added, in the order of the trees
 * @param classes u32[numTrees]: class to whose score each tree's values are added
 */
export function predict(
  codes: usize,
  n: i32,
  columns: usize,
  nodes: usize,
  sets: usize,
  roots: usize,
  starts: usize,
  numTrees: i32,
  values: usize,
  leaves: usize,
  scores: usize,
  numClasses: i32,
  classes: usize,
): void {
  const stride = columns << 1;
  for (let t: usize = 0; t < <usize>numTrees; t++) {
    const root = load<i32>(roots + (t << 2));
    const own = values + ((<usize>load<u32>(starts + (t << 2))) << 3);
    const ownScores = scores + ((<usize>load<u32>(classes + (t << 2))) << 3);
    for (let i = 0; i < n; i += 4) {
      // four rows are walked at a time, since each step waits for the bytes of a node; the last group may contain a row
      // twice
      const r0 = <usize>i;
      const r1 = <usize>min(i + 1, n - 1);
      const r2 = <usize>min(i + 2, n - 1);
      const r3 = <usize>min(i + 3, n - 1);
      let n0 = root;
      let n1 = root;
      let n2 = root;
      let n3 = root;
      while ((n0 & n1 & n2 & n3) >= 0) {
        n0 = next(n0, codes + r0 * stride, nodes, sets);
        n1 = next(n1, codes + r1 * stride, nodes, sets);
        n2 = next(n2, codes + r2 * stride, nodes, sets);
        n3 = next(n3, codes + r3 * stride, nodes, sets);
      }
      arrive(r0, ~n0, own, ownScores, numClasses, leaves, t, numTrees);
      if (i + 1 < n) arrive(r1, ~n1, own, ownScores, numClasses, leaves, t, numTrees);
      if (i + 2 < n) arrive(r2, ~n2, own, ownScores, numClasses, leaves, t, numTrees);
      if (i + 3 < n) arrive(r3, ~n3, own, ownScores, numClasses, leaves, t, numTrees);
    }
  }
}

function arrive(
  row: usize,
  leaf: i32,
  values: usize,
  scores: usize,
  numClasses: i32,
  leaves: usize,
  t: usize,
  numTrees: i32,
): void {
  const score = scores + ((row * <usize>numClasses) << 3);
  store<f64>(score, load<f64>(score) + load<f64>(values + ((<usize>leaf) << 3)));
  if (leaves != 0) store<u32>(leaves + ((row * <usize>numTrees + t) << 2), <u32>leaf);
}

// The best of what is offered, best first: a list of scores and one of what has them.

/**
 * Puts an item into a list, behind those that score as much; the last one falls out.
 *
 * @param scores,found f32[top] and u32[top]
 * @param score above the list's last
 */
export function insertBest(scores: usize, found: usize, top: u32, item: u32, score: f32): void {
  let at = (<usize>(top - 1)) << 2;
  while (at > 0 && load<f32>(scores + at - 4) < score) {
    store<f32>(scores + at, load<f32>(scores + at - 4));
    store<u32>(found + at, load<u32>(found + at - 4));
    at -= 4;
  }
  store<f32>(scores + at, score);
  store<u32>(found + at, item);
}

// Four rows of four f32, transposed.

/**
 * Writes column c of the source as row c of the target.
 *
 * @param stride,targetStride bytes from one row to the next
 */
export function transpose4(source: usize, stride: usize, target: usize, targetStride: usize): void {
  const a = v128.load(source);
  const b = v128.load(source + stride);
  const c = v128.load(source + 2 * stride);
  const d = v128.load(source + 3 * stride);
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const ef = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const gh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(target, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
  v128.store(target + targetStride, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
  v128.store(target + 2 * targetStride, v128.shuffle<f32>(ef, gh, 0, 1, 4, 5));
  v128.store(target + 3 * targetStride, v128.shuffle<f32>(ef, gh, 2, 3, 6, 7));
}

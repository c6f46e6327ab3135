// Reference of inverseSqrt4 in assembly/vector.ts: the approximation of 1 / sqrt(x) in the kernels' steps.

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/**
 * 1 / sqrt(x) of a normal f32 x > 0, with a relative error up to 7e-4; the bits are those of the kernel.
 *
 * Source: Jan Kadlec 2010, "Improving the fast inverse square root" (rrrola.wz.cz/inv_sqrt.html).
 */
export function kernelInverseSqrt(x: number): number {
  const f = Math.fround;
  float[0] = x;
  bits[0] = 0x5f1ffff9 - (bits[0]! >>> 1);
  const y = float[0];
  const square = f(f(f(x) * y) * y);
  return f(y * f(f(1.68191391) - f(f(0.703952009) * square)));
}

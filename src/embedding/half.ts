// Converts IEEE half-precision numbers, for exports and imports.

/**
 * Returns the number that the 16 bits of a half-precision float represent: 1 sign bit, 5 bits of exponent with bias 15,
 * 10 bits of fraction.
 */
export function fromHalf(half: number): number {
  const exponent = (half >>> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction > 0 ? NaN : half & 0x8000 ? -Infinity : Infinity;
  const magnitude = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  return half & 0x8000 ? -magnitude : magnitude;
}

// Sine and cosine of angles in degrees, in f64 with additions and multiplications only, so that all engines compute the
// same bits.
//
// Source: fdlibm, k_sin.c and k_cos.c (Sun Microsystems, 1993). The angle is reduced in degrees, where quarter turns
// are exact.

const RADIANS = Math.PI / 180;

/** Returns the sine. @param degrees finite; exact at multiples of 90 */
export function sinDegrees(degrees: number): number {
  const quarter = Math.round(degrees / 90);
  const x = (degrees - 90 * quarter) * RADIANS;
  const turned = ((quarter % 4) + 4) % 4;
  const value = turned % 2 === 0 ? sinNear0(x) : cosNear0(x);
  return turned < 2 ? value : -value;
}

/** Returns the cosine. @param degrees finite; exact at multiples of 90 */
export function cosDegrees(degrees: number): number {
  return sinDegrees(90 - Math.abs(degrees));
}

/** Returns sin x for |x| <= π/4. */
function sinNear0(x: number): number {
  const z = x * x;
  const r =
    8.33333333332248946124e-3 +
    z *
      (-1.98412698298579493134e-4 +
        z * (2.75573137070700676789e-6 + z * (-2.50507602534068634195e-8 + z * 1.58969099521155010221e-10)));
  return x + z * x * (-1.66666666666666324348e-1 + z * r);
}

/** Returns cos x for |x| <= π/4. */
function cosNear0(x: number): number {
  const z = x * x;
  const r =
    z *
    (4.16666666666666019037e-2 +
      z *
        (-1.38888888888741095749e-3 +
          z *
            (2.48015872894767294178e-5 +
              z *
                (-2.75573143513906633035e-7 +
                  z * (2.0875723212981748279e-9 + z * -1.13596475577881948265e-11)))));
  return 1 - (0.5 * z - z * r);
}

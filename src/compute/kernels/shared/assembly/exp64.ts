// exp and log in f64, the same bits as their twins in ../../../../base/numeric/exp.ts.
//
// Source: fdlibm, e_exp.c and e_log.c (Sun Microsystems, 1993).

const LN2_HIGH: f64 = 6.9314718036912381649e-1;
const LN2_LOW: f64 = 1.90821492927058770002e-10;
const LOG2_E: f64 = 1.4426950408889634;
const SQRT2: f64 = 1.4142135623730951;

/** Returns e^x; 0 for x below -745, infinity above 709. */
export function exp64(x: f64): f64 {
  if (x > 709.782712893384) return Infinity;
  if (x < -745.1332191019411) return 0;

  // x = k ln 2 + r with |r| <= ln 2 / 2; r is split into two parts
  const k = floor<f64>(x * LOG2_E + 0.5);
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW;
  const r = high - low;

  // exp(r) = 1 + 2 r / (2 - c) with c a polynomial of r^2
  const t = r * r;
  const c =
    r -
    t *
      (1.66666666666666019037e-1 +
        t *
          (-2.77777777770155933842e-3 +
            t *
              (6.61375632143793436117e-5 + t * (-1.6533902205465251539e-6 + t * 4.13813679705723846039e-8))));
  const y = 1 - (low - (r * c) / (2 - c) - high);

  // multiplies by 2^k in two steps, so that neither factor overflows unless the product does
  const power = <i64>k;
  const half = power / 2;
  return y * powerOfTwo(half) * powerOfTwo(power - half);
}

/** Returns the natural logarithm of normal x > 0. */
export function log64(x: f64): f64 {
  // writes x as m 2^k, with m in [sqrt(1/2), sqrt(2))
  const bits = reinterpret<u64>(x);
  let k = <f64>(<i64>(bits >> 52) - 1023);
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (m >= SQRT2) {
    m /= 2;
    k += 1;
  }

  // evaluates log(1 + f) = f - (f^2/2 - s (f^2/2 + R)), with s = f / (2 + f) and R a polynomial of s^2
  const f = m - 1;
  const s = f / (2 + f);
  const z = s * s;
  const R =
    z *
    (6.66666666666673513e-1 +
      z *
        (3.999999999940941908e-1 +
          z *
            (2.857142874366239149e-1 +
              z *
                (2.222219843214978396e-1 +
                  z *
                    (1.818357216161805012e-1 +
                      z * (1.531383769920937332e-1 + z * 1.479819860511658591e-1))))));
  const square = 0.5 * f * f;
  return k * LN2_HIGH - (square - (s * (square + R) + k * LN2_LOW) - f);
}

function powerOfTwo(k: i64): f64 {
  return reinterpret<f64>((<u64>(k + 1023)) << 52);
}

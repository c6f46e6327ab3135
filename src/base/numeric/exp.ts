// exp, log, log1p and pow in f64, with additions, multiplications and divisions only, so that all engines compute the
// same bits; the functions of Math may differ in the last bit between engines.
//
// Source: fdlibm, e_exp.c and e_log.c (Sun Microsystems, 1993); each is within 1 ulp.

const LN2_HIGH = 6.9314718036912381649e-1;
const LN2_LOW = 1.90821492927058770002e-10;
const bits = new DataView(new ArrayBuffer(8));

/** Returns e^x. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (x > 709.782712893384) return Infinity;
  if (x < -745.1332191019411) return 0;

  // x = k ln 2 + r with |r| <= ln 2 / 2, r stored as a sum of two numbers
  const k = Math.round(x * Math.LOG2E);
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW;
  const r = high - low;

  // exp(r) = 1 + 2 r / (2 - c) where c is a polynomial in r^2
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

  // multiplies by two powers of half the exponent, so that an intermediate result overflows only if the product does
  const half = Math.trunc(k / 2);
  return y * powerOfTwo(half) * powerOfTwo(k - half);
}

/** Returns the natural logarithm of x; -Infinity for 0, NaN for negative numbers. */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  if (x === Infinity) return Infinity;

  // writes x as m 2^k, with m in [sqrt(1/2), sqrt(2)); subnormals are scaled up first
  let k = 0;
  if (x < 2.2250738585072014e-308) {
    x *= 2 ** 54;
    k = -54;
  }
  bits.setFloat64(0, x);
  const top = bits.getUint32(0);
  k += (top >>> 20) - 1023;
  bits.setUint32(0, (top & 0xfffff) | 0x3ff00000);
  let m = bits.getFloat64(0);
  if (m >= Math.SQRT2) {
    m /= 2;
    k++;
  }

  // evaluates log(1 + f) = f - (f^2/2 - s (f^2/2 + R)), with s = f / (2 + f) and R a polynomial in s^2
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

/**
 * Returns log(1 + x) without loss of digits for small x; -Infinity for -1, NaN for smaller numbers. Source: Kahan's
 * correction, within a few ulp
 */
export function log1p(x: number): number {
  const u = 1 + x;
  if (u === 1 || u === Infinity) return x;
  return u > 0 ? (log(u) * x) / (u - 1) : log(u);
}

/** Returns base^exponent for base >= 0, within a few ulp times |exponent log base|; 0^0 is 1. */
export function pow(base: number, exponent: number): number {
  if (exponent === 0 || base === 1) return 1;
  if (base === 0) return exponent > 0 ? 0 : Infinity;
  return exp(exponent * log(base));
}

function powerOfTwo(k: number): number {
  bits.setUint32(0, (k + 1023) << 20);
  bits.setUint32(4, 0);
  return bits.getFloat64(0);
}

// Math.exp and Math.log are not used for metrics, because metrics are written to files that must be reproducible.

/** Returns log(1 + e^x) without overflow or cancellation: the logistic loss, in nats, of score -x for label 1. */
export function softplus(x: number): number {
  return Math.max(x, 0) + log1p(exp(-Math.abs(x)));
}

/** Returns 1 / (1 + e^-x). */
export function logistic(x: number): number {
  const e = exp(-Math.abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

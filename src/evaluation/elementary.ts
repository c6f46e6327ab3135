// exp, log and what is made of them, in f64 from additions and multiplications alone: Math.exp and Math.log may differ in
// their last bits from one engine to the next, and metrics are written to files that are compared.
//
// Source: fdlibm 5.3 (Sun Microsystems 1993), e_exp.c and e_log.c; error below 1 unit in the last place.

const LN2_HIGH = 6.9314718036912381649e-1;
const LN2_LOW = 1.90821492927058770002e-10;

const words = new Uint32Array(2);
const double = new Float64Array(words.buffer);
// the index of the half that holds sign and exponent; every engine of today is little-endian, and this does not ask
double[0] = 1;
const HIGH = words[1] === 0x3ff00000 ? 1 : 0;

/** e^x; 0 below about -745.1, Infinity above 709.8, NaN for NaN. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x > 709.782712893384) return Infinity;
  if (x < -745.1332191019411) return 0;
  // x = k ln 2 + r, |r| <= ln 2 / 2
  const k = Math.abs(x) > 0.34657359027997264 ? Math.trunc(Math.LOG2E * x + (x < 0 ? -0.5 : 0.5)) : 0;
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW;
  const r = high - low;
  // a rational approximation of e^r (Remez, degree 5 in r^2)
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
  // two steps, since 2^k alone may be no normal number where y 2^k is one
  return k < -1000
    ? y * powerOf2(k + 1000) * powerOf2(-1000)
    : k > 1000
      ? y * powerOf2(k - 1000) * powerOf2(1000)
      : y * powerOf2(k);
}

/** The natural logarithm; -Infinity at 0, NaN below 0 and for NaN. */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : Number.NaN;
  if (x === Infinity) return Infinity;
  // x = 2^k (1 + f), sqrt(2)/2 < 1 + f < sqrt(2); subnormal numbers are made normal first
  const scaled = x < 2.2250738585072014e-308 ? x * 2 ** 54 : x;
  double[0] = scaled;
  let k = (words[HIGH]! >>> 20) - 1023 - (scaled === x ? 0 : 54);
  words[HIGH] = (words[HIGH]! & 0xfffff) | 0x3ff00000;
  let m = double[0];
  if (m > Math.SQRT2) {
    m /= 2;
    k++;
  }
  const f = m - 1;
  if (f === 0) return k * LN2_HIGH + k * LN2_LOW;
  // log(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)), s = f / (2 + f)
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const even = w * (3.999999999940941908e-1 + w * (2.222219843214978396e-1 + w * 1.531383769920937332e-1));
  const odd =
    z *
    (6.66666666666673513e-1 +
      w * (2.857142874366239149e-1 + w * (1.818357216161805012e-1 + w * 1.479819860511658591e-1)));
  const half = 0.5 * f * f;
  return k * LN2_HIGH - (half - (s * (half + even + odd) + k * LN2_LOW) - f);
}

/** log(1 + e^x) without overflow or cancellation: the logistic loss of score -x for label 1, in nats. */
export function softplus(x: number): number {
  const e = exp(-Math.abs(x));
  const u = 1 + e;
  // log(1 + e) by Kahan's correction, which keeps the digits that 1 + e drops
  const log1p = u === 1 ? e : (log(u) * e) / (u - 1);
  return Math.max(x, 0) + log1p;
}

/** 1 / (1 + e^-x). */
export function logistic(x: number): number {
  const e = exp(-Math.abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

function powerOf2(k: number): number {
  words[1 - HIGH] = 0;
  words[HIGH] = (k + 1023) << 20;
  return double[0]!;
}

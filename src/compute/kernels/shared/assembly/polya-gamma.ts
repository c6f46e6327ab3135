// Pólya-Gamma draws PG(1, z): conditional on these draws, a logistic likelihood is normal in the score. Twin with the
// same bits: ../../../../base/numeric/polya-gamma.reference.ts.
//
//   exp(s y) / (1 + exp(s)) is proportional to   E exp(-omega (s - (y - 1/2) / omega)^2 / 2)   over omega ~ PG(1, 0),
//   and omega given s is PG(1, s)
//
// Source: Polson, Scott and Windle 2013 (10.1080/01621459.2013.829001), with Devroye's alternating series for J*(1, z /
// 2), cut at 0.64: the proposal is an inverse Gaussian below the cut and an exponential above it, and one proposal in
// 1,000 is rejected.

import { exp64, log64 } from "./exp64";
import { normalCdf, normalDraw, uniform } from "./normal";
import { draw } from "./random";

/** Boundary between the sampler's two proposal distributions. */
const CUT: f64 = 0.64;
/** Maximum |score|: greater scores are clipped. Beyond it, expected precisions are at most 0.0025. */
const FAR: f64 = 200;
const PI: f64 = 3.141592653589793;

/** Returns the mean of the Pólya-Gamma distribution PG(1, s), the expected precision of a row with the score s. */
export function polyaGammaMean(s: f64): f64 {
  const a = abs<f64>(s);
  // sums a Taylor series around 0; the omitted terms are below 1e-12
  if (a < 0.01) return 0.25 - (a * a) / 48;
  const t = exp64(-a);
  return (1 - t) / ((1 + t) * 2 * a);
}

/** Returns a draw of the Pólya-Gamma distribution PG(1, s). */
export function polyaGammaDraw(key: u32, s: f64): f64 {
  const z = 0.5 * min<f64>(abs<f64>(s), FAR);
  const rate = (PI * PI) / 8 + 0.5 * z * z;
  const right = (PI / (2 * rate)) * exp64(-rate * CUT);
  const left = 2 * exp64(-z) * inverseGaussianCdf(z);
  let i: u32 = 0;
  while (true) {
    let x: f64 = 0;
    if (uniform(key, i++) * (left + right) < right) {
      x = CUT - log64(uniform(key, i++)) / rate;
    } else if (z * CUT < 1) {
      // if the inverse Gaussian's mean is beyond the boundary: draws 1 / chi-square below the boundary, and accepts the
      // draw with a probability that makes it inverse Gaussian
      do {
        let e: f64 = 0;
        let f: f64 = 0;
        do {
          e = -log64(uniform(key, i++));
          f = -log64(uniform(key, i++));
        } while (e * e * CUT > 2 * f);
        x = 1 + CUT * e;
        x = CUT / (x * x);
      } while (uniform(key, i++) > exp64(-0.5 * z * z * x));
    } else {
      const mean = 1 / z;
      do {
        const n = normalDraw(draw(key, i++));
        const y = mean * n * n;
        x = mean + 0.5 * mean * y - 0.5 * mean * sqrt<f64>(y * (4 + y));
        if (uniform(key, i++) * (mean + x) > mean) x = (mean * mean) / x;
      } while (x > CUT);
    }
    // the density is an alternating series, whose partial sums bound it from above and below in turn
    let sum = term(0, x);
    const height = uniform(key, i++) * sum;
    let n: u32 = 1;
    while (true) {
      sum -= term(n++, x);
      if (height <= sum) return 0.25 * x;
      sum += term(n++, x);
      if (height > sum) break;
    }
  }
}

/** Returns P(X <= CUT) of the inverse Gaussian distribution with mean 1 / z and shape 1. */
function inverseGaussianCdf(z: f64): f64 {
  const root = 1.25; // 1 / sqrt(CUT), as in the distribution function of the inverse Gaussian
  const near = normalCdf(root * (CUT * z - 1));
  // the second term of the distribution function is below 1e-40 for z > 20, and is omitted
  return z > 20 ? near : near + exp64(2 * z) * normalCdf(-root * (CUT * z + 1));
}

function term(n: u32, x: f64): f64 {
  const c = <f64>n + 0.5;
  if (x > CUT) return PI * c * exp64(-0.5 * PI * PI * c * c * x);
  const r = 2 / (PI * x);
  return PI * c * r * sqrt<f64>(r) * exp64((-2 * c * c) / x);
}

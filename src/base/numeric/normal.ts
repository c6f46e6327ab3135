// The normal distribution: its cdf, and random draws that a key determines. ../../compute/kernels/shared/assembly/normal.ts
// computes the same bits.
//
//   key ──► uniform(key, 0), uniform(key, 1), ...  ──► two at a time, accepted or rejected ──► a draw
//
// f64 with additions, multiplications, divisions and roots only, as in exp.ts, so that all engines compute the same
// bits.

import { exp, log } from "./exp.js";
import { draw } from "./random.js";

/** Maximum |x| to which arguments are clamped; beyond it, exp underflows, and probabilities are at most 1e-300. */
export const FAR = 37;

/** Returns draw number `counter` of a key's stream, uniform in (0, 1). */
export function uniform(key: number, counter: number): number {
  return (draw(key, counter) + 0.5) / 2 ** 32;
}

/**
 * Returns P(X <= x) of a standard normal X, with a relative error of 1e-14 in both tails; x is clamped to [-37, 37].
 *
 * Source: Cody 1969 (10.1090/S0025-5718-1969-0247736-4), rational approximations in the form of R's pnorm.
 */
export function normalCdf(x: number): number {
  const a = Math.min(Math.abs(x), FAR);
  if (a <= 0.67448975) {
    const s = x * x;
    let top = 0.06568233791820745 * s;
    let bottom = s;
    top = (top + 2.2352520354606837) * s;
    bottom = (bottom + 47.202581904688245) * s;
    top = (top + 161.02823106855587) * s;
    bottom = (bottom + 976.0985517377767) * s;
    top = (top + 1067.6894854603709) * s;
    bottom = (bottom + 10260.932208618979) * s;
    return 0.5 + (x * (top + 18154.98125334356)) / (bottom + 45507.78933502673);
  }
  const tail = a <= 5.656854249492381 ? nearTail(a) : farTail(a);
  return x > 0 ? 1 - tail : tail;
}

function nearTail(a: number): number {
  let top = 1.0765576773720192e-8 * a;
  let bottom = a;
  top = (top + 0.39894151208813466) * a;
  bottom = (bottom + 22.266688044328117) * a;
  top = (top + 8.883149794388377) * a;
  bottom = (bottom + 235.387901782625) * a;
  top = (top + 93.50665613217785) * a;
  bottom = (bottom + 1519.3775994075547) * a;
  top = (top + 597.2702763948002) * a;
  bottom = (bottom + 6485.558298266761) * a;
  top = (top + 2494.5375852903726) * a;
  bottom = (bottom + 18615.571640885097) * a;
  top = (top + 6848.190450536283) * a;
  bottom = (bottom + 34900.95272114598) * a;
  top = (top + 11602.65143764735) * a;
  bottom = (bottom + 38912.00328609327) * a;
  return (exp(-0.5 * a * a) * (top + 9842.714838383978)) / (bottom + 19685.429676859992);
}

function farTail(a: number): number {
  const s = 1 / (a * a);
  let top = 0.023073441764940174 * s;
  let bottom = s;
  top = (top + 0.215898534057957) * s;
  bottom = (bottom + 1.284260096144911) * s;
  top = (top + 0.12740116116024736) * s;
  bottom = (bottom + 0.4682382124808651) * s;
  top = (top + 0.022235277870649807) * s;
  bottom = (bottom + 0.06598813786892856) * s;
  top = (top + 0.0014216191932278934) * s;
  bottom = (bottom + 0.0037823963320275824) * s;
  const t = (s * (top + 2.9112874951168793e-5)) / (bottom + 7.297515550839662e-5);
  return (exp(-0.5 * a * a) * (0.3989422804014327 - t)) / a;
}

/**
 * Returns a standard normal draw.
 *
 * Source: Leva 1992 (10.1145/138351.138364), ratio of uniforms. A draw takes 1.4 pairs of random numbers on average,
 * and in about one case of eight a logarithm.
 */
export function normalDraw(key: number): number {
  let i = 0;
  while (true) {
    const u = uniform(key, i);
    const v = 1.7156 * (uniform(key, i + 1) - 0.5);
    const x = u - 0.449871;
    const y = Math.abs(v) + 0.386595;
    const q = x * x + y * (0.196 * y - 0.25472 * x);
    if (q < 0.27597 || (q <= 0.27846 && v * v <= -4 * u * u * log(u))) return v / u;
    i += 2;
  }
}

/**
 * Returns a draw of the gamma distribution with the given shape and rate; its mean is shape / rate.
 *
 * Source: Marsaglia and Tsang 2000 (10.1145/358407.358414). No kernel implements it, because hyperparameters are drawn
 * only once per sweep.
 *
 * @param shape >= 1
 */
export function gammaDraw(key: number, shape: number, rate: number): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (let i = 0; ; i++) {
    const x = normalDraw(draw(key, 2 * i));
    const cube = (1 + c * x) ** 3;
    if (cube > 0 && log(uniform(key, 2 * i + 1)) < 0.5 * x * x + d * (1 - cube + log(cube))) {
      return (d * cube) / rate;
    }
  }
}

// Normal distribution: cumulative distribution function, and draws by random key. The bits are those of
// ../../../../base/numeric/normal.ts, which names the sources.

import { exp64, log64 } from "./exp64";
import { draw } from "./random";

/** Maximum |x| to which arguments are clamped; beyond it, probabilities are at most 1e-300, and exp underflows. */
const FAR: f64 = 37;

/** Returns draw number `counter` for a random key, uniform in (0, 1). */
export function uniform(key: u32, counter: u32): f64 {
  return (<f64>draw(key, counter) + 0.5) / 4294967296;
}

function normalDensity(x: f64): f64 {
  return 0.3989422804014327 * exp64(-0.5 * x * x);
}

/**
 * Returns P(X <= x) of a standard normal X, with a relative error up to 1e-14 in either tail; x is clamped to [-37,
 * 37].
 */
export function normalCdf(x: f64): f64 {
  const a = min<f64>(abs<f64>(x), FAR);
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

function nearTail(a: f64): f64 {
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
  return (exp64(-0.5 * a * a) * (top + 9842.714838383978)) / (bottom + 19685.429676859992);
}

function farTail(a: f64): f64 {
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
  return (exp64(-0.5 * a * a) * (0.3989422804014327 - t)) / a;
}

/** Returns a draw of a standard normal variable. */
export function normalDraw(key: u32): f64 {
  let i: u32 = 0;
  while (true) {
    const u = uniform(key, i);
    const v = 1.7156 * (uniform(key, i + 1) - 0.5);
    const x = u - 0.449871;
    const y = abs<f64>(v) + 0.386595;
    const q = x * x + y * (0.196 * y - 0.25472 * x);
    if (q < 0.27597 || (q <= 0.27846 && v * v <= -4 * u * u * log64(u))) return v / u;
    i += 2;
  }
}

/** Returns a draw of a standard normal X conditional on X > left. */
export function tailDraw(key: u32, left: f64): f64 {
  if (left <= 0) {
    let i: u32 = 0;
    while (true) {
      const x = normalDraw(draw(key, i++));
      if (x > left) return x;
    }
  }
  const rate = 0.5 * (left + sqrt<f64>(left * left + 4));
  let i: u32 = 0;
  while (true) {
    const x = left - log64(uniform(key, i)) / rate;
    const d = x - rate;
    if (uniform(key, i + 1) < exp64(-0.5 * d * d)) return x;
    i += 2;
  }
}

/**
 * Returns the mean of a standard normal X conditional on X > left, the inverse Mills ratio; left is clamped to [-37,
 * 37].
 */
export function tailMean(left: f64): f64 {
  const a = min<f64>(max<f64>(left, -FAR), FAR);
  return normalDensity(a) / normalCdf(-a);
}

// The normal distribution: its cdf, and draws named by a key. The same bits as its twin, ../../reference/normal.ts, which
// names the sources.

import { exp64, log64 } from "./exp64";
import { draw } from "./random";

/** exp underflows beyond; a probability there is 1e-300 or less. */
const FAR: f64 = 37;

/** Draw number `counter` of a key's stream, uniform in (0, 1). */
export function uniform(key: u32, counter: u32): f64 {
  return (<f64>draw(key, counter) + 0.5) / 4294967296;
}

/** The density of N(0, 1) at x. */
function normalDensity(x: f64): f64 {
  return 0.3989422804014327 * exp64(-0.5 * x * x);
}

/** P(X <= x) of a standard normal X, to a relative 1e-14 in either tail; x is clamped to [-37, 37]. */
export function normalCdf(x: f64): f64 {
  const a = min<f64>(abs<f64>(x), FAR);
  if (a <= 0.67448975) {
    const s = x * x;
    let top = 0.065682337918207449113 * s;
    let bottom = s;
    top = (top + 2.2352520354606839287) * s;
    bottom = (bottom + 47.20258190468824187) * s;
    top = (top + 161.02823106855587881) * s;
    bottom = (bottom + 976.09855173777669322) * s;
    top = (top + 1067.6894854603709582) * s;
    bottom = (bottom + 10260.932208618978205) * s;
    return 0.5 + (x * (top + 18154.981253343561249)) / (bottom + 45507.789335026729956);
  }
  const tail = a <= 5.656854249492381 ? nearTail(a) : farTail(a);
  return x > 0 ? 1 - tail : tail;
}

function nearTail(a: f64): f64 {
  let top = 1.0765576773720192317e-8 * a;
  let bottom = a;
  top = (top + 0.39894151208813466764) * a;
  bottom = (bottom + 22.266688044328115691) * a;
  top = (top + 8.8831497943883759412) * a;
  bottom = (bottom + 235.38790178262499861) * a;
  top = (top + 93.506656132177855979) * a;
  bottom = (bottom + 1519.377599407554805) * a;
  top = (top + 597.27027639480026226) * a;
  bottom = (bottom + 6485.558298266760755) * a;
  top = (top + 2494.5375852903726711) * a;
  bottom = (bottom + 18615.571640885098091) * a;
  top = (top + 6848.1904505362823326) * a;
  bottom = (bottom + 34900.952721145977266) * a;
  top = (top + 11602.651437647350124) * a;
  bottom = (bottom + 38912.003286093271411) * a;
  return (exp64(-0.5 * a * a) * (top + 9842.7148383839780218)) / (bottom + 19685.429676859990727);
}

function farTail(a: f64): f64 {
  const s = 1 / (a * a);
  let top = 0.02307344176494017303 * s;
  let bottom = s;
  top = (top + 0.21589853405795699) * s;
  bottom = (bottom + 1.28426009614491121) * s;
  top = (top + 0.1274011611602473639) * s;
  bottom = (bottom + 0.468238212480865118) * s;
  top = (top + 0.022235277870649807) * s;
  bottom = (bottom + 0.0659881378689285515) * s;
  top = (top + 0.001421619193227893466) * s;
  bottom = (bottom + 0.00378239633202758244) * s;
  const t = (s * (top + 2.9112874951168792e-5)) / (bottom + 7.29751555083966205e-5);
  return (exp64(-0.5 * a * a) * (0.3989422804014327 - t)) / a;
}

/** A standard normal draw. */
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

/** A draw of a standard normal X given X > left. */
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

/** The mean of a standard normal X given X > left, left clamped to [-37, 37]: the inverse Mills ratio. */
export function tailMean(left: f64): f64 {
  const a = min<f64>(max<f64>(left, -FAR), FAR);
  return normalDensity(a) / normalCdf(-a);
}

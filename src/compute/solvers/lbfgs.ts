// Minimizes a smooth convex function of many variables from its values and gradients.
//
//   x     f64[n], updated in place        g  the gradient at x
//   s, y  recent steps and changes of the gradient, from which the inverse Hessian is approximated
//
// Source: Nocedal and Wright 2006, algorithms 7.4 and 7.5; steps are halved until they satisfy Armijo's condition
// (3.4).

type Objective = (x: Float64Array, gradient: Float64Array) => number;

interface LbfgsOptions {
  iterations: number;
  /** convergence threshold for the largest component of the gradient, relative to max(1, largest |x|) */
  tolerance: number;
}

const MEMORY = 10;
/** Minimum decrease, as a fraction of what the slope predicts. */
const ARMIJO = 1e-4;
const HALVINGS = 30;

export function minimize(
  objective: Objective,
  x: Float64Array,
  { iterations, tolerance }: LbfgsOptions,
): { value: number; iterations: number } {
  const n = x.length;
  let gradient = new Float64Array(n);
  let value = objective(x, gradient);
  const pairs: { s: Float64Array; y: Float64Array; sy: number }[] = [];
  for (let k = 0; k < iterations; k++) {
    if (largest(gradient) <= tolerance * Math.max(1, largest(x))) return { value, iterations: k };
    const direction = twoLoops(gradient, pairs);
    const slope = dot(direction, gradient);

    // in the first step, there is no approximation of the Hessian yet
    let step = pairs.length === 0 ? Math.min(1, 1 / Math.sqrt(dot(gradient, gradient))) : 1;
    const [next, nextGradient] = [new Float64Array(n), new Float64Array(n)];
    let nextValue = Infinity;
    for (let halving = 0; halving < HALVINGS; halving++, step /= 2) {
      for (let i = 0; i < n; i++) next[i] = x[i]! + step * direction[i]!;
      nextValue = objective(next, nextGradient);
      if (nextValue <= value + ARMIJO * step * slope) break;
    }
    if (!(nextValue < value)) return { value, iterations: k };
    const [s, y] = [next.map((v, i) => v - x[i]!), nextGradient.map((v, i) => v - gradient[i]!)];
    const sy = dot(s, y);
    // skips steps along which the function has no positive curvature
    if (sy > 1e-12 * dot(y, y)) pairs.push({ s, y, sy });
    if (pairs.length > MEMORY) pairs.shift();
    x.set(next);
    gradient = nextGradient;
    value = nextValue;
  }
  return { value, iterations };
}

/** Returns the search direction: minus the approximate inverse Hessian times the gradient. */
function twoLoops(
  gradient: Float64Array,
  pairs: readonly { s: Float64Array; y: Float64Array; sy: number }[],
): Float64Array {
  const q = gradient.map((g) => -g);
  const alphas = pairs.map(() => 0);
  for (let i = pairs.length - 1; i >= 0; i--) {
    const { s, y, sy } = pairs[i]!;
    alphas[i] = dot(s, q) / sy;
    addScaled(q, y, -alphas[i]!);
  }
  const last = pairs.at(-1);
  if (last) {
    const scale = last.sy / dot(last.y, last.y);
    for (let j = 0; j < q.length; j++) q[j]! *= scale;
  }
  pairs.forEach(({ s, y, sy }, i) => addScaled(q, s, alphas[i]! - dot(y, q) / sy));
  return q;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function addScaled(to: Float64Array, x: Float64Array, scale: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += scale * x[i]!;
}

function largest(x: Float64Array): number {
  let most = 0;
  for (let i = 0; i < x.length; i++) most = Math.max(most, Math.abs(x[i]!));
  return most;
}

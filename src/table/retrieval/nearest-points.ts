// Finds the nearest points of a query by Euclidean distance, exactly.
//
// Points are sorted by the coordinate with the largest range; a search proceeds outwards from the query's position and
// ends when the difference in that coordinate alone exceeds the distances of the points found. It visits about as many
// points as lie in a slab of the neighborhood's width.

import { ascending } from "../../base/numeric/indices.js";

export interface NearPoint {
  point: number;
  squared: number;
}

/** Index of points for nearest-point queries. Of points at equal distances, it returns the one with the lower index. */
export class NearestPoints {
  readonly #axis: number;
  /** indexes of the points, sorted by their coordinate on the axis with the largest range */
  readonly #order: Uint32Array;

  /** @param points f64[n * dims], row-major, finite */
  constructor(
    private readonly points: Float64Array,
    private readonly dims: number,
  ) {
    const axis = widestAxis(points, dims);
    this.#axis = axis;
    this.#order = ascending(points.length / dims).sort(
      (a, b) => points[a * dims + axis]! - points[b * dims + axis]! || a - b,
    );
  }

  /** Returns the k nearest points, nearest first; all points if there are fewer than k. @param query f64[dims] */
  nearest(query: Float64Array, k: number): NearPoint[] {
    const order = this.#order;
    const wanted = Math.min(k, order.length);
    const found: NearPoint[] = [];
    let right = this.#firstFrom(query[this.#axis]!);
    let left = right - 1;
    while (left >= 0 || right < order.length) {
      const [toLeft, toRight] = [this.#gap(query, left), this.#gap(query, right)];
      const gap = Math.min(toLeft, toRight);
      // another point at the same distance may have a lower index
      if (found.length === wanted && gap * gap > found[wanted - 1]!.squared) break;
      const point = toLeft < toRight ? order[left--]! : order[right++]!;
      offer(found, { point, squared: this.#squared(query, point) }, wanted);
    }
    return found;
  }

  #firstFrom(x: number): number {
    let [low, high] = [0, this.#order.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.points[this.#order[middle]! * this.dims + this.#axis]! < x) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Distance along the axis to the point at a position of the sorted order; Infinity beyond its ends. */
  #gap(query: Float64Array, place: number): number {
    if (place < 0 || place >= this.#order.length) return Infinity;
    return Math.abs(this.points[this.#order[place]! * this.dims + this.#axis]! - query[this.#axis]!);
  }

  #squared(query: Float64Array, point: number): number {
    let sum = 0;
    for (let d = 0, at = point * this.dims; d < this.dims; d++, at++) {
      const difference = this.points[at]! - query[d]!;
      sum += difference * difference;
    }
    return sum;
  }
}

function offer(found: NearPoint[], near: NearPoint, most: number): void {
  const isNearer = (other: NearPoint) =>
    near.squared < other.squared || (near.squared === other.squared && near.point < other.point);
  let at = found.length;
  while (at > 0 && isNearer(found[at - 1]!)) at--;
  if (at === most) return;
  found.splice(at, 0, near);
  if (found.length > most) found.pop();
}

function widestAxis(points: Float64Array, dims: number): number {
  let [widest, range] = [0, -1];
  for (let d = 0; d < dims; d++) {
    let [low, high] = [Infinity, -Infinity];
    for (let at = d; at < points.length; at += dims) {
      low = Math.min(low, points[at]!);
      high = Math.max(high, points[at]!);
    }
    if (high - low > range) [widest, range] = [d, high - low];
  }
  return widest;
}

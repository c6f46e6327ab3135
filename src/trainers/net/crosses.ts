// Computes the crosses of the wide part: hashed pairs of features of two fields.
//
//   (feature a of field A, feature b of field B) ──► weight  p 2^bits + hash(a, b)  of the pair p = (A, B)
//
// Hashing needs no vocabulary. A cross that did not occur in training has the weight of the trained crosses that
// collide with it, or 0. Source: Cheng et al. 2016 (arXiv:1606.07792), eq. 1; hashing as in Weinberger et al. 2009
// (arXiv:0902.2206).

import { firstPair, type FeatureRows } from "../../dataset/rows.js";
import { featureHashes, fieldOfFeatures, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { UsageError } from "../../base/errors.js";
import type { NetInputs } from "../../compute/kernels/net/shape.js";
import { featureKey } from "../../base/numeric/initial.js";

export interface CrossPlan {
  /** names of the two fields of each pair */
  fields: readonly (readonly [string, string])[];
  /** binary logarithm of the number of weights of each pair of fields */
  bits: number;
}

export function numCrossesOf({ fields, bits }: CrossPlan): number {
  return fields.length * 2 ** bits;
}

/**
 * Returns a function that computes the crosses of rows; undefined if no pairs of fields are crossed.
 *
 * @throws {UsageError} a name is not a categorical field
 */
export function crosserOf(
  space: FeatureSpace,
  { fields, bits }: CrossPlan,
): ((rows: FeatureRows) => NonNullable<NetInputs["crosses"]>) | undefined {
  if (fields.length === 0) return undefined;
  const pairs = fields.map((pair) => pair.map((name) => fieldIndex(space, name, pair)));
  const hashes = featureHashes(space);
  const fieldOf = fieldOfFeatures(space.offsets);
  const placeOf = (p: number, a: number, b: number): number => {
    const hash = featureKey(featureKey(p, hashes, a), hashes, b);
    return p * 2 ** bits + (hash >>> (32 - bits));
  };
  return (rows) => {
    const indptr = new Uint32Array(rows.numRows + 1);
    const found: number[] = [];
    for (let r = 0; r < rows.numRows; r++) {
      const own = rows.ids.subarray(firstPair(rows, r), firstPair(rows, r + 1));
      pairs.forEach(([A, B], p) => {
        for (const a of own) {
          if (fieldOf[a] !== A) continue;
          for (const b of own) if (fieldOf[b] === B) found.push(placeOf(p, a, b));
        }
      });
      indptr[r + 1] = found.length;
    }
    return { width: 0, indptr, ids: Uint32Array.from(found) };
  };
}

function fieldIndex({ fields }: FeatureSpace, name: string, pair: readonly string[]): number {
  const f = fields.findIndex((field) => field.name === name);
  const names = fields.filter(({ kind }) => kind !== "number").map((field) => field.name);
  if (f >= 0 && fields[f]!.kind !== "number") return f;
  throw new UsageError(
    `--cross ${pair.join("*")}: '${name}' is ` +
      `${f < 0 ? "not a field" : "numeric (--numeric NAME:bins=20 bins it)"}; categorical fields are ` +
      names.join(", "),
  );
}

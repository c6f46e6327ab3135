// Composes features of a field-aware machine to one vector, with a block for each pair of an item field and a context
// field.
//
//   g, b     a field of the item, a field of the context       G, C   their numbers      k   length of v_(i, field)
//   item     block (g, b) = sum of x_i v_(i, b) over its features i of field g
//   context  block (g, b) = sum of x_c v_(c, g) over its features c of field b
//   bias     sum of x w, and the interactions within the row
//
// The dot product of both is the sum of x_i x_c <v_(i, b), v_(c, g)> over all pairs of an item and a context feature.
// Juan et al. 2016, eq. 4 is this sum plus the interactions within each group, which are in the biases. Vectors for
// partner fields of the own group are therefore not part of a composed vector. Blocks without a feature are zero.

import { forEachPair, type FeatureRows } from "../../../dataset/rows.js";
import { fieldOfFeatures, type FeatureSpace } from "../../../dataset/vocabulary/vocabulary.js";
import type { Composer } from "../../../factors/compose.js";
import type { FmParameters } from "../../../factors/model.js";

/**
 * Returns the composer of a field-aware model, which sums the features of a row to one vector and one bias. The model
 * must be trained without normalized rows.
 *
 * @param parameters vectors f32[numFeatures * fields * k]
 * @param itemFields names of the item's fields; all others are context
 */
export function crossComposer(
  { fields, offsets }: FeatureSpace,
  parameters: FmParameters,
  itemFields: readonly string[],
): Composer {
  const numFields = fields.length;
  const k = parameters.dim / numFields;
  const fieldOf = fieldOfFeatures(offsets);
  const isOfItem = fields.map(({ name }) => itemFields.includes(name));
  const own = isOfItem.flatMap((item, f) => (item ? [f] : []));
  const context = isOfItem.flatMap((item, f) => (item ? [] : [f]));
  // index in a composed vector at which the block of item field g and context field b starts
  const place = (g: number, b: number) => (own.indexOf(g) * context.length + context.indexOf(b)) * k;
  const dim = own.length * context.length * k;

  const over = ({ dim: width, w0, w, vectors }: FmParameters): Composer => {
    const at = (feature: number, partner: number) => feature * width + partner * k;
    const product = (i: number, j: number): number => {
      const [p, q] = [at(i, fieldOf[j]!), at(j, fieldOf[i]!)];
      let sum = 0;
      for (let d = 0; d < k; d++) sum += vectors[p + d]! * vectors[q + d]!;
      return sum;
    };
    /** Returns the sum of the weights and interactions of a row's features, except those of feature `but`. */
    const within = (rows: FeatureRows, row: number, but: number): number => {
      const pairs = pairsOfRow(rows, row).filter(([feature]) => feature !== but);
      let sum = 0;
      pairs.forEach(([i, x], a) => {
        sum += x * w[i]!;
        for (const [j, y] of pairs.slice(a + 1)) sum += x * y * product(i, j);
      });
      return sum;
    };
    return {
      dim,
      numBlocks: numFields,
      over,
      vectors(rows) {
        const sums = new Float64Array(rows.numRows * dim);
        for (let row = 0; row < rows.numRows; row++) {
          forEachPair(rows, row, (feature, x) => {
            const f = fieldOf[feature]!;
            for (const partner of isOfItem[f] ? context : own) {
              const to = row * dim + (isOfItem[f] ? place(f, partner) : place(partner, f));
              for (let d = 0; d < k; d++) sums[to + d]! += x * vectors[at(feature, partner) + d]!;
            }
          });
        }
        return Float32Array.from(sums);
      },
      weights: (rows) => Float32Array.from({ length: rows.numRows }, (_, row) => within(rows, row, -1)),
      events(rows, feature) {
        const size = 1 + width;
        const phi = new Float64Array(rows.numRows * size);
        const field = fieldOf[feature]!;
        const offsets = Float64Array.from({ length: rows.numRows }, (_, row) => {
          const pairs = pairsOfRow(rows, row);
          const value = pairs.find(([i]) => i === feature)?.[1] ?? 0;
          phi[row * size] = value;
          for (const [j, x] of pairs) {
            if (j === feature) continue;
            const to = row * size + 1 + fieldOf[j]! * k;
            for (let d = 0; d < k; d++) phi[to + d]! += value * x * vectors[at(j, field) + d]!;
          }
          return w0 + within(rows, row, feature);
        });
        return { dim: width, phi, offsets };
      },
    };
  };
  return over(parameters);
}

function pairsOfRow(rows: FeatureRows, row: number): [feature: number, x: number][] {
  const pairs: [number, number][] = [];
  forEachPair(rows, row, (feature, x) => pairs.push([feature, x]));
  return pairs;
}

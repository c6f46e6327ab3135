// Capabilities of field-aware runs. Rows, and new users or items, are composed to one vector, with a block for each pair
// of an item field and a context field.
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
import type { FmParameters } from "../../shared/factor-model/model.js";
import type { Composition } from "../../../training/capabilities/run-space.js";
import type { Run } from "../../../table/run-directory.js";
import { UsageError } from "../../../base/errors.js";
import type { Composer } from "../../shared/factor-model/compose.js";
import { readFmModel, type FmRun } from "../../shared/factor-model/artifact.js";
import { readLayout } from "./layout.js";
import { foldInEvents } from "../../shared/factor-model/fold-in-events.js";
import { encodeComposed } from "../../shared/factor-model/transform.js";
import type { FoldingIn } from "../../../training/capabilities/folded-keys.js";
import type { Transformed, TransformOptions } from "../../../training/shared-options/transform-options.js";
import type { Watch } from "../../../training/session/watch.js";
import { drawsByPlace, fitLabels } from "../fold-in-labels.js";
import type { EmbeddingTable } from "../../../table/table.js";
import { factorForgetting } from "../../shared/factor-model/read.js";
import { factorFiles, rotating } from "../../shared/factor-model/rotation.js";
import type { Rotation, VectorBlock } from "../../../training/capabilities/rotation.js";
import type { Forgetting } from "../../../training/capabilities/forgetting/forgetting.js";

/** Returns the reason why a row's features cannot be composed to one vector; undefined if they can. */
async function whyNotCrossed(run: Run, { table, preprocess }: FmRun): Promise<string | undefined> {
  if ((await readLayout(run, table)).normalizeRows)
    return "was trained with --normalize-rows, so each term of a score depends on the whole row";
  return preprocess.itemFields ? undefined : "has no item field: train it with --item";
}

/** @throws {UsageError} features cannot be composed */
async function crossComposerOf(run: Run, model: FmRun): Promise<Composer> {
  const why = await whyNotCrossed(run, model);
  if (why !== undefined) throw new UsageError(`run '${run.path}' ${why}`);
  return crossComposer(model.space, model.parameters, model.preprocess.itemFields!);
}

/** Returns the composer, or the reason why there is none. @throws {ArtifactError} damaged */
export async function crossComposition(run: Run): Promise<Composition | { whyNot: string }> {
  const model = await readFmModel(run);
  const whyNot = await whyNotCrossed(run, model);
  return whyNot === undefined
    ? { space: model.space, composer: await crossComposerOf(run, model) }
    : { whyNot };
}

/** @throws {UsageError} the rows have columns of both users and items, or features cannot be composed */
export async function encodeCrossed(run: Run, options: TransformOptions, watch: Watch): Promise<Transformed> {
  return await encodeComposed(run, options, watch, { composerOf: crossComposerOf, checkFields: checkSide });
}

/** @throws {UsageError} features cannot be composed */
export async function foldInCrossed(run: Run, options: TransformOptions, watch: Watch): Promise<FoldingIn> {
  return await foldInEvents(run, options, watch, fitLabels(), crossComposerOf, drawsByPlace);
}

/** @throws {UsageError} rows have columns of both users and items, which cannot be composed to one vector */
function checkSide({ preprocess: { itemFields = [] } }: FmRun, known: readonly string[]): void {
  const others = known.filter((name) => !itemFields.includes(name));
  if (others.length === 0 || others.length === known.length) return;
  throw new UsageError(
    `the rows have columns of the item (${itemFields.join(", ")}) and of the user (${others.join(", ")}); a ` +
      "field-aware model encodes them separately: pass one table for each",
  );
}

/**
 * Returns the rotations of a field-aware run. Features i of field f and j of field g interact as <v_(i, g), v_(j, f)>,
 * so the two blocks of a pair (f, g) share a rotation. Features of one multi-valued field interact in the field's own
 * block.
 *
 * @throws {ArtifactError} damaged
 */
export async function fieldAwareRotation(run: Run, table: EmbeddingTable): Promise<Rotation> {
  const { fields, dim: width } = await readLayout(run, table);
  const block = (f: number, g: number): VectorBlock => ({
    field: table.fields[f]!,
    partner: fields[g]!,
    offset: g * width,
    width,
  });
  const groups = fields.flatMap((_, f) =>
    fields.slice(f).map((__, i) => (i === 0 ? [block(f, f)] : [block(f, f + i), block(f + i, f)])),
  );
  return { groups, files: rotating(run, factorFiles) };
}

/** The file with the layout contains no keys. @throws {ArtifactError} damaged */
export async function fieldAwareForgetting(run: Run): Promise<Forgetting> {
  return await factorForgetting(run, { withoutKeys: ["ffm.json"] });
}

/**
 * Returns the composer of a model that was trained without normalized rows.
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

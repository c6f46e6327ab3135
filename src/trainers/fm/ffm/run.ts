// Capabilities of field-aware runs. Rows, and new users or items, are composed from the vectors that link the item's
// fields with the other fields.

import type { Composition } from "../../../training/capabilities/run-space.js";
import type { Run } from "../../../embedding/run-directory.js";
import { UsageError } from "../../../errors.js";
import type { Composer } from "../../../factors/compose.js";
import { readFmModel, type FmRun } from "../../../factors/artifact.js";
import { crossComposer } from "./compose.js";
import { readLayout } from "./layout.js";
import { foldInEvents } from "../../../factors/fold-in-events.js";
import { encodeComposed } from "../../../factors/transform.js";
import type { FoldingIn } from "../../../training/capabilities/folded-keys.js";
import type { Transformed, TransformOptions } from "../../../training/options/transform-options.js";
import type { Watch } from "../../../training/session/watch.js";
import { drawsByPlace, fitLabels } from "../fold-in-labels.js";
import type { EmbeddingTable } from "../../../embedding/table.js";
import { factorForgetting } from "../../../factors/read.js";
import { factorFiles, rotating } from "../../../factors/rotation.js";
import type { Rotation, VectorBlock } from "../../../training/capabilities/rotation.js";
import type { Forgetting } from "../../../training/capabilities/forgetting/forgetting.js";

/** Returns the reason why a row's features cannot be composed to one vector; undefined if they can. */
async function whyNotCrossed(run: Run, { table, preprocess }: FmRun): Promise<string | undefined> {
  if ((await readLayout(run, table)).normalizeRows)
    return "was trained with --normalize-rows, so each term of a score depends on the whole row";
  return preprocess.itemFields ? undefined : "has no item field: train it with --item";
}

/** Returns the composer, which sums a row's features to one vector. @throws {UsageError} features cannot be composed */
async function crossComposerOf(run: Run, model: FmRun): Promise<Composer> {
  const why = await whyNotCrossed(run, model);
  if (why !== undefined) throw new UsageError(`run '${run.path}' ${why}`);
  return crossComposer(model.space, model.parameters, model.preprocess.itemFields!);
}

/**
 * Returns the composer, which sums a row's features to one vector, or the reason why there is none.
 * @throws {ArtifactError} damaged
 */
export async function crossComposition(run: Run): Promise<Composition | { whyNot: string }> {
  const model = await readFmModel(run);
  const whyNot = await whyNotCrossed(run, model);
  return whyNot === undefined
    ? { space: model.space, composer: await crossComposerOf(run, model) }
    : { whyNot };
}

/**
 * Returns the vectors of rows of users, or of rows of items; parameters are those of encodeComposed.
 *
 * @throws {UsageError} the rows have columns of both users and items, or features cannot be composed
 */
export async function encodeCrossed(run: Run, options: TransformOptions, watch: Watch): Promise<Transformed> {
  return await encodeComposed(run, options, watch, { composerOf: crossComposerOf, checkFields: checkSide });
}

/**
 * Returns a function that folds in new users or items; parameters are those of foldInEvents.
 *
 * @throws {UsageError} features cannot be composed
 */
export async function foldInCrossed(run: Run, options: TransformOptions, watch: Watch): Promise<FoldingIn> {
  return await foldInEvents(run, options, watch, fitLabels(), crossComposerOf, drawsByPlace);
}

/**
 * Checks that rows have columns of users only, or of items only.
 * @throws {UsageError} columns of both cannot be composed to one vector
 */
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

/**
 * Prepares the removal of keys. The file with the layout contains no keys, so the functions for other factor models are
 * used.
 * @throws {ArtifactError} damaged
 */
export async function fieldAwareForgetting(run: Run): Promise<Forgetting> {
  return await factorForgetting(run, { withoutKeys: ["ffm.json"] });
}

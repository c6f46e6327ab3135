// Rows, and new users or items, of a field-aware run: composed of the vectors that meet between the item's fields and the others.

import type { Run } from "../../../embedding/run-directory.js";
import { UsageError } from "../../../errors.js";
import { foldInEvents } from "../../../factors/fold-in-events.js";
import type { FmRun } from "../../../factors/artifact.js";
import { encodeComposed } from "../../../factors/transform.js";
import type { FoldingIn } from "../../../training/capabilities/folded-keys.js";
import type { Transformed, TransformOptions } from "../../../training/options/transform-options.js";
import type { Watch } from "../../../training/session/watch.js";
import { drawsByPlace, fitLabels } from "../fold-in-labels.js";
import { crossComposerOf } from "./compose-run.js";

/** As encodeComposed. @throws {UsageError} the rows are of both sides, or features cannot be added up */
export async function encodeCrossed(run: Run, options: TransformOptions, watch: Watch): Promise<Transformed> {
  return await encodeComposed(run, options, watch, { composerOf: crossComposerOf, checkFields: checkSide });
}

/** As foldInEvents. @throws {UsageError} features cannot be added up */
export async function foldInCrossed(run: Run, options: TransformOptions, watch: Watch): Promise<FoldingIn> {
  return await foldInEvents(run, options, watch, fitLabels(), crossComposerOf, drawsByPlace);
}

/** @throws {UsageError} rows hold columns of the item and others: they are no vector together */
function checkSide({ preprocess: { itemFields = [] } }: FmRun, known: readonly string[]): void {
  const others = known.filter((name) => !itemFields.includes(name));
  if (others.length === 0 || others.length === known.length) return;
  throw new UsageError(
    `the rows have columns of the item (${itemFields.join(", ")}) and of the user (${others.join(", ")}); a ` +
      "field-aware model encodes them separately: pass one table for each",
  );
}

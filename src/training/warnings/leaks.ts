import type { Dataset } from "../../dataset/dataset.js";
import type { Run } from "../../table/run-directory.js";

/**
 * Returns a sentence for each file on which the run was trained. Side tables, which are the last inputs, are ignored.
 *
 * @param instead clause that explains how to evaluate on new events
 */
export function leakNotes(
  { manifest, path }: Run,
  { inputs }: Dataset,
  numSides: number,
  { what = "events", instead = "; --part test evaluates on the held-out test split" } = {},
): string[] {
  const logs = (all: Dataset["inputs"]) => all.slice(0, all.length - numSides);
  const trained = new Set(logs(manifest.inputs).map(({ sha256 }) => sha256));
  return logs(inputs)
    .filter(({ sha256 }) => trained.has(sha256))
    .map(
      ({ path: log }) =>
        `run '${path}' was trained on '${log}': the metrics do not measure performance on new ${what}${instead}`,
    );
}

/** Returns a sentence for each side table that has changed since the training. Side tables are the last inputs. */
export function changedSides(
  manifest: Pick<Run["manifest"], "inputs">,
  { inputs }: Dataset,
  sides: readonly string[],
): string[] {
  if (sides.length === 0) return [];
  const trained = manifest.inputs.slice(-sides.length);
  return inputs
    .slice(-sides.length)
    .flatMap(({ path, sha256 }, i) =>
      sha256 === trained[i]?.sha256
        ? []
        : [`side table '${path}' has changed since the run was trained: its values may no longer match`],
    );
}

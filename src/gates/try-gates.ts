// `embed gate`: the gates of a pipeline tried by hand, on an encoded dataset or on a run.

import { readBounds, type GateBounds } from "../config/gates.js";
import { isEncodedDataset } from "../dataset/encoded/read.js";
import { countGates, type GateCounts, type GateOutcome } from "../embedding/gate-file.js";
import { writeFileAtomic } from "../io/atomic.js";
import { version } from "../io/package-version.js";
import { resolved } from "../training/options/table.js";
import { gateOptions, type GateOptions } from "./options.js";
import { gateJson } from "./gate-file.js";
import { notCompared } from "./gate-fields.js";
import { gateAfter, gateBefore } from "./gate.js";

/** Bounds of lists, which a run alone does not have. */
function listsNotRead(bounds: NonNullable<GateBounds["after"]>["lists"] = {}): GateOutcome[] {
  const why = "a pipeline's recall makes lists, embed gate looks at a run alone";
  return (["empty", "coverage", "overlap"] as const).flatMap((name) =>
    notCompared(`lists.${name}`, bounds[name], why),
  );
}

export interface TriedGates {
  command: "gate";
  version: string;
  /** which bounds were tried: before training, of a dataset, or after it, of a run */
  stage: "before" | "after";
  /** no bound failed */
  passed: boolean;
  counts: GateCounts;
  outcomes: GateOutcome[];
}

/**
 * Measures a dataset or a run and checks it against the bounds of its stage.
 *
 * @throws {NoInputError} there is none @throws {ArtifactError} it is damaged
 * @throws {OutputError} `out` exists
 */
export async function tryGates(path: string, given: GateOptions, signal?: AbortSignal): Promise<TriedGates> {
  const { bounds: file, previous, out, force = false, threads } = resolved(gateOptions, given);
  const bounds = await readBounds(file);
  const stage = (await isEncodedDataset(path)) ? "before" : "after";
  const how = { threads, signal };
  const outcomes =
    stage === "before"
      ? await gateBefore(path, bounds.before ?? {}, previous, how)
      : await gateAfter(path, bounds.after ?? {}, previous, how);
  if (stage === "after") outcomes.push(...listsNotRead(bounds.after?.lists));
  if (out !== undefined) await writeFileAtomic(out, [Buffer.from(gateJson(outcomes))], force, how);
  const counts = countGates(outcomes);
  return { command: "gate", version, stage, passed: counts.failed === 0, counts, outcomes };
}

// gate.json: the results of the gates of a version.
//
//   schemaVersion   2; version 1 had a boolean `passed` in place of `status`, which was true if there was no earlier
//                   value to compare with
//   passed          true if no bound failed
//   counts          number of bounds by status
//   outcomes        one outcome per bound; a measured value without bounds has one outcome with the bound "none"

import { flag, list, number, object, orNull, parseVersioned, text, word } from "../base/io/json-shape.js";
import { pathExists, readArtifact } from "../base/io/read-artifact.js";

/**
 * passed or failed: the bound holds or does not. notCompared: the bound compares with the previous version, which does
 * not exist or lacks the value. measured: the value has no bound. accepted: the bound does not hold, but a person has
 * accepted the rows (`embed run --accept`).
 */
export type GateStatus = "passed" | "failed" | "notCompared" | "measured" | "accepted";

/**
 * The result of one bound. A gate without bounds has one outcome with the bound `none`, which records its value for the
 * gates of the next version.
 */
export interface GateOutcome {
  /** name of the measured value: `rows`, `missing:price` (of a column or field), `valid.auc` (of a metric) */
  gate: string;
  /** the bound as the user wrote it: `min 1000`, `within 30%` */
  bound: string;
  /**
   * the measured value: a count, a share in [0, 1], a metric, or milliseconds since 1970; null if it could not be
   * measured
   */
  value: number | null;
  /** value in the previous version; null if that version does not exist or lacks it */
  previous: number | null;
  status: GateStatus;
  message: string;
  /** for a failed bound on new files or days: names of all that violate it */
  groups?: string[];
}

/** Number of bounds by status. */
export interface GateCounts {
  passed: number;
  failed: number;
  notCompared: number;
  /** absent if 0 */
  accepted?: number;
}

export function countGates(outcomes: readonly Pick<GateOutcome, "status">[]): GateCounts {
  const of = (status: GateStatus) => outcomes.filter((each) => each.status === status).length;
  const accepted = of("accepted");
  return {
    ...{ passed: of("passed"), failed: of("failed"), notCompared: of("notCompared") },
    ...(accepted > 0 && { accepted }),
  };
}

/** Returns a summary such as `5 of 6 bounds hold, 1 not compared: there is no earlier value`. */
export function gateSummary(outcomes: readonly Pick<GateOutcome, "status">[]): string {
  const { passed, failed, notCompared, accepted = 0 } = countGates(outcomes);
  const bounds = passed + failed + notCompared + accepted;
  if (bounds === 0) return "no bounds";
  const rest =
    (accepted === 0 ? "" : `, ${accepted} accepted`) +
    (notCompared === 0 ? "" : `, ${notCompared} not compared (no earlier value)`);
  return `${passed} of ${bounds} bounds hold${rest}`;
}

/** An outcome of schema version 1 has `passed` in place of `status`. */
interface StoredOutcome extends Pick<GateOutcome, "gate" | "bound" | "message"> {
  value?: number | null;
  previous?: number | null;
  status?: GateStatus;
  passed?: boolean;
}

const shape = object({
  outcomes: list(
    object(
      { gate: text, bound: text, message: text },
      {
        ...{ value: orNull(number), previous: orNull(number), passed: flag },
        status: word("passed", "failed", "notCompared", "measured", "accepted"),
      },
    ),
  ),
});

/** Reads a gate.json, of schema version 1, too. @throws {ArtifactError} it is damaged, or of a newer version */
export async function readGates(file: string): Promise<GateOutcome[]> {
  const { outcomes } = parseVersioned(await readArtifact(file), 2, shape, file, "publish again") as {
    outcomes: StoredOutcome[];
  };
  return outcomes.map(({ gate, bound, value = null, previous = null, status, passed, message }) => ({
    ...{ gate, bound, value, previous, message },
    status: status ?? statusOfOld(bound, previous, passed === true),
  }));
}

/** Reads a version's gate.json; undefined if it has none. @throws {ArtifactError} the errors of readGates */
export async function gatesIfAny(file: string): Promise<GateOutcome[] | undefined> {
  return (await pathExists(file)) ? await readGates(file) : undefined;
}

function statusOfOld(bound: string, previous: number | null, passed: boolean): GateStatus {
  if (bound === "none") return "measured";
  if (!passed) return "failed";
  return previous === null && /^(within|worse|minAdvance|maxAdvance) /.test(bound) ? "notCompared" : "passed";
}

// gate.json: the results of the gates of a version.
//
//   schemaVersion   2; version 1 had a boolean `passed` in place of `status`, which was true if there was no earlier
//                   value to compare with
//   passed          true if no bound failed
//   counts          number of bounds by status
//   outcomes        one outcome per bound; a measured value without bounds has one outcome with the bound "none"

import { ArtifactError } from "../errors.js";
import { pathExists, readArtifact } from "../io/read-artifact.js";

/**
 * passed or failed: the bound holds or does not. notCompared: the bound compares with the previous version, which does
 * not exist or lacks the value. measured: the value has no bound.
 */
export type GateStatus = "passed" | "failed" | "notCompared" | "measured";

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
}

/** Number of bounds by status. */
export interface GateCounts {
  passed: number;
  failed: number;
  notCompared: number;
}

export function countGates(outcomes: readonly Pick<GateOutcome, "status">[]): GateCounts {
  const of = (status: GateStatus) => outcomes.filter((each) => each.status === status).length;
  return { passed: of("passed"), failed: of("failed"), notCompared: of("notCompared") };
}

/** Returns a summary such as `5 of 6 bounds hold, 1 not compared: there is no earlier value`. */
export function gateSummary(outcomes: readonly Pick<GateOutcome, "status">[]): string {
  const { passed, failed, notCompared } = countGates(outcomes);
  const bounds = passed + failed + notCompared;
  if (bounds === 0) return "no bounds";
  const rest = notCompared === 0 ? "" : `, ${notCompared} not compared (no earlier value)`;
  return `${passed} of ${bounds} bounds hold${rest}`;
}

/** Reads a gate.json, of schema version 1, too. @throws {ArtifactError} it is damaged, or of a newer version */
export async function readGates(file: string): Promise<GateOutcome[]> {
  const { schemaVersion = 1, outcomes } = await parsed(file);
  if (schemaVersion !== 1 && schemaVersion !== 2)
    throw new ArtifactError(
      `'${file}' has schemaVersion ${JSON.stringify(schemaVersion)}, expected 1 or 2: update embed`,
    );
  if (!Array.isArray(outcomes))
    throw new ArtifactError(`'${file}' has no outcomes: restore it or publish again`);
  return (outcomes as (Partial<GateOutcome> & { passed?: unknown })[]).map((each) => {
    const [value, previous] = [numberOrNull(each.value), numberOrNull(each.previous)];
    const bound = String(each.bound);
    const status = each.status ?? statusOfOld(bound, previous, each.passed === true);
    return { gate: String(each.gate), bound, value, previous, status, message: String(each.message) };
  });
}

/** Reads a version's gate.json; undefined if it has none. @throws {ArtifactError} the errors of readGates */
export async function gatesIfAny(file: string): Promise<GateOutcome[] | undefined> {
  return (await pathExists(file)) ? await readGates(file) : undefined;
}

async function parsed(file: string): Promise<{ schemaVersion?: unknown; outcomes?: unknown }> {
  const text = Buffer.from(await readArtifact(file)).toString("utf8");
  try {
    return (JSON.parse(text) ?? {}) as object;
  } catch (error) {
    throw new ArtifactError(`'${file}' is not JSON (${String(error)}): restore it or publish again`, {
      cause: error,
    });
  }
}

function statusOfOld(bound: string, previous: number | null, passed: boolean): GateStatus {
  if (bound === "none") return "measured";
  if (!passed) return "failed";
  return previous === null && /^(within|worse|minAdvance|maxAdvance) /.test(bound) ? "notCompared" : "passed";
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

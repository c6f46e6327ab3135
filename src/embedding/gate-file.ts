// gate.json: the results of a version's gates.
//
//   schemaVersion   2; version 1 had `passed` in place of `status`, and a bound passed if there was nothing to compare with
//   passed          no bound failed
//   counts          number of bounds by status
//   outcomes        one per bound; a value without a bound has the bound "none"

import { ArtifactError } from "../errors.js";
import { pathExists, readArtifact } from "../io/read-artifact.js";

/**
 * passed, failed: whether the bound holds; notCompared: the bound compares with the previous version, which does not
 * exist or lacks the value; measured: the value has no bound.
 */
export type GateStatus = "passed" | "failed" | "notCompared" | "measured";

/**
 * The result of one bound. A gate without bounds has one outcome with the bound `none`, so that the next version can
 * compare its value.
 */
export interface GateOutcome {
  /** the measured value: `rows`, `missing:price` (for a column or field), `valid.auc` (for a metric) */
  gate: string;
  /** as the user wrote it: `min 1000`, `within 30%` */
  bound: string;
  /** a count, a share in [0, 1], a metric, or milliseconds since 1970; null if there is nothing to measure */
  value: number | null;
  /** value of the previous version; null if there is none */
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

/** `5 of 6 bounds hold, 1 not compared: there is no earlier value` */
export function gateSummary(outcomes: readonly Pick<GateOutcome, "status">[]): string {
  const { passed, failed, notCompared } = countGates(outcomes);
  const bounds = passed + failed + notCompared;
  if (bounds === 0) return "no bounds";
  const rest = notCompared === 0 ? "" : `, ${notCompared} not compared (no earlier value)`;
  return `${passed} of ${bounds} bounds hold${rest}`;
}

/**
 * Reads the outcomes of a gate.json; those of schema version 1 get the status that they would have today.
 *
 * @throws {ArtifactError} it is damaged, or of a newer version
 */
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

/** Reads the outcomes of a version's gate.json; undefined if it has none. @throws {ArtifactError} as readGates */
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

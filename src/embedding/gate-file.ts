// gate.json: what the gates of a version found.
//
//   schemaVersion   2; 1 had `passed` in place of `status`, and a bound that nothing was compared with passed
//   passed          no bound failed
//   counts          bounds by status
//   outcomes        one a bound; of a value without a bound one of bound "none"

import { ArtifactError } from "../errors.js";
import { pathExists, readArtifact } from "../io/read-artifact.js";

/**
 * passed, failed: the bound holds or not;
 * notCompared: it compares with the last version, and there is none or it lacks the value;
 * measured: the value has no bound.
 */
export type GateStatus = "passed" | "failed" | "notCompared" | "measured";

/** What became of one bound. Without bounds a gate has one outcome of bound `none`, so that next week knows the value. */
export interface GateOutcome {
  /** what was measured: `rows`, `missing:price` (of a column or field), `valid.auc` (of a metric) */
  gate: string;
  /** as it was stated: `min 1000`, `within 30%` */
  bound: string;
  /** a count, a share in [0, 1], a metric, or milliseconds since 1970; null where there is nothing to measure */
  value: number | null;
  /** last version's; null where there is none */
  previous: number | null;
  status: GateStatus;
  message: string;
}

/** Bounds by what became of them. */
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
 * The outcomes of a gate.json; of schema version 1 with the status that they would have today.
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

/** The outcomes of a version's gate.json; undefined where it has none. @throws {ArtifactError} as readGates */
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

// Gates: what must hold of a dataset before training, and of a run before it is published.
//
//   encoded dataset, run ──► values ──► bounds, last version's values ──► outcomes, and the bytes of gate.json
//
// Last version's values are measured again where its run allows it (metrics of its manifest, its table, its newest event); what only its dataset told
// stands in its gate.json. docs/gates.md defines every value.

import type { AfterBounds, BeforeBounds } from "../config/gates.js";
import { readEncoded, type EncodedDataset } from "../dataset/encoded/read.js";
import { GATE_FILE } from "../embedding/publication.js";
import { readHistory, UNKNOWN } from "../embedding/key-history.js";
import { openRun, type Run } from "../embedding/run-directory.js";
import type { EmbeddingTable } from "../embedding/table.js";
import { GateError } from "../errors.js";
import { parseTime } from "../log/time.js";
import { metricOutcomes } from "./gate-metrics.js";
import { earlierValues } from "./gate-file.js";
import {
  asCount,
  asNumber,
  asShare,
  asTime,
  judge,
  judgeTime,
  outcome,
  type GateOutcome,
  type Measured,
  type ValueBounds,
} from "./gate-bounds.js";
import { factsOf, unseenShare } from "./gate-dataset.js";
import { driftOf, fieldFacts, numNotFinite } from "./gate-table.js";

interface How {
  threads?: number;
  signal?: AbortSignal;
  /** milliseconds since 1970, for `maxAge`; the clock's when absent */
  now?: number;
}

/**
 * Measures an encoded dataset and judges it.
 *
 * @param previous directory of last version's run; undefined when there is none
 * @throws {NoInputError} there is no such run @throws {ArtifactError} one of the two is damaged
 */
export async function gateBefore(
  dataset: string | EncodedDataset,
  bounds: BeforeBounds,
  previous: string | undefined,
  { now = Date.now() }: How = {},
): Promise<GateOutcome[]> {
  // its rows stay on disk, and a column at a time is read
  const encoded = typeof dataset === "string" ? await readEncoded(dataset, 0) : dataset;
  const run = previous === undefined ? undefined : await openRun(previous);
  const before = run ? await earlierValues(run) : new Map<string, number>();
  const facts = factsOf(encoded, bounds.positiveRate?.from);
  const { roles } = encoded.dataset;
  const own = (gate: string, value: number | undefined, show: Measured["show"], why = ""): Measured => ({
    gate,
    value,
    previous: before.get(gate),
    show,
    why,
  });
  const outcomes = [
    ...judge(own("rows", facts.rows, asCount), bounds.rows),
    ...told(
      own("positiveRate", facts.positiveRate, asShare, "the dataset has no labels"),
      bounds.positiveRate,
    ),
    ...told(own("users", facts.users, asCount, "no column of keys is the user"), bounds.users),
    ...told(own("items", facts.items, asCount, "no column of keys is the item"), bounds.items),
  ];
  const { columns = {}, ...ofEvery } = bounds.missing ?? {};
  for (const [name, share] of facts.missing)
    outcomes.push(...judge(own(`missing:${name}`, share, asShare), columns[name] ?? ofEvery));
  if (run) outcomes.push(...(await unseenOutcomes(encoded, run, bounds.unseen)));
  const newest = own(
    "newest",
    facts.newest,
    asTime,
    roles.time === undefined ? "no column is the time" : "no event has a time",
  );
  if (newest.value !== undefined || bounds.newest) {
    const last = newest.previous ?? (run && (await newestOf(run)));
    outcomes.push(...judgeTime({ ...newest, previous: last }, bounds.newest ?? {}, now, parseTime));
  }
  return outcomes;
}

/** Nothing to say of what is neither there nor bounded. */
function told(measured: Measured, bounds: ValueBounds | undefined): GateOutcome[] {
  return measured.value === undefined && !bounds ? [] : judge(measured, bounds);
}

async function unseenOutcomes(
  { dataset }: EncodedDataset,
  run: Run,
  bounds: BeforeBounds["unseen"],
): Promise<GateOutcome[]> {
  const { hashing = {} } = run.manifest;
  const table = await run.readTable();
  const before = await earlierValues(run);
  const { fields = {}, ...ofEvery } = bounds ?? {};
  return table.fields.flatMap((field) => {
    // buckets are no keys
    if (Object.hasOwn(hashing, field)) return [];
    const gate = `unseen:${field}`;
    const value = unseenShare(dataset, table, field);
    return told(
      { gate, value, previous: before.get(gate), show: asShare },
      value === undefined ? undefined : (fields[field] ?? ofEvery),
    );
  });
}

/** The newest event that a run has seen. */
async function newestOf(run: Run): Promise<number | undefined> {
  const { lastSeen } = await readHistory(run, (await run.readTable()).numRows);
  const newest = lastSeen.reduce((latest, time) => (time > latest ? time : latest), UNKNOWN);
  return newest === UNKNOWN ? undefined : Number(newest);
}

/**
 * Measures a run and judges it; that a number is NaN or infinite fails whatever the bounds are.
 *
 * @param previous directory of last version's run; undefined when there is none
 * @throws {NoInputError} there is no such run @throws {ArtifactError} one of the two is damaged
 */
export async function gateAfter(
  run: string,
  bounds: AfterBounds,
  previous: string | undefined,
  how: How = {},
): Promise<GateOutcome[]> {
  const opened = await openRun(run);
  const earlier = previous === undefined ? undefined : await openRun(previous);
  const table = await opened.readTable();
  const before = earlier && (await earlier.readTable());
  const outcomes = metricOutcomes(opened.manifest.metrics, earlier?.manifest.metrics, bounds.metrics ?? {});
  for (const name of opened.tables) {
    const gate = opened.tables.length === 1 ? "notFinite" : `notFinite:${name}`;
    const value = numNotFinite(await opened.readTable(name));
    outcomes.push(
      outcome({ gate, value, previous: undefined, show: asCount }, "max 0", (found) => found === 0),
    );
  }
  for (const field of table.fields) {
    outcomes.push(...fieldOutcomes(table, before, field, bounds));
    if (before?.fields.includes(field))
      outcomes.push(...(await driftOutcomes(table, before, field, bounds, how)));
  }
  return outcomes;
}

function fieldOutcomes(
  table: EmbeddingTable,
  before: EmbeddingTable | undefined,
  field: string,
  bounds: AfterBounds,
): GateOutcome[] {
  const facts = fieldFacts(table, field);
  if (!facts) return [];
  const last = before?.fields.includes(field) ? fieldFacts(before, field) : undefined;
  const shares = (["zero", "duplicate"] as const).flatMap((name) =>
    judge(
      { gate: `${name}:${field}`, value: facts[name], previous: last?.[name], show: asShare },
      boundsOf(bounds[name], field),
    ),
  );
  const norms = (["mean", "median", "p99"] as const).flatMap((name) =>
    judge(
      { gate: `norm.${name}:${field}`, value: facts.norm[name], previous: last?.norm[name], show: asNumber },
      bounds.norm?.[name],
    ),
  );
  return [...shares, ...norms];
}

async function driftOutcomes(
  table: EmbeddingTable,
  before: EmbeddingTable,
  field: string,
  bounds: AfterBounds,
  { threads = 1, signal }: How,
): Promise<GateOutcome[]> {
  const k = bounds.overlap?.k ?? 20;
  const { keys, overlap, displacement } = await driftOf(table, before, field, k, {
    threads,
    ...(signal && { signal }),
  });
  // one key has no neighbours in either week: a numeric field
  if (keys === 1) return [];
  const none = "no two keys are last version's, too";
  const dims = `last version has ${before.dim} dimensions, this one ${table.dim}`;
  return [
    ...told(
      { gate: `overlap:${field}`, value: overlap, previous: undefined, show: asShare, why: none },
      boundsOf(bounds.overlap, field),
    ),
    ...told(
      {
        gate: `displacement:${field}`,
        value: displacement,
        previous: undefined,
        show: asNumber,
        why: before.dim === table.dim ? none : dims,
      },
      boundsOf(bounds.displacement, field),
    ),
  ];
}

function boundsOf(
  bounds: (ValueBounds & { fields?: Record<string, ValueBounds> | undefined }) | undefined,
  field: string,
): ValueBounds | undefined {
  return bounds && (bounds.fields?.[field] ?? bounds);
}

/** The bytes of gate.json: whether all passed, and every outcome. */
export function gateJson(outcomes: readonly GateOutcome[]): string {
  const passed = outcomes.every((each) => each.passed);
  return `${JSON.stringify({ schemaVersion: 1, passed, outcomes }, undefined, 2)}\n`;
}

/** @throws {GateError} a gate failed; the message names each */
export function checkGates(outcomes: readonly GateOutcome[]): void {
  const failed = outcomes.filter(({ passed }) => !passed);
  if (failed.length === 0) return;
  const lines = failed.map(({ message }) => `\n  ${message}`).join("");
  throw new GateError(
    `${failed.length} of ${outcomes.length} gates failed, nothing is published:${lines}\n` +
      `look at the log and at ${GATE_FILE}; loosen the bound where the change is meant`,
  );
}

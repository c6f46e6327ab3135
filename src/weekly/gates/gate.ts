// Gates: conditions that a dataset must satisfy before training, and a run before it is published.
//
//   encoded dataset, run ──► values ──► bounds, previous version's values ──► outcomes, and the bytes of gate.json
//
// Values of the previous version are measured again if its run allows it (metrics of its manifest, its table, its
// newest event); those that need its dataset are in its gate.json. docs/gates.md defines every value.

import { readBounds, type AfterBounds, type BeforeBounds, type GateBounds } from "./gates-schema.js";
import { resolved } from "../../options/table.js";
import { gateOptions, type GateOptions } from "./options.js";
import { readEncoded, type EncodedDataset, isEncodedDataset } from "../../dataset/encoded/read.js";
import { type GateOutcome, countGates, type GateCounts, gatesIfAny } from "../../table/gate-file.js";
import { GATE_FILE } from "../../table/publication.js";
import type { ReadingStep } from "../../dataset/dataset.js";
import type { AlignmentFit } from "../../table/manifest.js";
import { readHistory, UNKNOWN } from "../../table/key-history.js";
import { keyedRows, type TableRows, type KeyedRows } from "../../table/rows.js";
import { DEFAULT_TABLE, openRun, type Run } from "../../table/run-directory.js";
import { GateError } from "../../base/errors.js";
import { metricOutcomes, vectorsAddOutcomes } from "./gate-metrics.js";
import {
  asCount,
  asNumber,
  asShare,
  asTime,
  checkBounds,
  checkTime,
  outcome,
  reported,
  type GateMeasurement,
  fieldBounds,
  withoutEarlier,
  notCompared,
  type Show,
  type FieldBounds,
  type NamedRoles,
} from "./bounds.js";
import { factsOf, unseenShare } from "./group-facts.js";
import { newOutcomes } from "./gate-new.js";
import { newMetricOutcomes } from "./new-metrics.js";
import { tableFacts, type TableFacts, driftOf } from "../../metrics/table-facts.js";
import { writeFileAtomic } from "../../base/io/atomic.js";
import { version } from "../../base/io/package-version.js";
import { join } from "node:path";

interface How {
  threads?: number;
  signal?: AbortSignal;
  /** current time in milliseconds since 1970, which `maxAge` is compared with; by default the system's time */
  now?: number;
}

/**
 * Measures an encoded dataset and checks it against its bounds.
 *
 * @param encoded the dataset; its rows may stay on disk, because one column is read at a time
 * @param previous directory of the previous version's run; undefined if there is none
 * @throws {NoInputError} there is no such run @throws {ArtifactError} one of the two is damaged
 */
export async function gateBefore(
  encoded: EncodedDataset,
  bounds: BeforeBounds,
  previous: string | undefined,
  { now = Date.now(), threads, signal = new AbortController().signal }: How = {},
): Promise<GateOutcome[]> {
  const run = previous === undefined ? undefined : await openRun(previous);
  const before = run ? await earlierValues(run) : new Map<string, number>();
  const facts = factsOf(encoded, bounds.positiveRate?.from);
  const { roles } = encoded.dataset;
  const own = (
    gate: string,
    value: number | undefined,
    show: GateMeasurement["show"],
    why = "",
  ): GateMeasurement => ({
    gate,
    value,
    previous: before.get(gate),
    show,
    ...(why !== "" && { why }),
    ...(run && { whyNoPrevious: "the last version has no value of it" }),
  });
  const outcomes = [
    ...checkBounds(own("rows", facts.rows, asCount), bounds.rows),
    ...reported(
      own("positiveRate", facts.positiveRate, asShare, "the dataset has no labels"),
      bounds.positiveRate,
    ),
    ...reported(
      own("labelSpread", facts.labelSpread, asNumber, "the dataset has no labels"),
      bounds.labelSpread,
    ),
    ...reported(own("users", facts.users, asCount, "no column of keys is the user"), bounds.users),
    ...reported(own("items", facts.items, asCount, "no column of keys is the item"), bounds.items),
  ];
  const { columns, ...ofEvery } = bounds.missing ?? {};
  const missing = { ...ofEvery, fields: columns };
  const ofColumn = fieldBounds("missing", missing, [...facts.missing.keys()], roles, "column");
  for (const [name, share] of facts.missing)
    outcomes.push(...checkBounds(own(`missing:${name}`, share, asShare), ofColumn.of(name)));
  outcomes.push(...ofColumn.unknown, ...(await unseenOutcomes(encoded, run, bounds.unseen)));
  const newest = own(
    "newest",
    facts.newest,
    asTime,
    roles.time === undefined ? "no column is the time" : "no event has a time",
  );
  const last = newest.previous ?? (run && (await newestOf(run)));
  if (newest.value !== undefined || bounds.newest)
    outcomes.push(...checkTime({ ...newest, previous: last }, bounds.newest ?? {}, now));
  const events = { now: facts.newest, before: last };
  return [
    ...outcomes,
    ...newOutcomes(encoded, run, events, bounds),
    ...(await newMetricOutcomes(encoded, run, before, events, bounds, { threads, signal })),
  ];
}

async function unseenOutcomes(
  { dataset }: EncodedDataset,
  run: Run | undefined,
  bounds: BeforeBounds["unseen"],
): Promise<GateOutcome[]> {
  if (!run) return withoutEarlier("unseen", bounds);
  const { hashing = {} } = run.manifest;
  const table = await run.readKeys();
  const before = await earlierValues(run);
  const { of, isNamed, unknown } = fieldBounds("unseen", bounds, table.fields, dataset.roles);
  const outcomes = table.fields.flatMap((field) => {
    const gate = `unseen:${field}`;
    const isHashed = Object.hasOwn(hashing, field);
    // a hashed field has hash buckets in the table instead of keys, so unseen keys cannot be counted
    const value = isHashed ? undefined : unseenShare(dataset, table, field);
    const why = isHashed ? "a hashed field has no keys" : "the dataset has no such column of keys";
    const asked = value !== undefined || isNamed(field) ? of(field) : undefined;
    return reported({ gate, value, previous: before.get(gate), show: asShare, why }, asked);
  });
  return [...outcomes, ...unknown];
}

/** Time of the newest event that a run was trained on, in milliseconds since 1970; undefined without times. */
export async function newestOf(run: Run): Promise<number | undefined> {
  const { lastSeen } = await readHistory(run, (await run.readKeys()).numRows);
  const newest = lastSeen.reduce((latest, time) => (time > latest ? time : latest), UNKNOWN);
  return newest === UNKNOWN ? undefined : Number(newest);
}

/**
 * Measures a run and checks it against its bounds; a number that is NaN or infinite always fails.
 *
 * @param previous directory of the previous version's run; undefined if there is none
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
  const outcomes = metricOutcomes(opened.manifest.metrics, earlier?.manifest.metrics, bounds.metrics ?? {});
  outcomes.push(...vectorsAddOutcomes(opened.manifest, earlier?.manifest.vectorsAdd, bounds.vectorsAdd));
  const { fit } = opened.manifest.alignment ?? {};
  if (fit) outcomes.push(alignmentOutcome(fit));
  const found = new Map<string, TableFacts>();
  for (const name of opened.tables) {
    const facts = await opened.withRows(name, tableFacts);
    found.set(name, facts);
    const gate = opened.tables.length === 1 ? "notFinite" : `notFinite:${name}`;
    outcomes.push(
      outcome(
        { gate, value: facts.notFinite, previous: undefined, show: asCount },
        "max 0",
        (value) => value === 0,
      ),
    );
  }
  const facts = {
    now: found.get(opened.tables.length === 1 ? opened.tables[0]! : DEFAULT_TABLE)!,
    before: await earlier?.withRows(undefined, tableFacts),
  };
  const withTables = async (now: TableRows, before: TableRows | undefined): Promise<void> => {
    outcomes.push(...tableOutcomes(opened, now.fields, facts.now, facts.before, bounds));
    const keyed = [await keyedRows(now), before && (await keyedRows(before))] as const;
    outcomes.push(...(await driftOutcomes(opened, ...keyed, bounds, how)));
  };
  await opened.withRows(undefined, async (now) =>
    earlier
      ? await earlier.withRows(undefined, async (before) => await withTables(now, before))
      : await withTables(now, undefined),
  );
  return outcomes;
}

function alignmentOutcome({ value, least }: AlignmentFit): GateOutcome {
  const measured = { gate: "alignment", value, previous: undefined, show: asNumber };
  const found = outcome(measured, `min ${least}`, (fit) => fit >= least);
  if (found.status === "passed") return found;
  const advice =
    "the vectors do not match the last version's, so its readers cannot use them: train as that version, or from it " +
    "(init: latest), or publish under another name; align: false publishes without a rotation";
  return { ...found, message: `${found.message}: ${advice}` };
}

/** @param compared a sentence about the version that gates compared with @throws {GateError} names each failed gate */
export function checkGates(outcomes: readonly GateOutcome[], compared?: string): void {
  const failed = outcomes.filter(({ status }) => status === "failed");
  if (failed.length === 0) return;
  const bounds = outcomes.filter(({ bound }) => bound !== "none");
  const lines = failed.map(({ message }) => `\n  ${message}`).join("");
  throw new GateError(
    `${failed.length} of ${bounds.length} gates failed, nothing is published:${lines}\n` +
      (compared === undefined ? "" : `${compared}\n`) +
      "what to do: correct the log and run the command again, or loosen the bound if the change is meant",
  );
}

/** For a run that is checked without its pipeline, which makes the lists. */
function listsNotRead(bounds: NonNullable<GateBounds["after"]>["lists"] = {}): GateOutcome[] {
  const why = "a pipeline's recall makes lists, embed gate looks at a run alone";
  return (["empty", "coverage", "overlap"] as const).flatMap((name) =>
    notCompared(`lists.${name}`, bounds[name], why),
  );
}

export interface TriedGates {
  command: "gate";
  version: string;
  /** stage whose bounds were checked: `before` training for a dataset, `after` training for a run */
  stage: "before" | "after";
  /** true if no bound failed */
  passed: boolean;
  counts: GateCounts;
  outcomes: GateOutcome[];
  /** for a dataset: the steps of reading that its rows have been through */
  steps?: ReadingStep[];
}

/**
 * Measures a dataset or a run and checks it against the bounds of its stage.
 *
 * @throws {NoInputError} it does not exist @throws {ArtifactError} it is damaged
 * @throws {OutputError} `out` exists
 */
export async function tryGates(path: string, given: GateOptions, signal?: AbortSignal): Promise<TriedGates> {
  const { bounds: file, previous, out, force = false, threads } = resolved(gateOptions, given);
  const bounds = await readBounds(file);
  const dataset = (await isEncodedDataset(path)) ? await readEncoded(path, 0) : undefined;
  const how = { threads, signal };
  const outcomes = dataset
    ? await gateBefore(dataset, bounds.before ?? {}, previous, how)
    : await gateAfter(path, bounds.after ?? {}, previous, how);
  if (!dataset) outcomes.push(...listsNotRead(bounds.after?.lists));
  if (out !== undefined) await writeFileAtomic(out, [Buffer.from(gateJson(outcomes))], force, how);
  const counts = countGates(outcomes);
  const stage = dataset ? "before" : "after";
  const steps = dataset?.description.steps;
  return { command: "gate", version, stage, passed: counts.failed === 0, counts, outcomes, steps };
}

/**
 * Returns the values that the gates of a version measured, by the name of the gate. For a run that was published
 * without gates, this is only the number of rows.
 *
 * @throws {ArtifactError} gate.json is damaged
 */
export async function earlierValues({ path, manifest }: Run): Promise<Map<string, number>> {
  const values = new Map([["rows", manifest.rows]]);
  for (const { gate, value } of (await gatesIfAny(join(path, GATE_FILE))) ?? [])
    if (value !== null) values.set(gate, value);
  return values;
}

export function gateJson(outcomes: readonly GateOutcome[]): string {
  const counts = countGates(outcomes);
  return `${JSON.stringify({ schemaVersion: 2, passed: counts.failed === 0, counts, outcomes }, undefined, 2)}\n`;
}

// Checks the vectors of a run's table, and compares them with the previous version's.

function tableOutcomes(
  { manifest }: Run,
  fields: readonly string[],
  { fields: own }: TableFacts,
  before: TableFacts | undefined,
  bounds: AfterBounds,
): GateOutcome[] {
  const roles = (manifest.roles ?? {}) as NamedRoles;
  const zero = fieldBounds("zero", bounds.zero, fields, roles);
  const duplicate = fieldBounds("duplicate", bounds.duplicate, fields, roles);
  const outcomes = fields.flatMap((field) => {
    const [facts, last] = [own.get(field), before?.fields.get(field)];
    const about = (gate: string, value: number | undefined, previous: number | undefined, show: Show) => ({
      gate: `${gate}:${field}`,
      value,
      previous,
      show,
      why: "the field has no rows",
      ...(before && { whyNoPrevious: "the last version has no rows of it" }),
    });
    const share = (name: "zero" | "duplicate", { of, isNamed }: FieldBounds) =>
      // a field without rows is only measured if the bounds name the field
      reported(
        about(name, facts?.[name], last?.[name], asShare),
        facts || isNamed(field) ? of(field) : undefined,
      );
    const norm = (name: "mean" | "median" | "p99") =>
      facts
        ? checkBounds(
            about(`norm.${name}`, facts.norm[name], last?.norm[name], asNumber),
            bounds.norm?.[name],
          )
        : [];
    return [
      ...share("zero", zero),
      ...share("duplicate", duplicate),
      ...(["mean", "median", "p99"] as const).flatMap(norm),
    ];
  });
  return [...outcomes, ...zero.unknown, ...duplicate.unknown];
}

async function driftOutcomes(
  { manifest }: Run,
  now: KeyedRows,
  earlier: KeyedRows | undefined,
  bounds: AfterBounds,
  { threads = 1, signal }: { threads?: number; signal?: AbortSignal },
): Promise<GateOutcome[]> {
  if (!earlier)
    return [
      ...withoutEarlier("overlap", bounds.overlap),
      ...withoutEarlier("displacement", bounds.displacement),
    ];
  const [table, before] = [now.rows, earlier.rows];
  const roles = (manifest.roles ?? {}) as NamedRoles;
  const { k = 20, ...ofOverlap } = bounds.overlap ?? {};
  const overlaps = fieldBounds("overlap", ofOverlap, table.fields, roles);
  const displacements = fieldBounds("displacement", bounds.displacement, table.fields, roles);
  const outcomes = [...overlaps.unknown, ...displacements.unknown];
  const dims = `the last version has ${before.dim} dimensions, this one ${table.dim}`;
  for (const field of table.fields) {
    if (!before.fields.includes(field)) {
      const why = "the last version has no such field";
      outcomes.push(
        ...notCompared(`overlap:${field}`, overlaps.of(field), why),
        ...notCompared(`displacement:${field}`, displacements.of(field), why),
      );
      continue;
    }
    const drift = await driftOf(now, earlier, field, { k, threads, signal });
    // skips fields with a single common key, which has no neighbors, such as numeric fields
    if (drift.keys === 1) continue;
    const none = "the last version has no two of these keys";
    const why = before.dim === table.dim ? none : dims;
    const measured = { previous: undefined, why: none };
    outcomes.push(
      ...reported(
        { ...measured, gate: `overlap:${field}`, value: drift.overlap, show: asShare },
        overlaps.of(field),
      ),
      ...reported(
        { ...measured, gate: `displacement:${field}`, value: drift.displacement, show: asNumber, why },
        displacements.of(field),
      ),
    );
  }
  return outcomes;
}

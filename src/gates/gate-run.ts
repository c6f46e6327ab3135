// Checks the vectors of a run's table, and compares them with the previous version's.

import type { AfterBounds } from "../config/gates.js";
import type { GateOutcome } from "../embedding/gate-file.js";
import type { Run } from "../embedding/run-directory.js";
import type { KeyedRows } from "../embedding/rows.js";
import {
  asNumber,
  asShare,
  checkBounds,
  reported,
  type Show,
  fieldBounds,
  notCompared,
  withoutEarlier,
  type FieldBounds,
  type NamedRoles,
} from "./bounds.js";
import { driftOf, type TableFacts } from "../evaluation/table-facts.js";

/** Checks the shares and norms of each field's vectors against their bounds. */
export function tableOutcomes(
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
      ...norm("mean"),
      ...norm("median"),
      ...norm("p99"),
    ];
  });
  return [...outcomes, ...zero.unknown, ...duplicate.unknown];
}

/** Measures how much each field's vectors differ from the previous version's. */
export async function driftOutcomes(
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

// Checks a published version against the current bounds, by the values in the version's gate.json, so that bounds that
// were tightened later also apply to it.
//
// Only bounds that concern the version alone are checked, as `embed gate` without --previous does: absolute ones, and
// those of its new files and days.

import { join } from "node:path";
import type { GateBounds } from "./gates-schema.js";
import { gatesIfAny, type GateOutcome } from "../../table/gate-file.js";
import { GATE_FILE } from "../../table/publication.js";
import type { Run } from "../../table/run-directory.js";
import { asNumber, checkBounds, type ValueBounds, type NamedRoles } from "./bounds.js";
import { boundsByName } from "./gate-new.js";
import { holdsGroupBound } from "./group-readings.js";
import { isOneClass, metricOutcomes } from "./gate-metrics.js";

type Asked = Record<string, number | string | undefined>;

/** Messages of the current bounds that a version violates. @throws {ArtifactError} its gate.json is damaged */
export async function brokenBounds({ path, manifest }: Run, bounds: GateBounds): Promise<string[]> {
  const stored = (await gatesIfAny(join(path, GATE_FILE))) ?? [];
  const roles = (manifest.roles ?? {}) as NamedRoles;
  // reports a missing metric only if its split has labels of one class, because other missing metrics were not
  // requested by the training
  const metrics = metricOutcomes(manifest.metrics, undefined, bounds.after?.metrics ?? {}).filter(
    ({ gate, bound, status, value }) =>
      status === "failed" &&
      (value !== null || isOneClass(manifest.metrics, gate)) &&
      !stored.some((each) => each.gate === gate && each.bound === bound && each.status === "accepted"),
  );
  const first = new Map(stored.toReversed().map((each) => [each.gate, each]));
  const broken = [...first.values()]
    .filter((each) => each.value !== null)
    .flatMap((each) => breaches(each, each.value!, askedOf(each.gate, bounds, roles), stored));
  return [...metrics.map(({ message }) => message), ...broken];
}

function breaches(
  { gate, previous }: GateOutcome,
  value: number,
  asked: Asked,
  stored: readonly GateOutcome[],
): string[] {
  const isGroup = /^new(Files|Days)\./.test(gate);
  return Object.entries(asked).flatMap(([kind, bound]) => {
    if (bound === undefined) return [];
    const stated = `${kind} ${bound}`;
    const judged = stored.find((each) => each.gate === gate && each.bound === stated);
    // a bound that passed when the version was published is not checked again: its check may need more numbers than are
    // stored
    if (judged && judged.status !== "failed") return [];
    if (isGroup)
      return holdsGroupBound(kind, bound, judged?.value ?? value, previous)
        ? []
        : [`${gate} is ${asNumber(value)}: not ${stated}`];
    return checkBounds({ gate, value, previous: undefined, show: asNumber }, { [kind]: bound } as ValueBounds)
      .filter(({ status }) => status === "failed")
      .map(({ message }) => message);
  });
}

/** Returns those bounds of a gate that limit a value itself, not its change since an earlier version of the table. */
function askedOf(gate: string, { before = {}, after = {} }: GateBounds, roles: NamedRoles): Asked {
  const colon = gate.indexOf(":");
  const [name, of] = colon < 0 ? [gate, ""] : [gate.slice(0, colon), gate.slice(colon + 1)];
  const [group, part = ""] = name.split(".");
  const partOf = (bounds: Record<string, Asked> = {}) =>
    Object.hasOwn(bounds, part) ? bounds[part] : undefined;
  const absolute = (bounds: Asked = {}) => ({ min: bounds["min"], max: bounds["max"] });
  const perField = (bounds: Asked & { fields?: Record<string, Asked> | undefined } = {}) => {
    const role = of === roles.user ? "user" : of === roles.item ? "item" : of;
    const fields = new Map(Object.entries(bounds.fields ?? {}));
    return absolute(fields.get(of) ?? fields.get(role) ?? (bounds as Asked));
  };
  switch (group) {
    case "rows":
    case "users":
    case "items":
    case "positiveRate":
    case "labelSpread":
      return absolute(before[group] as Asked | undefined);
    case "missing": {
      const { columns, ...every } = before.missing ?? {};
      return perField({ ...every, fields: columns } as Parameters<typeof perField>[0]);
    }
    case "newFiles":
    case "newDays":
      return boundsByName(before[group] ?? {}).get(gate.slice(group.length + 1)) ?? {};
    case "goneFiles":
      return absolute(before.goneFiles);
    case "zero":
    case "duplicate":
      return perField(after[group] as Parameters<typeof perField>[0]);
    case "norm":
      return absolute(partOf(after.norm as Record<string, Asked> | undefined));
    case "lists":
      return part === "overlap" ? {} : absolute(partOf(after.lists as Record<string, Asked> | undefined));
    default:
      return {};
  }
}

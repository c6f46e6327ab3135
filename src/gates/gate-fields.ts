// Bounds of every field, and those of some by their names; `user` and `item` name the columns in these roles.

import type { GateOutcome } from "../embedding/gate-file.js";
import { asNumber, checkBounds, type ValueBounds } from "./bounds.js";

type PerField = ValueBounds & { fields?: Record<string, ValueBounds> | undefined };

/** The columns in the roles that may name a field. */
export interface NamedRoles {
  user?: string | undefined;
  item?: string | undefined;
}

/** The bounds of one gate by field. */
export interface FieldBounds {
  of: (field: string) => ValueBounds | undefined;
  /** whether the field has bounds of its own */
  isNamed: (field: string) => boolean;
  /** failed outcomes of bounds that name no field: they would measure nothing */
  unknown: GateOutcome[];
}

/** @param kind what the names are, for messages: `field` */
export function fieldBounds(
  gate: string,
  bounds: PerField | undefined,
  known: readonly string[],
  { user, item }: NamedRoles,
  kind = "field",
): FieldBounds {
  const { fields = {}, ...ofEvery } = bounds ?? {};
  const own = new Map<string, ValueBounds>();
  const unknown: GateOutcome[] = [];
  for (const [name, bound] of Object.entries(fields)) {
    const role = name === "user" ? user : name === "item" ? item : undefined;
    const field = known.includes(name) ? name : (role ?? name);
    own.set(field, bound);
    if (known.includes(field)) continue;
    const why = `there is no ${kind} '${name}' among ${known.join(", ")}`;
    const nothing = { gate: `${gate}:${name}`, value: undefined, previous: undefined, show: asNumber, why };
    unknown.push(...checkBounds(nothing, bound));
  }
  const every = bounds && Object.keys(ofEvery).length > 0 ? ofEvery : undefined;
  return { of: (field) => own.get(field) ?? every, isNamed: (field) => own.has(field), unknown };
}

/** Bounds of a gate that compares two tables, where there is one. */
export function withoutEarlier(gate: string, bounds: PerField | undefined): GateOutcome[] {
  const why = "there is no earlier version to compare with";
  const own = Object.entries(bounds?.fields ?? {});
  return [
    ...notCompared(gate, bounds, why),
    ...own.flatMap(([field, bound]) => notCompared(`${gate}:${field}`, bound, why)),
  ];
}

/** Outcomes of bounds that there is nothing to compare by. */
export function notCompared(
  gate: string,
  { min, max, within }: ValueBounds = {},
  why: string,
): GateOutcome[] {
  return Object.entries({ min, max, within }).flatMap(([kind, value]): GateOutcome[] => {
    if (value === undefined) return [];
    const bound = `${kind} ${value}`;
    const message = `${gate} has no value (${why}): ${bound}`;
    return [{ gate, bound, value: null, previous: null, status: "notCompared", message }];
  });
}

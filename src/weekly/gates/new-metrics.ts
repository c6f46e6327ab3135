// Checks metrics of the previous version's model on each new file and day: its training has none of these rows.

import { measureParts, type MeasuredPart } from "../../judge/evaluate/parts.js";
import { shareOf, type BeforeBounds, type GroupBounds } from "./gates-schema.js";
import type { EncodedDataset } from "../../dataset/encoded/read.js";
import type { GateOutcome } from "../../table/gate-file.js";
import type { Manifest } from "../../table/manifest.js";
import type { Run } from "../../table/run-directory.js";
import { asNumber, withoutValue } from "./bounds.js";
import { metricValue } from "./gate-metrics.js";
import { dayGroups, fileGroups, type RowGroups } from "./group-facts.js";

type Kind = "newFiles" | "newDays";
type Rule = "atLeast" | "atMost" | "min" | "max";

/** AUC of scores that know nothing. */
const CHANCE_AUC = 0.5;
const DAY = 86_400_000;

/**
 * The rows of new files and of new days are read and scored once.
 *
 * @param earlier values that the previous version's gates measured
 * @param newest newest event of the log, and of the previous version: milliseconds since 1970
 */
export async function newMetricOutcomes(
  encoded: EncodedDataset,
  run: Run | undefined,
  earlier: ReadonlyMap<string, number>,
  { now, before }: { now: number | undefined; before: number | undefined },
  { newFiles, newDays }: BeforeBounds,
  how: { threads?: number | undefined; signal: AbortSignal },
): Promise<GateOutcome[]> {
  // the last version has seen a part of a day that starts before its newest event
  const days = () => (before === undefined ? undefined : dayGroups(encoded.dataset, now, before + DAY));
  const kinds = [
    newRows("newFiles", newFiles?.metrics, run, ({ manifest }) => fileGroups(encoded, manifest.inputs)),
    newRows("newDays", newDays?.metrics, run, days),
  ].filter(({ metrics }) => metrics.length > 0);
  const k = new Set(
    kinds.flatMap(({ metrics }) => metrics.flatMap(([name]) => /At(\d+)$/.exec(name)?.[1] ?? [])),
  );
  const rows = kinds.flatMap(({ fresh }) => fresh.map((group) => group.rows));
  const measured =
    run && rows.length > 0 ? await measureParts(run, encoded, rows, { ...how, k: [...k].map(Number) }) : [];
  let at = 0;
  return kinds.flatMap(({ kind, metrics, fresh }) => {
    const without = (why: string) =>
      metrics.flatMap(([name, bound]) => withoutValue(`${kind}.metrics.${name}`, bound, why, "notCompared"));
    if (!run) return without("there is no earlier version to compare with");
    if (fresh.length === 0) return without(`no ${kind === "newFiles" ? "file" : "day"} is new`);
    if (typeof measured === "string") return without(measured);
    const named = fresh.map(({ name }) => ({ ...measured[at++]!, name }));
    return metrics.flatMap(([name, bound]) =>
      Object.entries(bound).flatMap(([rule, limit]) =>
        limit === undefined
          ? []
          : boundOutcome(kind, name, rule as Rule, limit, named, run.manifest, earlier),
      ),
    );
  });
}

/** Returns the bounds on metrics of a kind of groups, and the new groups with their rows; none without bounds. */
function newRows(
  kind: Kind,
  bounds: NonNullable<GroupBounds["metrics"]> = {},
  run: Run | undefined,
  groupsOf: (run: Run) => RowGroups | undefined,
) {
  const metrics = Object.entries(bounds);
  const { groups = [], order } = (run && metrics.length > 0 && groupsOf(run)) || {};
  const fresh = groups.filter(({ isNew, isWhole, start, end }) => isNew && isWhole && end > start);
  return {
    ...{ kind, metrics },
    fresh: fresh.map(({ name, start, end }) => ({
      name,
      rows: order
        ? order.slice(start, end).sort()
        : Uint32Array.from({ length: end - start }, (_, i) => start + i),
    })),
  };
}

/** A relative bound fails only if the whole interval of the metric violates it. */
function boundOutcome(
  kind: Kind,
  metric: string,
  rule: Rule,
  limit: number | string,
  parts: readonly (MeasuredPart & { name: string })[],
  { metrics }: Pick<Manifest, "metrics">,
  earlier: ReadonlyMap<string, number>,
): GateOutcome[] {
  const gate = `${kind}.metrics.${metric}`;
  const isRelative = rule === "atLeast" || rule === "atMost";
  const valid = metricValue(metrics, `valid.${metric}`) ?? NaN;
  const before = earlier.get(gate) ?? valid;
  // an older model predicts worse, and its worst new file or day tells by how much
  const reference = rule === "atMost" ? Math.max(valid, before) : Math.min(valid, before);
  const chance = isRelative && /auc$/i.test(metric) ? CHANCE_AUC : 0;
  const readings = parts.flatMap(({ name, metrics: own, intervals }) => {
    const value = metricValue({ new: own }, `new.${metric}`);
    const interval = new Map(Object.entries(intervals)).get(metric);
    return value === undefined ? [] : [{ name, value, ...(interval ?? { low: value, high: value }) }];
  });
  const without = (why: string) => withoutValue(gate, { [rule]: limit }, why, "notCompared");
  if (readings.length === 0)
    return without("the last version can measure it on fewer than 50 new rows or users");
  if (isRelative && !(reference > chance))
    return without(
      Number.isNaN(reference)
        ? "the last version has no such metric of a validation split"
        : `the last version has ${asNumber(reference)} on its validation split`,
    );
  const bound = isRelative ? chance + shareOf(limit) * (reference - chance) : shareOf(limit);
  const holds = ({ value, low, high }: (typeof readings)[number]): boolean => {
    if (rule === "atLeast") return high >= bound;
    if (rule === "atMost") return low <= bound;
    return rule === "min" ? value >= bound : value <= bound;
  };
  const isLowest = rule === "atLeast" || rule === "min";
  const failing = readings.filter((reading) => !holds(reading));
  const [worst] = (failing.length > 0 ? failing : readings).toSorted((a, b) =>
    isLowest ? a.value - b.value : b.value - a.value,
  );
  const { name, value } = worst!;
  const what = kind === "newFiles" ? "file" : "day";
  const source =
    reference === valid
      ? "on the last version's validation split"
      : `in the worst new ${what} of the last version`;
  const compared = isRelative ? `, ${asNumber(reference)} ${source}` : "";
  const above = !isRelative ? "" : chance > 0 ? ` of what is above ${chance}` : " of it";
  const more = failing.length > 1 ? ` (nor do ${failing.length - 1} more ${what}s hold it)` : "";
  return [
    {
      ...{ gate, bound: `${rule} ${limit}`, value, previous: isRelative ? reference : null },
      status: failing.length > 0 ? "failed" : "passed",
      ...(failing.length > 0 && { groups: failing.map((each) => each.name) }),
      message:
        `${gate} is ${asNumber(value)} in ${name}${compared}: ` +
        `${failing.length > 0 ? "not " : ""}${rule} ${limit}${above}${more}`,
    },
  ];
}

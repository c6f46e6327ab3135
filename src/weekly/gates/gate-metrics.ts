// Checks a run's metrics against absolute bounds, and against bounds on how much worse they are than the previous
// version's.

import { shareOf, type AfterBounds } from "./gates-schema.js";
import type { GateOutcome } from "../../table/gate-file.js";
import type { Manifest, PartMetrics, VectorsAdd } from "../../table/manifest.js";
import { ConfigError } from "../../base/errors.js";
import { goodness, kindOf } from "../../metrics/metrics.js";
import { vectorsAddText } from "../../metrics/vectors-add.js";
import { NOTHING_SHOWS } from "../../training/warnings/outcome-warnings.js";
import { asNumber, checkBounds, outcome, relative, type GateMeasurement } from "./bounds.js";

type ByPart = Readonly<Record<string, PartMetrics>>;

/**
 * Returns outcomes of the bounded metrics, on the validation split unless the name has another (`test.auc`), and values
 * of all other metrics of the validation split.
 *
 * @throws {ConfigError} `worse` is given for a metric without a better direction
 */
export function metricOutcomes(
  metrics: ByPart,
  before: ByPart | undefined,
  bounds: NonNullable<AfterBounds["metrics"]>,
): GateOutcome[] {
  const bounded = Object.entries(bounds).map(([name, bound]) => ({ name: fullName(name, metrics), bound }));
  const others = Object.keys(metrics["valid"] ?? {})
    .map((name) => `valid.${name}`)
    .filter(
      (name) => !bounded.some((each) => each.name === name) && metricValue(metrics, name) !== undefined,
    );
  return [
    ...bounded.flatMap(({ name, bound }) => metricOutcome(measuredOf(metrics, before, name), bound)),
    ...others.flatMap((name) => checkBounds(measuredOf(metrics, before, name))),
  ];
}

/**
 * The lower end of the interval of the vectors' gain must exceed `min`, so that vectors without gain fail `min: 0`.
 *
 * @param warnings those of the run, one of which says what to try if the vectors add nothing
 */
export function vectorsAddOutcomes(
  { vectorsAdd: now, warnings }: Pick<Manifest, "vectorsAdd" | "warnings">,
  before: VectorsAdd | undefined,
  bound: AfterBounds["vectorsAdd"],
): GateOutcome[] {
  const measured: GateMeasurement = {
    gate: "vectorsAdd",
    value: now?.low,
    previous: before?.low,
    show: asNumber,
    why: "the training has no control to compare with, no validation split, or one of a single row or user",
  };
  if (!bound) return now ? checkBounds(measured) : [];
  const found = outcome(measured, `min ${bound.min}`, (low) => low > bound.min);
  if (!now || found.status === "passed") return [found];
  const why = warnings.find((text) => text.startsWith(NOTHING_SHOWS)) ?? vectorsAddText(now);
  const message = `${found.message}: ${why}. To publish such vectors, lower min or remove vectorsAdd`;
  return [{ ...found, message }];
}

function metricOutcome(
  measured: GateMeasurement,
  { worse, ...absolute }: NonNullable<AfterBounds["metrics"]>[string],
): GateOutcome[] {
  if (worse === undefined) return checkBounds(measured, absolute);
  const metric = measured.gate.slice(measured.gate.indexOf(".") + 1);
  if (goodness(metric, 0) === undefined)
    throw new ConfigError(
      `'worse' cannot bound ${metric}, where neither more nor less is better: use min and max`,
    );
  const outcomes =
    absolute.min === undefined && absolute.max === undefined ? [] : checkBounds(measured, absolute);
  return [
    ...outcomes,
    relative(measured, `worse by no more than ${String(worse)}`, (value, previous) => {
      // `worse` as a percentage is relative to the previous version's value; as a number it is in the metric's unit
      const most = typeof worse === "string" ? shareOf(worse) * Math.abs(previous) : worse;
      return goodness(metric, previous)! - goodness(metric, value)! <= most;
    }),
  ];
}

function measuredOf(metrics: ByPart, before: ByPart | undefined, gate: string): GateMeasurement {
  const part = gate.slice(0, gate.indexOf("."));
  const has = Object.keys((Object.hasOwn(metrics, part) && metrics[part]) || {}).join(", ");
  const flag = part === "train" ? "" : `: the run was trained without --${part}`;
  return {
    gate,
    value: metricValue(metrics, gate),
    previous: before && metricValue(before, gate),
    show: asNumber,
    why: isOneClass(metrics, gate)
      ? `all labels of the ${part} split are equal, which leaves it undefined`
      : has === ""
        ? `there are no ${part} metrics${flag}`
        : `the ${part} metrics are ${has}`,
    ...(before && { whyNoPrevious: `the last version has no ${gate}` }),
  };
}

/** Log loss is the only metric that does not need labels of two classes. */
export function isOneClass(metrics: ByPart, gate: string): boolean {
  const [part, name] = [gate.slice(0, gate.indexOf(".")), gate.slice(gate.indexOf(".") + 1)];
  const found = (Object.hasOwn(metrics, part) && metrics[part]) || {};
  const isUndefined = !Object.hasOwn(found, name);
  return kindOf(name)?.needsTwoClasses === true && "logLoss" in found && isUndefined;
}

function fullName(name: string, metrics: ByPart): string {
  const part = name.slice(0, Math.max(0, name.indexOf(".")));
  return part !== "" && (Object.hasOwn(metrics, part) || ["train", "valid", "test"].includes(part))
    ? name
    : `valid.${name}`;
}

/** @param name such as `valid.auc` */
export function metricValue(metrics: ByPart, name: string): number | undefined {
  const at = name.indexOf(".");
  const [part, metric] = [name.slice(0, at), name.slice(at + 1)];
  const value =
    Object.hasOwn(metrics, part) && Object.hasOwn(metrics[part]!, metric) && metrics[part]![metric];
  return typeof value === "number" ? value : undefined;
}

// Computes the weight of each event in training and in metrics: a column of numbers, the kind of the event, and its
// age.
//
//   weight = column value  x  weight of its kind  x  2^(-age / half-life)          the last factor in training only
//
// Weights are divided by their mean over the training split, so that learning rates and penalties have the same effect
// as without weights.

import { mapTo } from "../../base/numeric/indices.js";
import { MISSING } from "../../log/keys.js";
import { UsageError } from "../../base/errors.js";
import { exp } from "../../base/numeric/exp.js";
import { columnNamed, timeColumn, type Dataset } from "../dataset.js";
import { spanMilliseconds } from "../filters/event-limits.js";

export interface EventWeightOptions {
  /** weights of kinds of events, in the syntax of --event-weight: `type:view=1,cart=3,*=0` */
  eventWeight?: string;
  /** half-life of weights, in the syntax of --half-life: `30d` */
  halfLife?: string;
}

export interface KindWeights {
  column: string;
  /** weights by kind of event; `*` denotes all other kinds */
  weights: Map<string, number>;
}

/** Parses the value of --event-weight. @throws {UsageError} the syntax is not COLUMN:KIND=NUMBER,... */
export function parseEventWeight(text: string): KindWeights {
  const at = text.indexOf(":");
  const weights = new Map<string, number>();
  for (const part of at > 0 ? text.slice(at + 1).split(",") : [""]) {
    const equals = part.lastIndexOf("=");
    const number = part.slice(equals + 1).trim();
    const weight = Number(number);
    if (equals <= 0 || number === "" || !(weight >= 0 && weight < Infinity)) {
      throw new UsageError(
        `--event-weight expects COLUMN:KIND=NUMBER,... such as 'type:view=1,cart=3,*=0', got '${text}'`,
      );
    }
    weights.set(part.slice(0, equals).trim(), weight);
  }
  return { column: text.slice(0, at), weights };
}

/** Returns the column of kinds, and whether a kind (`""` for a missing cell) has weight 0. */
export function zeroKinds({ eventWeight }: EventWeightOptions) {
  if (eventWeight === undefined) return undefined;
  const { column, weights } = parseEventWeight(eventWeight);
  return { column, isZero: (kind: string) => (weights.get(kind) ?? weights.get("*")) === 0 };
}

export function weightlessNote(numZeros: number): string {
  return `${numZeros} rows of weight 0 excluded`;
}

/** Returns the column with the kinds of events, as an option for reading the log. */
export function eventColumn({ eventWeight }: EventWeightOptions): { event?: string } {
  return eventWeight === undefined ? {} : { event: parseEventWeight(eventWeight).column };
}

/**
 * Returns the weights of the training rows, and a function that returns weights of other splits on the same scale;
 * undefined if all are equal.
 *
 * @param dataset dataset of the training split
 * @throws {UsageError} a half-life without times, or a kind of event without a weight
 */
export function eventWeights(
  dataset: Dataset,
  rows: Uint32Array,
  options: EventWeightOptions,
): { train: Float32Array | undefined; of: (other: Dataset, rows: Uint32Array) => Float32Array | undefined } {
  const own = rowWeights(dataset, rows, options);
  const decay = decayOf(dataset, rows, options);
  // these are loops, because Float64Array.from takes a microsecond per number, a third of the time of a training on ten
  // million rows
  if (own && decay) for (let i = 0; i < decay.length; i++) decay[i]! *= own[i]!;
  const raw = decay ?? own;
  if (!raw) return { train: undefined, of: () => undefined };
  const ownMean = own ? meanWeight(own) : 1;
  const mean = meanWeight(raw);
  return {
    train: dividedBy(raw, mean),
    of: (other, otherRows) => {
      const weights = rowWeights(other, otherRows, options);
      return weights && dividedBy(weights, ownMean);
    },
  };
}

/**
 * Returns f64[rows.length]: the value of the weight column times the weight of the event's kind; undefined if neither
 * is set.
 */
export function rowWeights(
  dataset: Dataset,
  rows: Uint32Array,
  { eventWeight }: EventWeightOptions,
): Float64Array | undefined {
  const { weight } = dataset.roles;
  if (weight === undefined && eventWeight === undefined) return undefined;
  const weights = new Float64Array(rows.length).fill(1);
  if (weight !== undefined) {
    const column = columnNamed(dataset, weight);
    if (column.kind !== "number") throw new UsageError(`--weight ${weight}: the column is not numeric`);
    const { values } = column;
    for (let i = 0; i < rows.length; i++) weights[i] = values[rows[i]!]!;
  }
  if (eventWeight !== undefined) multiplyByKind(dataset, rows, parseEventWeight(eventWeight), weights);
  return weights;
}

function multiplyByKind(
  dataset: Dataset,
  rows: Uint32Array,
  { column: name, weights: byKind }: KindWeights,
  weights: Float64Array,
): void {
  const column = columnNamed(dataset, name);
  if (column.kind !== "key") throw new UsageError(`--event-weight: column '${name}' is not a key column`);
  const { dictionary, codes } = column;
  const others = byKind.get("*");
  const weightOf = (kind: string): number => {
    const found = byKind.get(kind) ?? others;
    if (found === undefined) {
      throw new UsageError(`--event-weight has no weight for '${kind}' of column '${name}': add it, or *=0`);
    }
    return found;
  };
  const text = new TextDecoder();
  const ofCode = Array.from({ length: dictionary.size }, (_, code) =>
    weightOf(text.decode(dictionary.bytes.subarray(dictionary.offsets[code], dictionary.offsets[code + 1]))),
  );
  rows.forEach((row, i) => {
    const code = codes[row]!;
    weights[i]! *= code === MISSING ? weightOf("") : ofCode[code]!;
  });
}

/** Returns f64[rows.length]: 2^(-age / half-life), where the age is relative to the newest of the rows. */
function decayOf(
  dataset: Dataset,
  rows: Uint32Array,
  { halfLife }: EventWeightOptions,
): Float64Array | undefined {
  if (halfLife === undefined) return undefined;
  const span = spanMilliseconds(halfLife);
  if (span === undefined || span <= 0)
    throw new UsageError(`--half-life expects a duration such as 30d (h, d, w), got '${halfLife}'`);
  const column = timeColumn(dataset);
  if (!column) throw new UsageError("--half-life needs a time column: name it with --time");
  const { values } = column;
  const newest = rows.reduce((latest, row) => Math.max(latest, values[row]!), -Infinity);
  return mapTo(Float64Array, rows, (row) => exp((Math.LN2 * (values[row]! - newest)) / span));
}

function meanWeight(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

function dividedBy(values: Float64Array, divisor: number): Float32Array {
  const quotients = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) quotients[i] = values[i]! / divisor;
  return quotients;
}

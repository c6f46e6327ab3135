import type { PerField } from "../../dataset/vocabulary/vocabulary-limits.js";
import { UsageError } from "../../base/errors.js";
import {
  choice,
  custom,
  list,
  number,
  recordComplaint,
  share,
  text,
  whole,
  wholeOf,
} from "../../options/table.js";

const group = "Model:";
const MANY = Number.MAX_SAFE_INTEGER;

const PER_FIELD = "number | string | readonly string[]";

/** Options that limit the vocabulary. */
export const vocabulary = {
  minCount: custom(
    "n",
    {
      type: PER_FIELD,
      parse: perField(0, 1),
      repeats: true,
      complaint: perFieldComplaint,
      texts: perFieldTexts,
    },
    {
      help: "keys with fewer than n events are out-of-vocabulary; item_id=5 sets it for one field; repeatable",
      group,
      default: 1,
    },
  ),
  maxVocab: custom(
    "n",
    // the default, which denotes "no limit", is a number because JSON has no infinity
    {
      ...{ type: PER_FIELD, parse: perField(1, MANY), repeats: true },
      ...{ complaint: perFieldComplaint, texts: perFieldTexts },
    },
    { help: "keep only the n most frequent keys of each field; user_id=100000 limits one field", group },
  ),
  minUsers: whole({
    min: 0,
    max: MANY,
    help: "keys with fewer than n distinct users are out-of-vocabulary",
    group,
  }),
  hash: custom(
    "column:bits",
    {
      type: "string | readonly string[] | Readonly<Record<string, number>>",
      parse: hashOf,
      repeats: true,
      complaint: recordComplaint(isWhole, "bits by column"),
    },
    {
      help: "hash the keys of a column into 2^bits rows instead of building a vocabulary; repeatable",
      group,
    },
  ),
  oovDropout: share({
    min: 0,
    max: 1,
    help:
      "share of keys to replace with the out-of-vocabulary key in training, so that unknown keys get a " +
      "trained vector",
    group,
    shown: "0",
  }),
  rowOrder: text("run", {
    help: "keep the row numbers of an earlier run; new keys are appended",
    group,
  }),
} as const;

export const noises = ["uniform", "popularity"] as const;

export const labels = {
  positiveFrom: number({
    min: -Number.MAX_VALUE,
    max: Number.MAX_VALUE,
    help: "convert labels to 0 and 1: x or more is 1; with --negatives, only those rows are events",
    group,
  }),
  negatives: whole({
    min: 1,
    max: MANY,
    help: "for a log without labels: number of negatives to sample per event",
    group,
    default: 0,
    shown: "none",
  }),
  noise: choice(noises, {
    placeholder: "distribution",
    help: "distribution to sample negatives from",
    group,
    default: "uniform",
    only: { negatives: true },
  }),
  itemFields: list("columns", {
    help: "side columns of the item, used in its vector and in negatives; inferred by default",
    group,
  }),
} as const;

function isWhole(n: number): boolean {
  return Number.isInteger(n) && n >= 0;
}

function perFieldComplaint(limit: PerField): string | undefined {
  const expected = "an integer, or { others, byField }";
  if ((limit as unknown) === null) return expected;
  const { others, byField } = typeof limit === "object" ? limit : { others: limit, byField: {} };
  return isWhole(others) ? recordComplaint(isWhole, expected)(byField) : expected;
}

function perFieldTexts(limit: PerField): string[] {
  const { others, byField } = typeof limit === "object" ? limit : { others: limit, byField: {} };
  return [String(others), ...Object.entries(byField).map(([field, n]) => `${field}=${n}`)];
}

/** Parses `2` for all fields, or `item_id=5` for one field, split at the last =; commas and repetition are allowed. */
function perField(
  min: number,
  standard: number,
): (given: string, flagName: string, previous: PerField | undefined) => PerField {
  return (given, flagName, previous = standard) =>
    given.split(",").reduce((limit: PerField, part): PerField => {
      const { others, byField } = typeof limit === "number" ? { others: limit, byField: {} } : limit;
      const equals = part.lastIndexOf("=");
      const n = wholeOf(part.slice(equals + 1), flagName, min);
      if (equals > 0) return { others, byField: { ...byField, [part.slice(0, equals)]: n } };
      return Object.keys(byField).length === 0 ? n : { others: n, byField };
    }, previous);
}

/** Parses a text such as `user_id:20`, split at the last colon, and adds it to a record. */
function hashOf(
  given: string,
  flagName: string,
  previous: Record<string, number> | undefined,
): Record<string, number> {
  const colon = given.lastIndexOf(":");
  if (colon < 1) throw new UsageError(`--hash expects COLUMN:BITS, such as user_id:20, got '${given}'`);
  return { ...previous, [given.slice(0, colon)]: wholeOf(given.slice(colon + 1), flagName, 1) };
}

// The bounds of the gates, as a pipeline file or a file of bounds alone (`embed gate --bounds`) states them.
//
//   before:                                  of the encoded dataset, before training
//     rows: {min: 10000, within: 30%}        absolute bounds, and last version's value ± a share of it
//     missing: {max: 5%, columns: {price: {max: 20%}}}
//   after:                                   of the trained run, before it is published
//     metrics: {auc: {min: 0.6, worse: 0.01}}
//
// What the values are, and where last version's come from: docs/gates.md. Values stay as they are written, so that the schema can
// be published as JSON schema; `shareOf` and `durationOf` read them.

import { z } from "zod";
import { readYaml } from "./yaml-file.js";

const percent = z.string().regex(/^\d+(\.\d+)?%$/, "expected a share such as 30% or 0.3");
const share = z.union([z.number().min(0), percent]);
const duration = z.string().regex(/^\d+(\.\d+)?(m|h|d|w)$/, "expected a duration such as 90m, 36h, 7d or 2w");
const time = z
  .string()
  .refine(
    (text) => !Number.isNaN(Date.parse(text)),
    "expected a time such as 2026-11-20 or 2026-11-20T03:00:00Z",
  );

/** Of a count or a length: absolute bounds, and a share of last version's value by which it may differ. */
const countBounds = { min: z.number().optional(), max: z.number().optional(), within: share.optional() };
/** The same of a share. */
const shareBounds = { min: share.optional(), max: share.optional(), within: share.optional() };

const count = z.strictObject(countBounds);
const ofShare = z.strictObject(shareBounds);

/** Bounds of every field, and other bounds of some. */
const perField = { fields: z.record(z.string(), ofShare).optional() };

/** Bounds of each new file or day: absolute ones, and shares of the median of the earlier files or days. */
const ofGroup = { atLeast: share.optional(), atMost: share.optional() };
const groupCount = z.strictObject({ min: z.number().optional(), max: z.number().optional(), ...ofGroup });
const groupShare = z.strictObject({ min: share.optional(), max: share.optional(), ...ofGroup });
/** `maxRise`: by how much it may be above the median of the earlier ones */
const unseenShare = z.strictObject({
  min: share.optional(),
  max: share.optional(),
  maxRise: share.optional(),
});
const atMostSo = z.strictObject({ max: z.number().min(0) });
const groupBounds = {
  rows: groupCount.optional(),
  users: groupCount.optional(),
  items: groupCount.optional(),
  positiveRate: groupShare.optional(),
  labelSpread: groupCount.optional(),
  /** share of rows whose key stands in no earlier file or day */
  unseenUsers: unseenShare.optional(),
  unseenItems: unseenShare.optional(),
};

export const beforeBounds = z.strictObject({
  /** rows of the dataset */
  rows: count.optional(),
  /** share of labels from `from` on; above 0 without it */
  positiveRate: z.strictObject({ ...shareBounds, from: z.number().optional() }).optional(),
  /** standard deviation of the labels */
  labelSpread: count.optional(),
  /** distinct keys of the column in the role */
  users: count.optional(),
  items: count.optional(),
  /** share of empty cells of each column */
  missing: z.strictObject({ ...shareBounds, columns: z.record(z.string(), ofShare).optional() }).optional(),
  /** share of each field's cells whose key last version's table lacks */
  unseen: z.strictObject({ ...shareBounds, ...perField }).optional(),
  /** time of the newest event: absolute, its age, and how much newer than last version's */
  newest: z
    .strictObject({
      min: time.optional(),
      max: time.optional(),
      maxAge: duration.optional(),
      minAdvance: duration.optional(),
      maxAdvance: duration.optional(),
    })
    .optional(),
  /** each file that the last version's log lacks, next to the median of the others; copies: those with the rows of another file */
  newFiles: z.strictObject({ ...groupBounds, copies: atMostSo.optional() }).optional(),
  /** files of the last version's log that are missing, although files that sort before them by name are there */
  goneFiles: atMostSo.optional(),
  /** each day after the last version's newest event, next to the median of the earlier ones; empty: most days in a row without an event */
  newDays: z.strictObject({ ...groupBounds, empty: atMostSo.optional() }).optional(),
});

export const afterBounds = z.strictObject({
  /** of the validation part, by the manifest's name; `worse` is in the metric's unit, or a share of last version's value */
  metrics: z
    .record(
      z.string(),
      z.strictObject({ min: z.number().optional(), max: z.number().optional(), worse: share.optional() }),
    )
    .optional(),
  /** what the vectors add on the validation split (docs/evaluation.md): the low end of its interval lies above `min` */
  vectorsAdd: z.strictObject({ min: z.number() }).optional(),
  /** share of each field's rows whose vector is all zero */
  zero: z.strictObject({ ...shareBounds, ...perField }).optional(),
  /** share of each field's rows whose vector an earlier row of the field has, bit for bit */
  duplicate: z.strictObject({ ...shareBounds, ...perField }).optional(),
  /** lengths of each field's vectors */
  norm: z
    .strictObject({ mean: count.optional(), median: count.optional(), p99: count.optional() })
    .optional(),
  /** share of the k nearest that a key has in common with last version, mean over each field's most frequent common keys */
  overlap: z.strictObject({ ...shareBounds, k: z.number().int().min(1).default(20), ...perField }).optional(),
  /** 1 - cosine to last version's vector after the tables are rotated onto each other, mean over the same keys */
  displacement: z.strictObject({ ...shareBounds, ...perField }).optional(),
  /** of each file of lists that a pipeline's `recall` makes */
  lists: z
    .strictObject({
      /** share of users, or of items, whose list holds nothing */
      empty: ofShare.optional(),
      /** share of the items that may stand in lists and do, in one at least */
      coverage: ofShare.optional(),
      /** share of a list's first k items that last version's list of the same owner has among its first k, mean over owners of both */
      overlap: z.strictObject({ ...shareBounds, k: z.number().int().min(1).default(20) }).optional(),
    })
    .optional(),
});

export const gateBounds = z.strictObject({ before: beforeBounds.optional(), after: afterBounds.optional() });

export type BeforeBounds = z.infer<typeof beforeBounds>;
export type GroupBounds = NonNullable<BeforeBounds["newFiles"]> & NonNullable<BeforeBounds["newDays"]>;
export type AfterBounds = z.infer<typeof afterBounds>;
export type GateBounds = z.infer<typeof gateBounds>;

/** 30% and 0.3 as 0.3. */
export function shareOf(text: number | string): number {
  return typeof text === "number" ? text : Number(text.slice(0, -1)) / 100;
}

/** 36h in milliseconds. */
export function durationOf(text: string): number {
  const units: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
  return Number(text.slice(0, -1)) * units[text.at(-1)!]!;
}

/** The bounds of a file of their own, or under `gates:` of a pipeline file. @throws {ConfigError} as readYaml */
export async function readBounds(path: string): Promise<GateBounds> {
  const read = await readYaml<{ gates: GateBounds } | GateBounds>(path, "the bounds", (content) =>
    typeof content === "object" && content !== null && "gates" in content
      ? z.looseObject({ gates: gateBounds })
      : gateBounds,
  );
  return "gates" in read ? read.gates : read;
}

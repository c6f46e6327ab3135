// The schema of the gates' bounds, in a pipeline file or a separate file (`embed gate --bounds`).
//
//   before:                                  for the encoded dataset, before training
//     rows: {min: 10000, within: 30%}        absolute bounds, and the previous version's value ± a share of it
//     missing: {max: 5%, columns: {price: {max: 20%}}}
//   after:                                   for the trained run, before it is published
//     metrics: {auc: {min: 0.6, worse: 0.01}}
//
// docs/gates.md defines the values, and where the previous version's come from. Bounds are kept as written, so that the
// schema can be published as JSON Schema; `shareOf` and `durationOf` parse them.

import { z } from "zod";
import { readYaml } from "../../options/yaml-file.js";

const percent = z.string().regex(/^\d+(\.\d+)?%$/, "expected a share such as 30% or 0.3");
const share = z.union([z.number().min(0), percent]);
const duration = z.string().regex(/^\d+(\.\d+)?(m|h|d|w)$/, "expected a duration such as 90m, 36h, 7d or 2w");
const time = z
  .string()
  .refine(
    (text) => !Number.isNaN(Date.parse(text)),
    "expected a time such as 2026-11-20 or 2026-11-20T03:00:00Z",
  );

/** Bounds of a count or a norm: minimum, maximum, and the share by which it may differ from the previous version's. */
const countBounds = { min: z.number().optional(), max: z.number().optional(), within: share.optional() };
/** Bounds of a share: minimum, maximum, and the share by which it may differ from the previous version's value. */
const shareBounds = { min: share.optional(), max: share.optional(), within: share.optional() };

const count = z.strictObject(countBounds);
const ofShare = z.strictObject(shareBounds);

/** Bounds of single fields, which replace the bounds that apply to every field. */
const perField = { fields: z.record(z.string(), ofShare).optional() };

/** Bounds of each new file or day: absolute ones, and ones relative to the median of the earlier files or days. */
const ofGroup = { atLeast: share.optional(), atMost: share.optional() };
const groupCount = z.strictObject({ min: z.number().optional(), max: z.number().optional(), ...ofGroup });
const groupShare = z.strictObject({ min: share.optional(), max: share.optional(), ...ofGroup });
/** bounds of a share of new keys or of repeated rows; `maxRise` is the maximum increase over the median of the earlier files or days */
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
  /** share of rows whose user is in no earlier file or day */
  unseenUsers: unseenShare.optional(),
  unseenItems: unseenShare.optional(),
  /**
   * metrics of the previous version's model on the rows of the file or day, by name; `atLeast` and `atMost` are shares
   * of the metric of its validation split
   */
  metrics: z.record(z.string(), groupCount).optional(),
  /**
   * share of the rows with each value of a column of keys; unless columns have these names, `hour` and `sixHours` are the
   * hour of the day in UTC and its quarter. Values with a smaller median than `minShare` (1%) may vanish, and count as this share in `atMost`
   */
  values: z.record(z.string(), z.strictObject({ ...ofGroup, minShare: share.optional() })).optional(),
};

export const beforeBounds = z.strictObject({
  rows: count.optional(),
  /** share of labels that are at least `from`; without `from`, share of labels above 0 */
  positiveRate: z.strictObject({ ...shareBounds, from: z.number().optional() }).optional(),
  /** standard deviation of the labels */
  labelSpread: count.optional(),
  /** number of distinct keys of the user column */
  users: count.optional(),
  items: count.optional(),
  /** share of empty cells of each column */
  missing: z.strictObject({ ...shareBounds, columns: z.record(z.string(), ofShare).optional() }).optional(),
  /** share of each field's cells whose key the previous version's table lacks */
  unseen: z.strictObject({ ...shareBounds, ...perField }).optional(),
  /** time of the newest event, its age, and its distance from the previous version's newest event */
  newest: z
    .strictObject({
      min: time.optional(),
      max: time.optional(),
      maxAge: duration.optional(),
      minAdvance: duration.optional(),
      maxAdvance: duration.optional(),
    })
    .optional(),
  /**
   * each file that the previous version's log does not contain, compared with the median of the other files; `copies`
   * bounds the number of files with the same rows as another file, `repeatedRows` the share of rows that an earlier file
   * has as well
   */
  newFiles: z
    .strictObject({ ...groupBounds, repeatedRows: unseenShare.optional(), copies: atMostSo.optional() })
    .optional(),
  /** files of the previous version's log that are missing, although files that sort before them by name exist */
  goneFiles: atMostSo.optional(),
  /**
   * each day after the previous version's newest event, compared with the median of the earlier days; `empty` bounds
   * the longest run of days without an event
   */
  newDays: z.strictObject({ ...groupBounds, empty: atMostSo.optional() }).optional(),
});

export const afterBounds = z.strictObject({
  /** metrics of the validation split, by name; `worse` is in the metric's unit, or a share of the previous version's */
  metrics: z
    .record(
      z.string(),
      z.strictObject({ min: z.number().optional(), max: z.number().optional(), worse: share.optional() }),
    )
    .optional(),
  /** gain of the vectors on the validation split (docs/evaluation.md); its interval's lower end must exceed `min` */
  vectorsAdd: z.strictObject({ min: z.number() }).optional(),
  /** share of each field's rows with a zero vector */
  zero: z.strictObject({ ...shareBounds, ...perField }).optional(),
  /** share of each field's rows whose vector equals that of an earlier row of the field, bit for bit */
  duplicate: z.strictObject({ ...shareBounds, ...perField }).optional(),
  norm: z
    .strictObject({ mean: count.optional(), median: count.optional(), p99: count.optional() })
    .optional(),
  /**
   * share of a key's k nearest keys that are the same as in the previous version, mean over each field's most frequent
   * common keys
   */
  overlap: z.strictObject({ ...shareBounds, k: z.number().int().min(1).default(20), ...perField }).optional(),
  /**
   * 1 - cosine of a key's vectors in both versions, after a rotation that matches the versions; mean over the same keys
   * as in `overlap`
   */
  displacement: z.strictObject({ ...shareBounds, ...perField }).optional(),
  /** bounds on the recommendation lists in each file that the section `recall` of a pipeline writes */
  lists: z
    .strictObject({
      /** share of users, or of items, with an empty list */
      empty: ofShare.optional(),
      /** share of the eligible items that are in at least one list */
      coverage: ofShare.optional(),
      /**
       * share of the first k items of a list that are also among the first k of the previous version's list for the
       * same user or item; mean over the users or items that have a list in both versions
       */
      overlap: z.strictObject({ ...shareBounds, k: z.number().int().min(1).default(20) }).optional(),
    })
    .optional(),
});

const gateBounds = z.strictObject({ before: beforeBounds.optional(), after: afterBounds.optional() });

export type BeforeBounds = z.infer<typeof beforeBounds>;
export type GroupBounds = NonNullable<BeforeBounds["newFiles"]> & NonNullable<BeforeBounds["newDays"]>;
export type AfterBounds = z.infer<typeof afterBounds>;
export type GateBounds = z.infer<typeof gateBounds>;

/** Parses 30% and 0.3 as 0.3. */
export function shareOf(text: number | string): number {
  return typeof text === "number" ? text : Number(text.slice(0, -1)) / 100;
}

/** Parses 36h into milliseconds. */
export function durationOf(text: string): number {
  const units: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
  return Number(text.slice(0, -1)) * units[text.at(-1)!]!;
}

/** Reads the bounds of gates from a file, or from the section `gates:` of a pipeline file. @throws {ConfigError} */
export async function readBounds(path: string): Promise<GateBounds> {
  const read = await readYaml<{ gates: GateBounds } | GateBounds>(path, "the bounds", (content) =>
    typeof content === "object" && content !== null && "gates" in content
      ? z.looseObject({ gates: gateBounds })
      : gateBounds,
  );
  return "gates" in read ? read.gates : read;
}

// What `inspect`, `compare` and `init` say about a log before a training, in the same words, each with the flag to use.
//
//   counts of the columns ──► ids in several cases, a label of one value, event types that read as negative, repeated
//                             event ids

import { columnText } from "../../dataset/filters/where.js";
import type { Roles } from "../../dataset/dataset.js";
import { keyAt, keyInCase, MISSING, type Keys } from "../../log/keys.js";
import { hashText } from "../../base/numeric/hash.js";

/** Roles of a log that the findings depend on. */
export type FindingRoles = Pick<Roles, "user" | "item" | "label" | "time" | "weight" | "session">;

/** A column of keys, or a label of numbers, which has no keys. */
export interface CountedColumn {
  name: string;
  distinct: number;
  /** number of rows with a cell */
  present: number;
  keys?: Keys;
  /** returns the number of rows with a key, in a column of at most MOST_TYPES keys */
  rowsOf?: (code: number) => number;
}

/** Maximum number of distinct keys of a column that may hold the types of events. */
const MOST_TYPES = 64;

/** Counts the cells of a column, and the rows of its keys while they are few. */
export class CellCounter {
  present = 0;
  readonly #rows = new Uint32Array(MOST_TYPES);

  /** @param numKeys number of distinct keys so far, including these rows */
  add(codes: Uint32Array, numRows: number, numKeys: number): void {
    const isFew = numKeys <= MOST_TYPES;
    for (let row = 0; row < numRows; row++) {
      const code = codes[row]!;
      if (code === MISSING) continue;
      this.present++;
      if (isFew) this.#rows[code]!++;
    }
  }

  readonly rowsOf = (code: number): number => this.#rows[code]!;
}

/** Returns a sentence for each finding. @param columns columns of keys, and the label */
export function columnFindings(
  rows: number,
  columns: readonly CountedColumn[],
  roles: FindingRoles,
): string[] {
  const { user, item, label: labelName, time, weight, session } = roles;
  const others = new Set([labelName, time, weight]);
  const label = columns.find(({ name }) => name === labelName);
  const hasLabel = label !== undefined && label.distinct > 1;
  const ranks = user !== undefined && item !== undefined;
  const fields = columns.filter(({ name }) => !others.has(name) && ![user, item, session].includes(name));
  return [
    ...columns.flatMap((column) => (others.has(column.name) ? [] : caseFindings(column))),
    ...(label && !hasLabel ? [labelFinding(label, rows, ranks)] : []),
    ...(hasLabel ? [] : fields.flatMap(typeFindings)),
    ...fields.flatMap(eventIdFindings),
  ];
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const counted = (rows: number) => rows.toLocaleString("en");

/** Maximum number of keys that are compared in one case; of more keys, a sample is. */
const MOST_COMPARED = 1 << 20;
/** Minimum share of keys that are equal to another key but for the case. */
const SAME_KEYS = 0.005;

function caseFindings({ name, keys }: CountedColumn): string[] {
  if (!keys || !hasCase(keys)) return [];
  const mask = 2 ** Math.max(0, Math.ceil(Math.log2(keys.size / MOST_COMPARED))) - 1;
  const seen = new Map<string, string>();
  let [compared, same] = [0, 0];
  let example: [string, string] | undefined;
  for (let code = 0; code < keys.size; code++) {
    const key = keyAt(keys, code);
    const lower = keyInCase(key, "lower");
    // all keys that are equal but for the case are in the sample, or none
    if (mask > 0 && (hashText(lower).lo & mask) !== 0) continue;
    compared++;
    const other = seen.get(lower);
    if (other === undefined) seen.set(lower, key);
    else {
      same++;
      example ??= [other, key];
    }
  }
  if (!example || same < SAME_KEYS * compared) return [];
  const [one, other] = example;
  const about = mask > 0 ? "about " : "";
  return [
    `${about}${percent(same / compared)} of the keys of '${name}' differ from another key only in upper and lower ` +
      `case, such as '${one}' and '${other}': if they are the same, --key-case lower makes them one`,
  ];
}

/** Whether any key has an upper-case letter of ASCII, or any letter beyond it. */
function hasCase({ size, bytes, offsets }: Keys): boolean {
  for (let at = offsets[0]!; at < offsets[size]!; at++)
    if (bytes[at]! >= 0x80 || (bytes[at]! >= 0x41 && bytes[at]! <= 0x5a)) return true;
  return false;
}

function labelFinding({ name, present }: CountedColumn, rows: number, ranks: boolean): string {
  const where =
    present === rows
      ? "in all rows"
      : `in ${counted(present)} rows and missing in ${counted(rows - present)}`;
  return (
    `the label '${name}' has the same value ${where}, so nothing can be learned from it: --ignore ${name} ` +
    `leaves it out${ranks ? ", and every row is an event" : ""}`
  );
}

const TYPE_NAME = /event|type|action|kind|interaction|behaviou?r|feedback|reaction/iu;
const NEGATIVE =
  /^([a-z]+[ _-])?(skip(s|ped)?|(dis|un)like[ds]?|thumbs?[ _-]?down|down[ _-]?vote[ds]?|returns?|returned|refund(s|ed)?|cancel(s|l?ed|lation)?|reject(s|ed)?|unfollow(ed)?|unsubscribe[ds]?|remove[ds]?|delete[ds]?|dismiss(ed)?|hide|hidden|not[ _-]interested)([ _-][a-z_ -]+)?$/iu;
const POSITIVE =
  /(^|[ _-])(views?|clicks?|plays?|played|listen(ed)?|watch(ed)?|buy|bought|purchased?|orders?|add|cart|likes?|loved?|saved?|complete[d]?|follow|share[d]?)($|[ _-])/iu;

/** Without labels, trainings count an event of every type as one that the user wanted. */
function typeFindings({ name, keys, present, rowsOf }: CountedColumn): string[] {
  if (!keys || !rowsOf || keys.size > MOST_TYPES) return [];
  const types = Array.from({ length: keys.size }, (_, code) => ({
    text: keyAt(keys, code),
    rows: rowsOf(code),
  }));
  const negative = types.filter(({ text, rows }) => rows > 0 && NEGATIVE.test(text));
  const others = types.filter(({ text }) => !NEGATIVE.test(text));
  const isTypes = TYPE_NAME.test(name) || others.some(({ text }) => POSITIVE.test(text));
  if (negative.length === 0 || others.length === 0 || !isTypes) return [];
  const shown = negative.map(({ text, rows }) => `'${text}' (${percent(rows / present)} of rows)`).join(", ");
  const listed = negative.map(({ text }) => `"${text}"`).join(", ");
  return [
    `'${name}' has event types that read as negative: ${shown}; without labels, they count like all others: ` +
      `--where '${columnText(name)} not in (${listed})' leaves them out`,
  ];
}

const EVENT_ID =
  /^((event|log|message|msg|record|row|request|hit|play|stream|listen|click|view|impression|interaction|action|activity|rating|review)[ _-]?)?(id|uuid|guid)$/iu;
/** Minimum number of rows, and minimum share of distinct ids, for which ids identify events. */
const FEW_ROWS = 200;
const DISTINCT_IDS = 0.8;
/** Minimum share of rows that repeat an event id. */
const REPEATED_IDS = 0.001;

function eventIdFindings({ name, distinct, present }: CountedColumn): string[] {
  const repeated = present - distinct;
  if (!EVENT_ID.test(name) || present < FEW_ROWS || distinct < DISTINCT_IDS * present) return [];
  if (repeated < REPEATED_IDS * present) return [];
  return [
    `${percent(repeated / present)} of rows repeat an earlier '${name}': if it identifies events that were delivered ` +
      `twice, --dedupe-by ${name} keeps one row of each`,
  ];
}

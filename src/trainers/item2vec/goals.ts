// Airbnb's additional terms of the objective (Grbovic and Cheng, KDD 2018, eq. 5): the goal that a session led to, such
// as a booking, rejected items, and negatives from an item's market.
//
//   events ──► marks: goals and rejections ──► sequences, with rejections apart ──► a list per session
//                                                                              └──► repeated sessions with goals

import { BESIDE, type MarkedEvents, type Sequences } from "../../dataset/sequences/sequences.js";
import { rowsHeldBy } from "../../dataset/filters/where-rows.js";
import { parseWhere } from "../../dataset/filters/where.js";
import { UsageError } from "../../base/errors.js";
import { type SgnsPairs, NO_MARKET } from "../../compute/kernels/sgns/binding.js";
import type { WeightedSequences } from "../../dataset/sampling/skip-grams.js";
import type { Part } from "../../training/examples/examples.js";
import type { GivenItem2vec } from "./options.js";
import { MISSING, keyAt } from "../../log/keys.js";
import { columnOfOption, type Column } from "../../dataset/dataset.js";
import { cellCodes } from "../../dataset/item-fields.js";

/** Mark of an event that is a goal; a rejection has the mark BESIDE (dataset/sequences). */
const GOAL = 2;
/** Maximum number of goals and rejections that a session keeps; the last ones are kept. */
const MOST_LISTED = 32;

const NOTHING: ReadonlySet<number> = new Set();

/** Each session's list of goals and rejections, which are contexts and negatives of every centre of the session. */
export interface SessionLists {
  lists: SgnsPairs["lists"];
  /** u32[numSessions]: index of each session's list in `lists`; list 0 is empty */
  ofSession: Uint32Array;
}

export function columnsAsked({ goal, reject, negativesWithin }: GivenItem2vec): string[] {
  const expressions = [...(goal === undefined ? [] : [parseWhere(goal, "--goal")])];
  if (reject !== undefined) expressions.push(parseWhere(reject, "--reject"));
  const asked = expressions.flatMap(({ tests }) => tests.map(({ column }) => column));
  return [...new Set([...asked, ...(negativesWithin === undefined ? [] : [negativesWithin])])];
}

/** u8[rows]: GOAL, BESIDE for a rejection, 0 for others. @param expected whether an expression must match an event */
export function marksOf(
  { dataset, rows }: Part,
  { goal, reject }: GivenItem2vec,
  expected: boolean,
): Uint8Array | undefined {
  if (goal === undefined && reject === undefined) return undefined;
  const held = (source: string | undefined, flag: string) =>
    source === undefined
      ? new Uint8Array(rows.length)
      : rowsHeldBy(dataset, rows, { source, flag, what: expected ? "training events" : undefined });
  const [goals, rejections] = [held(goal, "--goal"), held(reject, "--reject")];
  const both = goals.reduce((sum, is, i) => sum + (is & rejections[i]!), 0);
  if (both > 0)
    throw new UsageError(
      `--goal and --reject both match ${both} of ${rows.length} events: an event can match only one of them`,
    );
  return goals.map((is, i) => (is ? GOAL : 0) | (rejections[i]! ? BESIDE : 0));
}

/** Returns the list of each session: its distinct goals, with weight 1, and its distinct rejections, with weight -1. */
export function markedLists({ numSessions, marked }: Sequences): SessionLists {
  const ofSession = new Uint32Array(numSessions);
  const [ends, rows, weights]: [number[], number[], number[]] = [[0, 0], [], []];
  for (let s = 0; s < numSessions; s++) {
    const entries = marked ? [...distinctOf(marked, s)].slice(-MOST_LISTED) : [];
    if (entries.length === 0) continue;
    for (const entry of entries) {
      rows.push(Math.abs(entry) - 1);
      weights.push(Math.sign(entry));
    }
    ofSession[s] = ends.length - 1;
    ends.push(rows.length);
  }
  const lists = {
    ends: Uint32Array.from(ends),
    rows: Uint32Array.from(rows),
    weights: Float32Array.from(weights),
  };
  return { lists, ofSession };
}

/** Returns the distinct goals and rejections of a session: token + 1 for a goal, -(token + 1) for a rejection. */
function distinctOf({ offsets, tokens, marks }: MarkedEvents, session: number): ReadonlySet<number> {
  if (offsets[session] === offsets[session + 1]) return NOTHING;
  const entries = new Set<number>();
  for (let i = offsets[session]!; i < offsets[session + 1]!; i++)
    entries.add(marks[i] === GOAL ? tokens[i]! + 1 : -tokens[i]! - 1);
  return entries;
}

export function markNotes(
  { numSessions, marked }: Sequences,
  marks: Uint8Array,
  { goal, reject }: GivenItem2vec,
): string[] {
  const { offsets, marks: kept } = marked!;
  const long = Array.from({ length: numSessions }, (_, s) => distinctOf(marked!, s).size).filter(
    (size) => size > MOST_LISTED,
  );
  const notes = [
    ...(goal === undefined ? [] : [["--goal", "goal", GOAL] as const]),
    ...(reject === undefined ? [] : [["--reject", "rejection", BESIDE] as const]),
  ].map(([flag, name, mark]) => {
    const [all, used] = [marks, kept].map((of) => of.reduce((sum, is) => sum + (is === mark ? 1 : 0), 0));
    const sessions = sessionsWith(mark, numSessions, offsets, kept).length;
    if (sessions === 0)
      throw new UsageError(
        `${flag} matches ${all} training events, but none is in a session with two known items: check ` +
          "--session, --session-gap, --min-length and --min-count",
      );
    const lost = all! - used!;
    const rest = lost === 0 ? "" : `; ${lost} of ${all} ${name}s dropped with their item or session`;
    return `${sessions} of ${numSessions} sessions have a ${name}${rest}`;
  });
  if (long.length > 0)
    notes.push(
      `${long.length} sessions have more than ${MOST_LISTED} goals and rejections: only the last ones are used`,
    );
  return notes;
}

function sessionsWith(mark: number, numSessions: number, offsets: Uint32Array, marks: Uint8Array): number[] {
  const all = Array.from({ length: numSessions }, (_, s) => s);
  return all.filter((s) => marks.subarray(offsets[s], offsets[s + 1]).includes(mark));
}

/** Repeats each session with a goal `times` times. The copies are appended, and have different random draws. */
export function oversampled(sequences: WeightedSequences, times: number): WeightedSequences {
  const { numSessions, offsets, tokens, rows, weights, marked } = sequences;
  if (times === 1 || !marked) return sequences;
  const booked = sessionsWith(GOAL, numSessions, marked.offsets, marked.marks);
  const copied = booked.reduce((sum, s) => sum + offsets[s + 1]! - offsets[s]!, 0) * (times - 1);
  const copy = {
    offsets: new Uint32Array(numSessions + 1 + booked.length * (times - 1)),
    tokens: new Uint32Array(tokens.length + copied),
    rows: new Uint32Array(tokens.length + copied),
    ...(weights && { weights: new Float32Array(tokens.length + copied) }),
  };
  copy.offsets.set(offsets);
  copy.tokens.set(tokens);
  copy.rows.set(rows);
  if (weights) copy.weights!.set(weights);
  let [s, at] = [numSessions, tokens.length];
  for (let time = 1; time < times; time++) {
    for (const session of booked) {
      const [first, end] = [offsets[session]!, offsets[session + 1]!];
      copy.tokens.set(tokens.subarray(first, end), at);
      copy.rows.set(rows.subarray(first, end), at);
      if (weights) copy.weights!.set(weights.subarray(first, end), at);
      at += end - first;
      copy.offsets[++s] = at;
    }
  }
  return { ...copy, numSessions: s, notes: [] };
}

// Additional negatives of an item are sampled from its market, so that vectors separate items that a user chooses
// between.

const FLAG = "--negatives-within";
/** Maximum share of items with several values of the column. */
const MOST_CHANGED = 0.05;

type Markets = NonNullable<SgnsPairs["markets"]>;

/**
 * Returns the markets of the items in training sessions: the most frequent value of the column.
 *
 * @param tokens u32[part.rows]: items as features, or MISSING
 * @param counts f64[numFeatures]: total weight of the events in training sessions
 */
export function marketsOf(
  { dataset, rows }: Part,
  name: string,
  { tokens, counts, drawn }: { tokens: Uint32Array; counts: Float64Array; drawn: number },
  warn: (text: string) => void,
): Markets {
  const column = columnOfOption(dataset, FLAG, name);
  if (column.kind === "multi")
    throw new UsageError(`${FLAG} '${name}': the column is multi-valued, but an item must have one market`);
  const codes = cellCodes(column);
  // marks the items that occur in training sessions, because only these items get a market
  const known = new Uint8Array(counts.length);
  for (const token of tokens) if (token !== MISSING && counts[token]! > 0) known[token] = 1;
  const items = known.reduce((sum, is) => sum + is, 0);
  const { of, changed, example } = frequentValues(tokens, rows, codes, known);
  if (changed > MOST_CHANGED * items) {
    const item = columnOfOption(dataset, "--item", dataset.roles.item!);
    const [row, other] = example!;
    throw new UsageError(
      `${FLAG} '${name}': ${changed} of ${items} items have several values, such as ${cellText(item, row)} ` +
        `with ${cellText(column, other)} and ${cellText(column, row)}; name a column that describes the item`,
    );
  }
  const [missing, byValue] = [
    of.reduce((sum, m, i) => sum + (known[i] === 1 && m === NO_MARKET ? 1 : 0), 0),
    grouped(of),
  ];
  const alone = byValue.filter((group) => group.length === 1).length;
  if (alone + missing === items)
    throw new UsageError(
      `${FLAG} '${name}': no two items share a value` +
        (missing > 0 ? `, and ${missing} of ${items} have no value` : ""),
    );
  if (changed > 0)
    warn(
      `${FLAG}: ${changed} of ${items} items have several values of '${name}': the most frequent one is used`,
    );
  if (missing > 0)
    warn(`${FLAG}: ${missing} of ${items} items have no '${name}' and get no market negatives`);
  if (alone > 0)
    warn(`${FLAG}: ${alone} of ${items} items are alone in their '${name}' and get no market negatives`);
  if (byValue.length === 1 && missing === 0)
    warn(`${FLAG}: all items have the same '${name}', so market negatives are sampled from all items`);
  const ends = [0];
  byValue.forEach((group, m) => {
    for (const feature of group) of[feature] = m;
    ends.push(ends[m]! + group.length);
  });
  return { of, ends: Uint32Array.from(ends), rows: Uint32Array.from(byValue.flat()), drawn };
}

/**
 * Returns the most frequent value of each item; of equally frequent values, the earliest.
 *
 * @returns of: u32[numFeatures], codes, NO_MARKET if missing; changed: number of items with several values; example:
 *   two rows of such an item with different values
 */
function frequentValues(
  tokens: Uint32Array,
  rows: Uint32Array,
  codes: Uint32Array,
  known: Uint8Array,
): { of: Uint32Array; changed: number; example: [row: number, other: number] | undefined } {
  const of = new Uint32Array(known.length).fill(NO_MARKET);
  const firstRow = new Uint32Array(known.length);
  const events = new Map<number, Map<number, number>>();
  let example: [number, number] | undefined;
  tokens.forEach((token, i) => {
    if (token === MISSING || known[token] === 0) return;
    const [row, code] = [rows[i]!, codes[rows[i]!]!];
    if (code === MISSING) return;
    if (of[token] === NO_MARKET) {
      of[token] = code;
      firstRow[token] = row;
    } else if (of[token] !== code && !events.has(token)) {
      example ??= [row, firstRow[token]!];
      events.set(token, new Map());
    }
  });
  if (events.size === 0) return { of, changed: 0, example };
  tokens.forEach((token, i) => {
    const code = codes[rows[i]!]!;
    const own = code === MISSING ? undefined : events.get(token);
    own?.set(code, (own.get(code) ?? 0) + 1);
  });
  for (const [token, own] of events) {
    const most = Math.max(...own.values());
    of[token] = [...own].find(([, count]) => count === most)![0];
  }
  return { of, changed: events.size, example };
}

/** Groups items by market, in the order in which the markets first appear; the items of a group are ascending. */
function grouped(of: Uint32Array): number[][] {
  const groups = new Map<number, number[]>();
  of.forEach((value, feature) => {
    if (value === NO_MARKET) return;
    const group = groups.get(value);
    if (group) group.push(feature);
    else groups.set(value, [feature]);
  });
  return [...groups.values()];
}

function cellText(column: Column, row: number): string {
  if (column.kind === "number") return String(column.values[row]);
  return `'${keyAt(column.dictionary, column.codes[row]!)}'`;
}

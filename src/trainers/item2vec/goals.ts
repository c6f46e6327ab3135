// Airbnb's additional terms of the objective (Grbovic and Cheng, KDD 2018, eq. 5): the goal that a session led to, such
// as a booking, and rejected items.
//
//   events ──► marks: goals and rejections ──► sequences, with rejections apart ──► a list per session
//                                                                              └──► repeated sessions with goals

import { BESIDE, type MarkedEvents, type Sequences } from "../../dataset/sequences/sequences.js";
import { rowsHeldBy } from "../../dataset/filters/where-rows.js";
import { parseWhere } from "../../dataset/filters/where.js";
import { UsageError } from "../../errors.js";
import type { SgnsPairs } from "../../kernels/sgns/binding.js";
import type { WeightedSequences } from "../../sampling/skip-grams.js";
import type { Part } from "../../training/examples/examples.js";
import type { GivenItem2vec } from "./options.js";

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

/** Returns the columns that the options use, except those with a role. @throws {UsageError} an expression is invalid */
export function columnsAsked({ goal, reject, negativesWithin }: GivenItem2vec): string[] {
  const expressions = [...(goal === undefined ? [] : [parseWhere(goal, "--goal")])];
  if (reject !== undefined) expressions.push(parseWhere(reject, "--reject"));
  const asked = expressions.flatMap(({ tests }) => tests.map(({ column }) => column));
  return [...new Set([...asked, ...(negativesWithin === undefined ? [] : [negativesWithin])])];
}

/**
 * Returns for each event of a split whether it is a goal or a rejection; undefined if neither --goal nor --reject is
 * set.
 *
 * @param expected whether each expression must match some event
 * @returns u8[rows]: GOAL, BESIDE for a rejection, 0 for other events
 * @throws {UsageError} an expression uses an unknown column or matches no event, or both match the same event
 */
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

/**
 * Returns notes on the numbers of goals and rejections.
 *
 * @param marks result of marksOf for the training split
 * @throws {UsageError} no session has a goal
 */
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

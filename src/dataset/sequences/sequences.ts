// Converts events of a log to sequences of tokens, the input of models of successive events.
//
//   rows ──► grouped by session or user, sorted by time ──► split at gaps ──► repeats dropped ──► short ones dropped,
//                                                                                                  long ones split
//
// A counting sort groups the events, and a session is a pair of offsets, so that n events need only a few arrays of n
// numbers.

import { MISSING } from "../../log/keys.js";
import { UsageError } from "../../base/errors.js";
import { columnNamed, timeColumn, type Dataset, type KeyColumn } from "../dataset.js";
import { byGroup } from "../../base/numeric/groups.js";

export interface Sequences {
  numSessions: number;
  /** u32[numSessions + 1]: session s is tokens[offsets[s] .. offsets[s + 1]) */
  offsets: Uint32Array;
  tokens: Uint32Array;
  /** u32, one per token: index of the token's row in the dataset */
  rows: Uint32Array;
  /** events to which the caller gave a nonzero mark, by session; absent if the caller gave no marks */
  marked?: MarkedEvents;
  /** notes on the dropped events and the dropped or split sessions, one per kind, with their counts */
  notes: string[];
}

/**
 * Events to which the caller gave a nonzero mark, such as goals or rejections, grouped by session in the order of time.
 */
export interface MarkedEvents {
  /** start of each session's marked events, u32[numSessions + 1] */
  offsets: Uint32Array;
  tokens: Uint32Array;
  /** u8, one per event of `tokens`: the caller's mark of the event, which is nonzero */
  marks: Uint8Array;
}

/**
 * Lowest bit of an event's mark: if it is set, the event is listed in MarkedEvents, but is not a token of its session.
 */
export const BESIDE = 1;

interface SequenceOptions {
  /** a session: events with one key of the session column, a user's events between two gaps, or all events of a user */
  by: "session" | "gap" | "user";
  /** longest pause within a session, in milliseconds; a longer pause ends the session. Required for sessions by gap */
  gap?: number;
  /** minimum milliseconds until the next event of the session or user; events with a shorter stay are dropped */
  minStay?: number;
  /** minimum number of events of a session, at least 1; shorter sessions are dropped */
  minLength: number;
  /** maximum number of events of a session; longer ones are split, and a rest below minLength is dropped */
  maxLength: number;
  /** false to drop an event that has the same tokens as the previous event of its session */
  repeats: boolean;
  /**
   * Marks of events, such as goals or rejections: `of` is the mark of each row of the split, u8, and `tokens` the token
   * of each row, u32. Events with a nonzero mark are listed in MarkedEvents, also if they are dropped as repeats. They
   * are also tokens of their session, unless the mark contains BESIDE. If a session is split, each piece lists the
   * marked events in its range.
   */
  marks?: { of: Uint8Array; tokens: Uint32Array };
}

/**
 * Returns the sessions of a split. Events are ordered by time, then as in `rows`; without a time column as in `rows`.
 * Sessions are ordered by their column's codes, those of one user by time.
 *
 * A row may have a token in each field or lack some; tokens are in the order of the fields. A row without any token is
 * in no session, but its time counts for gaps: a user who views rare items has not paused.
 *
 * @param rows u32: rows of a split; those of equal times are in the log's order
 * @param fields u32[rows.length] each: the rows' tokens, or MISSING
 * @throws {UsageError} the session column is absent or does not hold keys, a gap is given without times, or no session
 * has a valid length
 */
export function sequencesOf(
  dataset: Dataset,
  rows: Uint32Array,
  fields: readonly Uint32Array[],
  how: SequenceOptions,
): Sequences {
  const { by, minLength, maxLength, marks } = how;
  if (maxLength < minLength)
    throw new UsageError(`--max-length must be at least --min-length ${minLength}, got ${maxLength}`);
  const column = groupColumn(dataset, by);
  const times = sessionTimes(dataset, how);
  const { minStay = 0 } = how;
  const gap = by === "gap" ? (how.gap ?? Infinity) : Infinity;
  const { codes, dictionary } = column;
  const { order, starts } = byGroup((position) => codes[rows[position]!]!, rows.length, dictionary.size);

  const writer = new SessionWriter(fields, order.length, how);
  let [next, numLeft] = [0, 0];
  for (const end of starts.subarray(1)) {
    const group = order.subarray(next, end);
    next = end;
    if (times) sortByTime(group, rows, times);
    let latest = Infinity;
    for (let i = 0; i < group.length; i++) {
      const position = group[i]!;
      const row = rows[position]!;
      if (times) {
        if (times[row]! - latest > gap) writer.close();
        latest = times[row]!;
        if (i + 1 < group.length && times[rows[group[i + 1]!]!]! - latest < minStay) {
          numLeft++;
          continue;
        }
      }
      const mark = marks?.of[position] ?? 0;
      if ((mark & BESIDE) === 0) writer.add(position, row);
      if (mark !== 0) writer.mark(marks!.tokens[position]!, mark);
    }
    writer.close();
  }
  const role = by === "session" ? "session" : "user";
  const notes = [
    droppedNote(rows.length - order.length, "event", `without a ${role} dropped ('${column.name}' is empty)`),
    droppedNote(numLeft, "event", `followed by another one within ${minStay / 1000} s dropped (--min-stay)`),
    ...writer.notes(),
  ];
  return { ...writer.finish(), ...(marks && { marked: writer.marked() }), notes: notes.flat() };
}

/** Collects events into sessions. The last session is open, so that it accepts events, until it is closed. */
class SessionWriter {
  readonly #tokens: Uint32Array;
  readonly #rows: Uint32Array;
  readonly #offsets: Uint32Array;
  #numSessions = 0;
  /** position of the current piece's first token, of the first token of its last event, and of the next token */
  #from = 0;
  #last = 0;
  #to = 0;
  /** number of events in the current piece, and whether an earlier piece of the same session is stored already */
  #numEvents = 0;
  #isCut = false;
  #numRepeats = 0;
  #numShort = 0;
  #numCut = 0;
  /** number of events at the ends of long sessions that were dropped: fewer than minLength events were left */
  #numOver = 0;
  /** the marked events: token, mark, and index of the event's session, or -1 until the session ends */
  readonly #marked: { token: number; mark: number; session: number }[] = [];
  /** number of events in #marked whose session has ended */
  #numMarked = 0;

  /** @param fields u32, one per row of the split: tokens of each field */
  constructor(
    private readonly fields: readonly Uint32Array[],
    size: number,
    private readonly how: Pick<SequenceOptions, "minLength" | "maxLength" | "repeats">,
  ) {
    this.#tokens = new Uint32Array(size * fields.length);
    this.#rows = new Uint32Array(size * fields.length);
    this.#offsets = new Uint32Array(Math.floor(size / how.minLength) + 1);
  }

  /** Adds an event that has a token. @param position index of its row within the split */
  add(position: number, row: number): void {
    let end = this.#to;
    for (const tokens of this.fields) {
      const token = tokens[position]!;
      if (token === MISSING) continue;
      this.#tokens[end] = token;
      this.#rows[end++] = row;
    }
    if (end === this.#to) return;
    if (!this.how.repeats && this.#isRepeat(end)) {
      this.#numRepeats++;
      return;
    }
    if (this.#numEvents === this.how.maxLength) {
      if (!this.#isCut) this.#numCut++;
      this.#isCut = true;
      this.#end();
    }
    this.#last = this.#to;
    this.#to = end;
    this.#numEvents++;
  }

  #isRepeat(end: number): boolean {
    const [last, to] = [this.#last, this.#to];
    if (end - to !== to - last) return false;
    for (let i = 0; i < end - to; i++) if (this.#tokens[to + i] !== this.#tokens[last + i]) return false;
    return true;
  }

  /** Adds an event with a nonzero mark to the marked events of the open session, if the event has a token. */
  mark(token: number, mark: number): void {
    if (token !== MISSING) this.#marked.push({ token, mark, session: -1 });
  }

  /** Ends the open session, and drops it if it is too short. */
  close(): void {
    const left = this.#numEvents;
    if (left >= this.how.minLength) this.#end();
    else if (this.#isCut) this.#numOver += left;
    else if (left > 0) this.#numShort++;
    this.#last = this.#to = this.#from;
    this.#numEvents = 0;
    this.#isCut = false;
    // removes the marked events of a dropped session
    this.#marked.length = this.#numMarked;
  }

  #end(): void {
    for (; this.#numMarked < this.#marked.length; this.#numMarked++)
      this.#marked[this.#numMarked]!.session = this.#numSessions;
    this.#offsets[++this.#numSessions] = this.#to;
    this.#from = this.#to;
    this.#numEvents = 0;
  }

  notes(): string[] {
    const { minLength, maxLength } = this.how;
    const same = this.fields.length === 1 ? "the same token" : "the same tokens";
    const fewest = minLength === 2 ? "of one event" : `with fewer than ${minLength} events`;
    return [
      droppedNote(this.#numRepeats, "event", `with ${same} as the one before dropped`),
      droppedNote(this.#numShort, "session", `${fewest} dropped`),
      droppedNote(
        this.#numCut,
        "session",
        `with more than ${maxLength} events split into pieces of ${maxLength}`,
      ),
      droppedNote(
        this.#numOver,
        "event",
        `at the ends of split sessions dropped: a piece has at least ${minLength}`,
      ),
    ].flat();
  }

  marked(): MarkedEvents {
    const offsets = new Uint32Array(this.#numSessions + 1);
    for (const { session } of this.#marked) offsets[session + 1]!++;
    for (let s = 0; s < this.#numSessions; s++) offsets[s + 1]! += offsets[s]!;
    return {
      offsets,
      tokens: Uint32Array.from(this.#marked, ({ token }) => token),
      marks: Uint8Array.from(this.#marked, ({ mark }) => mark),
    };
  }

  finish(): Omit<Sequences, "notes"> {
    return {
      numSessions: this.#numSessions,
      offsets: this.#offsets.slice(0, this.#numSessions + 1),
      tokens: cut(this.#tokens, this.#to),
      rows: cut(this.#rows, this.#to),
    };
  }
}

/** Returns the first `end` elements of an array. Copies them if a view would keep a much larger buffer alive. */
function cut(numbers: Uint32Array, end: number): Uint32Array {
  return end < numbers.length / 2 ? numbers.slice(0, end) : numbers.subarray(0, end);
}

/** Sorts ascending positions by time in place. Checks the order first, because most logs are sorted already. */
function sortByTime(positions: Uint32Array, rows: Uint32Array, times: Float64Array): void {
  for (let i = 1; i < positions.length; i++) {
    if (times[rows[positions[i - 1]!]!]! <= times[rows[positions[i]!]!]!) continue;
    positions.sort((a, b) => times[rows[a]!]! - times[rows[b]!]! || a - b);
    return;
  }
}

const ABSENT: Record<SequenceOptions["by"], string> = {
  session:
    "sequences need a session column: name it with --session, or split the events of users with --user, " +
    "--time and --session-gap 30m",
  gap: "--session-gap needs a user column: name it with --user, or the column of sessions with --session",
  user: "sequences need a session or user column: name it with --session or --user",
};

function groupColumn(dataset: Dataset, by: SequenceOptions["by"]): KeyColumn {
  const role = by === "session" ? "session" : "user";
  const name = dataset.roles[role];
  if (name === undefined) throw new UsageError(ABSENT[by]);
  const column = columnNamed(dataset, name);
  if (column.kind === "key") return column;
  throw new UsageError(
    `sequences need one ${role} per row, but the column '${name}' is numeric or multi-valued`,
  );
}

/** Returns f64[numRows]: times in milliseconds; undefined if no column is the time. */
function sessionTimes(
  dataset: Dataset,
  { by, minStay }: Pick<SequenceOptions, "by" | "minStay">,
): Float64Array | undefined {
  const column = timeColumn(dataset);
  if (column) return column.values;
  if (minStay !== undefined) throw new UsageError("--min-stay needs a time column: name it with --time");
  if (by !== "gap") return undefined;
  throw new UsageError(
    "--session-gap needs a time column: name it with --time, or the column of sessions with --session",
  );
}

/** Returns a text such as `3 events left out`, or an empty list for 0. */
function droppedNote(count: number, what: string, rest: string): string[] {
  return count === 0 ? [] : [`${count} ${count === 1 ? what : `${what}s`} ${rest}`];
}

const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Parses a span such as 30m to milliseconds. @throws {UsageError} it is invalid, or 0 */
export function gapOf(text: string, flag: string): number {
  const span = /^(\d+(?:\.\d+)?)([smhd])$/u.exec(text);
  const gap = span ? Number(span[1]) * UNITS[span[2]!]! : 0;
  if (gap > 0 && gap < Infinity) return gap;
  throw new UsageError(`${flag} expects a duration above 0 such as 30m (s, m, h, d), got '${text}'`);
}

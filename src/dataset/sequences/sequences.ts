// Converts events of a log to sequences of tokens, the input of models of successive events.
//
//   rows ──► grouped by session or user, sorted by time ──► split at gaps ──► repeats dropped ──► short ones dropped,
//                                                                                                  long ones split
//
// Events are grouped by counting and a session is a pair of offsets, so that n events need only a few arrays of n
// numbers.

import { MISSING } from "../../log/keys.js";
import { UsageError } from "../../errors.js";
import { columnNamed, type Dataset, type KeyColumn } from "../dataset.js";

export interface Sequences {
  numSessions: number;
  /** u32[numSessions + 1]: session s is tokens[offsets[s] .. offsets[s + 1]) */
  offsets: Uint32Array;
  tokens: Uint32Array;
  /** u32, one per token: the dataset's row of the token */
  rows: Uint32Array;
  /** the marked events of each session, if marks were given */
  marked?: MarkedEvents;
  /** one note per kind of event or session that was dropped or split, with its count */
  notes: string[];
}

/** Events of a special kind (such as goals or rejections), by session, in their order. */
export interface MarkedEvents {
  /** u32[numSessions + 1] */
  offsets: Uint32Array;
  tokens: Uint32Array;
  /** u8, one per token */
  marks: Uint8Array;
}

/** Lowest bit of a mark: the event is not a token of its session, but only listed as marked. */
export const BESIDE = 1;

interface SequenceOptions {
  /**
   * a session consists of the events of a key of the session column, of a user's events between two gaps, or of all
   * events of a user
   */
  by: "session" | "gap" | "user";
  /** for sessions by gap: the next event of a user starts a new session after more milliseconds than this */
  gap?: number;
  /** milliseconds: an event is dropped if the next one of its session or user follows sooner; needs times */
  minStay?: number;
  /** at least 1: sessions with fewer events are dropped */
  minLength: number;
  /** longer sessions are split into pieces of that many events; the remainder is a piece if it has minLength events */
  maxLength: number;
  /** false: an event with the same tokens as the previous one in its session is dropped */
  repeats: boolean;
  /**
   * u8, one per row of the split: events with a mark other than 0 are listed for their session by a token, including
   * dropped repeats; they are ordinary events, too, unless the mark contains BESIDE. If a session is split, each piece
   * lists those between its events.
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
 * @throws {UsageError} the session column is absent or does not hold keys, a gap is given without times, or the lengths
 *   leave nothing
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
  const { order, ends } = groupedByCode(column, rows);

  const writer = new SessionWriter(fields, order.length, how);
  let [next, numLeft] = [0, 0];
  for (const end of ends) {
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

/** Writes events into sessions; the last session is open until it is closed. */
class SessionWriter {
  readonly #tokens: Uint32Array;
  readonly #rows: Uint32Array;
  readonly #offsets: Uint32Array;
  #numSessions = 0;
  /** start of the open session's open piece, start of its last event, and position of its next token */
  #from = 0;
  #last = 0;
  #to = 0;
  /** number of events in the open piece, and whether the session has earlier pieces */
  #numEvents = 0;
  #isCut = false;
  #numRepeats = 0;
  #numShort = 0;
  #numCut = 0;
  /** number of events at the ends of split sessions, too few for a piece */
  #numOver = 0;
  /** marked events, each with its session once the session has ended */
  readonly #marked: { token: number; mark: number; session: number }[] = [];
  /** number of marked events that belong to an ended session */
  #numMarked = 0;

  /** @param fields u32, one per row of the split: the tokens of each field */
  constructor(
    private readonly fields: readonly Uint32Array[],
    size: number,
    private readonly how: Pick<SequenceOptions, "minLength" | "maxLength" | "repeats">,
  ) {
    this.#tokens = new Uint32Array(size * fields.length);
    this.#rows = new Uint32Array(size * fields.length);
    this.#offsets = new Uint32Array(Math.floor(size / how.minLength) + 1);
  }

  /** Adds an event that has a token. @param position position of its row in the split */
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

  /** Whether the event that is being added has the same tokens as the last one. */
  #isRepeat(end: number): boolean {
    const [last, to] = [this.#last, this.#to];
    if (end - to !== to - last) return false;
    for (let i = 0; i < end - to; i++) if (this.#tokens[to + i] !== this.#tokens[last + i]) return false;
    return true;
  }

  /** Lists an event as marked in the open session, if it has a token. */
  mark(token: number, mark: number): void {
    if (token !== MISSING) this.#marked.push({ token, mark, session: -1 });
  }

  /** Ends the open session, which is dropped if it is short. */
  close(): void {
    const left = this.#numEvents;
    if (left >= this.how.minLength) this.#end();
    else if (this.#isCut) this.#numOver += left;
    else if (left > 0) this.#numShort++;
    this.#last = this.#to = this.#from;
    this.#numEvents = 0;
    this.#isCut = false;
    // marked events of a dropped session belong to none
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

/** Returns the first `end` elements of an array; copies if the view would keep a much larger buffer alive. */
function cut(numbers: Uint32Array, end: number): Uint32Array {
  return end < numbers.length / 2 ? numbers.slice(0, end) : numbers.subarray(0, end);
}

/**
 * Groups positions in `rows` by code, ascending within each; rows without a code are dropped.
 *
 * @returns order u32 and, for each code, the end of its positions in it
 */
function groupedByCode(
  { codes, dictionary }: KeyColumn,
  rows: Uint32Array,
): { order: Uint32Array; ends: Uint32Array } {
  const starts = new Uint32Array(dictionary.size + 1);
  let size = 0;
  for (const row of rows) {
    if (codes[row] === MISSING) continue;
    starts[codes[row]! + 1]!++;
    size++;
  }
  for (let code = 0; code < dictionary.size; code++) starts[code + 1]! += starts[code]!;
  const order = new Uint32Array(size);
  for (let position = 0; position < rows.length; position++) {
    const code = codes[rows[position]!]!;
    if (code !== MISSING) order[starts[code]!++] = position;
  }
  // each start has moved to its group's end
  return { order, ends: starts.subarray(0, dictionary.size) };
}

/** Sorts ascending positions by time in place; checks first, because most logs are in order already. */
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

/** Returns the column whose equal keys form a session, or contain several. */
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

/** Returns f64[numRows]: milliseconds; undefined if no column is the time. */
function sessionTimes(
  dataset: Dataset,
  { by, minStay }: Pick<SequenceOptions, "by" | "minStay">,
): Float64Array | undefined {
  const { time } = dataset.roles;
  const column = time === undefined ? undefined : columnNamed(dataset, time);
  if (column?.kind === "number") return column.values;
  if (minStay !== undefined) throw new UsageError("--min-stay needs a time column: name it with --time");
  if (by !== "gap") return undefined;
  throw new UsageError(
    "--session-gap needs a time column: name it with --time, or the column of sessions with --session",
  );
}

/** `3 events left out`, or nothing when there are none. */
function droppedNote(count: number, what: string, rest: string): string[] {
  return count === 0 ? [] : [`${count} ${count === 1 ? what : `${what}s`} ${rest}`];
}

const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Returns a span such as 30m, in milliseconds. @throws {UsageError} it is invalid, or 0 */
export function gapOf(text: string, flag: string): number {
  const span = /^(\d+(?:\.\d+)?)([smhd])$/u.exec(text);
  const gap = span ? Number(span[1]) * UNITS[span[2]!]! : 0;
  if (gap > 0 && gap < Infinity) return gap;
  throw new UsageError(`${flag} expects a duration above 0 such as 30m (s, m, h, d), got '${text}'`);
}

// Events of a log as sequences of tokens: what models of "one after another" read.
//
//   rows ──► grouped by session or user, each group by time ──► cut at gaps ──► repeats dropped ──► short ones left out,
//                                                                                                    long ones cut
//
// Events are grouped by counting and a session is a pair of offsets, so that n events take a few arrays of n numbers.

import { UsageError } from "../errors.js";
import { columnNamed, MISSING, type Dataset, type KeyColumn } from "./dataset.js";

export interface Sequences {
  numSessions: number;
  /** u32[numSessions + 1]: session s is tokens[offsets[s] .. offsets[s + 1]) */
  offsets: Uint32Array;
  tokens: Uint32Array;
  /** u32, one a token: the dataset's row it comes from */
  rows: Uint32Array;
  /** the marked events of each session, where marks were given */
  marked?: MarkedEvents;
  /** one sentence for each kind of event or session that was left out or cut, with its count */
  notes: string[];
}

/** Events of a kind that stands out, by session, in their order. */
export interface MarkedEvents {
  /** u32[numSessions + 1] */
  offsets: Uint32Array;
  tokens: Uint32Array;
  /** u8, one a token */
  marks: Uint8Array;
}

/** What a mark's lowest bit says: the event is no token of its session, but stands beside them. */
export const BESIDE = 1;

interface SequenceOptions {
  /** a session is a key of the session column; a user's events between two gaps; or all events of a user */
  by: "session" | "gap" | "user";
  /** for sessions by gap: milliseconds without an event of the user, beyond which the next event starts a session */
  gap?: number;
  /** at least 1: sessions of fewer tokens are left out */
  minLength: number;
  /** longer sessions are cut into pieces of that many tokens; what is left over is a piece if it has minLength */
  maxLength: number;
  /** false: a token that equals the one before it in its session is dropped */
  repeats: boolean;
  /**
   * u8, one a row of the part: events with a mark other than 0 are listed for their session, those dropped as repeats too. They
   * are tokens like others unless the mark says BESIDE. Of a session that is cut, each piece has the marked events between its tokens.
   */
  marks?: Uint8Array;
}

/**
 * The sessions of a part. Events stand in order of time, then as in `rows`; without a time column as in `rows`. Sessions
 * stand in order of their column's codes, those of one user by time.
 *
 * A row without a token is in no session, but its time counts: a user who looks at rare items has not paused.
 *
 * @param rows u32: rows of a part, of equal times in the log's order
 * @param tokenOf u32[rows.length]: the token of each, or MISSING
 * @throws {UsageError} the column that sessions are made of is absent or not one of keys, a gap without times, or lengths
 *   that leave nothing
 */
export function sequencesOf(
  dataset: Dataset,
  rows: Uint32Array,
  tokenOf: Uint32Array,
  how: SequenceOptions,
): Sequences {
  const { by, minLength, maxLength, repeats, marks } = how;
  if (maxLength < minLength)
    throw new UsageError(
      `--max-length ${maxLength} is below --min-length ${minLength}: no session fits both`,
    );
  const column = groupColumn(dataset, by);
  const times = timesOf(dataset, by);
  const gap = by === "gap" ? (how.gap ?? Infinity) : Infinity;
  const { order, ends } = groupedByCode(column, rows);

  const writer = new SessionWriter(order.length, minLength, maxLength);
  let numRepeats = 0;
  let next = 0;
  for (const end of ends) {
    const group = order.subarray(next, end);
    next = end;
    if (times) sortByTime(group, rows, times);
    let latest = Infinity;
    for (const position of group) {
      const row = rows[position]!;
      if (times) {
        if (times[row]! - latest > gap) writer.close();
        latest = times[row]!;
      }
      const token = tokenOf[position]!;
      if (token === MISSING) continue;
      const mark = marks?.[position] ?? 0;
      if (mark !== 0) writer.mark(token, mark);
      if ((mark & BESIDE) !== 0) continue;
      if (!repeats && writer.last === token) numRepeats++;
      else writer.add(token, row);
    }
    writer.close();
  }
  const role = by === "session" ? "session" : "user";
  const notes = [
    counted(rows.length - order.length, "event", `without a ${role} left out ('${column.name}' is empty)`),
    counted(numRepeats, "event", "with the same token as the one before left out"),
    ...writer.notes(),
  ];
  return { ...writer.finish(), ...(marks && { marked: writer.marked() }), notes: notes.flat() };
}

/** Writes tokens into sessions, of which the last is open until it is closed. */
class SessionWriter {
  readonly #tokens: Uint32Array;
  readonly #rows: Uint32Array;
  readonly #offsets: Uint32Array;
  #numSessions = 0;
  /** where the open session starts, and where its next token goes */
  #from = 0;
  #to = 0;
  #numShort = 0;
  #numCut = 0;
  /** tokens at the ends of cut sessions, too few for a piece */
  #numOver = 0;
  /** marked events: their token and mark, before which token they stand, and their session once it has ended */
  readonly #marked: { token: number; mark: number; before: number; session: number }[] = [];
  /** how many of them an ended session has */
  #numMarked = 0;

  constructor(
    size: number,
    private readonly minLength: number,
    private readonly maxLength: number,
  ) {
    this.#tokens = new Uint32Array(size);
    this.#rows = new Uint32Array(size);
    this.#offsets = new Uint32Array(size + 1);
  }

  /** The last token of the open session; undefined when it has none. */
  get last(): number | undefined {
    return this.#to > this.#from ? this.#tokens[this.#to - 1] : undefined;
  }

  add(token: number, row: number): void {
    this.#tokens[this.#to] = token;
    this.#rows[this.#to++] = row;
  }

  /** Lists an event of the open session; it is a token as well only if it is added. */
  mark(token: number, mark: number): void {
    this.#marked.push({ token, mark, before: this.#to, session: -1 });
  }

  /** Ends the open session: cut where it is long, left out where it is short. */
  close(): void {
    const length = this.#to - this.#from;
    if (length === 0) {
      this.#forgetMarked();
      return;
    }
    const isLong = length > this.maxLength;
    if (isLong) this.#numCut++;
    while (this.#to - this.#from > this.maxLength) this.#end(this.#from + this.maxLength);
    const left = this.#to - this.#from;
    if (left >= this.minLength) this.#end(this.#to);
    else if (isLong) this.#numOver += left;
    else this.#numShort++;
    this.#to = this.#from;
    this.#forgetMarked();
  }

  #end(at: number): void {
    for (const event of this.#marked.slice(this.#numMarked)) {
      // what comes after the last token of all is the last piece's
      if (event.before >= at && at !== this.#to) break;
      event.session = this.#numSessions;
      this.#numMarked++;
    }
    this.#offsets[++this.#numSessions] = at;
    this.#from = at;
  }

  /** Events that no ended session has are in none. */
  #forgetMarked(): void {
    this.#marked.length = this.#numMarked;
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

  notes(): string[] {
    const fewest = this.minLength === 2 ? "of one event" : `of fewer than ${this.minLength} events`;
    return [
      counted(this.#numShort, "session", `${fewest} left out`),
      counted(
        this.#numCut,
        "session",
        `of more than ${this.maxLength} events cut into pieces of ${this.maxLength}`,
      ),
      counted(
        this.#numOver,
        "event",
        `at the ends of cut sessions left out: a piece has at least ${this.minLength}`,
      ),
    ].flat();
  }

  finish(): Omit<Sequences, "notes"> {
    return {
      numSessions: this.#numSessions,
      offsets: this.#offsets.slice(0, this.#numSessions + 1),
      tokens: this.#tokens.slice(0, this.#to),
      rows: this.#rows.slice(0, this.#to),
    };
  }
}

/**
 * Positions in `rows` by code, ascending within each; rows without a code are left out.
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

/** Sorts ascending positions by time in place; most logs are in order already. */
function sortByTime(positions: Uint32Array, rows: Uint32Array, times: Float64Array): void {
  for (let i = 1; i < positions.length; i++) {
    if (times[rows[positions[i - 1]!]!]! <= times[rows[positions[i]!]!]!) continue;
    positions.sort((a, b) => times[rows[a]!]! - times[rows[b]!]! || a - b);
    return;
  }
}

const ABSENT: Record<SequenceOptions["by"], string> = {
  session:
    "sequences need a session column: name it with --session, or cut the events of users with --user, --time and --session-gap 30m",
  gap: "--session-gap needs a user column: name it with --user, or the column of sessions with --session",
  user: "sequences need a column that says which events belong together: name it with --session or --user",
};

/** The column whose equal keys are a session, or of which a session is a piece. */
function groupColumn(dataset: Dataset, by: SequenceOptions["by"]): KeyColumn {
  const role = by === "session" ? "session" : "user";
  const name = dataset.roles[role];
  if (name === undefined) throw new UsageError(ABSENT[by]);
  const column = columnNamed(dataset, name);
  if (column.kind === "key") return column;
  throw new UsageError(
    `sequences need one ${role} a row, but the column '${name}' is numeric or several-valued`,
  );
}

/** f64[numRows]: milliseconds; undefined when no column is the time. */
function timesOf(dataset: Dataset, by: SequenceOptions["by"]): Float64Array | undefined {
  const { time } = dataset.roles;
  const column = time === undefined ? undefined : columnNamed(dataset, time);
  if (column?.kind === "number") return column.values;
  if (by !== "gap") return undefined;
  throw new UsageError(
    "--session-gap needs a time column: name it with --time, or the column of sessions with --session",
  );
}

/** `3 events left out`, or nothing when there are none. */
function counted(count: number, what: string, rest: string): string[] {
  return count === 0 ? [] : [`${count} ${count === 1 ? what : `${what}s`} ${rest}`];
}

const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A span such as 30m, in milliseconds. @throws {UsageError} it is none, or 0 */
export function gapOf(text: string, flag: string): number {
  const span = /^(\d+(?:\.\d+)?)([mhd])$/u.exec(text);
  const gap = span ? Number(span[1]) * UNITS[span[2]!]! : 0;
  if (gap > 0 && gap < Infinity) return gap;
  throw new UsageError(`${flag} expects a span above 0 such as 30m (m, h, d), got '${text}'`);
}

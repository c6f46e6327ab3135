import { MISSING } from "../../log/keys.js";
import * as fc from "fast-check";
import { datasetOf } from "../../testing/dataset-of.js";
import type { Dataset } from "../dataset.js";
import { BESIDE, gapOf, sequencesOf, type Sequences } from "./sequences.js";

type How = Parameters<typeof sequencesOf>[3];

/** An event. An empty user or session denotes a missing one, and so does the token -1. */
interface Event {
  user: string;
  session: string;
  time: number;
  token: number;
}

const MINUTE = 60_000;
const plain: How = { by: "session", minLength: 2, maxLength: 100, repeats: true };
const event = (session: string, token: number, time = 0, user = session): Event => ({
  user,
  session,
  time,
  token,
});

const roles = { user: "user", session: "session", time: "time" };
const logOf = (events: readonly Event[], of: Partial<typeof roles> = roles) =>
  datasetOf(
    {
      user: events.map(({ user }) => user),
      session: events.map(({ session }) => session),
      time: events.map(({ time }) => time),
    },
    of,
  );
const allRows = (events: readonly Event[]) => Uint32Array.from(events.keys());
const tokensOf = (events: readonly Event[], rows: Uint32Array) =>
  Uint32Array.from(rows, (row) => (events[row]!.token < 0 ? MISSING : events[row]!.token));

const lists = ({ numSessions, offsets }: Sequences, values: Uint32Array) =>
  Array.from({ length: numSessions }, (_, s) => [...values.subarray(offsets[s], offsets[s + 1])]);

function made(events: readonly Event[], how: Partial<How>, dataset: Dataset = logOf(events)) {
  const rows = allRows(events);
  const sequences = sequencesOf(dataset, rows, [tokensOf(events, rows)], { ...plain, ...how });
  return {
    tokens: lists(sequences, sequences.tokens),
    rows: lists(sequences, sequences.rows),
    notes: sequences.notes,
  };
}

describe("sessions", () => {
  test("are those of the session column, in order of time, then row", () => {
    const events = [event("b", 1, 9), event("a", 2, 5), event("b", 3, 4), event("a", 4, 5), event("a", 5, 1)];
    expect(made(events, {})).toEqual({
      tokens: [
        [3, 1],
        [5, 2, 4],
      ],
      rows: [
        [2, 0],
        [4, 1, 3],
      ],
      notes: [],
    });
  });

  test("have no events that the next one of the session follows too soon", () => {
    const at = [0, 900, 1900, 2000, 2100];
    const events = at.map((time, token) => event("a", token, time));
    expect(made(events, { minStay: 1000 })).toMatchObject({
      tokens: [[1, 4]],
      notes: ["3 events followed by another one within 1 s dropped (--min-stay)"],
    });
    // Events of other users in between do not end a user's stay.
    const others = [event("a", 0, 0), event("b", 1, 10), event("a", 2, 5000), event("b", 3, 5010)];
    expect(made(others, { minStay: 1000 }).tokens).toEqual([
      [0, 2],
      [1, 3],
    ]);
    const untimed = logOf(events, { session: "session" });
    expect(() => made(events, { minStay: 1000 }, untimed)).toThrow(/--min-stay needs a time column/u);
  });

  test("keep the log's order without a time column", () => {
    const events = [event("a", 1, 9), event("a", 2, 5), event("a", 3, 7)];
    expect(made(events, {}, logOf(events, { session: "session" })).tokens).toEqual([[1, 2, 3]]);
  });

  test("start where a user paused for longer than the gap, and one a user has no gaps", () => {
    const at = [0, 30, 60.5, 61, 500, 501].map((minutes) => minutes * MINUTE);
    const events = at.map((time, token) => event("s", token, time, "u"));
    expect(made(events, { by: "gap", gap: 30 * MINUTE }).tokens).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
    expect(made(events, { by: "user", gap: 30 * MINUTE }).tokens).toEqual([[0, 1, 2, 3, 4, 5]]);
  });

  test("go on over an event without a token, which is in none", () => {
    const events = [0, 20, 40].map((minutes, i) => event("s", i === 1 ? -1 : i, minutes * MINUTE, "u"));
    expect(made(events, { by: "gap", gap: 30 * MINUTE })).toMatchObject({ tokens: [[0, 2]], notes: [] });
  });

  test("drop a token that equals the one before it if repeats are not kept, the first event stays", () => {
    const events = [3, 3, 4, -1, 4, 3].map((token, time) => event("a", token, time));
    expect(made(events, { repeats: false })).toMatchObject({
      tokens: [[3, 4, 3]],
      rows: [[0, 2, 5]],
      notes: ["2 events with the same token as the one before dropped"],
    });
    expect(made(events, {}).tokens).toEqual([[3, 3, 4, 4, 3]]);
  });

  test("leave out the short ones, and say how many", () => {
    const events = [event("a", 1), event("b", 1), event("c", 1), event("c", 2), event("", 7), event("d", -1)];
    expect(made(events, {})).toMatchObject({
      tokens: [[1, 2]],
      notes: ["1 event without a session dropped ('session' is empty)", "2 sessions of one event dropped"],
    });
    expect(made(events, { by: "user", minLength: 3 })).toMatchObject({
      tokens: [],
      notes: [
        "1 event without a user dropped ('user' is empty)",
        "3 sessions with fewer than 3 events dropped",
      ],
    });
    expect(made(events, { minLength: 1 }).tokens).toEqual([[1], [1], [1, 2]]);
  });

  test("cut the long ones into pieces; what is left over is a piece if it is long enough", () => {
    const events = Array.from("aaaaaaabbbbbccc", (session, token) => event(session, token));
    expect(made(events, { maxLength: 3 })).toMatchObject({
      tokens: [
        [0, 1, 2],
        [3, 4, 5],
        [7, 8, 9],
        [10, 11],
        [12, 13, 14],
      ],
      notes: [
        "2 sessions with more than 3 events split into pieces of 3",
        "1 event at the ends of split sessions dropped: a piece has at least 2",
      ],
    });
  });

  test("hold an event's tokens field by field; lengths and repeats are of events", () => {
    const pairs = [
      [1, 10],
      [1, 11],
      [1, 11],
      [-1, 12],
      [-1, -1],
      [2, 11],
    ];
    const events = pairs.map((_, time) => event("a", 0, time));
    const field = (f: number) => Uint32Array.from(pairs, (pair) => (pair[f]! < 0 ? MISSING : pair[f]!));
    const of = (how: Partial<How>) => {
      const fields = [field(0), field(1)];
      const sequences = sequencesOf(logOf(events), allRows(events), fields, { ...plain, ...how });
      return { ...sequences, tokens: lists(sequences, sequences.tokens) };
    };
    const whole = of({ repeats: false });
    expect(whole.tokens).toEqual([[1, 10, 1, 11, 12, 2, 11]]);
    expect([...whole.rows]).toEqual([0, 0, 1, 1, 3, 5, 5]);
    expect(whole.notes).toEqual(["1 event with the same tokens as the one before dropped"]);
    const cut = of({ repeats: false, maxLength: 3 });
    expect(cut.tokens).toEqual([[1, 10, 1, 11, 12]]);
    expect(cut.notes.at(-1)).toBe("1 event at the ends of split sessions dropped: a piece has at least 2");
    expect(of({ minLength: 6 }).tokens).toEqual([]);
    expect(of({ minLength: 5 }).tokens).toHaveLength(1);
  });

  test("are of the part's rows alone", () => {
    const events = Array.from("aabbaa", (session, token) => event(session, token));
    const rows = Uint32Array.of(1, 2, 4, 5);
    const sequences = sequencesOf(logOf(events), rows, [tokensOf(events, rows)], plain);
    expect(lists(sequences, sequences.tokens)).toEqual([[1, 4, 5]]);
    expect(sequences.notes).toEqual(["1 session of one event dropped"]);
  });
});

describe("what sessions cannot be made of", () => {
  const events = [event("a", 1), event("a", 2)];
  const numbers = datasetOf({ s: [1, 2] }, { session: "s", user: "s" });
  const multiValued = datasetOf({ s: ["a|b", "a"] }, { session: "s", multi: { s: "|" } });
  test.each<[string, Dataset, Partial<How>, RegExp]>([
    [
      "no session",
      logOf(events, { user: "user" }),
      {},
      /with --session, or .*--user, --time and --session-gap 30m/u,
    ],
    ["no user", logOf(events, {}), { by: "user" }, /name it with --session or --user/u],
    [
      "a gap without a user",
      logOf(events, { time: "time" }),
      { by: "gap", gap: 1 },
      /--session-gap needs a user/u,
    ],
    ["a gap without times", logOf(events, { user: "user" }), { by: "gap", gap: 1 }, /needs a time column/u],
    ["numbers", numbers, {}, /one session per row, but the column 's' is numeric or multi-valued/u],
    ["users that are numbers", numbers, { by: "user" }, /one user per row/u],
    ["several values", multiValued, {}, /' is numeric or multi-valued/u],
    [
      "lengths that exclude each other",
      logOf(events),
      { minLength: 4, maxLength: 3 },
      /--max-length must be at least --min-length/u,
    ],
  ])("%s", (_, dataset, how, message) => {
    expect(() => made(events, how, dataset)).toThrow(message);
    expect(() => made(events, how, dataset)).toThrow(expect.objectContaining({ exitCode: 64 }) as Error);
  });
});

test("a gap is a span of seconds, minutes, hours or days above 0", () => {
  const gaps = ["45s", "30m", "1.5h", "2d"].map((text) => gapOf(text, "--session-gap"));
  expect(gaps).toEqual([0.75, 30, 90, 2880].map((minutes) => minutes * MINUTE));
  for (const text of ["30", "0m", "-1h", "0s", "m", "", "1w"])
    expect(() => gapOf(text, "--session-gap")).toThrow(
      /--session-gap expects a duration above 0 such as 30m/u,
    );
});

/** Computes the sequences with objects and sorts, as a simple reference. */
function twin(events: readonly Event[], rows: readonly number[], how: How): number[][] {
  const { by, gap = Infinity, minLength, maxLength, repeats } = how;
  const keyOf = (row: number) => events[row]![by === "session" ? "session" : "user"];
  const keys = [...new Set(events.map((_, row) => keyOf(row)))].filter((key) => key !== "");
  return keys.flatMap((key) => {
    const own = rows.filter((row) => keyOf(row) === key);
    own.sort((a, b) => events[a]!.time - events[b]!.time || a - b);
    const sessions: number[][] = [];
    own.forEach((row, i) => {
      const isPause = i > 0 && events[row]!.time - events[own[i - 1]!]!.time > gap;
      if (i === 0 || (by === "gap" && isPause)) sessions.push([]);
      const session = sessions.at(-1)!;
      const { token } = events[row]!;
      const isRepeat = session.length > 0 && events[session.at(-1)!]!.token === token;
      if (token >= 0 && (repeats || !isRepeat)) session.push(row);
    });
    return sessions
      .flatMap((session) =>
        Array.from({ length: Math.ceil(session.length / maxLength) }, (_, piece) =>
          session.slice(piece * maxLength, (piece + 1) * maxLength),
        ),
      )
      .filter((session) => session.length >= minLength);
  });
}

const cell = fc.constantFrom("", "a", "b", "c", "d");
const anyEvent = fc.record({
  user: cell,
  session: cell,
  time: fc.integer({ min: -5, max: 20 }),
  token: fc.integer({ min: -1, max: 3 }),
});
const anyHow = fc.record({
  by: fc.constantFrom("session" as const, "gap" as const, "user" as const),
  gap: fc.integer({ min: 0, max: 6 }),
  minLength: fc.integer({ min: 1, max: 3 }),
  maxLength: fc.integer({ min: 3, max: 8 }),
  repeats: fc.boolean(),
});
const anyLog = fc.array(anyEvent, { minLength: 1, maxLength: 40 });

test("of any log, sessions are those of a plain twin, and no event is in two", () => {
  fc.assert(
    fc.property(anyLog, fc.infiniteStream(fc.boolean()), anyHow, (events, inPart, how) => {
      const rows = allRows(events).filter(() => inPart.next().value);
      const sequences = sequencesOf(logOf(events), rows, [tokensOf(events, rows)], how);
      expect(lists(sequences, sequences.rows)).toEqual(twin(events, [...rows], how));
      expect([...sequences.tokens]).toEqual(Array.from(sequences.rows, (row) => events[row]!.token));
      expect(new Set(sequences.rows).size).toBe(sequences.rows.length);
      expect(sequences.offsets.at(-1)).toBe(sequences.tokens.length);
    }),
    { seed: 17, numRuns: 500 },
  );
});

test("when times differ, sessions do not depend on the log's order", () => {
  const shuffled = anyLog.chain((events) => {
    const timed = events.map((each, time) => ({ ...each, time }));
    return fc.tuple(
      fc.constant(timed),
      fc.shuffledSubarray(timed, { minLength: timed.length, maxLength: timed.length }),
    );
  });
  fc.assert(
    fc.property(shuffled, anyHow, ([events, others], how) => {
      const sets = [events, others].map((each) =>
        made(each, how)
          .rows.map((rows) => rows.map((row) => each[row]!.time).join())
          .sort(),
      );
      expect(sets[0]).toEqual(sets[1]);
    }),
    { seed: 17 },
  );
});

describe("marked events", () => {
  const BOTH = 2;
  function markedBy(marks: number[], events: readonly Event[], how: Partial<How> = {}) {
    const rows = allRows(events);
    const sequences = sequencesOf(logOf(events), rows, [tokensOf(events, rows)], {
      ...{ ...plain, ...how },
      marks: { of: Uint8Array.from(marks), tokens: tokensOf(events, rows) },
    });
    const { offsets, tokens, marks: kept } = sequences.marked!;
    return {
      tokens: lists(sequences, sequences.tokens),
      marked: lists({ ...sequences, offsets }, tokens),
      marks: lists({ ...sequences, offsets }, Uint32Array.from(kept)),
    };
  }

  test("are listed for their session; those beside it are none of its tokens", () => {
    const events = [1, 2, 3, 4].map((token) => event("a", token));
    expect(markedBy([0, BESIDE, BOTH, 0], [...events, event("b", 5), event("b", 6)])).toEqual({
      tokens: [
        [1, 3, 4],
        [5, 6],
      ],
      marked: [[2, 3], []],
      marks: [[BESIDE, BOTH], []],
    });
  });

  test("are listed when they repeat the token before, and before the first and after the last token", () => {
    const events = [9, 1, 2, 2, 8].map((token) => event("a", token));
    expect(markedBy([BESIDE, 0, 0, BOTH, BESIDE], events, { repeats: false })).toEqual({
      tokens: [[1, 2]],
      marked: [[9, 2, 8]],
      marks: [[BESIDE, BOTH, BESIDE]],
    });
  });

  test("go with the session that is left out, and with their piece of one that is cut", () => {
    const events = [
      ...[1, 2].map((token) => event("short", token)),
      ...[1, 2, 3, 4, 5, 6, 7].map((token) => event("long", token)),
    ];
    const marks = [BOTH, BESIDE, 0, BOTH, 0, 0, BESIDE, 0, BOTH];
    expect(markedBy(marks, events, { maxLength: 3 })).toEqual({
      tokens: [
        [1, 2, 3],
        [4, 6, 7],
      ],
      marked: [[2], [5, 7]],
      marks: [[BOTH], [BESIDE, BOTH]],
    });
  });
});

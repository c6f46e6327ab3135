import * as fc from "fast-check";
import type { Sequences } from "../sequences/sequences.js";
import { SkipGrams } from "./skip-grams.js";

type Options = ConstructorParameters<typeof SkipGrams>[2];

const plain: Options = { window: 2, direction: "both", subsample: 0, seed: 7 };

/** Sequences in which the dataset's row of a token is 100 more than the token's position. */
function sequencesOf(sessions: readonly (readonly number[])[]): Sequences {
  const offsets = [0];
  for (const session of sessions) offsets.push(offsets.at(-1)! + session.length);
  const tokens = Uint32Array.from(sessions.flat());
  return {
    numSessions: sessions.length,
    offsets: Uint32Array.from(offsets),
    tokens,
    rows: tokens.map((_, i) => 100 + i),
    notes: [],
  };
}

function countsOf(sessions: readonly (readonly number[])[], numTokens: number): Uint32Array {
  const counts = new Uint32Array(numTokens);
  for (const token of sessions.flat()) counts[token]!++;
  return counts;
}

/** Copies an epoch to plain lists, because the next epoch overwrites its arrays. */
function epochOf(sessions: readonly (readonly number[])[], options: Partial<Options>, e = 1) {
  const counts = countsOf(sessions, 10);
  const { tokens, left, right, rows } = new SkipGrams(sequencesOf(sessions), counts, {
    ...plain,
    ...options,
  }).epoch(e);
  return { tokens: [...tokens], left: [...left], right: [...right], rows: [...rows] };
}

test("a token's context reaches as far as the window and its session", () => {
  const one = [[5, 6, 7, 8, 9]];
  expect(epochOf(one, {})).toEqual({
    tokens: [5, 6, 7, 8, 9],
    left: [0, 1, 2, 2, 2],
    right: [2, 2, 2, 1, 0],
    rows: [100, 101, 102, 103, 104],
  });
  expect(epochOf(one, { window: 255 })).toMatchObject({ left: [0, 1, 2, 3, 4], right: [4, 3, 2, 1, 0] });
  expect(epochOf(one, { direction: "after" })).toMatchObject({
    left: [0, 0, 0, 0, 0],
    right: [2, 2, 2, 1, 0],
  });
});

test("a context has at most 255 tokens on a side", () => {
  const { left, right } = epochOf([Array.from({ length: 600 }, (_, i) => i % 10)], { window: 255 });
  expect([left[300], right[300], left[599], right[0]]).toEqual([255, 255, 255, 255]);
});

describe("of any sequences, an epoch", () => {
  const session = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 2, maxLength: 8 });
  const anySessions = fc.array(session, { maxLength: 12 });
  const anyOptions = fc.record({
    window: fc.integer({ min: 1, max: 5 }),
    direction: fc.constantFrom("both" as const, "after" as const),
    seed: fc.nat(),
  });

  test("without subsampling holds every token once, sessions whole", () => {
    fc.assert(
      fc.property(anySessions, anyOptions, (sessions, options) => {
        const { rows, tokens } = epochOf(sessions, options);
        const { offsets, ...sequences } = sequencesOf(sessions);
        expect([...rows].sort((a, b) => a - b)).toEqual([...sequences.rows]);
        expect(tokens).toEqual(rows.map((row) => sequences.tokens[row - 100]));
        // Within a session, the next token is at the next position.
        const starts = new Set(offsets);
        rows.forEach((row, i) => {
          if (i > 0 && !starts.has(row - 100)) expect(row).toBe(rows[i - 1]! + 1);
        });
      }),
      { seed: 17 },
    );
  });

  test("has contexts that never cross sessions and fill the window within one", () => {
    fc.assert(
      fc.property(anySessions, anyOptions, fc.boolean(), (sessions, options, isSampled) => {
        const { rows, left, right } = epochOf(sessions, { ...options, subsample: isSampled ? 0.05 : 0 });
        const sessionOf = sessions.flatMap((each, s) => each.map(() => s));
        const at = (i: number) => (i in rows ? sessionOf[rows[i]! - 100] : undefined);
        const reach = (i: number, step: number) => {
          let d = 0;
          while (d < options.window && at(i + (d + 1) * step) === at(i)) d++;
          return d;
        };
        expect(left).toEqual(rows.map((_, i) => (options.direction === "after" ? 0 : reach(i, -1))));
        expect(right).toEqual(rows.map((_, i) => reach(i, 1)));
        // every token has a context, because sessions with one token are omitted
        expect(rows.every((_, i) => reach(i, 1) + reach(i, -1) > 0)).toBe(true);
      }),
      { seed: 17, numRuns: 300 },
    );
  });
});

describe("draws", () => {
  const sessions = Array.from({ length: 40 }, (_, s) => [s % 10, (s + 1) % 10, (s * 7) % 10]);
  const skipGrams = new SkipGrams(sequencesOf(sessions), countsOf(sessions, 10), {
    ...plain,
    subsample: 0.05,
  });
  const rowsOf = (e: number) => [...skipGrams.epoch(e).rows];

  test("are the same for the same seed and epoch, whatever was asked before, and others for others", () => {
    const first = rowsOf(1);
    const second = rowsOf(2);
    expect(second).not.toEqual(first);
    expect(rowsOf(1)).toEqual(first);
    expect(epochOf(sessions, { subsample: 0.05 }).rows).toEqual(first);
    expect(epochOf(sessions, { subsample: 0.05, seed: 8 }).rows).not.toEqual(first);
  });

  test("keep tokens at word2vec's rate", () => {
    // Token 0 has 80 % of the events, token 1 has 20 %. The probability to keep an event is min(1, (sqrt(f / t) + 1) t
    // / f).
    const long = [Array.from({ length: 50_000 }, (_, i) => (i % 5 === 4 ? 1 : 0))];
    const { tokens } = epochOf(long, { subsample: 0.1 });
    const kept = [0, 1].map((token) => tokens.filter((each) => each === token).length);
    expect(kept[0]! / 40_000).toBeCloseTo((Math.sqrt(8) + 1) / 8, 2);
    expect(kept[1]).toBe(10_000);
  });

  test("visit sessions in all orders", () => {
    const three = [
      [0, 1],
      [2, 3],
      [4, 5],
    ];
    const orders = new Set(
      Array.from({ length: 100 }, (_, e) =>
        epochOf(three, {}, e)
          .tokens.filter((t) => t % 2 === 0)
          .join(""),
      ),
    );
    expect(orders.size).toBe(6);
  });
});

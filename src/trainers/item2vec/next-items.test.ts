import { mulberry32 } from "../../testing/random.js";
import { nextItems } from "./validation.js";
import type { HeldOutSequences } from "../shared/skip-grams/sessions.js";

function heldOutOf(sessions: readonly (readonly [token: number, isHeldOut: 0 | 1])[][]): HeldOutSequences {
  const offsets = [0];
  for (const session of sessions) offsets.push(offsets.at(-1)! + session.length);
  const all = sessions.flat();
  return {
    numSessions: sessions.length,
    offsets: Uint32Array.from(offsets),
    tokens: Uint32Array.from(all, ([token]) => token),
    rows: Uint32Array.from(all, (_, i) => i),
    isHeldOut: Uint8Array.from(all, ([, is]) => is),
    notes: [],
  };
}

const dim = 3;
const random = mulberry32(7);
// features 2 to 11 are items; features 0, 1 and from 12 on are of other fields
const [first, end] = [2, 12];
const vectors = Float32Array.from({ length: 14 * dim }, () => random() - 0.5);
const totals = Float64Array.from({ length: 14 }, (_, feature) => (feature === 9 ? 0 : 1));

/** Returns the other items with events, by descending cosine with the given item. */
function ranked(item: number): number[] {
  const row = (i: number) => [...vectors.subarray(i * dim, (i + 1) * dim)];
  const cosine = (a: number[], b: number[]) =>
    a.reduce((sum, x, k) => sum + x * b[k]!, 0) / (Math.hypot(...a) * Math.hypot(...b));
  return Array.from({ length: end - first }, (_, i) => first + i)
    .filter((other) => other !== item && totals[other]! > 0)
    .sort((a, b) => cosine(row(item), row(b)) - cosine(row(item), row(a)));
}

test("a held-out item is looked for among the nearest of the item before it, whatever stands between and wherever that is from", async () => {
  const sessions: [number, 0 | 1][][] = [
    [
      [3, 0],
      [1, 1],
      [5, 1],
      [5, 1],
      [7, 1],
    ],
    // the first item of a session follows no other item, and only held-out items are to be retrieved
    [
      [4, 1],
      [6, 0],
      [13, 1],
      [2, 1],
    ],
  ];
  const pairs = [
    [3, 5],
    [5, 7],
    [6, 2],
  ];
  const validate = nextItems(heldOutOf(sessions), [first, end], totals, { dim, k: 4, threads: 1 })!;
  const found = pairs.filter(([before, next]) => ranked(before!).slice(0, 4).includes(next!)).length;
  const { recallAt4, ndcgAt4 } = await validate.of(vectors, new AbortController().signal);
  expect(recallAt4).toBeCloseTo(found / pairs.length, 12);
  const gains = pairs.map(([before, next]) => {
    const rank = ranked(before!).indexOf(next!);
    return rank < 4 ? 1 / Math.log2(rank + 2) : 0;
  });
  expect(ndcgAt4).toBeCloseTo(gains.reduce((a, b) => a + b, 0) / pairs.length, 12);
});

test("an item without training events is missed, and no pair is nothing to look at", async () => {
  const of = (session: [number, 0 | 1][]) =>
    nextItems(heldOutOf([session]), [first, end], totals, { dim, k: 9, threads: 1 });
  const validate = of([
    [3, 1],
    [9, 1],
  ])!;
  expect(await validate.of(vectors, new AbortController().signal)).toMatchObject({ recallAt9: 0 });
  expect(
    of([
      [3, 1],
      [1, 1],
    ]),
  ).toBeUndefined();
});

import { draw } from "../../base/numeric/random.js";
import { orderedEvents } from "./ordered-events.js";
import { joinedRows } from "./interactions.js";
import { forLatest, rowsInMemory, transitionBlocks, transitionScores, type Steps } from "./transitions.js";

const [numUsers, numItems] = [6, 5];
/** Events of few distinct times, so that many are baskets. */
const events = Array.from({ length: 80 }, (_, e) => ({
  user: draw(1, e) % numUsers,
  item: draw(2, e) % numItems,
  time: draw(3, e) % 9,
}));
const of = (name: "user" | "item") => Uint32Array.from(events, (event) => event[name]);
const order = orderedEvents(
  Uint32Array.from(events.keys()),
  Float64Array.from(events, ({ time }) => time),
  { users: of("user"), items: of("item"), numUsers },
);
const { firsts: _, ...inLogOrder } = order;
const settings = { window: 2, decay: 0.5, countPower: 0.75 };

/** Returns the steps of a user by definition: lists of items. */
function stepsOf(user: number, isBasket: boolean): number[][] {
  const own = events.filter((event) => event.user === user);
  const sorted = own.sort((a, b) => a.time - b.time);
  if (!isBasket) return sorted.map(({ item }) => [item]);
  const times = [...new Set(sorted.map(({ time }) => time))];
  return times.map((time) => sorted.filter((event) => event.time === time).map(({ item }) => item));
}

function dense(isBasket: boolean): number[][] {
  const counts = Array.from({ length: numItems }, () => Array.from({ length: numItems }, () => 0));
  for (let user = 0; user < numUsers; user++)
    stepsOf(user, isBasket).forEach((step, n, all) => {
      for (let d = 1; d <= settings.window; d++)
        for (const i of step) for (const j of all[n + d] ?? []) counts[i]![j]! += settings.decay ** (d - 1);
    });
  return counts.map((row) => row.map((sum) => sum ** settings.countPower));
}

test.each<[string, Steps, boolean]>([
  ["items of a basket are in no order", order, true],
  ["with the log's order, every event is a step", inLogOrder, false],
])("transitions and scores follow their definition: %s", (_name, steps, isBasket) => {
  const expected = dense(isBasket);
  const blocks = [...transitionBlocks(steps, numItems, settings, (item) => item === 2)];
  expect(blocks.map(({ indptr }) => indptr.length - 1)).toEqual([2, numItems - 2]);
  const found = joinedRows(blocks);
  const rows = expected.map((row) => row.map(() => 0));
  for (let i = 0; i < numItems; i++)
    for (let e = found.indptr[i]!; e < found.indptr[i + 1]!; e++)
      rows[i]![found.indices[e]!] = found.values![e]!;
  const apart = rows.flatMap((row, i) => row.map((x, j) => Math.abs(x - expected[i]![j]!)));
  expect(Math.max(...apart)).toBeLessThan(1e-6);

  const query = { history: 3, queryDecay: 0.5, smoothing: 2 };
  const score = transitionScores(rowsInMemory(found), steps, query);
  for (let user = 0; user < numUsers; user++) {
    const scores = new Float64Array(numItems);
    score(user, scores);
    const latest = stepsOf(user, isBasket).toReversed().slice(0, query.history);
    const wanted = Array.from({ length: numItems }, (_item, j) =>
      latest.reduce((sum, step, d) => {
        const ofItem = (h: number) =>
          expected[h]![j]! / (expected[h]!.reduce((a, b) => a + b) + query.smoothing);
        return sum + query.queryDecay ** d * step.reduce((all, h) => all + ofItem(h), 0);
      }, 0),
    );
    expect(Math.max(...wanted.map((x, j) => Math.abs(x - scores[j]!)))).toBeLessThan(1e-6);
  }
});

test("the latest steps are visited from the newest", () => {
  const visited: [number, number][] = [];
  forLatest(inLogOrder, 0, { history: 2, queryDecay: 0.5 }, (item, weight) => visited.push([item, weight]));
  const [last, before] = stepsOf(0, false).toReversed();
  expect(visited).toEqual([
    [last![0], 1],
    [before![0], 0.5],
  ]);
});

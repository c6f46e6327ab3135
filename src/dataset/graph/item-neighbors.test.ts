import { encodeKeys } from "../../log/keys.js";
import { draw } from "../../base/numeric/random.js";
import { importanceNeighbors } from "./item-neighbors.js";

const namesOf = (numItems: number) => Array.from({ length: numItems }, (_, i) => `item ${draw(9, i)}`);

/** Returns the items of users as rows of a sparse matrix. */
function listsOf(users: readonly (readonly number[])[]) {
  return {
    indptr: Uint32Array.from([0, ...users.map((_, u) => users.slice(0, u + 1).flat().length)]),
    items: Uint32Array.from(users.flat()),
  };
}

/** Returns the neighbors of each item as pairs [item, weight]. */
function neighborsOf(users: readonly (readonly number[])[], names: readonly string[], most: number) {
  const { indptr, items, weights } = importanceNeighbors(listsOf(users), encodeKeys(names), most, 1);
  return names.map((_, i) =>
    Array.from({ length: indptr[i + 1]! - indptr[i]! }, (_, n): [number, number] => [
      items[indptr[i]! + n]!,
      weights[indptr[i]! + n]!,
    ]),
  );
}

const numItems = 30;
const users = Array.from({ length: 50 }, (_, u) =>
  Array.from({ length: numItems }, (_, i) => i).filter((i) => draw(u, i) / 2 ** 32 < (1 + (u % 5)) / 20),
);
const names = namesOf(numItems);

test.each([1, 4, 100])("of %i neighbors are those of the walk's transition matrix to 1e-12", (most) => {
  // Computes the probabilities of the walk from an item to a user and on to an item by their definition: the sum over
  // the common users of 1 / (number of the item's users * number of the user's items).
  const has = (u: number, i: number) => (users[u]!.includes(i) ? 1 : 0);
  const found = neighborsOf(users, names, most);
  for (let i = 0; i < numItems; i++) {
    const degree = users.filter((own) => own.includes(i)).length;
    const chances = names.map((_, j) =>
      users.reduce((sum, own, u) => sum + (has(u, i) * has(u, j)) / (degree * Math.max(1, own.length)), 0),
    );
    const order = names
      .map((_, j) => j)
      .filter((j) => j !== i && chances[j]! > 0)
      .sort((a, b) => chances[b]! - chances[a]!);
    const total = order.slice(0, most).reduce((sum, j) => sum + chances[j]!, 0);
    const errors = found[i]!.map(([j, weight]) => Math.abs(weight - chances[j]! / total));
    expect(found[i]!.length).toBe(Math.min(most, order.length));
    expect(Math.max(0, ...errors)).toBeLessThan(1e-12);
    // Expects that no item that was left out has a higher probability than an item that was returned.
    const least = Math.min(...found[i]!.map(([j]) => chances[j]!));
    expect(Math.max(0, ...order.slice(most).map((j) => chances[j]!))).toBeLessThanOrEqual(least + 1e-12);
    expect(found[i]!.map(([j]) => j)).not.toContain(i);
  }
});

test("are the same bits in whatever order users and items stand; ties stand by the keys' bytes", () => {
  // The log has many users but few distinct degrees, so that many items tie.
  const tied = Array.from({ length: 60 }, (_, u) =>
    [0, 1, 2].map((n) => (u + 7 * n * n) % 20).sort((a, b) => a - b),
  );
  const keys = namesOf(20);
  const byKey = (found: ReturnType<typeof neighborsOf>, of: readonly string[]) =>
    new Map(found.map((list, i) => [of[i]!, list.map(([j, weight]) => [of[j]!, weight])]));
  const expected = byKey(neighborsOf(tied, keys, 3), keys);
  const numberOf = Array.from({ length: 20 }, (_, i) => (i * 7 + 3) % 20);
  const others = keys.map((_, now) => keys[numberOf.indexOf(now)]!);
  const shuffled = tied.map((own) => own.map((i) => numberOf[i]!).sort((a, b) => a - b)).toReversed();
  const got = byKey(neighborsOf(shuffled, others, 3), others);
  for (const key of keys) expect(got.get(key)).toEqual(expected.get(key));

  const [first] = neighborsOf([[0, 1, 2, 3]], ["x", "c", "a", "b"], 2);
  expect(first).toEqual([
    [2, 0.5],
    [3, 0.5],
  ]);
});

test("an item whose users have nothing else has none", () => {
  expect(neighborsOf([[0], [0], [1, 2]], ["a", "b", "c"], 5)).toEqual([[], [[2, 1]], [[1, 1]]]);
});

test("of a user of more items than are walked to, a named sample can be neighbors, of each of the items", () => {
  const all = Array.from({ length: 90 }, (_, i) => i);
  const keys = encodeKeys(all.map(String));
  const of = (seed: number, walked: number) => importanceNeighbors(listsOf([all]), keys, 90, seed, walked);
  const { indptr, items, sampledUsers } = of(1, 60);
  expect(sampledUsers).toBe(1);
  const sample = new Set(items);
  expect(sample.size).toBe(60);
  for (const i of all) expect(indptr[i + 1]! - indptr[i]!).toBe(60 - (sample.has(i) ? 1 : 0));
  expect(of(1, 60).items).toEqual(items);
  expect(new Set(of(2, 60).items)).not.toEqual(sample);
  // The user has exactly as many items as the limit, so no user is sampled.
  expect(of(1, 90).sampledUsers).toBe(0);
});

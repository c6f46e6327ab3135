import * as fc from "fast-check";
import { bindEncoder } from "../rows.js";
import { fitFeatures } from "../vocabulary/vocabulary.js";
import { NO_ITEM } from "../../compute/kernels/top-items/binding.js";
import { ascending } from "../../base/numeric/indices.js";
import { datasetOf } from "../../testing/dataset-of.js";
import { heldOutOf, rankingEvents } from "./ranking-events.js";
import { historyOf, itemsOf, usersOf } from "./negatives.js";
import { selectKeys } from "../../log/keys.js";
import { keyColumn } from "../item-fields.js";

const roles = { user: "user", item: "item" } as const;
const cells = fc.array(fc.tuple(fc.nat(6), fc.nat(5)), { minLength: 1, maxLength: 40 });

/**
 * Returns a dataset of (user, item) pairs; and the users, the items and the history of its first `numKnown` pairs,
 * which serve as training events.
 */
function sourceOf(pairs: readonly (readonly [number, number])[], numKnown: number) {
  const columns = { user: pairs.map(([u]) => `u${u}`), item: pairs.map(([, i]) => `i${i}`) };
  const dataset = datasetOf(columns, roles);
  const known = (name: string) => {
    const { codes, dictionary } = keyColumn(dataset, name);
    return selectKeys(
      dictionary,
      Uint32Array.from([...new Set(codes.subarray(0, numKnown))].sort((a, b) => a - b)),
    );
  };
  const [users, items] = [known("user"), known("item")];
  const rows = ascending(numKnown);
  const history = historyOf(usersOf(users, dataset, rows), itemsOf(items, dataset, rows), users.size);
  return { dataset, source: { users, items, history } };
}

test("held-out items are each user's distinct ones, with NO_ITEM for each unknown one, as a Map collects them", () => {
  fc.assert(
    fc.property(cells, fc.nat(40), (pairs, known) => {
      const { dataset, source } = sourceOf(pairs, Math.min(known, pairs.length));
      const rows = ascending(pairs.length);
      const [users, items] = [usersOf(source.users, dataset, rows), itemsOf(source.items, dataset, rows)];
      const expected = new Map<number, { first: number; known: Set<number>; unknown: Set<number> }>();
      users.forEach((user, e) => {
        if (user === NO_ITEM) return;
        const own = expected.get(user) ?? { first: e, known: new Set(), unknown: new Set() };
        if (items[e] === NO_ITEM) own.unknown.add(pairs[e]![1]);
        else own.known.add(items[e]!);
        expected.set(user, own);
      });
      const { users: found, firsts, items: lists, unknownUsers } = heldOutOf(source, { dataset, rows });
      expect([...found]).toEqual([...expected.keys()]);
      expect([...firsts]).toEqual([...expected.values()].map(({ first }) => first));
      expect(
        [...found].map((_, q) => [...lists.items.subarray(lists.indptr[q], lists.indptr[q + 1])]),
      ).toEqual(
        [...expected.values()].map((own) => [
          ...[...own.known].sort((a, b) => a - b),
          ...[...own.unknown].map(() => NO_ITEM),
        ]),
      );
      const unknown = pairs.filter((_, e) => users[e] === NO_ITEM).map(([user]) => user);
      expect(unknownUsers).toBe(new Set(unknown).size);
    }),
  );
});

test("events are shuffled in place, and contexts of users alone are those of their rows", () => {
  const pairs = Array.from({ length: 60 }, (_, e) => [e % 7, (e * e) % 23] as const);
  const { dataset, source } = sourceOf(pairs, pairs.length);
  const space = fitFeatures(dataset, ascending(pairs.length), 1);
  const contextFieldIndexes = [space.fields.findIndex(({ name }) => name === "user")];
  const part = {
    dataset,
    rows: ascending(pairs.length),
    encoder: bindEncoder(space, dataset),
    contextFieldIndexes,
  };
  const made = [true, false].map((isUserAlone) => {
    const events = {
      users: usersOf(source.users, dataset, part.rows),
      items: itemsOf(source.items, dataset, part.rows),
    };
    const all = {
      ...source,
      counts: new Uint32Array(),
      templates: part.encoder.encode(new Uint32Array(), new Float32Array()),
    };
    const weights = Float32Array.from(events.items, (item) => item + 1);
    const made = rankingEvents(all, { ...part, isUserAlone }, events, 3, weights);
    expect([made.users === events.users, made.items === events.items]).toEqual([true, true]);
    expect([...made.weights!]).toEqual([...made.items].map((item) => item + 1));
    return made;
  });
  expect([...made[0]!.context.ids]).toEqual([...made[1]!.context.ids]);
  expect([...made[0]!.items]).toEqual([...made[1]!.items]);
  expect([...made[0]!.items].sort((a, b) => a - b)).toEqual(
    [...itemsOf(source.items, dataset, part.rows)].sort((a, b) => a - b),
  );
  expect(made[0]!.featureOfUser).toBeDefined();
  expect(part.rows).toEqual(ascending(pairs.length));
});

// Creates lists of given items, in the form in which `embed recall` returns its lists.

import type { Keys } from "../log/keys.js";
import { type ListBatch, type Lists } from "../export/lists.js";
import { NO_ITEM } from "../compute/kernels/top-items/binding.js";

/** The items of each list, the best first, by the user (or another owner) who gets the list. */
export type Planted = Record<string, readonly string[]>;

/**
 * Returns planted recommendation lists in batches of two lists. The first item of a list has the score 2, and each
 * further item 0.5 less.
 *
 * @param end called after the last batch
 */
export function plantedLists(
  planted: Planted,
  { columns = { owner: "user", item: "item" }, end = (): void => undefined } = {},
): Lists {
  const names = [...new Set(Object.values(planted).flat())];
  const numbers = new Map(names.map((name, i) => [name, i]));
  const owners = Object.keys(planted);
  const top = Math.max(...Object.values(planted).map((items) => items.length));
  async function* batches(): AsyncGenerator<ListBatch> {
    for (let first = 0; first < owners.length; first += 2) {
      const some = owners.slice(first, first + 2);
      const items = some.flatMap((owner) =>
        Array.from({ length: top }, (_, r) => {
          const item = planted[owner]![r];
          return item === undefined ? NO_ITEM : numbers.get(item)!;
        }),
      );
      const scores = Float32Array.from(items, (_, at) => 2 - (at % top) / 2);
      yield await Promise.resolve({ keys: keysOf(some), top, items: Uint32Array.from(items), scores });
    }
    end();
  }
  return { columns, items: keysOf(names), batches: batches() };
}

function keysOf(texts: readonly string[]): Keys {
  const all = texts.map((text) => Buffer.from(text));
  const offsets = new Uint32Array(texts.length + 1);
  all.forEach((bytes, i) => (offsets[i + 1] = offsets[i]! + bytes.length));
  return { size: texts.length, bytes: Buffer.concat(all), offsets };
}

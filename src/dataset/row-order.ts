// Orders the keys of a vocabulary so that they keep their row numbers of an earlier embedding table, because a network
// may have its own copy of that table.
//
// Within a field, a key that is in both vocabularies keeps its row, new keys are appended in the vocabulary's order,
// and a removed key leaves a hole: a row with an empty key, which no cell can have, and no events.

import { mapTo } from "../numeric/indices.js";
import type { Keys } from "../log/keys.js";
import { KeyIndex } from "./vocabulary/key-index.js";

const HOLE = 0xffffffff;

/** Keys of a vocabulary with their numbers of events; the out-of-vocabulary key is not included. */
interface CountedKeys {
  keys: Keys;
  /** number of events of each key, u32[keys.size] */
  counts: Uint32Array;
}

/**
 * Returns the keys in the order of the earlier table.
 *
 * @param earlier keys of the field's rows; an empty key denotes a hole, which the result preserves
 */
export function keepRowOrder({ keys, counts }: CountedKeys, earlier: Keys): CountedKeys {
  const index = new KeyIndex(keys);
  const isPlaced = new Uint8Array(keys.size);
  const order: number[] = [];
  for (let row = 0; row < earlier.size; row++) {
    const isHole = earlier.offsets[row] === earlier.offsets[row + 1];
    const code = isHole ? -1 : index.find(earlier, row);
    if (code >= 0) isPlaced[code] = 1;
    order.push(code < 0 ? HOLE : code);
  }
  for (let code = 0; code < keys.size; code++) if (isPlaced[code] === 0) order.push(code);

  const offsets = new Uint32Array(order.length + 1);
  const lengthOf = (code: number) => (code === HOLE ? 0 : keys.offsets[code + 1]! - keys.offsets[code]!);
  order.forEach((code, row) => (offsets[row + 1] = offsets[row]! + lengthOf(code)));
  const bytes = new Uint8Array(offsets[order.length]!);
  order.forEach((code, row) => {
    if (code !== HOLE)
      bytes.set(keys.bytes.subarray(keys.offsets[code], keys.offsets[code + 1]), offsets[row]);
  });
  return {
    keys: { size: order.length, bytes, offsets },
    counts: mapTo(Uint32Array, order, (code) => (code === HOLE ? 0 : counts[code]!)),
  };
}

/** Returns the number of rows of a vocabulary that have no key, because it was removed. */
export function countHoles({ size, offsets }: Keys): number {
  let holes = 0;
  for (let row = 0; row < size; row++) holes += offsets[row] === offsets[row + 1] ? 1 : 0;
  return holes;
}

// Keys of an earlier run in the vocabulary of another: which feature was which, and what became of them.

import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import { NEVER } from "../../dataset/vocabulary/last-seen.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Carried } from "../../embedding/manifest.js";
import { NONE } from "./key-history.js";

/** u32[numFeatures]: the feature of the earlier space with the same field and key, or NONE. */
export function featuresFrom(space: FeatureSpace, before: FeatureSpace): Uint32Array {
  const from = new Uint32Array(space.numFeatures).fill(NONE);
  space.fields.forEach((field, f) => {
    const e = before.fields.findIndex(({ name }) => name === field.name);
    if (e < 0) return;
    const [offset, earlier] = [space.offsets[f]!, before.offsets[e]!];
    from[offset] = earlier;
    const fieldBefore = before.fields[e]!;
    if (field.kind === "number" || fieldBefore.kind === "number") return;
    const index = new KeyIndex(fieldBefore.keys);
    for (let code = 0; code < field.keys.size; code++) {
      // a hole is no key, and not the earlier one's hole either
      if (field.keys.offsets[code] === field.keys.offsets[code + 1]) continue;
      const found = index.find(field.keys, code);
      if (found >= 0) from[offset + 1 + code] = earlier + 1 + found;
    }
  });
  return from;
}

/** Rows of an earlier space by feature of another; 0 where `from` has NONE. */
export function rowsFrom(data: Float32Array, from: Uint32Array, width: number): Float32Array {
  const all = new Float32Array(from.length * width);
  from.forEach((earlier, feature) => {
    if (earlier !== NONE) all.set(data.subarray(earlier * width, (earlier + 1) * width), feature * width);
  });
  return all;
}

/** What became of the earlier keys, in all and by field; out-of-vocabulary features are no keys. */
export function carriedOf(
  space: FeatureSpace,
  before: FeatureSpace,
  from: Uint32Array,
  seen: Float64Array,
): Omit<Carried, "run"> {
  const fields = space.fields.map((field, f) => {
    const counts = { kept: 0, unseen: 0, new: 0, expired: 0 };
    if (field.kind === "number") return counts;
    const isKey = (i: number) => field.keys.offsets[i] !== field.keys.offsets[i + 1];
    for (let i = 0; i < field.keys.size; i++) {
      if (!isKey(i)) continue;
      const earlier = from[space.offsets[f]! + 1 + i]!;
      if (earlier === NONE) counts.new++;
      else counts.kept++;
      if (earlier !== NONE && seen[earlier] === NEVER) counts.unseen++;
    }
    const fieldBefore = before.fields.find(({ name }) => name === field.name);
    if (fieldBefore && fieldBefore.kind !== "number")
      counts.expired = numKeys(fieldBefore.keys) - counts.kept;
    return counts;
  });
  const sum = (name: "kept" | "unseen" | "new" | "expired") =>
    fields.reduce((total, counts) => total + counts[name], 0);
  return {
    kept: sum("kept"),
    unseen: sum("unseen"),
    new: sum("new"),
    expired: sum("expired"),
    fields: Object.fromEntries(space.fields.map(({ name }, f) => [name, fields[f]!])),
  };
}

/** Keys that are no holes. */
function numKeys({ size, offsets }: { size: number; offsets: Uint32Array }): number {
  let keys = 0;
  for (let i = 0; i < size; i++) keys += offsets[i] === offsets[i + 1] ? 0 : 1;
  return keys;
}

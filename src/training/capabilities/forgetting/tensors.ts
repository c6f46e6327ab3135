// Removes keys from a model's tensors: their rows become zero, and lists of items and users lose their entries.

import { ascending } from "../../../numeric/indices.js";
import { keyAt, type Keys } from "../../../log/keys.js";
import type { Tensor } from "../../../embedding/safetensors.js";
import { UNKNOWN } from "../../../embedding/key-history.js";

export type Tensors = Map<string, Tensor>;

/** Sets rows of a tensor to zero, in place. */
export function clearRows({ shape, data }: Tensor, rows: Iterable<number>): void {
  const numRows = shape[0] ?? 0;
  const width = numRows === 0 ? 0 : data.length / numRows;
  for (const row of rows) {
    const [from, to] = [row * width, (row + 1) * width];
    if (Object.prototype.toString.call(data) === "[object BigInt64Array]")
      (data as BigInt64Array).fill(0n, from, to);
    else (data as Float32Array).fill(0, from, to);
  }
}

/** Clears rows of model/key-history.safetensors, so that the time when their keys were last seen is unknown. */
export function clearHistory(tensors: Tensors, rows: Uint32Array): void {
  const [lastSeen, missed] = [tensors.get("lastSeen"), tensors.get("missed")];
  for (const row of rows) if (lastSeen) (lastSeen.data as BigInt64Array)[row] = UNKNOWN;
  if (missed) clearRows(missed, rows);
}

/** Entries to remove from a file of items, and of users with their items. */
export interface GoneEntries {
  items: ReadonlySet<string>;
  users: ReadonlySet<string>;
  /** map from the features of removed keys to the out-of-vocabulary features that replace them */
  features: ReadonlyMap<number, number>;
}

/**
 * Removes items and users from the tensors of items.safetensors or negatives.safetensors (see item-file.ts), in place.
 * The features of removed items are removed, too, and so are their occurrences in the histories of the remaining users.
 *
 * @returns the number of removed entries, and whether anything changed
 */
export function dropEntries(tensors: Tensors, gone: GoneEntries): { dropped: number; changed: boolean } {
  const items = entriesToKeep(tensors, "items", gone.items);
  const users = entriesToKeep(tensors, "users", gone.users);
  const changed = ["templates", "fromNeighbors"]
    .map((name) => replaceFeatures(tensors.get(`${name}.ids`), gone.features))
    .includes(true);
  const dropped = items.dropped + users.dropped;
  if (dropped === 0) return { dropped, changed };

  const { kept } = items;
  takeRows(tensors, "templates.ids", kept, "templates.indptr", ["templates.values"]);
  if (tensors.has("fromNeighbors.ids"))
    takeRows(tensors, "fromNeighbors.ids", kept, "fromNeighbors.indptr", ["fromNeighbors.values"]);
  take(tensors, "items.counts", kept);
  takeKeys(tensors, "items", kept);
  if (tensors.has("history.indptr")) {
    // histories refer to items by number; after the removal, the remaining items have other numbers
    const numberOf = new Map(Array.from(kept, (old, now) => [old, now]));
    takeHistory(tensors, users.kept, numberOf);
    takeKeys(tensors, "users", users.kept);
  }
  return { dropped, changed: true };
}

/** Returns u32: the positions of the keys of a list that remain after a removal. */
function entriesToKeep(
  tensors: Tensors,
  name: string,
  gone: ReadonlySet<string>,
): { kept: Uint32Array; dropped: number } {
  const keys = keysFrom(tensors, name);
  const all = ascending(keys?.size ?? 0);
  const kept = keys ? all.filter((i) => !gone.has(keyAt(keys, i))) : all;
  return { kept, dropped: all.length - kept.length };
}

function keysFrom(tensors: Tensors, name: string): Keys | undefined {
  const [bytes, offsets] = [tensors.get(`${name}.bytes`), tensors.get(`${name}.offsets`)];
  if (!bytes || !offsets) return undefined;
  const data = offsets.data as Uint32Array;
  return { size: data.length - 1, bytes: bytes.data as Uint8Array, offsets: data };
}

function takeKeys(tensors: Tensors, name: string, kept: Uint32Array): void {
  const { bytes, offsets } = keysFrom(tensors, name)!;
  const parts = Array.from(kept, (i) => bytes.subarray(offsets[i], offsets[i + 1]));
  const ends = new Uint32Array(kept.length + 1);
  parts.forEach((part, i) => (ends[i + 1] = ends[i]! + part.length));
  put(tensors, `${name}.bytes`, new Uint8Array(Buffer.concat(parts)));
  put(tensors, `${name}.offsets`, ends);
}

/**
 * Selects rows of a ragged array (with `indptr`) or of an array with rows of equal width, and the same elements of the
 * arrays in `beside`.
 */
function takeRows(
  tensors: Tensors,
  name: string,
  kept: Uint32Array,
  indptr: string,
  beside: readonly string[],
): void {
  const starts = tensors.get(indptr)?.data as Uint32Array | undefined;
  const ids = tensors.get(name)?.data as Uint32Array;
  const numRows = starts ? starts.length - 1 : tensors.get("items.offsets")!.data.length - 1;
  const width = numRows === 0 ? 0 : ids.length / numRows;
  const [from, to] = starts
    ? [(row: number) => starts[row]!, (row: number) => starts[row + 1]!]
    : [(row: number) => row * width, (row: number) => (row + 1) * width];
  const elements = Uint32Array.from(
    Array.from(kept).flatMap((row) => Array.from({ length: to(row) - from(row) }, (_, i) => from(row) + i)),
  );
  if (starts) {
    const ends = new Uint32Array(kept.length + 1);
    kept.forEach((row, i) => (ends[i + 1] = ends[i]! + to(row) - from(row)));
    put(tensors, indptr, ends);
  }
  for (const each of [name, ...beside]) if (tensors.has(each)) take(tensors, each, elements);
}

function takeHistory(tensors: Tensors, users: Uint32Array, numberOf: ReadonlyMap<number, number>): void {
  const indptr = tensors.get("history.indptr")!.data as Uint32Array;
  const items = tensors.get("history.items")!.data as Uint32Array;
  const had: number[] = [];
  const ends = new Uint32Array(users.length + 1);
  users.forEach((user, i) => {
    for (const item of items.subarray(indptr[user], indptr[user + 1])) {
      const now = numberOf.get(item);
      if (now !== undefined) had.push(now);
    }
    ends[i + 1] = had.length;
  });
  put(tensors, "history.indptr", ends);
  put(tensors, "history.items", Uint32Array.from(had));
}

function take(tensors: Tensors, name: string, elements: Uint32Array): void {
  const data = tensors.get(name)!.data as Uint32Array;
  const taken = data.slice(0, elements.length);
  elements.forEach((from, to) => (taken[to] = data[from]!));
  put(tensors, name, taken);
}

function put(tensors: Tensors, name: string, data: Tensor["data"]): void {
  tensors.set(name, { shape: [data.length], data });
}

function replaceFeatures(ids: Tensor | undefined, features: ReadonlyMap<number, number>): boolean {
  let changed = false;
  const data = ids?.data as Uint32Array | undefined;
  data?.forEach((feature, i) => {
    const instead = features.get(feature);
    if (instead === undefined) return;
    data[i] = instead;
    changed = true;
  });
  return changed;
}

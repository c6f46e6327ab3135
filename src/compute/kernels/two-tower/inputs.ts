// Inputs of the two-tower kernel: histories and context of the events to learn from, and of users to encode.

import { longestRow } from "../../../base/numeric/indices.js";
import type { Arena, GrowingArrays } from "../shared/memory.js";
import { getField, putStruct, setField, writeStruct, writeStructs } from "../shared/struct.js";
import type { ItemLists } from "../top-items/binding.js";
import { FieldPairs, History, Plan, Users } from "./layout.js";

/** Rows of (vector row, value) pairs, sorted by field. */
export interface FieldRows {
  width: number;
  indptr?: Uint32Array;
  /** u32: vector row of each pair */
  ids: Uint32Array;
  values?: Float32Array;
  /**
   * u32[F + 1]: field f has rows rowEnds[f] .. rowEnds[f + 1) of the vectors; the pairs of a row are sorted by field
   */
  rowEnds: Uint32Array;
}

/** A range of tokens for each event, whose last token is the newest. */
export interface Ranges {
  /** u32: items of all users; the items of a user are adjacent */
  tokens: Uint32Array;
  /** u32[E] each: first token of each event's range, and the token after its last */
  begins: Uint32Array;
  ends: Uint32Array;
}

/** Input of the user tower: for events to learn from, or for users to encode. */
export interface TowerUsers {
  histories: readonly Ranges[];
  context: FieldRows;
}

/** Events to learn from. */
export interface TowerEvents extends TowerUsers {
  /** u32[E]; NO_ITEM for an event without a user */
  users: Uint32Array;
  /** u32[E] */
  items: Uint32Array;
  /** f32[E]; absent when all are 1 */
  weights?: Float32Array;
  /** items of each user, ascending; they are never negatives of the user's events */
  taken: ItemLists;
}

/** Returns the maximum number of vector rows of an event's histories and context. */
export function mostRowsOfUsers({ histories, context, items }: TowerEvents): number {
  let longest = context.indptr ? longestRow(context.indptr, items.length) : context.width;
  for (const { begins, ends } of histories) {
    let most = 0;
    begins.forEach((begin, e) => (most = Math.max(most, ends[e]! - begin)));
    longest += most;
  }
  return longest;
}

/** Copies the input of users into the arena. @returns byte offset of the Users struct */
export function putUsers(arena: Arena, { histories, context }: TowerUsers, others: boolean): number {
  const name = "the histories";
  // histories with the same array of tokens share one copy
  const placed = new Map<Uint32Array, number>();
  const tokensAt = (tokens: Uint32Array): number => {
    const at = placed.get(tokens) ?? arena.put(name, tokens);
    placed.set(tokens, at);
    return at;
  };
  return writeStruct(arena, name, Users, {
    histories: writeStructs(
      arena,
      name,
      History,
      histories.map(({ tokens, begins, ends }) => ({
        tokens: tokensAt(tokens),
        begins: arena.put(name, begins),
        ends: arena.put(name, ends),
      })),
    ),
    numHistories: histories.length,
    context: putFields(arena, "the events' contexts", context),
    others,
  });
}

export function putFields(
  arena: Arena,
  name: string,
  { width, indptr, ids, values, rowEnds }: FieldRows,
): number {
  return writeStruct(arena, name, FieldPairs, {
    width,
    indptr: arena.put(name, indptr),
    ids: arena.put(name, ids),
    values: arena.put(name, values),
    numFields: rowEnds.length - 1,
    rowEnds: arena.put(name, rowEnds),
  });
}

/** Returns the input of no users. @param rowEnds first vector row of each context field, and the end of the last */
export function noTowerEvents(numHistories: number, rowEnds: Uint32Array): TowerEvents {
  const none = new Uint32Array();
  return {
    histories: Array.from({ length: numHistories }, () => ({ tokens: none, begins: none, ends: none })),
    context: { width: 0, ids: none, rowEnds },
    ...{ users: none, items: none, taken: { indptr: Uint32Array.of(0), items: none } },
  };
}

/** @param events views of the arena's memory, with the same fields as those that they replace */
export function useTowerEvents(
  arena: Arena,
  plan: number,
  { users, items, weights, taken, histories, context }: TowerEvents,
): void {
  const fields = {
    ...{ users: users.byteOffset, items: items.byteOffset, eventWeights: weights?.byteOffset ?? 0 },
    numUsers: taken.indptr.length - 1,
    ...{ historyEnds: taken.indptr.byteOffset, history: taken.items.byteOffset },
  } as const;
  for (const [name, value] of Object.entries(fields)) setField(arena, Plan, plan, name as never, value);
  const training = getField(arena, Plan, plan, "training");
  const first = getField(arena, Users, training, "histories");
  histories.forEach(({ tokens, begins, ends }, h) =>
    putStruct(arena, History, first + h * History.size, {
      ...{ tokens: tokens.byteOffset, begins: begins.byteOffset, ends: ends.byteOffset },
    }),
  );
  const { width, indptr, ids, values, rowEnds } = context;
  putStruct(arena, FieldPairs, getField(arena, Users, training, "context"), {
    ...{ width, indptr: indptr?.byteOffset, ids: ids.byteOffset, values: values?.byteOffset },
    ...{ numFields: rowEnds.length - 1, rowEnds: rowEnds.byteOffset },
  });
}

/**
 * Copies the input of some users into the arena, to be encoded; it replaces that of the previous call.
 *
 * @param from,count range of users in the histories and context rows
 * @returns byte offset of the Users struct
 */
export function placeUsers(
  arena: Arena,
  growing: GrowingArrays,
  { histories, context }: TowerUsers,
  from: number,
  count: number,
): number {
  const structs = histories.map(({ tokens, begins, ends }, h) => {
    const [own, last] = [begins.slice(from, from + count), ends.slice(from, from + count)];
    let [low, high] = [tokens.length, 0];
    own.forEach((begin, e) => ([low, high] = [Math.min(low, begin), Math.max(high, last[e]!)]));
    low = Math.min(low, high);
    return {
      tokens: growing.put(`tokens ${h}`, tokens.subarray(low, high)),
      begins: growing.put(
        `begins ${h}`,
        own.map((place) => place - low),
      ),
      ends: growing.put(
        `ends ${h}`,
        last.map((place) => place - low),
      ),
    };
  });
  const { width, indptr, ids, values, rowEnds } = context;
  const [first, end] = indptr
    ? [indptr[from]!, indptr[from + count]!]
    : [from * width, (from + count) * width];
  const fields = {
    width,
    indptr: growing.put(
      "indptr",
      indptr?.slice(from, from + count + 1).map((place) => place - first),
    ),
    ids: growing.put("features", ids.subarray(first, end)),
    values: growing.put("values", values?.subarray(first, end)),
    numFields: rowEnds.length - 1,
    rowEnds: growing.put("the ends of fields", rowEnds),
  };
  // the structs are written over those of the previous call, which are no longer needed
  const size = histories.length * History.size;
  const at = growing.put("structs", new Uint32Array((size + FieldPairs.size + Users.size) / 4));
  structs.forEach((each, h) => putStruct(arena, History, at + h * History.size, each));
  putStruct(arena, FieldPairs, at + size, fields);
  putStruct(arena, Users, at + size + FieldPairs.size, {
    histories: at,
    numHistories: histories.length,
    context: at + size,
    others: false,
  });
  return at + size + FieldPairs.size;
}

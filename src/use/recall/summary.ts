// Counts for the summary of `embed recall`, which are collected while lists are written.

import { lengthOfList, numListsIn, type ListBatch } from "../../export/lists.js";
import type { RequestedLists } from "./requested-lists.js";
import type { ListSource } from "./source.js";

/** Summary of `embed recall`. */
export interface RecallSummary {
  command: "recall";
  version: string;
  /** path of the output, `-` for standard output, or `$VARIABLE`, an environment variable with a server's address */
  out: string;
  seconds: number;
  /** true if the server already had the same lists, so that none were made; only for servers */
  unchanged?: boolean;
  /** number of lists that are not empty, and total number of their rows */
  lists: number;
  rows: number;
  /** number of empty lists, and number of other lists with fewer than k items */
  empty: number;
  short: number;
  /** maximum possible length of a list: k, or less if there are fewer items */
  longest: number;
  /** number of items that lists may contain, and share of these items that some list contains */
  items: number;
  coverage: number;
  /** mean number of training events of an item in a list, over all lists; null if there is no item in a list */
  popularity: number | null;
  /** number of new items, share of them in some list, and share of rows with a new item; only for --new-share */
  newItems?: { items: number; coverage: number; share: number } | undefined;
  options: Record<string, unknown>;
  warnings: string[];
}

export type RecallCounts = Pick<
  RecallSummary,
  "lists" | "rows" | "empty" | "short" | "longest" | "items" | "coverage" | "popularity" | "newItems"
>;

/** Counts what lists contain. @param k requested and longest possible length, and number of lists per user or item */
export function listCounter(
  { counts, numFolded }: ListSource,
  numItems: number,
  k: { asked: number; longest: number; numLists: number; isNew: Uint8Array | undefined },
) {
  const shown = new Uint8Array(counts.length);
  const sums = { asked: 0, lists: 0, rows: 0, short: 0, events: 0, newRows: 0, ungrouped: 0, unknown: 0 };
  return {
    numAsked: (): number => sums.asked,
    tell: (reason: "ungrouped" | "unknown"): void => void sums[reason]++,
    /** Returns what this process has counted in its recommendation lists, for the process that adds up all counts. */
    state: (): CountedLists => ({ sums, shown }),
    add(part: CountedLists): void {
      for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += part.sums[name];
      part.shown.forEach((is, item) => (shown[item] |= is));
    },
    count(batch: ListBatch): void {
      sums.asked += batch.keys.size;
      for (let list = 0; list < numListsIn(batch); list++) {
        const length = lengthOfList(batch, list);
        if (length > 0) sums.lists++;
        if (length > 0 && length < k.asked) sums.short++;
        sums.rows += length;
        for (let at = list * batch.top; at < list * batch.top + length; at++) {
          const item = batch.items[at]!;
          shown[item] = 1;
          sums.events += counts[item]!;
          sums.newRows += k.isNew?.[item] ?? 0;
        }
      }
    },
    facts(
      { for: whom, within }: RequestedLists,
      numChosen: number | undefined,
    ): RecallCounts & { notes: string[] } {
      const { asked, lists, rows, short, events, newRows, ...why } = sums;
      const unknown = numChosen === undefined ? 0 : numChosen - asked;
      const unfolded = numFolded === undefined ? 0 : numFolded - asked;
      return {
        lists,
        rows,
        empty: asked * k.numLists - lists,
        short,
        longest: k.longest,
        items: numItems,
        coverage: numItems > 0 ? shown.reduce((sum, x) => sum + x, 0) / numItems : 0,
        popularity: rows > 0 ? events / rows : null,
        newItems: k.isNew && newItemsIn(k.isNew, shown, rows > 0 ? newRows / rows : 0),
        notes: [
          ...(unknown > 0
            ? [
                `${unknown} of ${numChosen} users of --users are unknown to the run and get no list: ` +
                  "--fold-in LOG writes lists of new users from their events",
              ]
            : []),
          ...(unfolded > 0
            ? [
                `${unfolded} of ${numFolded} users of --fold-in get no list: they are already known to the ` +
                  "run (omit --fold-in), or none of their items is known",
              ]
            : []),
          ...(why.unknown > 0 ? [`${why.unknown} ${whom}s have a zero vector and get no list`] : []),
          ...(why.ungrouped > 0
            ? [`${why.ungrouped} ${whom}s share no value of '${within}' with any item and get no list`]
            : []),
        ],
      };
    },
  };
}

export type ListCounter = ReturnType<typeof listCounter>;

/** Counts of the recommendation lists that one process made: lists, rows, short lists, and so on. */
export interface CountedLists {
  sums: Record<"asked" | "lists" | "rows" | "short" | "events" | "newRows" | "ungrouped" | "unknown", number>;
  /** u8[number of items]: 1 for each item that some list contains */
  shown: Uint8Array;
}

function newItemsIn(isNew: Uint8Array, shown: Uint8Array, share: number): RecallSummary["newItems"] {
  const items = isNew.reduce((sum, x) => sum + x, 0);
  const inLists = isNew.reduce((sum, x, item) => sum + x * shown[item]!, 0);
  return { items, coverage: inLists / items, share };
}

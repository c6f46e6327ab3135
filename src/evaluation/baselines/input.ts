// What a baseline is: what it learns from, and whom it ranks for.

import type { ItemLists } from "../../kernels/top-items/binding.js";
import type { RankerFor } from "../rankers.js";
import type { FilterChoices } from "../../solvers/graph-filter/graph-filter.js";

/** What users are asked by: a list a query, ascending. */
export interface QueryItems extends ItemLists {
  /** f64, beside items: what each counts; 1 each when absent */
  weights?: Float64Array;
}

export interface BaselineInput {
  /** u32[numItems]: training events of each item */
  counts: Uint32Array;
  /** what each user of training has, distinct and ascending */
  history: ItemLists;
  /** u32, beside history.items: events of each pair; 1 each when absent */
  pairEvents?: Uint32Array;
}

/** Whom a baseline ranks for. */
export interface AskedUsers {
  /** u32[numQueries] */
  users: Uint32Array;
  /** the items that item-cf, ease and the filters rank by: what the user has, or took last */
  queries: QueryItems;
}

export interface BaselineOptions {
  /** names the draws of random */
  seed: number;
  /** of ease: the penalty on the diagonal; its default when absent */
  easeL2?: number | undefined;
  /** of gf-cf and chebycf: settings that differ from the published ones */
  filter?: FilterChoices;
  threads: number;
  signal?: AbortSignal;
  /** takes which setting was chosen */
  note?: (text: string) => void;
  /** milliseconds for learning; it ends with OutOfTime when they are too few */
  timeLeft?: (() => number) | undefined;
}

/** A model that ranks items for users, learned from the training events alone. */
export interface Baseline {
  /** Learns. @throws {UsageError} there are too many items for it */
  ranker: (
    input: BaselineInput,
    options: BaselineOptions,
  ) => RankerFor<AskedUsers> | Promise<RankerFor<AskedUsers>>;
  /** Warnings before it learns. @throws {UsageError} there are too many items or users for it */
  check?: (
    input: Pick<BaselineInput, "history" | "counts">,
    options: Pick<BaselineOptions, "filter" | "threads">,
  ) => string[];
}

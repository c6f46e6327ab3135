import type { ItemLists } from "../../compute/kernels/top-items/binding.js";
import type { RankerFor } from "../rankers.js";
import type { FilterChoices } from "../../compute/solvers/graph-filter/graph-filter.js";

/** Items that represent each user: one ascending list per query. */
export interface QueryItems extends ItemLists {
  /** f64, parallel to items: weight of each item; 1 when absent */
  weights?: Float64Array;
}

export interface BaselineInput {
  /** u32[numItems]: number of training events of each item */
  counts: Uint32Array;
  /** items of each training user, distinct and ascending */
  history: ItemLists;
  /** u32, parallel to history.items: number of events of each pair; 1 when absent */
  pairEvents?: Uint32Array;
}

export interface AskedUsers {
  /** u32[numQueries]: user number of each query */
  users: Uint32Array;
  /** items by which item-cf, ease and the filters rank: all training items of the user, or the most recent items */
  queries: QueryItems;
}

export interface BaselineOptions {
  /** seed of the baseline "random" */
  seed: number;
  /** penalty on the diagonal for ease; its default when absent */
  easeL2?: number | undefined;
  /** settings of gf-cf and chebycf that differ from the published ones */
  filter?: FilterChoices;
  threads: number;
  signal?: AbortSignal;
  /** callback for progress messages, and for the setting that the baseline chose */
  note?: (text: string) => void;
  /** maximum duration of the training in milliseconds; a longer one throws OutOfTime */
  timeLeft?: (() => number) | undefined;
}

export interface Baseline {
  /** @throws {UsageError} there are too many items for the baseline */
  ranker: (
    input: BaselineInput,
    options: BaselineOptions,
  ) => RankerFor<AskedUsers> | Promise<RankerFor<AskedUsers>>;
  /** Returns warnings before the training. @throws {UsageError} there are too many items or users */
  check?: (
    input: Pick<BaselineInput, "history" | "counts">,
    options: Pick<BaselineOptions, "filter" | "threads">,
  ) => string[];
}

// Feature rows of events and of their sampled negatives: label 1 for an event, 0 for each of its negatives.

import { ascending, mapTo, valuesAt } from "../../base/numeric/indices.js";
import { firstPair, type Encoder, type FeatureRows, type TrainingRows } from "../rows.js";
import type { Dataset } from "../dataset.js";
import { itemsOf, usersOf, type NegativeSource, drawNegative, hasItem } from "./negatives.js";
import { shuffle, streamOf } from "../../base/numeric/hash.js";
import { NO_ITEM } from "../../compute/kernels/top-items/binding.js";
import { noiseDistribution, type Noise } from "./noise-distribution.js";

const CHUNK_ROWS = 65536;
const BLOCK_EVENTS = 4096;

export interface NegativeOptions {
  negatives: number;
  noise: Noise;
  seed: number;
  /** minimum number of distinct users of an item that can be drawn as a negative */
  minUsers?: number;
  shuffle: boolean;
}

interface EventPart {
  dataset: Dataset;
  rows: Uint32Array;
  encoder: Encoder;
  /** f32[rows.length]: weight of each event, which its negatives share */
  weights?: Float32Array | undefined;
  itemFieldIndexes: readonly number[];
  contextFieldIndexes: readonly number[];
}

/** Samples the negatives of the events of one split. */
export class NegativeRows {
  readonly #source: NegativeSource;
  readonly #options: NegativeOptions;
  readonly #rows: Uint32Array;
  readonly #users: Uint32Array;
  readonly #items: Uint32Array;
  readonly #weights: Float32Array | undefined;
  readonly #context: FeatureRows;
  readonly #own: FeatureRows;
  readonly #cumulative: Float64Array;

  constructor(source: NegativeSource, part: EventPart, options: NegativeOptions) {
    const { dataset, rows, encoder } = part;
    const unlabelled = new Float32Array(rows.length);
    this.#source = source;
    this.#options = options;
    this.#rows = rows;
    this.#users = usersOf(source.users, dataset, rows);
    this.#items = itemsOf(source.items, dataset, rows);
    this.#weights = part.weights;
    this.#context = encoder.encode(rows, unlabelled, part.contextFieldIndexes);
    this.#own = encoder.encode(rows, unlabelled, part.itemFieldIndexes);
    this.#cumulative = noiseDistribution(source.counts, options.noise);
  }

  /** Returns the number of events that can have no negative, because the user has every item. */
  numExhausted(): number {
    const { items, history } = this.#source;
    return this.#users.reduce((count, user, e) => {
      const own = user === NO_ITEM ? 0 : history.indptr[user + 1]! - history.indptr[user]!;
      const left = items.size - Math.max(own, this.#items[e] === NO_ITEM ? 0 : 1);
      return count + (left === 0 ? 1 : 0);
    }, 0);
  }

  /** Negatives are drawn anew in each epoch. Blocks of events are permuted, and so are the rows within a block. */
  training(): TrainingRows {
    return {
      kind: "drawn",
      numRows: this.#rows.length * (1 + this.#options.negatives),
      draw: (epoch) => this.#draw(epoch),
    };
  }

  fixed(): FeatureRows {
    return this.fixedDraws().rows;
  }

  /** Also returns each row's event and item number (the event's own or a sampled negative; NO_ITEM if unknown). */
  fixedDraws(): { rows: FeatureRows; events: Uint32Array; items: Uint32Array } {
    const { event, item } = this.#draws(Uint32Array.from(this.#rows.keys()), 0);
    const items = item.map((drawn, r) => (drawn === NO_ITEM ? this.#items[event[r]!]! : drawn));
    return { rows: this.#join(event, item), events: event, items };
  }

  /**
   * Returns for each row the expected number of negatives with its item among the negatives of a similar event: N q(i),
   * where q is the noise distribution over the items that can be drawn for the event. For an item that cannot be drawn,
   * it is N / number of items.
   */
  expectedDraws({ events, items }: { events: Uint32Array; items: Uint32Array }): Float64Array {
    const { history, items: all } = this.#source;
    const cumulative = this.#cumulative;
    const share = (item: number) => cumulative[item]! - (item === 0 ? 0 : cumulative[item - 1]!);
    const taken = new Map<number, number>();
    const takenBy = (user: number): number => {
      if (user === NO_ITEM) return 0;
      let mass = taken.get(user);
      if (mass === undefined) {
        mass = 0;
        for (let j = history.indptr[user]!; j < history.indptr[user + 1]!; j++)
          mass += share(history.items[j]!);
        taken.set(user, mass);
      }
      return mass;
    };
    return mapTo(Float64Array, events, (event, r) => {
      const [user, own, item] = [this.#users[event]!, this.#items[event]!, items[r]!];
      if (item === NO_ITEM || share(item) === 0) return this.#options.negatives / all.size;
      const isKnown = user !== NO_ITEM && hasItem(history, user, item);
      // the event's own item is never drawn for it, but its expected number is computed as if it could be
      const without =
        item === own || own === NO_ITEM || (user !== NO_ITEM && hasItem(history, user, own)) ? 0 : share(own);
      const left = 1 - takenBy(user) - without + (isKnown ? share(item) : 0);
      return (this.#options.negatives * share(item)) / Math.max(left, share(item));
    });
  }

  *#draw(epoch: number): Generator<FeatureRows> {
    const { seed, negatives, shuffle: shuffled } = this.#options;
    const size = Math.max(1, Math.min(BLOCK_EVENTS, Math.floor(CHUNK_ROWS / (1 + negatives))));
    const blocks = ascending(Math.ceil(this.#rows.length / size));
    if (shuffled) shuffle(blocks, streamOf(seed, epoch));
    for (const b of blocks) {
      const length = Math.min(size, this.#rows.length - b * size);
      const events = ascending(length).map((i) => b * size + i);
      yield this.#expand(events, epoch, shuffled ? streamOf(seed, epoch, b) : undefined);
    }
  }

  /** Returns each event with its negatives, in random order if the key of an order is given. */
  #expand(events: Uint32Array, epoch: number, order?: number): FeatureRows {
    const { event, item } = this.#draws(events, epoch);
    if (order === undefined) return this.#join(event, item);
    const places = ascending(event.length);
    shuffle(places, order);
    return this.#join(
      places.map((i) => event[i]!),
      places.map((i) => item[i]!),
    );
  }

  /** Each event followed by its negatives: the event's index, and the drawn item, or NO_ITEM for the event itself. */
  #draws(events: Uint32Array, epoch: number): { event: Uint32Array; item: Uint32Array } {
    const { seed, negatives } = this.#options;
    const { history } = this.#source;
    const event = new Uint32Array(events.length * (1 + negatives));
    const item = new Uint32Array(event.length).fill(NO_ITEM);
    let numRows = 0;
    for (const e of events) {
      const stream = streamOf(seed, epoch, this.#rows[e]!);
      event[numRows++] = e;
      for (let n = 0; n < negatives; n++) {
        const drawn = drawNegative(this.#cumulative, history, this.#users[e]!, this.#items[e]!, stream, n);
        if (drawn === NO_ITEM) continue;
        event[numRows] = e;
        item[numRows++] = drawn;
      }
    }
    return { event: event.subarray(0, numRows), item: item.subarray(0, numRows) };
  }

  #join(event: Uint32Array, item: Uint32Array): FeatureRows {
    const context = this.#context;
    const numRows = event.length;
    const partner = (r: number) => (item[r] === NO_ITEM ? this.#own : this.#source.templates);
    const partnerRow = (r: number) => (item[r] === NO_ITEM ? event[r]! : item[r]!);
    const indptr = new Uint32Array(numRows + 1);
    for (let r = 0; r < numRows; r++) {
      indptr[r + 1] = indptr[r]! + pairsIn(context, event[r]!) + pairsIn(partner(r), partnerRow(r));
    }
    const dense = [context, this.#own, this.#source.templates].every((rows) => rows.indptr === undefined);
    const ids = new Uint32Array(indptr[numRows]!);
    const values = dense ? undefined : new Float32Array(ids.length).fill(1);
    const labels = mapTo(Float32Array, item, (i) => (i === NO_ITEM ? 1 : 0));
    for (let r = 0; r < numRows; r++) {
      const middle = copyPairs(context, event[r]!, ids, values, indptr[r]!);
      copyPairs(partner(r), partnerRow(r), ids, values, middle);
    }
    const weighed = this.#weights && { weights: valuesAt(this.#weights, event) };
    if (!values) return { numRows, width: context.width + this.#own.width, ids, labels, ...weighed };
    return { numRows, width: 0, indptr, ids, values, labels, ...weighed };
  }
}

function pairsIn(rows: FeatureRows, row: number): number {
  return firstPair(rows, row + 1) - firstPair(rows, row);
}

function copyPairs(
  rows: FeatureRows,
  row: number,
  ids: Uint32Array,
  values: Float32Array | undefined,
  at: number,
): number {
  for (let i = firstPair(rows, row); i < firstPair(rows, row + 1); i++, at++) {
    ids[at] = rows.ids[i]!;
    if (values && rows.values) values[at] = rows.values[i]!;
  }
  return at;
}

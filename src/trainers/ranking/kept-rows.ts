// The users' rows of each partition in a store. Every partition has up to two blocks, so that rows that are to be returned stay while
// others are trained.

import type { BlockStore } from "../../io/block-store.js";

/** u8 of each partition: which of its two blocks has its rows. */
export type RowPlaces = Uint8Array;

export class KeptRows {
  readonly #store: BlockStore;
  readonly #current: RowPlaces;
  #kept: RowPlaces | undefined;

  constructor(store: BlockStore, numPartitions: number) {
    this.#store = store;
    this.#current = new Uint8Array(numPartitions);
  }

  /** Where the rows are now. */
  get places(): RowPlaces {
    return this.#current.slice();
  }

  /** Has the rows stay that lie there, in place of those that stayed before. */
  keep(places: RowPlaces): void {
    this.#kept = places;
  }

  /** Reads the rows of a partition. @param places by default those of now */
  async read(partition: number, into: Uint32Array, places: RowPlaces = this.#current): Promise<void> {
    await this.#store.read(blockName(partition, places[partition]!), into);
  }

  /** Reads some numbers of a partition's rows, from number `from` on, without their checksum. */
  readPart(partition: number, from: number, into: Uint32Array, places: RowPlaces): void {
    this.#store.readPart(blockName(partition, places[partition]!), from, into);
  }

  /** Writes the rows of a partition as they are now. */
  async write(partition: number, numbers: Uint32Array): Promise<void> {
    const current = this.#current[partition]!;
    const block = this.#kept?.[partition] === current ? 1 - current : current;
    await this.#store.write(blockName(partition, block), numbers);
    this.#current[partition] = block;
  }
}

function blockName(partition: number, block: number): string {
  return `rows ${partition} ${block}`;
}

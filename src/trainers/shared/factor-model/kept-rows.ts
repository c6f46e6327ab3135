// Stores the rows of users (vectors, perhaps with optimizer state), which are divided into partitions. The store has up
// to two copies, called blocks, of each partition, so that the rows of the best epoch remain stored while training
// changes the current rows. A checkpoint contains both.

import type { BlockStore } from "../../../base/io/block-store.js";
import { floatsOf, type LargeArrays } from "../../../training/epochs/named-arrays.js";

/** For each partition of users, u8: number of the block, 0 or 1, that contains its rows. */
export type RowPlaces = Uint8Array;

export class KeptRows {
  readonly #store: BlockStore;
  readonly #current: RowPlaces;
  #kept: RowPlaces | undefined;

  constructor(store: BlockStore, numPartitions: number) {
    this.#store = store;
    this.#current = new Uint8Array(numPartitions);
  }

  /** a copy */
  get places(): RowPlaces {
    return this.#current.slice();
  }

  /**
   * From now on, `write` does not overwrite the rows in the given blocks. Rows that an earlier call protected may be
   * overwritten.
   */
  keep(places: RowPlaces): void {
    this.#kept = places;
  }

  /** @param places blocks to read; by default those of the current rows */
  async read(partition: number, into: Uint32Array, places: RowPlaces = this.#current): Promise<void> {
    await this.#store.read(blockName(partition, places[partition]!), into);
  }

  /** Reads a part of a partition's rows, from index `from` on, without verifying the checksum. */
  readPart(partition: number, from: number, into: Uint32Array, places: RowPlaces): void {
    this.#store.readPart(blockName(partition, places[partition]!), from, into);
  }

  /** Writes the current rows of a partition; uses the other block if the current block is protected. */
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

/** Prefixes of array names in a checkpoint: of the users' current rows, and of their rows in the best epoch. */
export const [NOW, KEPT] = ["rows.", "kept."] as const;

/** The rows of each partition of users, as u32 words that hold the bits of floats. */
interface PartitionRows {
  numPartitions: number;
  /** number of floats of the rows of a partition */
  length: number;
  read: (partition: number, into: Uint32Array, isKept: boolean) => Promise<void>;
}

/** Returns the users' rows for a checkpoint. @param withKept true to include those of the best epoch */
export function savedRows({ numPartitions, length, read }: PartitionRows, withKept: boolean): LargeArrays {
  const all = Array.from({ length: numPartitions }, (_, p) => p);
  return {
    names: [NOW, ...(withKept ? [KEPT] : [])].flatMap((of) => all.map((p) => `${of}${p}`)),
    length,
    async read(name) {
      const numbers = new Uint32Array(length);
      await read(Number(name.slice(NOW.length)), numbers, name.startsWith(KEPT));
      return new Float32Array(numbers.buffer);
    },
  };
}

/** @throws {ArtifactError} the checkpoint has rows of another size */
export async function restoreRows(
  large: LargeArrays | undefined,
  prefix: typeof NOW | typeof KEPT,
  { numPartitions, length }: Pick<PartitionRows, "numPartitions" | "length">,
  restore: (partition: number, numbers: Uint32Array) => Promise<void> | void,
): Promise<void> {
  for (let p = 0; p < numPartitions; p++) {
    const numbers = (await large?.read(`${prefix}${p}`)) ?? new Float32Array();
    const checked = floatsOf({ [prefix]: numbers }, prefix, length);
    await restore(p, new Uint32Array(checked.buffer, checked.byteOffset, checked.length));
  }
}

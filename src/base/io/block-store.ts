// Stores blocks of numbers by name: in memory up to a limit, and on disk beyond it. Blocks on disk have a checksum, so
// that a truncated or changed block is an error.

import { ArtifactError } from "../errors.js";
import { RowFile } from "./row-file.js";

interface Stored {
  position: number;
  length: number;
  checksum: number;
}

/** A store of named blocks. A block stays in memory or at its position on disk when it is written again. */
export class BlockStore {
  readonly #beside: string;
  readonly #inMemory = new Map<string, Uint32Array>();
  readonly #onDisk = new Map<string, Stored>();
  #free: number;
  #file: RowFile | undefined;
  #end = 0;

  /** @param beside the file is created next to this output, its name deleted @param budget bytes of blocks in memory */
  constructor(beside: string, budget: number) {
    this.#beside = beside;
    this.#free = budget;
  }

  get bytesFree(): number {
    return this.#free;
  }

  get bytesOnDisk(): number {
    return this.#end;
  }

  /**
   * Writes a block; a block that already has the name must have the same length. @throws {IoError} disk full and the
   * like
   *
   * @param reserved bytes of memory that stay free for later blocks
   */
  async write(name: string, numbers: Uint32Array, reserved = 0): Promise<void> {
    const known = this.#inMemory.get(name);
    if (known) return known.set(numbers);
    let stored = this.#onDisk.get(name);
    if (!stored && numbers.byteLength + reserved <= this.#free) {
      this.#free -= numbers.byteLength;
      this.#inMemory.set(name, new Uint32Array(numbers));
      return;
    }
    if (!stored) {
      stored = { position: this.#end, length: numbers.length, checksum: 0 };
      this.#end += numbers.byteLength;
      this.#onDisk.set(name, stored);
    }
    this.#file ??= RowFile.temporary(this.#beside);
    stored.checksum = checksumOf(numbers);
    await this.#file.writeLater(numbers, stored.position);
  }

  /** Reads a whole block. @throws {ArtifactError} the block was truncated or changed */
  async read(name: string, into: Uint32Array): Promise<void> {
    const known = this.#inMemory.get(name);
    if (known) return into.set(known);
    const { position, checksum } = this.#stored(name);
    await this.#file!.readLater(into, position);
    if (checksumOf(into) === checksum) return;
    throw new ArtifactError(
      `a block of the table on disk beside '${this.#beside}' changed while it was trained: check the disk, then train ` +
        "again (--resume continues from the last checkpoint)",
    );
  }

  /**
   * Reads some numbers of a block, starting at number `from`, without verifying the checksum. @throws {ArtifactError}
   * the block was truncated
   */
  readPart(name: string, from: number, into: Uint32Array): void {
    const known = this.#inMemory.get(name);
    if (known) into.set(known.subarray(from, from + into.length));
    else this.#file!.read(into, this.#stored(name).position + 4 * from);
  }

  #stored(name: string): Stored {
    const stored = this.#onDisk.get(name);
    if (!stored) throw new RangeError(`no block '${name}'`);
    return stored;
  }
}

/** Four sums that are mixed at every step, so that the checksum changes if two numbers are exchanged. */
function checksumOf(numbers: Uint32Array): number {
  let [a, b, c, d] = [1, 2, 3, 4];
  const end = numbers.length & ~3;
  for (let i = 0; i < end; i += 4) {
    a = Math.imul(a ^ numbers[i]!, 0x9e3779b1);
    b = Math.imul(b ^ numbers[i + 1]!, 0x85ebca77);
    c = Math.imul(c ^ numbers[i + 2]!, 0xc2b2ae3d);
    d = Math.imul(d ^ numbers[i + 3]!, 0x27d4eb2f);
  }
  for (let i = end; i < numbers.length; i++) a = Math.imul(a ^ numbers[i]!, 0x9e3779b1);
  // multiplication moves no bits from higher to lower positions, so the high bits of each sum are mixed into the next
  // sum
  let sum = a ^ (a >>> 15);
  for (const part of [b, c, d]) sum = Math.imul(sum, 0x9e3779b1) ^ part ^ (part >>> 15);
  return sum >>> 0;
}

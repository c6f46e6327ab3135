// Arrays on disk during a training; they are written once, from start to end, and read at any position.
//
// Reads are synchronous, because they occur inside loops over arrays, and are usually served from the system's file
// cache.

import { closeSync, fstatSync, openSync, read, readSync, unlinkSync, write, writeSync } from "node:fs";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { randomBytes } from "node:crypto";
import { ArtifactError } from "../errors.js";
import { asIoError } from "./write.js";

/** Maximum number of bytes that are read or written by one system call. */
const MOST = 1 << 30;

const [readAt, writeAt] = [promisify(read), promisify(write)];

/** Closes the file of a collected object; nothing else shows that its rows are no longer used. */
const unused = new FinalizationRegistry<number>(closeSync);

/** A file opened for random access; call `close`, or drop the object. */
export class RowFile {
  readonly #path: string;
  readonly #file: number;
  #end: number;

  private constructor(path: string, file: number) {
    this.#path = path;
    this.#file = file;
    this.#end = fstatSync(file).size;
    unused.register(this, file, this);
  }

  static open(path: string): RowFile {
    try {
      return new RowFile(path, openSync(path, "r"));
    } catch (error) {
      throw asIoError(error, `reading '${path}' failed`);
    }
  }

  /**
   * Creates a file next to the future run and deletes its name at once, so that the file disappears when the process
   * ends.
   *
   * @throws {IoError} it cannot be created
   */
  static temporary(beside: string): RowFile {
    const path = `${resolve(beside)}.rows-${process.pid}-${randomBytes(6).toString("hex")}`;
    try {
      const file = openSync(path, "wx+");
      unlinkSync(path);
      return new RowFile(path, file);
    } catch (error) {
      throw asIoError(error, `making '${path}' failed`);
    }
  }

  /** Fills an array from a byte offset on. @throws {ArtifactError} the file is too short @throws {IoError} */
  read(into: Uint32Array | Float32Array | Float64Array, position: number): void {
    const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
    for (let at = 0; at < bytes.length;) {
      const taken = this.#try(() =>
        readSync(this.#file, bytes, at, Math.min(MOST, bytes.length - at), position + at),
      );
      if (taken === 0) throw new ArtifactError(`'${this.#path}' is truncated: it is damaged`);
      at += taken;
    }
  }

  append(array: Uint32Array | Float32Array | Float64Array): void {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let at = 0; at < bytes.length;) {
      const taken = this.#try(() =>
        writeSync(this.#file, bytes, at, Math.min(MOST, bytes.length - at), this.#end),
      );
      at += taken;
      this.#end += taken;
    }
  }

  /** Fills an array from a byte offset on, asynchronously. @throws {ArtifactError} the file is too short */
  async readLater(into: Uint32Array, position: number): Promise<void> {
    const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
    for (let at = 0; at < bytes.length;) {
      const length = Math.min(MOST, bytes.length - at);
      const { bytesRead } = await readAt(this.#file, bytes, at, length, position + at).catch(this.#failed);
      if (bytesRead === 0) throw new ArtifactError(`'${this.#path}' is truncated: it is damaged`);
      at += bytesRead;
    }
  }

  /** Writes an array from a byte offset on, asynchronously. @throws {IoError} disk full and the like */
  async writeLater(array: Uint32Array, position: number): Promise<void> {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let at = 0; at < bytes.length;) {
      const length = Math.min(MOST, bytes.length - at);
      const { bytesWritten } = await writeAt(this.#file, bytes, at, length, position + at).catch(
        this.#failed,
      );
      at += bytesWritten;
    }
  }

  close(): void {
    unused.unregister(this);
    closeSync(this.#file);
  }

  #try<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      return this.#failed(error);
    }
  }

  readonly #failed = (error: unknown): never => {
    throw asIoError(error, `reading or writing rows in '${this.#path}' failed`);
  };
}

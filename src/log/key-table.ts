// Keys ↔ codes of one column.

import type { Dictionary } from "./dictionary.js";
import { dictionaryOf } from "./dictionary.js";

/** Distinct keys in order of first appearance. */
export class KeyTable {
  #codes = new Map<string, number>();
  #keys: string[] = [];
  get size(): number {
    return this.#keys.length;
  }
  /** The code of a key, added when it is new. */
  codeOf(key: string): number {
    let code = this.#codes.get(key);
    if (code === undefined) {
      code = this.#keys.push(key) - 1;
      this.#codes.set(key, code);
    }
    return code;
  }
  /** The keys with codes at and above `code`. */
  keysFrom(code: number): Dictionary {
    return dictionaryOf(this.#keys.slice(code));
  }
  keyOf(code: number): string {
    return this.#keys[code]!;
  }
  /** Codes of a dictionary's keys, added where they are new. */
  codesOf(dictionary: Dictionary): Uint32Array {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    return Uint32Array.from({ length: dictionary.size }, (_, i) =>
      this.codeOf(
        decoder.decode(dictionary.bytes.subarray(dictionary.offsets[i], dictionary.offsets[i + 1])),
      ),
    );
  }
}

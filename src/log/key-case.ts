// --key-case: keys that differ only in upper and lower case become one key. The mapping is Unicode's, which does not
// depend on the locale, and is applied here to the keys of every format and engine: their own functions differ.
//
//   distinct keys of a column ──► lower or upper case ──► table of the resulting keys, whose codes replace the column's

import { loadKernel } from "../compute/kernels/shared/load.js";
import { UsageError } from "../base/errors.js";
import { encodeKeys, keyInCase, MISSING, type KeyCase, type Keys } from "./keys.js";
import { KeyTable } from "./key-table.js";
import type { Log, ReadOptions } from "./log.js";
import { ScanMemory } from "./scanner.js";

/**
 * Returns the log with its keys in the case of --key-case, except in requests with `keepsCase`.
 *
 * @throws {UsageError} the separator of a multi-valued column has letters
 */
export function withKeyCase(log: Log, { keyCase, multi }: Pick<ReadOptions, "keyCase" | "multi">): Log {
  if (keyCase === undefined) return log;
  for (const [name, separator] of Object.entries({ ...log.multi, ...multi }))
    if (keyInCase(separator, keyCase) !== separator)
      throw new UsageError(
        `--key-case ${keyCase} would change the separator '${separator}' of '${name}': replace it in the log`,
      );
  return {
    ...log,
    keyCase,
    async read(requests, onBatch, observe) {
      const memory = new ScanMemory(await loadKernel("scan"));
      const columns = requests.map(({ as, keepsCase }) =>
        as === "key" && keepsCase !== true ? new ColumnInCase(memory, keyCase) : undefined,
      );
      const read = await log.read(
        requests,
        (batch, keyOf) => {
          const sizes = [...batch.sizes];
          const cells = batch.columns.map((codes, i) => {
            const column = columns[i];
            if (!column) return codes;
            column.add(batch.sizes[i]!, (code) => keyOf(i, code));
            sizes[i] = column.size;
            return column.codesOf(codes as Uint32Array);
          });
          const keyInColumn = (i: number, code: number) => columns[i]?.keyOf(code) ?? keyOf(i, code);
          return onBatch({ ...batch, columns: cells, sizes }, keyInColumn);
        },
        observe,
      );
      return { ...read, dictionaries: read.dictionaries.map((keys, i) => columns[i]?.keys() ?? keys) };
    },
  };
}

/** The keys of a column in one case, and their codes by the codes of the log's own keys. */
class ColumnInCase {
  readonly #table: KeyTable;
  readonly #keyCase: KeyCase;
  #codes = new Uint32Array(1024);
  #numKeys = 0;

  constructor(memory: ScanMemory, keyCase: KeyCase) {
    this.#table = new KeyTable(memory, { larger: () => memory.another() });
    this.#keyCase = keyCase;
  }

  get size(): number {
    return this.#table.size;
  }

  keyOf(code: number): string {
    return this.#table.keyOf(code);
  }

  keys(): Keys {
    return this.#table.keysFrom(0);
  }

  /** Adds the keys that are new since the last call. @param numKeys number of distinct keys so far */
  add(numKeys: number, keyOf: (code: number) => string): void {
    if (numKeys <= this.#numKeys) return;
    if (numKeys > this.#codes.length) {
      const larger = new Uint32Array(2 * numKeys);
      larger.set(this.#codes);
      this.#codes = larger;
    }
    const fresh = Array.from({ length: numKeys - this.#numKeys }, (_, i) =>
      keyInCase(keyOf(this.#numKeys + i), this.#keyCase),
    );
    this.#codes.set(this.#table.codesOf(encodeKeys(fresh)), this.#numKeys);
    this.#numKeys = numKeys;
  }

  codesOf(cells: Uint32Array): Uint32Array {
    return cells.map((code) => (code === MISSING ? MISSING : this.#codes[code]!));
  }
}

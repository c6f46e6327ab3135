// The memories that kernels work in. V8 reserves 10 GB of addresses for each, whatever its size (without its trap handler 4 GB),
// and gives them back when its garbage collector finds the memory unused, which it looks for when a reservation fails.

import { IoError } from "../../errors.js";

/** Bytes of a page. */
export const PAGE = 65536;
/** Pages of the largest memory, 4 GiB. */
export const MAX_PAGES = 65536;
/** Bytes of addresses that V8 reserves for a memory. */
export const RESERVED = 10 * 2 ** 30;

/**
 * A memory of two pages, which threads can share and which grows up to 4 GiB.
 *
 * @throws {IoError} the system does not give its addresses
 */
export function newMemory(): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: 2, maximum: MAX_PAGES, shared: true });
  } catch (error) {
    throw new IoError(
      "the system refused the 10 GB of addresses that V8 reserves for a WebAssembly memory (they are no memory in use): " +
        "`ulimit -v unlimited` lifts the limit; where that is not allowed, NODE_OPTIONS=--disable-wasm-trap-handler takes 4 GB",
      { cause: error },
    );
  }
}

// The best items of many queries at once, exactly: every item is compared with every query, on all threads.

import { loadKernel } from "../kernels/shared/load.js";
import { Arena } from "../kernels/shared/memory.js";
import {
  allocateTopItems,
  BLOCK_QUERIES,
  type TopItems,
  type TopItemsInput,
} from "../kernels/top-items/binding.js";
import { WorkerPool } from "../workers/pool.js";
import type { SearchInit } from "./top-items.worker.js";
import { withMachine } from "../workers/with-machine.js";

/**
 * The `top` items of highest weight plus inner product of each query, best first, ties in the items' order.
 *
 * The same bytes at any number of threads.
 *
 * @param top >= 1
 * @param signal ends the search promptly; the promise rejects with its reason
 * @throws {UsageError} the vectors do not fit 4 GiB
 */
export async function topItems(
  input: TopItemsInput,
  top: number,
  threads: number,
  signal?: AbortSignal,
): Promise<TopItems> {
  signal?.throwIfAborted();
  const arena = new Arena();
  const numBlocks = Math.ceil(input.queries.length / input.dim / BLOCK_QUERIES);
  const size = Math.max(1, Math.min(threads, numBlocks));
  const layout = allocateTopItems(arena, input, top, size);
  const { search, scratches, counter, numQueries } = layout;
  const module = await loadKernel("top-items");
  const init: SearchInit = { memory: arena.memory, module, search, scratches, counter, numQueries };
  const url = new URL("./top-items.worker.js", import.meta.url);
  const pool = await WorkerPool.start<null, null>(url, size, init);
  return await withMachine(pool, signal, async () => {
    await pool.run(null);
    return layout.results();
  });
}

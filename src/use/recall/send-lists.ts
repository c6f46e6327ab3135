// Sends a file of lists to a server, so that the server's readers get the lists that were checked and published.

import { encodeKeys } from "../../log/keys.js";
import { ArtifactError } from "../../base/errors.js";
import type { ListServer } from "../../export/row-formats.js";
import { sendLists } from "../../export/servers/list-servers.js";
import type { ListBatch, ListColumns } from "../../export/lists.js";
import { NO_ITEM } from "../../compute/kernels/top-items/binding.js";
import type { Sent, ServerTarget } from "../../export/servers/server.js";
import type { Batch } from "../../log/log.js";
import { Handoff } from "../../base/io/handoff.js";
import { columnsOfLists, listColumns, openLists, type ListFile } from "./list-files.js";

/**
 * Sends a file of lists. The file is read twice: for its items, then for its lists.
 *
 * @throws {ArtifactError} the file does not have the form that `embed recall` writes
 * @throws {EmbedError} as sendLists
 */
export async function sendListFile(
  server: ListServer,
  { file, isForItems }: ListFile,
  target: ServerTarget,
): Promise<Sent> {
  const names = await openLists(file);
  // if the columns are not those of a file of lists, assumes the usual ones: reading them below then fails with a
  // message
  const columns = columnsOfLists(names, isForItems) ?? listColumns(isForItems);
  const { dictionaries } = await names.read([{ name: columns.item, as: "key" }], () => undefined);
  return await sendLists(
    server,
    { columns, items: dictionaries[0]!, batches: batchesOf(file, columns) },
    target,
  );
}

/** Yields the lists of a file in one batch per batch of its rows. Items are numbered in order of appearance. */
async function* batchesOf(file: string, { owner, category, item }: ListColumns): AsyncGenerator<ListBatch> {
  const log = await openLists(file);
  const handoff = new Handoff<ListBatch>();
  const lists = new GrowingLists(file);
  const requests = [
    { name: owner, as: "key" },
    { name: item, as: "key" },
    { name: "rank", as: "number" },
    { name: "score", as: "number" },
    ...(category === undefined ? [] : [{ name: category, as: "key" } as const]),
  ] as const;
  const reading = log.read(requests, async (batch, keyOf) => {
    lists.add(batch, keyOf);
    const whole = lists.take();
    if (whole) await handoff.give(whole);
  });
  yield* handoff.taken(
    reading.then(() => {
      const last = lists.take(true);
      return last ? [last] : [];
    }),
  );
}

class GrowingLists {
  #owners: string[] = [];
  /** category of each list; empty if the lists have no categories */
  #categories: string[] = [];
  /** row number of the first row of each list */
  #starts: number[] = [];
  #items: number[] = [];
  #scores: number[] = [];

  constructor(private readonly file: string) {}

  add(batch: Batch, keyOf: (column: number, code: number) => string): void {
    const { numRows, columns } = batch;
    const [owners, items, ranks, scores, categories] = columns;
    const text = (column: number, code: number) => (code === NO_ITEM ? "" : keyOf(column, code));
    let [code, kind] = [-1, -1];
    for (let row = 0; row < numRows; row++) {
      const rank = ranks![row]!;
      const own = categories?.[row] ?? NO_ITEM;
      if (owners![row] !== code || own !== kind || rank === 1) {
        [code, kind] = [owners![row]!, own];
        const [owner, category] = [text(0, code), text(4, kind)];
        const isSame = owner === this.#owners.at(-1) && (!categories || category === this.#categories.at(-1));
        // a row has rank 1 if and only if it begins a list: its owner or category differs from the previous row's
        if ((rank === 1) === isSame) this.#fail(batch.placeOf(row).line);
        if (rank === 1) {
          this.#owners.push(owner);
          if (categories) this.#categories.push(category);
          this.#starts.push(this.#items.length);
        }
      }
      const length = this.#items.length - (this.#starts.at(-1) ?? 0);
      if (rank !== length + 1 || items![row] === NO_ITEM) this.#fail(batch.placeOf(row).line);
      this.#items.push(items![row]!);
      this.#scores.push(scores![row]!);
    }
  }

  #fail(line: number): never {
    throw new ArtifactError(
      `'${this.file}', line ${line}: expected consecutive ranks from 1 for each list, as embed recall ` +
        "writes them",
    );
  }

  /** Removes and returns all lists except the last, to which rows may be added. @param all includes the last list */
  take(all = false): ListBatch | undefined {
    const number = this.#owners.length - (all ? 0 : 1);
    if (number <= 0) return undefined;
    const ends = [...this.#starts.slice(1), this.#items.length];
    const top = Math.max(...this.#starts.slice(0, number).map((start, list) => ends[list]! - start));
    const items = new Uint32Array(number * top).fill(NO_ITEM);
    const scores = new Float32Array(number * top);
    for (let list = 0; list < number; list++) {
      items.set(this.#items.slice(this.#starts[list], ends[list]), list * top);
      scores.set(this.#scores.slice(this.#starts[list], ends[list]), list * top);
    }
    const keys = encodeKeys(this.#owners.slice(0, number));
    const categories =
      this.#categories.length > 0 ? encodeKeys(this.#categories.slice(0, number)) : undefined;
    const end = ends[number - 1]!;
    this.#owners = this.#owners.slice(number);
    this.#categories = this.#categories.slice(number);
    this.#starts = this.#starts.slice(number).map((start) => start - end);
    this.#items = this.#items.slice(end);
    this.#scores = this.#scores.slice(end);
    return { keys, ...(categories && { categories }), top, items, scores };
  }
}

// A file of lists → a server: what was checked and published is what readers get, and no list is made again.

import { encodeKeys } from "../../log/keys.js";
import { ArtifactError } from "../../errors.js";
import type { ListServer } from "../../export/row-formats.js";
import { sendLists } from "../../export/servers/list-servers.js";
import { type ListBatch } from "../../export/lists.js";
import { NO_ITEM } from "../../kernels/top-items/binding.js";
import type { Sent, ServerTarget } from "../../export/servers/server.js";
import type { Batch } from "../../log/log.js";
import { Handoff } from "../../io/handoff.js";
import { listColumns, openLists, type ListFile } from "./list-files.js";

/**
 * Sends a file of lists; it is read twice, the second time as the server takes it.
 *
 * @throws {ArtifactError} the file is not as embed recall writes it
 * @throws {EmbedError} as sendLists
 */
export async function sendListFile(
  server: ListServer,
  { file, isForItems }: ListFile,
  target: ServerTarget,
): Promise<Sent> {
  const columns = listColumns(isForItems);
  const names = await openLists(file);
  const { dictionaries } = await names.read([{ name: columns.item, as: "key" }], () => undefined);
  return await sendLists(
    server,
    { columns, items: dictionaries[0]!, batches: batchesOf(file, columns) },
    target,
  );
}

/** The lists of a file, about a batch of its rows at a time; items are numbered by their first appearance. */
async function* batchesOf(
  file: string,
  { owner, item }: { owner: string; item: string },
): AsyncGenerator<ListBatch> {
  const log = await openLists(file);
  const handoff = new Handoff<ListBatch>();
  const lists = new GrowingLists(file);
  const requests = [
    { name: owner, as: "key" },
    { name: item, as: "key" },
    { name: "rank", as: "number" },
    { name: "score", as: "number" },
  ] as const;
  const reading = log.read(requests, async (batch, keyOf) => {
    lists.add(batch, (code) => keyOf(0, code));
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

/** Lists that grow by rows, owner by owner. */
class GrowingLists {
  readonly #file: string;
  #owners: string[] = [];
  /** where each owner's rows start */
  #starts: number[] = [];
  #items: number[] = [];
  #scores: number[] = [];

  constructor(file: string) {
    this.#file = file;
  }

  add(batch: Batch, ownerOf: (code: number) => string): void {
    const { numRows, columns } = batch;
    const [owners, items, ranks, scores] = columns;
    let code = -1;
    for (let row = 0; row < numRows; row++) {
      const rank = ranks![row]!;
      if (owners![row] !== code || rank === 1) {
        code = owners![row]!;
        const owner = code === NO_ITEM ? "" : ownerOf(code);
        if (rank === 1 && owner !== this.#owners.at(-1)) {
          this.#owners.push(owner);
          this.#starts.push(this.#items.length);
        } else if (owner !== this.#owners.at(-1)) this.#fail(batch.placeOf(row).line);
      }
      const length = this.#items.length - (this.#starts.at(-1) ?? 0);
      if (rank !== length + 1 || items![row] === NO_ITEM) this.#fail(batch.placeOf(row).line);
      this.#items.push(items![row]!);
      this.#scores.push(scores![row]!);
    }
  }

  #fail(line: number): never {
    throw new ArtifactError(
      `'${this.#file}', line ${line}: expected consecutive ranks from 1 for each owner, as embed recall ` +
        "writes them",
    );
  }

  /** Those that are whole: all but the last, which may go on. @param all the last, too */
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
    const end = ends[number - 1]!;
    this.#owners = this.#owners.slice(number);
    this.#starts = this.#starts.slice(number).map((start) => start - end);
    this.#items = this.#items.slice(end);
    this.#scores = this.#scores.slice(end);
    return { keys, top, items, scores };
  }
}

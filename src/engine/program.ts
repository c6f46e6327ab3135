// Runs a program on a server's executors: one file of JavaScript, which Node executes with SELECT TRANSFORM.
//
//   rows of (shard, number, payload)      number 0: the program   from 1: a run's message   from KEPT: data that was sent once
//        └─► a partition a shard, sorted ──► node ──► rows of the same form ──► an answer a shard
//
// Payloads are base64, because TRANSFORM's cells are text. The program is sent with the rows and not as an artifact, so that
// nothing remains on the executors. Source: Spark's SQL reference, TRANSFORM; without Hive, the tab must be declared as field separator.

import { IoError, UsageError } from "../errors.js";
import { arrow } from "../io/apache-arrow.js";
import { batchesIn, type ExpectedType } from "./batches.js";
import { queryOf, unionOf, type Relation } from "./plans.js";
import { LostOperation, type EngineSession } from "./session.js";
import { checkCanTrain, createView, kept, localRelation } from "./upload.js";

/** Bytes of a payload before base64: a multiple of 3. */
const PIECE = 3 << 17;
/** Most pieces of a view: a task includes its rows, and a message to a server may have 128 MiB. */
const PIECES_OF_VIEW = 16;
/** The number of the first piece of data that is sent once. */
const KEPT = 1 << 20;
/** Bytes that an answer may have beyond the size of its message. */
const BEYOND = 4096;
/** The oldest Node version that can run the program. */
const OLDEST_NODE = 20;
/** Number of candidate keys per partition, among which one is found that is assigned to it. */
const KEYS_OF_PARTITION = 64;

/** The bootstrap: takes the program from the first line and passes the remaining lines to it. */
const START = `const p = globalThis.process, s = p.stdin[Symbol.asyncIterator]();
const write = (t) => new Promise((done) => p.stdout.write(t, done));
async function start() {
  let b = Buffer.alloc(0), end;
  while ((end = b.indexOf(10)) < 0) {
    const { value, done } = await s.next();
    if (done) return;
    b = Buffer.concat([b, value]);
  }
  const [, , program] = b.subarray(0, end).toString("latin1").split("\\t");
  const file = "data:text/javascript;base64," + program;
  const { main } = await import(file);
  await main(b.subarray(end + 1), s, write);
}
await start().catch((error) => { p.stderr.write("embed: " + error.message + "\\n"); p.exit(1); });`;

/** The command of the executors' shell; the bootstrap contains no character that a shell or SQL would interpret. */
export const COMMAND = `node --import data:text/javascript,${START.replaceAll(
  /[^A-Za-z0-9]/g,
  (character) => `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
)} -e 0`;

const DELIMITED = "ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\t'";

/** A row of a message or an answer. */
interface Piece {
  shard: number;
  number: number;
  payload: string;
}

/**
 * Checks whether the server can store rows, run programs, and has Node.
 *
 * @throws {UsageError} it cannot @throws {EmbedError} as Session.run
 */
export async function checkPrograms(session: EngineSession): Promise<void> {
  checkCanTrain(session);
  const query = "SELECT TRANSFORM(1) USING 'node --version' AS (version STRING)";
  const what = "SELECT TRANSFORM ... USING 'node'";
  let version = "";
  for (const bytes of await session.fetch(queryOf(query), what, "running"))
    for (const [cell] of rowsIn(bytes, ["text"], what)) version = String(cell);
  const [, major] = /^v(\d+)\./.exec(version) ?? [];
  if (major === undefined || Number(major) < OLDEST_NODE)
    throw new UsageError(
      `--engine-train needs Node ${OLDEST_NODE} or later on the executors of ${session.shown}, which have ` +
        (major === undefined ? "none that states its version" : version.trim()),
    );
}

/** A program with its data on a server. */
export class ShardProgram {
  readonly shown: string;
  readonly #session: EngineSession;
  /** the cell `shard` of each shard, chosen so that each shard has its own partition */
  readonly #keys: readonly number[];

  private constructor(session: EngineSession, keys: readonly number[]) {
    this.shown = session.shown;
    this.#session = session;
    this.#keys = keys;
  }

  /**
   * Sends the program and its constant data, which the executors store.
   *
   * @param rowsOf returns the data of shard 0, 1, ...; called once each
   * @throws {EmbedError} as Session.execute
   */
  static async start(
    session: EngineSession,
    program: string,
    numShards: number,
    rowsOf: (shard: number) => Uint8Array,
  ): Promise<ShardProgram> {
    const keys = await partitionKeys(session, numShards);
    const code = Buffer.from(program).toString("base64");
    const all = function* (): Generator<Piece> {
      for (const [s, shard] of keys.entries()) {
        yield { shard, number: 0, payload: code };
        yield* piecesOf(shard, rowsOf(s), KEPT);
      }
    };
    const relations: Relation[] = [];
    for (const pieces of viewsOf(all()))
      relations.push(await kept(session, relationOf(pieces), "sending the rows"));
    await createView(session, unionOf(relations), "embed_rows");
    return new ShardProgram(session, keys);
  }

  /**
   * Runs the program on every shard, in parallel if the server has enough cores.
   *
   * @param messages one per shard
   * @returns one answer per shard
   * @throws {IoError} an answer is missing, occurs twice, or is larger than its message @throws {EmbedError} as
   * Session.run
   */
  async run(messages: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const keys = this.#keys;
    const all = function* (): Generator<Piece> {
      for (const [s, bytes] of messages.entries()) yield* piecesOf(keys[s]!, bytes, 1);
    };
    const views: string[] = [];
    for (const pieces of viewsOf(all())) {
      const view = `embed_messages_${views.length}`;
      await createView(this.#session, relationOf(pieces), view);
      views.push(view);
    }
    const answers = new Answers(this.shown, this.#keys, messages);
    const what = "the program on the executors";
    try {
      for await (const bytes of this.#session.run(queryOf(this.#query(views)), what, "running"))
        for (const [shard, number, payload] of rowsIn(bytes, ["any", "any", "text"], what))
          answers.take({ shard, number, payload } as Piece);
    } catch (error) {
      throw error instanceof LostOperation ? this.#session.lost("training") : error;
    }
    return answers.all();
  }

  #query(views: readonly string[]): string {
    const all = ["embed_rows", ...views].map((view) => `SELECT * FROM ${view}`).join(" UNION ALL ");
    const cut = `SELECT /*+ REPARTITION(${this.#keys.length}, shard) */ * FROM (${all})`;
    return (
      `SELECT TRANSFORM(shard, number, payload) ${DELIMITED} USING '${COMMAND}' ` +
      `AS (shard INT, number INT, payload STRING) ${DELIMITED} FROM (SELECT * FROM (${cut}) SORT BY shard, number)`
    );
  }
}

/** Collects answers from their pieces, in any order. */
export class Answers {
  readonly #shown: string;
  readonly #shardOf: ReadonlyMap<number, number>;
  readonly #pieces: Map<number, Uint8Array>[];
  readonly #most: number[];

  /** @param keys keys of the shards @param messages the message of each */
  constructor(shown: string, keys: readonly number[], messages: readonly Uint8Array[]) {
    this.#shown = shown;
    this.#shardOf = new Map(keys.map((key, s) => [key, s]));
    this.#pieces = messages.map(() => new Map());
    this.#most = messages.map(({ length }) => length + BEYOND);
  }

  /** @throws {IoError} it is not a piece, occurs twice, or there are too many */
  take({ shard, number, payload }: Piece): void {
    const s = this.#shardOf.get(shard);
    if (s === undefined) throw this.#damaged(`shard ${shard} is unknown`);
    const pieces = this.#pieces[s]!;
    if (!Number.isInteger(number) || number < 0 || pieces.has(number))
      throw this.#damaged(`piece ${number} of shard ${s + 1} came twice or is none`);
    if (typeof payload !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(payload) || payload.length % 4 > 0)
      throw this.#damaged(`piece ${number} of shard ${s + 1} is not base64`);
    const bytes = Buffer.from(payload, "base64");
    this.#most[s]! -= bytes.length;
    if (this.#most[s]! < 0) throw this.#damaged(`the answer of shard ${s + 1} is larger than its message`);
    pieces.set(number, bytes);
  }

  /** @throws {IoError} a piece is missing */
  all(): Uint8Array[] {
    return this.#pieces.map((pieces, s) => {
      const inOrder = Array.from({ length: pieces.size }, (_, i) => {
        const piece = pieces.get(i);
        if (!piece) throw this.#damaged(`piece ${i} of shard ${s + 1} is missing`);
        return piece;
      });
      if (inOrder.length === 0) throw this.#damaged(`nothing came of shard ${s + 1}`);
      return Buffer.concat(inOrder);
    });
  }

  #damaged(what: string): IoError {
    return new IoError(`--engine-train: what ${this.#shown} returned is damaged: ${what}`);
  }
}

/** Finds one key per partition, as many as shards, by the hash that Spark partitions by. */
async function partitionKeys(session: EngineSession, numShards: number): Promise<number[]> {
  const query =
    `SELECT CAST(id AS INT) AS key, pmod(hash(CAST(id AS INT)), ${numShards}) AS place ` +
    `FROM range(${KEYS_OF_PARTITION * numShards})`;
  const keys = new Map<number, number>();
  const what = "hashes of numbers";
  for (const bytes of await session.fetch(queryOf(query), what))
    for (const [key, place] of rowsIn(bytes, ["any", "any"], what) as Iterable<[number, number]>)
      keys.set(place, Math.min(key, keys.get(place) ?? key));
  const found = Array.from({ length: numShards }, (_, place) => keys.get(place) ?? NaN);
  // otherwise some shards would wait for others
  const isWhole = found.every(Number.isInteger) && new Set(found).size === numShards;
  return isWhole ? found : Array.from({ length: numShards }, (_, s) => s);
}

/** Yields the cells of each row. @throws as batchesIn */
function* rowsIn(bytes: Uint8Array, columns: readonly ExpectedType[], what: string): Generator<unknown[]> {
  for (const { length, children } of batchesIn(bytes, columns, what)) {
    const vectors = children.map((column) => new arrow.Vector([column]));
    for (let row = 0; row < length; row++) yield vectors.map((vector) => vector.get(row) as unknown);
  }
}

function* piecesOf(shard: number, bytes: Uint8Array, first: number): Generator<Piece> {
  for (let at = 0, number = first; at < bytes.length; at += PIECE, number++)
    yield { shard, number, payload: Buffer.from(bytes.subarray(at, at + PIECE)).toString("base64") };
}

function* viewsOf(pieces: Iterable<Piece>): Generator<Piece[]> {
  let some: Piece[] = [];
  for (const piece of pieces) {
    if (some.push(piece) < PIECES_OF_VIEW) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

function relationOf(pieces: readonly Piece[]): Relation {
  const numbersOf = (name: "shard" | "number") =>
    arrow.vectorFromArray(Int32Array.from(pieces, (piece) => piece[name]));
  const payload = arrow.vectorFromArray(
    pieces.map((piece) => piece.payload),
    new arrow.Utf8(),
  );
  return localRelation(new arrow.Table({ shard: numbersOf("shard"), number: numbersOf("number"), payload }));
}

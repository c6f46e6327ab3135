// A session on a Spark Connect server: sends plans and receives Arrow batches. An interrupted stream is resumed.
//
// Source: spark/connect/base.proto; the method of reattaching is that of PySpark's client (reattach.py).

import { randomUUID } from "node:crypto";
import { setTimeout as after } from "node:timers/promises";
import { open } from "node:fs/promises";
import { IoError } from "../../base/errors.js";
import { environmentVariable } from "../../base/io/environment.js";
import { version } from "../../base/io/package-version.js";
import { checkToken, parseAddress, TOKEN_VARIABLE, type Address } from "./address.js";
import { openChannel, SilentStream, type Channel } from "./channel.js";
import {
  DEADLINE,
  doingText,
  isCallError,
  isLost,
  isTransient,
  typedFailure,
  type Doing,
} from "./failures.js";
import {
  addArtifactsRequest,
  addArtifactsResponse,
  analyzePlanRequest,
  analyzePlanResponse,
  configRequest,
  configResponse,
  executePlanRequest,
  INTERRUPT_ALL,
  interruptRequest,
  interruptResponse,
  reattachExecuteRequest,
  releaseExecuteRequest,
  releaseExecuteResponse,
  releaseSessionRequest,
  releaseSessionResponse,
} from "./messages.js";
import type { SparkCommand, Relation } from "./plans.js";
import type { Message, MessageShape } from "./wire.js";

const CONNECT = 15_000;
const SHORT_CALL = 60_000;
/** Time limit of the calls that close a session, in milliseconds. */
const FAREWELL = 3_000;
/** Time without a response after which a stream is reopened, in milliseconds; Spark 4.x reports progress every 2 s. */
const SILENCE = 10_000;
/** Number of responses after which the server may release the previous ones. */
const RELEASE_EVERY = 16;
/** Maximum number of times that a job is restarted after the server lost it. */
const MOST_RESTARTS = 5;
const CLIENT = `embed/${version}`;
/** Delays between attempts in milliseconds; the last delay is repeated. */
const WAITS = [100, 400, 1_000, 2_000, 4_000];

/**
 * Opens a session.
 *
 * @throws {UsageError} the address, the gRPC package, the token or the server's certificate is missing or invalid
 * @throws {IoError} the server cannot be reached
 */
export async function openSession(options: SessionOptions): Promise<EngineSession> {
  const address = parseAddress(options.address);
  const token = environmentVariable(TOKEN_VARIABLE);
  checkToken(address, token);
  options.signal.throwIfAborted();
  const session = new EngineSession(await openChannel(address, token), address, token, options);
  try {
    await session.begin();
  } catch (error) {
    await session.close();
    throw error;
  }
  return session;
}

/** A session on a server; it runs one operation at a time. */
export class EngineSession {
  /** name of the server in messages and manifests */
  readonly shown: string;
  version = "";
  readonly #channel: Channel;
  readonly #secrets: string[];
  readonly #options: SessionOptions;
  readonly #userId: string;
  #id = randomUUID() as string;
  #settings: Readonly<Record<string, string>>;
  /** field by which the server rejects a call if another session, without our settings, replaced this one */
  #sameSession: Message = {};
  #isOpen = false;
  #isRunning = false;

  constructor(channel: Channel, address: Address, token: string | undefined, options: SessionOptions) {
    this.#channel = channel;
    this.shown = address.shown;
    this.#options = options;
    this.#settings = options.settings;
    this.#userId = address.userId ?? "embed";
    this.#secrets = token === undefined ? [] : [token];
  }

  async begin(): Promise<void> {
    const call = { ...this.#who(), clientType: CLIENT, sparkVersion: {} };
    const ask = (milliseconds: number) =>
      this.#channel.unary("AnalyzePlan", [analyzePlanRequest, analyzePlanResponse], call, milliseconds);
    const answer = (await ask(CONNECT)
      .catch((error: unknown) => {
        // a connected server may have just started and need more time; without a connection, waiting is useless
        if (isCallError(error) && error.code === DEADLINE && this.#channel.isConnected)
          return ask(SHORT_CALL);
        throw error;
      })
      .catch((error: unknown) => {
        throw this.#failure(error, { verb: "reading", what: this.shown });
      })) as { sparkVersion?: { version?: string }; serverSideSessionId?: string };
    this.#sameSession = { clientObservedServerSideSessionId: answer.serverSideSessionId };
    this.version = answer.sparkVersion?.version ?? "";
    this.#isOpen = true;
    await this.set(this.#settings);
  }

  /** Returns a relation's columns; an unsupported type is an empty message. @throws {EmbedError} as typedFailure */
  async columnsOf(relation: Relation, what: string): Promise<{ name: string; type: SparkType }[]> {
    const shapes = [analyzePlanRequest, analyzePlanResponse] as const;
    const schema = { clientType: CLIENT, schema: { plan: { root: relation } } };
    const answer = (await this.#restarting(what, () =>
      this.#call(what, "AnalyzePlan", shapes, { ...this.#sameSession, ...schema }),
    )) as { schema?: { schema?: { struct?: { fields?: { name?: string; dataType?: Message }[] } } } };
    const fields = answer.schema?.schema?.struct?.fields ?? [];
    return fields.map(({ name = "", dataType = {} }) => ({ name, type: dataType }));
  }

  /** Returns all batches of a plan with few rows; the plan is repeated if the server lost it. @throws as run */
  async fetch(relation: Relation, what: string, verb = "reading"): Promise<Uint8Array[]> {
    return await this.#restarting(what, async () => {
      const batches: Uint8Array[] = [];
      for await (const batch of this.run(relation, what, verb)) batches.push(batch);
      return batches;
    });
  }

  async #restarting<T>(what: string, work: () => Promise<T>): Promise<T> {
    for (let restarts = 0; ; restarts++) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof LostOperation)) throw error;
        await this.restart(what, restarts);
      }
    }
  }

  /**
   * Runs a plan. An interrupted connection is resumed without repeating batches.
   *
   * @param what name of the input in messages
   * @param verb verb of the action in messages; unless it is `reading`, errors are converted like those of a command
   * @returns Arrow streams, one per batch
   * @throws {LostOperation} the server lost it
   * @throws {EmbedError} as typedFailure; {IoError} it was unreachable or silent for longer than the timeout
   */
  async *run(
    relation: Relation,
    what: string,
    verb = "reading",
  ): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const { arrowBatch } of this.#responses({ root: relation }, { verb, what }))
      if (arrowBatch?.data) yield arrowBatch.data;
  }

  /**
   * Executes a command. Its result belongs to the session, so it is lost if the server loses the session.
   *
   * @param what name of the action in messages: `training`
   * @throws {IoError} the server lost it
   * @throws {EmbedError} as run
   */
  async execute(command: SparkCommand, what: string): Promise<CommandResult> {
    const result: CommandResult = {};
    try {
      for await (const response of this.#responses({ command }, { verb: "", what })) {
        const { checkpointCommandResult: checkpoint, mlCommandResult: model, observedMetrics } = response;
        if (checkpoint) result.checkpointCommandResult = checkpoint;
        if (model) result.mlCommandResult = model;
        if (observedMetrics) result.observedMetrics = observedMetrics;
      }
    } catch (error) {
      throw error instanceof LostOperation ? this.lost(what) : error;
    }
    return result;
  }

  /**
   * Sends files to the server; this session's jobs find them by name in or below their working directory.
   * @throws {IoError} a file arrived damaged, or was changed while it was sent @throws {EmbedError} as execute
   */
  async addFiles(files: readonly ArtifactFile[], what: string): Promise<void> {
    const shapes = [addArtifactsRequest, addArtifactsResponse] as const;
    const messages = artifactMessages(files, { ...this.#who(), ...this.#sameSession, clientType: CLIENT });
    const { signal } = this.#options;
    const answer = (await this.#channel
      .upload("AddArtifacts", shapes, messages, signal)
      .catch((error: unknown) => {
        signal.throwIfAborted();
        if (isCallError(error) && isLost(error)) throw this.lost(what);
        throw this.#failure(error, { verb: "sending", what });
      })) as { artifacts?: { isCrcSuccessful?: boolean }[] };
    const { artifacts = [] } = answer;
    if (artifacts.length !== files.length || !artifacts.every((one) => one.isCrcSuccessful === true))
      throw new IoError(`--engine: ${this.shown} received damaged files: run the command again`);
  }

  /** Returns the error for lost results on the server. @param what name of the action that produced the results */
  lost(what: string): IoError {
    return new IoError(
      `--engine: ${this.shown} lost what ${what} needs, as a restarted server does: run the command again`,
    );
  }

  /** Yields the responses to a plan until it is complete. @throws as run */
  async *#responses(plan: Message, doing: Doing): AsyncGenerator<PlanResponse, void, undefined> {
    const operationId = randomUUID();
    const own = { operationId, clientType: CLIENT };
    const start: Message = {
      ...this.#who(),
      ...this.#sameSession,
      ...own,
      plan,
      requestOptions: [{ reattachOptions: { reattachable: true } }],
    };
    const { signal, timeout } = this.#options;
    const listening = { signal, silence: Math.min(SILENCE, timeout) };
    let lastResponseId: string | undefined;
    let [isStarted, isComplete, numResponses, attempt] = [false, false, 0, 0];
    let heard = performance.now();
    this.#isRunning = true;
    try {
      while (!isComplete) {
        const again = { ...this.#who(), ...this.#sameSession, ...own, lastResponseId };
        const before = numResponses;
        const stream = isStarted
          ? this.#channel.stream("ReattachExecute", reattachExecuteRequest, again, listening)
          : this.#channel.stream("ExecutePlan", executePlanRequest, start, listening);
        try {
          for await (const response of stream) {
            isStarted = true;
            heard = performance.now();
            attempt = 0;
            const { responseId, resultComplete } = response as PlanResponse;
            if (responseId !== undefined) lastResponseId = responseId;
            if (resultComplete) isComplete = true;
            yield response as PlanResponse;
            // the time in which the consumer processes responses does not count as silence of the server
            heard = performance.now();
            if (++numResponses % RELEASE_EVERY === 0 && lastResponseId !== undefined)
              void this.#release({ ...own, releaseUntil: { responseId: lastResponseId } });
          }
        } catch (error) {
          if (this.#options.signal.aborted) throw this.#options.signal.reason;
          if (error instanceof SilentStream) isStarted = true;
          else if (!isCallError(error)) throw error;
          else if (isLost(error)) {
            // the server has never received the request, so the request may be sent again
            if (lastResponseId === undefined && /OPERATION_NOT_FOUND/.test(error.details)) isStarted = false;
            else throw new LostOperation(error.details);
          } else if (!isTransient(error)) throw this.#failure(error, doing);
          else isStarted = true;
          if (performance.now() - heard > this.#options.timeout)
            throw isCallError(error) ? this.#failure(error, doing) : this.#silent(doing);
          await this.#wait(attempt++);
          continue;
        }
        // servers end streams after some time, even if the operation is not complete
        if (isComplete || numResponses > before) continue;
        if (performance.now() - heard > this.#options.timeout) throw this.#silent(doing);
        await this.#wait(attempt++);
      }
    } finally {
      this.#isRunning = false;
      if (isComplete) void this.#release({ ...own, releaseAll: {} });
      else await this.#interrupt();
    }
  }

  /**
   * Continues in a new session on a server that lost this one.
   *
   * @param restarts number of previous restarts
   * @throws {IoError} too many, or the server stays unreachable
   */
  async restart(what: string, restarts: number): Promise<void> {
    if (restarts === MOST_RESTARTS)
      throw new IoError(
        `--engine: ${this.shown} lost ${what} ${restarts} times: check why the server restarts`,
      );
    this.#id = randomUUID();
    const from = performance.now();
    for (let attempt = 0; ; attempt++) {
      try {
        await this.begin();
        return;
      } catch (error) {
        if (!(error instanceof IoError) || performance.now() - from > this.#options.timeout) throw error;
        await this.#wait(attempt);
      }
    }
  }

  /** Changes settings of this session, and of the sessions that replace it after a restart. @throws as typedFailure */
  async set(settings: Readonly<Record<string, string>>): Promise<void> {
    this.#settings = { ...this.#settings, ...settings };
    const pairs = Object.entries(settings).map(([key, value]) => ({ key, value }));
    await this.#call(this.shown, "Config", [configRequest, configResponse], {
      clientType: CLIENT,
      operation: { set: { pairs } },
    });
  }

  /** Ends the current operation and the session. Never throws. */
  async close(): Promise<void> {
    if (this.#isRunning) await this.#interrupt();
    if (this.#isOpen) {
      this.#isOpen = false;
      const shapes = [releaseSessionRequest, releaseSessionResponse] as const;
      await this.#tell("ReleaseSession", shapes, { clientType: CLIENT }, FAREWELL);
    }
    this.#channel.close();
  }

  async #interrupt(): Promise<void> {
    if (!this.#isOpen) return;
    const call = { clientType: CLIENT, interruptType: INTERRUPT_ALL };
    await this.#tell("Interrupt", [interruptRequest, interruptResponse], call, FAREWELL);
  }

  async #release(what: Message): Promise<void> {
    await this.#tell("ReleaseExecute", [releaseExecuteRequest, releaseExecuteResponse], what, SHORT_CALL);
  }

  /** Makes a call and ignores its response or failure; a failure does no harm to the server. */
  async #tell(...[method, shapes, message, milliseconds]: Parameters<Channel["unary"]>): Promise<void> {
    const call = { ...this.#who(), ...message };
    await this.#channel.unary(method, shapes, call, milliseconds).catch(() => undefined);
  }

  #who(): Message {
    return { sessionId: this.#id, userContext: { userId: this.#userId } };
  }

  /** Makes a short call, and repeats it while the server is unreachable. */
  async #call(
    what: string,
    method: string,
    shapes: readonly [MessageShape, MessageShape],
    message: Message,
  ): Promise<Message> {
    const from = performance.now();
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#channel.unary(method, shapes, { ...this.#who(), ...message }, SHORT_CALL);
      } catch (error) {
        const isOver = performance.now() - from > this.#options.timeout;
        if (isCallError(error) && isLost(error)) throw new LostOperation(error.details);
        if (!isCallError(error) || !isTransient(error) || isOver)
          throw this.#failure(error, { verb: "reading", what });
        await this.#wait(attempt);
      }
    }
  }

  #failure(error: unknown, doing: Doing): unknown {
    return typedFailure(error, this.shown, doing, this.#secrets);
  }

  #silent(doing: Doing): IoError {
    const seconds = Math.round(this.#options.timeout / 1000);
    return new IoError(
      `--engine: ${this.shown} was silent for ${seconds} s while ${doingText(doing)}: check the server, or wait longer ` +
        "with --engine-timeout",
    );
  }

  async #wait(attempt: number): Promise<void> {
    const { signal } = this.#options;
    await after(WAITS[Math.min(attempt, WAITS.length - 1)], undefined, { signal }).catch(() => {
      throw signal.reason;
    });
  }
}

/** The type of a column, as Spark Connect represents it: `{ decimal: { scale: 2 } }`. */
export type SparkType = Message;

interface CommandResult {
  /** set for a checkpoint: the relation that the server stores */
  checkpointCommandResult?: { relation?: { relationId?: string } };
  /** set for a training: the id of the model on the server, and a warning */
  mlCommandResult?: { operatorInfo?: { objRef?: { id?: string }; warningMessage?: string } };
  /** metrics that Spark's `observe` computed over the rows of a plan, and the name of the observation */
  observedMetrics?: { name?: string; values?: { string?: string; long?: number }[] }[];
}

interface PlanResponse extends CommandResult {
  responseId?: string;
  arrowBatch?: { data?: Uint8Array };
  resultComplete?: object;
}

/** Thrown if the server no longer has the operation, because it was restarted or released the operation. */
export class LostOperation extends Error {}

interface SessionOptions {
  address: string;
  /** maximum number of milliseconds that the server may be unreachable or silent */
  timeout: number;
  signal: AbortSignal;
  settings: Readonly<Record<string, string>>;
}

/** A file, given as bytes in memory or as the path and the size of a local file. */
export interface ArtifactFile {
  /** file name, without folders */
  name: string;
  content: Uint8Array | { path: string; size: number };
}

const CHUNK = 1 << 20;

/** @param call fields that are added to each message @throws {IoError} a local file became shorter */
async function* artifactMessages(files: readonly ArtifactFile[], call: Message): AsyncGenerator<Message> {
  for (const { name, content } of files) {
    const totalBytes = content instanceof Uint8Array ? content.length : content.size;
    const path = `files/${name}`;
    const numChunks = Math.ceil(totalBytes / CHUNK);
    let isFirst = true;
    for await (const bytes of chunksOf(content)) {
      const data = { data: bytes, crc: crc32(bytes) };
      // the server accepts a file of one chunk only in the message `batch`
      if (numChunks <= 1) yield { ...call, batch: { artifacts: [{ name: path, data }] } };
      else if (isFirst)
        yield { ...call, beginChunk: { name: path, totalBytes, numChunks, initialChunk: data } };
      else yield { ...call, chunk: data };
      isFirst = false;
    }
  }
}

async function* chunksOf(content: ArtifactFile["content"]): AsyncGenerator<Uint8Array> {
  if (content instanceof Uint8Array) {
    // an empty file is sent as one empty chunk
    for (let at = 0; at === 0 || at < content.length; at += CHUNK) yield content.subarray(at, at + CHUNK);
    return;
  }
  const { path, size } = content;
  const file = await open(path);
  try {
    for (let at = 0; at === 0 || at < size; at += CHUNK) {
      const wanted = Math.min(CHUNK, size - at);
      const { bytesRead, buffer } = await file.read(Buffer.alloc(wanted), 0, wanted, at);
      if (bytesRead < wanted) throw new IoError(`'${path}' became shorter while it was sent`);
      yield buffer;
    }
  } finally {
    await file.close();
  }
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** Computes the CRC-32 of ISO 3309, which gzip uses; zlib.crc32 requires Node 22. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
}

// A session on a Spark Connect server: plans go there, Arrow batches come back. A stream that is cut is taken up again where it was.
//
// Source: spark/connect/base.proto; the way of reattaching is that of PySpark's client (reattach.py).

import { randomUUID } from "node:crypto";
import { setTimeout as after } from "node:timers/promises";
import type * as Grpc from "@grpc/grpc-js";
import { IoError, UsageError } from "../errors.js";
import { environmentVariable } from "../io/environment.js";
import { version } from "../io/package-version.js";
import { checkToken, parseAddress, TOKEN_VARIABLE, type Address } from "./address.js";
import { DEADLINE, doingText, isCallError, isLost, isTransient, typedFailure } from "./failures.js";
import {
  analyzePlanRequest,
  analyzePlanResponse,
  configRequest,
  configResponse,
  executePlanRequest,
  executePlanResponse,
  INTERRUPT_ALL,
  interruptRequest,
  interruptResponse,
  reattachExecuteRequest,
  releaseExecuteRequest,
  releaseExecuteResponse,
  releaseSessionRequest,
  releaseSessionResponse,
} from "./messages.js";
import type { Command, Relation } from "./plans.js";
import { decode, encode, type Message, type Shape } from "./wire.js";

const PACKAGE = "@grpc/grpc-js@^1";
/** How long the first call may take, in milliseconds. */
const CONNECT = 15_000;
/** A channel's state once it is connected, as gRPC numbers it. */
const READY = 2;
/** How long a short call may take. */
const SHORT_CALL = 60_000;
/** How long a farewell may take. */
const FAREWELL = 3_000;
/** A stream that is silent for so long is opened anew; 4.x reports its progress every 2 s. */
const SILENCE = 10_000;
/** Bytes that a server may send before they are taken. */
const WINDOW = 16 << 20;
/** Responses after which the server may forget those before. */
const RELEASE_EVERY = 16;
/** How often a job is asked for anew from a server that lost it. */
const MOST_RESTARTS = 5;
/** Waits between attempts, in milliseconds: the last is repeated. */
const WAITS = [100, 400, 1_000, 2_000, 4_000];

/** What a column of a relation holds, as the server names types: `{ decimal: { scale: 2 } }`. */
export type ColumnType = Message;

export interface RelationColumn {
  name: string;
  type: ColumnType;
}

/** What a command gives back: a relation that the server keeps, or a model. */
export interface CommandResult {
  /** of a checkpoint */
  checkpointCommandResult?: { relation?: { relationId?: string } };
  /** of a training */
  mlCommandResult?: { operatorInfo?: { objRef?: { id?: string }; warningMessage?: string } };
}

/** One response of a running plan. */
interface Response extends CommandResult {
  responseId?: string;
  arrowBatch?: { data?: Uint8Array };
  resultComplete?: object;
}

/** What a plan does, for messages: `reading 'a.csv'`. */
interface Doing {
  verb: string;
  what: string;
}

/** The operation is gone, since the server was restarted or forgot it: what was not read must be asked for anew. */
export class LostOperation extends Error {}

/** How a session is opened. */
export interface SessionOptions {
  address: string;
  /** how long the server may be out of reach or silent, in milliseconds */
  timeout: number;
  signal: AbortSignal;
  /** Spark's settings of the session */
  settings: Readonly<Record<string, string>>;
}

/** Loads the client of gRPC. @throws {UsageError} it is not installed */
async function grpcPackage(): Promise<typeof Grpc> {
  try {
    return await import("@grpc/grpc-js");
  } catch (error) {
    throw new UsageError(
      `--engine needs the package @grpc/grpc-js, which is not installed: run npm install ${PACKAGE} where ` +
        "embed-tables is installed",
      { cause: error },
    );
  }
}

/**
 * Opens a session.
 *
 * @throws {UsageError} the address is none, the package is missing, or the server rejects the token or its certificate is not trusted
 * @throws {IoError} the server cannot be reached
 */
export async function openSession(options: SessionOptions): Promise<Session> {
  const address = parseAddress(options.address);
  const token = environmentVariable(TOKEN_VARIABLE);
  checkToken(address, token);
  options.signal.throwIfAborted();
  const session = new Session(await grpcPackage(), address, token, options);
  try {
    await session.begin();
  } catch (error) {
    await session.close();
    throw error;
  }
  return session;
}

/** A session; it runs one operation at a time. */
export class Session {
  /** as messages and manifests call the server */
  readonly shown: string;
  /** Spark's version */
  version = "";
  readonly #client: Grpc.Client;
  readonly #metadata: Grpc.Metadata;
  readonly #secrets: string[];
  readonly #options: SessionOptions;
  readonly #userId: string;
  #id = randomUUID() as string;
  #settings: Readonly<Record<string, string>>;
  /** with it the server refuses to go on in a session that it made anew, which lacks our settings */
  #sameSession: Message = {};
  #isOpen = false;
  #isRunning = false;

  constructor(grpc: typeof Grpc, address: Address, token: string | undefined, options: SessionOptions) {
    this.shown = address.shown;
    this.#options = options;
    this.#settings = options.settings;
    this.#userId = address.userId ?? "embed";
    this.#secrets = token === undefined ? [] : [token];
    const credentials = address.useTls ? grpc.credentials.createSsl() : grpc.credentials.createInsecure();
    this.#client = new grpc.Client(address.target, credentials, {
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
      // the default of 64 KiB would wait for the network after each
      "grpc-node.flow_control_window": WINDOW,
      // a proxy of the environment is for the web
      "grpc.enable_http_proxy": 0,
      "grpc.initial_reconnect_backoff_ms": 200,
      "grpc.max_reconnect_backoff_ms": 4_000,
    });
    this.#metadata = new grpc.Metadata();
    try {
      for (const [name, value] of Object.entries(address.headers)) this.#metadata.set(name, value);
      if (token !== undefined) this.#metadata.set("authorization", `Bearer ${token}`);
    } catch {
      // its message would repeat the value
      throw new UsageError(
        `--engine: ${TOKEN_VARIABLE} or a header of the address has characters that a header must not have`,
      );
    }
  }

  /** Finds out who answers, and makes settings. */
  async begin(): Promise<void> {
    const call = { ...this.#who(), clientType: this.#clientType, sparkVersion: {} };
    const ask = (milliseconds: number) =>
      this.#unary("AnalyzePlan", [analyzePlanRequest, analyzePlanResponse], call, milliseconds);
    const answer = (await this.#typed(this.shown, () =>
      ask(CONNECT).catch((error: unknown) => {
        // a server that has just started takes its time, and one that is not there has none
        const state: number = this.#client.getChannel().getConnectivityState(false);
        const isThere = state === READY;
        if (isCallError(error) && error.code === DEADLINE && isThere) return ask(SHORT_CALL);
        throw error;
      }),
    )) as { sparkVersion?: { version?: string }; serverSideSessionId?: string };
    this.#sameSession = { clientObservedServerSideSessionId: answer.serverSideSessionId };
    this.version = answer.sparkVersion?.version ?? "";
    this.#isOpen = true;
    await this.set(this.#settings);
  }

  /** The columns of a relation; a type that no cell has is an empty message. @throws {EmbedError} as typedFailure */
  async columnsOf(relation: Relation, what: string): Promise<RelationColumn[]> {
    const shapes = [analyzePlanRequest, analyzePlanResponse] as const;
    const schema = { clientType: this.#clientType, schema: { plan: { root: relation } } };
    const answer = (await this.#restarting(what, () =>
      this.#call(what, "AnalyzePlan", shapes, { ...this.#sameSession, ...schema }),
    )) as { schema?: { schema?: { struct?: { fields?: { name?: string; dataType?: Message }[] } } } };
    const fields = answer.schema?.schema?.struct?.fields ?? [];
    return fields.map(({ name = "", dataType = {} }) => ({ name, type: dataType }));
  }

  /** All batches of a plan whose rows are few; it is run again on a server that forgot it. @throws as run */
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
   * Runs a plan. A connection that is cut is taken up again, without a batch twice.
   *
   * @param what is read, for messages
   * @param verb what is done with it; what fails is a log's reading, or with another verb a command
   * @returns Arrow streams, one a batch
   * @throws {LostOperation} the server forgot it
   * @throws {EmbedError} as typedFailure; {IoError} it was out of reach or silent for longer than the timeout
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
   * Carries out a command. What it made is the session's, so that a server that forgot the session has lost it.
   *
   * @param what is done, for messages: `training`
   * @throws {IoError} the server forgot it
   * @throws {EmbedError} as run
   */
  async execute(command: Command, what: string): Promise<CommandResult> {
    const result: CommandResult = {};
    try {
      for await (const response of this.#responses({ command }, { verb: "", what })) {
        const { checkpointCommandResult: checkpoint, mlCommandResult: model } = response;
        if (checkpoint) result.checkpointCommandResult = checkpoint;
        if (model) result.mlCommandResult = model;
      }
    } catch (error) {
      throw error instanceof LostOperation ? this.lost(what) : error;
    }
    return result;
  }

  /** What the session made on the server is gone. @param what was done */
  lost(what: string): IoError {
    return new IoError(
      `--engine: ${this.shown} lost what ${what} needs, as a restarted server does: run the command again`,
    );
  }

  /** What a plan answers, until it is complete. @throws as run */
  async *#responses(plan: Message, doing: Doing): AsyncGenerator<Response, void, undefined> {
    const operationId = randomUUID();
    const own = { operationId, clientType: this.#clientType };
    const start: Message = {
      ...this.#who(),
      ...this.#sameSession,
      ...own,
      plan,
      requestOptions: [{ reattachOptions: { reattachable: true } }],
    };
    let lastResponseId: string | undefined;
    let [isStarted, isComplete, numResponses, attempt] = [false, false, 0, 0];
    let heard = performance.now();
    this.#isRunning = true;
    try {
      while (!isComplete) {
        const again = { ...this.#who(), ...this.#sameSession, ...own, lastResponseId };
        const before = numResponses;
        const stream = isStarted
          ? this.#stream("ReattachExecute", reattachExecuteRequest, again)
          : this.#stream("ExecutePlan", executePlanRequest, start);
        try {
          for await (const response of stream) {
            isStarted = true;
            heard = performance.now();
            attempt = 0;
            const { responseId, resultComplete } = response as Response;
            if (responseId !== undefined) lastResponseId = responseId;
            if (resultComplete) isComplete = true;
            yield response as Response;
            // time that the receiver took is not the server's
            heard = performance.now();
            if (++numResponses % RELEASE_EVERY === 0 && lastResponseId !== undefined)
              void this.#release({ ...own, releaseUntil: { responseId: lastResponseId } });
          }
        } catch (error) {
          if (this.#options.signal.aborted) throw this.#options.signal.reason;
          if (error instanceof SilentStream) isStarted = true;
          else if (!isCallError(error)) throw error;
          else if (isLost(error)) {
            // a request that was never received may be sent again
            if (lastResponseId === undefined && /OPERATION_NOT_FOUND/.test(error.details)) isStarted = false;
            else throw new LostOperation(error.details);
          } else if (!isTransient(error)) throw this.#failure(error, doing);
          else isStarted = true;
          if (performance.now() - heard > this.#options.timeout)
            throw isCallError(error) ? this.#failure(error, doing) : this.#silent(doing);
          await this.#wait(attempt++);
          continue;
        }
        // servers end streams after a while, whole or not
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
   * Starts anew on a server that forgot the session.
   *
   * @param restarts how often that was done for this
   * @throws {IoError} too often, or the server stays out of reach
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

  /** Changes settings of the session, and of those that take its place after a restart. @throws as typedFailure */
  async set(settings: Readonly<Record<string, string>>): Promise<void> {
    this.#settings = { ...this.#settings, ...settings };
    const pairs = Object.entries(settings).map(([key, value]) => ({ key, value }));
    await this.#call(this.shown, "Config", [configRequest, configResponse], {
      clientType: this.#clientType,
      operation: { set: { pairs } },
    });
  }

  /** Ends what runs, and the session. Never throws. */
  async close(): Promise<void> {
    if (this.#isRunning) await this.#interrupt();
    if (this.#isOpen) {
      this.#isOpen = false;
      const call = { ...this.#who(), clientType: this.#clientType };
      const shapes = [releaseSessionRequest, releaseSessionResponse] as const;
      await this.#unary("ReleaseSession", shapes, call, FAREWELL).catch(() => undefined);
    }
    this.#client.close();
  }

  async #interrupt(): Promise<void> {
    if (!this.#isOpen) return;
    const call = { ...this.#who(), clientType: this.#clientType, interruptType: INTERRUPT_ALL };
    await this.#unary("Interrupt", [interruptRequest, interruptResponse], call, FAREWELL).catch(
      () => undefined,
    );
  }

  async #release(what: Message): Promise<void> {
    const shapes = [releaseExecuteRequest, releaseExecuteResponse] as const;
    await this.#unary("ReleaseExecute", shapes, { ...this.#who(), ...what }, SHORT_CALL).catch(
      () => undefined,
    );
  }

  get #clientType(): string {
    return `embed/${version}`;
  }

  #who(): { sessionId: string; userContext: { userId: string } } {
    return { sessionId: this.#id, userContext: { userId: this.#userId } };
  }

  /** A short call, tried again while the server is out of reach. */
  async #call(
    what: string,
    method: string,
    shapes: readonly [Shape, Shape],
    message: Message,
  ): Promise<Message> {
    const from = performance.now();
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#unary(method, shapes, { ...this.#who(), ...message }, SHORT_CALL);
      } catch (error) {
        const isOver = performance.now() - from > this.#options.timeout;
        if (isCallError(error) && isLost(error)) throw new LostOperation(error.details);
        if (!isCallError(error) || !isTransient(error) || isOver)
          throw this.#failure(error, { verb: "reading", what });
        await this.#wait(attempt);
      }
    }
  }

  async #typed<T>(what: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw this.#failure(error, { verb: "reading", what });
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
    await after(WAITS[Math.min(attempt, WAITS.length - 1)], undefined, {
      signal: this.#options.signal,
    }).catch(() => {
      throw this.#options.signal.reason;
    });
  }

  #unary(
    method: string,
    [request, response]: readonly [Shape, Shape],
    message: Message,
    milliseconds: number,
  ): Promise<Message> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        `/spark.connect.SparkConnectService/${method}`,
        (value: Message) => encode(request, value),
        (bytes: Buffer) => decode(response, bytes),
        message,
        this.#metadata,
        { deadline: Date.now() + milliseconds },
        (error, value) => (error ? reject(error) : resolve(value ?? {})),
      );
    });
  }

  /** The responses of a call that has many. @throws what the call ends with; {SilentStream} none came for a while */
  async *#stream(method: string, request: Shape, message: Message): AsyncGenerator<Message, void, undefined> {
    const { signal, timeout } = this.#options;
    signal.throwIfAborted();
    const call = this.#client.makeServerStreamRequest(
      `/spark.connect.SparkConnectService/${method}`,
      (value: Message) => encode(request, value),
      (bytes: Buffer) => decode(executePlanResponse, bytes),
      message,
      this.#metadata,
    );
    let timer: NodeJS.Timeout | undefined;
    let isSilent = false;
    const listen = (): void => {
      clearTimeout(timer);
      timer = setTimeout(
        () => {
          isSilent = true;
          call.cancel();
        },
        Math.min(SILENCE, timeout),
      );
    };
    const onAbort = (): void => call.cancel();
    signal.addEventListener("abort", onAbort);
    listen();
    try {
      for await (const response of call) {
        // the receiver's time does not count
        clearTimeout(timer);
        yield response as Message;
        listen();
      }
    } catch (error) {
      if (isSilent) throw new SilentStream();
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      call.cancel();
    }
  }
}

/** A stream from which nothing comes. */
class SilentStream extends Error {}

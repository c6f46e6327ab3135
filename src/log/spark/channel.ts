// Calls a Spark Connect server over gRPC, with one response or a stream of responses.

import type * as Grpc from "@grpc/grpc-js";
import { IoError, NoInputError, UsageError } from "../../base/errors.js";
import { environmentVariable } from "../../base/io/environment.js";
import { errorCode } from "../../base/io/write.js";
import { readText } from "../../base/io/read-text.js";
import { TOKEN_VARIABLE, type Address } from "./address.js";
import { ROOTS_VARIABLE } from "./failures.js";
import { executePlanResponse } from "./messages.js";
import { decode, encode, type Message, type MessageShape } from "./wire.js";

const PACKAGE = "@grpc/grpc-js@^1";
const SERVICE = "/spark.connect.SparkConnectService";
/** Number by which gRPC denotes the state of a connected channel. */
const READY = 2;
/** Bytes that a server may send ahead; gRPC's default of 64 KiB would wait for a round trip per window. */
const WINDOW = 16 << 20;

export class SilentStream extends Error {}

/**
 * Creates a channel to a server with the headers that each call sends; the first call connects.
 *
 * @throws {UsageError} the package is missing, or a header or the token has invalid characters; as ownRoots
 */
export async function openChannel(address: Address, token: string | undefined): Promise<Channel> {
  const grpc = await grpcPackage();
  const credentials = address.useTls
    ? grpc.credentials.createSsl(await ownRoots())
    : grpc.credentials.createInsecure();
  const metadata = new grpc.Metadata();
  try {
    for (const [name, value] of Object.entries(address.headers)) metadata.set(name, value);
    if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  } catch {
    // gRPC's own message would contain the token or the value of the header, which may be secret
    throw new UsageError(
      `--engine: ${TOKEN_VARIABLE} or a header of the address has characters that a header must not have`,
    );
  }
  const client = new grpc.Client(address.target, credentials, {
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
    "grpc-node.flow_control_window": WINDOW,
    // gRPC must not use the proxies that environment variables name, because these are intended for web requests
    "grpc.enable_http_proxy": 0,
    "grpc.initial_reconnect_backoff_ms": 200,
    "grpc.max_reconnect_backoff_ms": 4_000,
  });
  return new Channel(client, metadata);
}

async function grpcPackage(): Promise<typeof Grpc> {
  try {
    return await import("@grpc/grpc-js");
  } catch (error) {
    throw new UsageError(
      `--engine needs the package @grpc/grpc-js, which is not installed: run npm install ${PACKAGE} where ` +
        "embed-tables is installed (with --global if that is global)",
      { cause: error },
    );
  }
}

/**
 * Reads the certificates of the authorities that environment variables name, as other gRPC clients do; null: gRPC's
 * built-in certificates.
 *
 * @throws {NoInputError} the file does not exist @throws {UsageError} it contains no certificate
 */
async function ownRoots(): Promise<Buffer | null> {
  const path = environmentVariable(ROOTS_VARIABLE);
  if (path === undefined) return null;
  let roots: string;
  try {
    roots = await readText(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") throw new NoInputError(`${ROOTS_VARIABLE}: '${path}' does not exist`);
    throw new IoError(`${ROOTS_VARIABLE}: cannot read '${path}'`, { cause: error });
  }
  if (!roots.includes("-----BEGIN CERTIFICATE-----"))
    throw new UsageError(`${ROOTS_VARIABLE}: '${path}' has no certificate: expected a PEM file`);
  return Buffer.from(roots);
}

export class Channel {
  readonly #client: Grpc.Client;
  readonly #metadata: Grpc.Metadata;

  constructor(client: Grpc.Client, metadata: Grpc.Metadata) {
    [this.#client, this.#metadata] = [client, metadata];
  }

  get isConnected(): boolean {
    const state: number = this.#client.getChannel().getConnectivityState(false);
    return state === READY;
  }

  close(): void {
    this.#client.close();
  }

  /** Makes a call with one response. @throws the error of the call */
  unary(
    method: string,
    [request, response]: readonly [MessageShape, MessageShape],
    message: Message,
    milliseconds: number,
  ): Promise<Message> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        `${SERVICE}/${method}`,
        (value: Message) => encode(request, value),
        (bytes: Buffer) => decode(response, bytes),
        message,
        this.#metadata,
        { deadline: Date.now() + milliseconds },
        (error, value) => (error ? reject(error) : resolve(value ?? {})),
      );
    });
  }

  /** Sends a stream of messages, and returns the single response of the server. @throws the error of the call */
  async upload(
    method: string,
    [request, response]: readonly [MessageShape, MessageShape],
    messages: AsyncIterable<Message>,
    signal: AbortSignal,
  ): Promise<Message> {
    signal.throwIfAborted();
    let call: Grpc.ClientWritableStream<Message> | undefined;
    const answer = new Promise<Message>((resolve, reject) => {
      call = this.#client.makeClientStreamRequest(
        `${SERVICE}/${method}`,
        (value: Message) => encode(request, value),
        (bytes: Buffer) => decode(response, bytes),
        this.#metadata,
        {},
        (error, value) => (error ? reject(error) : resolve(value ?? {})),
      );
    });
    const onAbort = (): void => call!.cancel();
    signal.addEventListener("abort", onAbort);
    const isOver = answer.then(
      () => true,
      () => true,
    );
    try {
      for await (const message of messages) {
        if (call!.write(message)) continue;
        // waits until the call accepts messages again, or is over: a failed call never does
        const drained = new Promise<false>((resolve) => call!.once("drain", () => resolve(false)));
        if (await Promise.race([isOver, drained])) break;
      }
      call!.end();
      return await answer;
    } finally {
      signal.removeEventListener("abort", onAbort);
      call!.cancel();
    }
  }

  /**
   * Yields the responses of a plan until the server ends the stream or the signal aborts it.
   *
   * @param silence maximum number of milliseconds between responses
   * @throws the error of the call; {SilentStream} no response for `silence` milliseconds
   */
  async *stream(
    method: string,
    request: MessageShape,
    message: Message,
    { signal, silence }: { signal: AbortSignal; silence: number },
  ): AsyncGenerator<Message, void, undefined> {
    signal.throwIfAborted();
    const call = this.#client.makeServerStreamRequest(
      `${SERVICE}/${method}`,
      (value: Message) => encode(request, value),
      (bytes: Buffer) => decode(executePlanResponse, bytes),
      message,
      this.#metadata,
    );
    let timer: NodeJS.Timeout | undefined;
    let isSilent = false;
    const listen = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        isSilent = true;
        call.cancel();
      }, silence);
    };
    const onAbort = (): void => call.cancel();
    signal.addEventListener("abort", onAbort);
    listen();
    try {
      for await (const response of call) {
        // the timer stops while the consumer processes a response
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

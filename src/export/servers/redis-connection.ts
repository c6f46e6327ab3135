// A connection to Redis for one writer, which sends commands one by one, or pipelined with a limited number of
// unanswered bytes. Errors are converted to the error classes of this project.

import { EmbedError, IoError, LockedError, OutputError, UsageError } from "../../base/errors.js";
import { optionalPackage } from "../optional-package.js";
import { notUrl, PATIENCE, saidBy, type ServerTarget } from "./server.js";
import { ByteWriter } from "../files/byte-writer.js";

const REDIS_PACKAGE = ["@redis/client", "^5"] as const;

/** Maximum bytes of commands sent but not answered, which are in memory in addition to a batch of rows. */
const WINDOW = 1 << 21;
const CONNECT_MILLISECONDS = 10_000;

type Answer = string | number | null | Answer[];
type Arguments = readonly (string | Buffer)[];

interface Client {
  sendCommand: (args: Arguments) => Promise<unknown>;
  destroy: () => void;
}

/** A connection. The caller must call `close`, even after an error. */
export class RedisConnection {
  readonly #client: Client;
  readonly #target: ServerTarget;
  #failure: unknown;
  #waiting = 0;
  #wake: () => void = () => undefined;

  private constructor(client: Client, target: ServerTarget) {
    this.#client = client;
    this.#target = target;
  }

  /**
   * Connects and logs in.
   *
   * @throws {UsageError} the package is not installed, or the URL, its user or its password is wrong
   * @throws {IoError} the server cannot be reached
   */
  static async open(target: ServerTarget): Promise<RedisConnection> {
    const { createClient } = await optionalPackage(
      target.format,
      REDIS_PACKAGE,
      () => import("@redis/client"),
    );
    let client: ReturnType<typeof createClient> | undefined;
    try {
      const socket = { connectTimeout: CONNECT_MILLISECONDS, reconnectStrategy: false as const };
      client = createClient({ url: target.url, socket, maintNotifications: "disabled" });
      // the connection's error event is ignored, because the commands that fail report the error
      client.on("error", () => undefined);
      // the time limit of the package covers only the opening of the socket, and not the server's reply
      await answered(client.connect(), target);
      const open = client;
      const sendCommand: Client["sendCommand"] = (args) => open.sendCommand([...args]);
      return new RedisConnection({ sendCommand, destroy: () => open.isOpen && open.destroy() }, target);
    } catch (error) {
      if (client?.isOpen) client.destroy();
      throw redisError(error, target);
    }
  }

  /** Sends a command and returns its reply. @throws {EmbedError} this command or an earlier posted command failed */
  async command(...args: Arguments): Promise<Answer> {
    const answer = this.#client.sendCommand(args);
    try {
      return (await answered(answer, this.#target)) as Answer;
    } catch (error) {
      throw redisError(error, this.#target);
    }
  }

  /** @returns a promise to wait for if too many bytes are unanswered @throws {EmbedError} an earlier command failed */
  post(args: Arguments): Promise<void> | undefined {
    this.#throwIfFailed();
    const bytes = args.reduce((sum, { length }) => sum + length, 0);
    this.#waiting += bytes;
    const done = (): void => {
      this.#waiting -= bytes;
      if (this.#waiting <= WINDOW / 2) this.#wake();
    };
    this.#client.sendCommand(args).then(done, (error: unknown) => {
      this.#failure ??= error;
      done();
      this.#wake();
    });
    return this.#waiting < WINDOW ? undefined : this.#room();
  }

  async #room(): Promise<void> {
    while (this.#waiting >= WINDOW) await this.#answers();
  }

  /** Waits for the replies to all posted commands. @throws {EmbedError} one of the commands failed */
  async drain(): Promise<void> {
    while (this.#waiting > 0) await this.#answers();
    this.#throwIfFailed();
  }

  /** Waits for all replies and ignores failures, so that keys can be removed. @throws {IoError} the server is silent */
  async settle(): Promise<void> {
    while (this.#waiting > 0) await this.#next();
    this.#failure = undefined;
  }

  /** Records a failure, which every later call of `post` and `drain` throws. */
  fail(error: unknown): void {
    this.#failure ??= error;
    this.#wake();
  }

  close(): void {
    this.#client.destroy();
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw redisError(this.#failure, this.#target);
  }

  async #answers(): Promise<void> {
    this.#throwIfFailed();
    await this.#next();
  }

  /** Waits until a reply arrives or a failure is recorded. */
  async #next(): Promise<void> {
    await answered(new Promise<void>((resolve) => (this.#wake = resolve)), this.#target);
  }
}

/** Returns the value of a promise, or rejects if the server does not respond in time. */
async function answered<T>(answer: Promise<T>, { variable, patience = PATIENCE }: ServerTarget): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    const text = `timeout: the server of ${variable} has not answered for ${patience / 1000} s`;
    timer = setTimeout(
      () => reject(new IoError(`${text}: check that it is running and not overloaded`)),
      patience,
    );
  });
  try {
    return await Promise.race([answer, silence]);
  } finally {
    clearTimeout(timer);
  }
}

const REFUSED = /^(WRONGPASS|NOAUTH|ERR AUTH|ERR invalid password|ERR DB index|ERR Client sent AUTH)/i;

function redisError(error: unknown, target: ServerTarget): unknown {
  if (error instanceof EmbedError || target.signal.aborted) return error;
  const { variable } = target;
  const said = saidBy(error, target);
  const cause = { cause: new Error(said) };
  if (/invalid (url|protocol|pathname)/i.test(said)) return notUrl(target.format, variable);
  if (/malformed/i.test(said))
    return new UsageError(
      `${variable} is a URL with an invalid % escape: write % in a user name or password as %25`,
      cause,
    );
  if (REFUSED.test(said))
    return new UsageError(
      `the server of ${variable} rejected the connection (${said}): check user, password and database in ` +
        variable,
      cause,
    );
  if (said.startsWith("NOPERM"))
    return new OutputError(
      `the user of ${variable} is not allowed to write '${target.into}' (${said}): docs/servers.md lists the ` +
        "required permissions",
      cause,
    );
  if (said.startsWith("OOM"))
    return new IoError(
      `the server of ${variable} is out of memory (${said}): it needs memory for two versions of the rows; ` +
        "raise its maxmemory",
      cause,
    );
  if (/^(MOVED|ASK|CROSSSLOT|CLUSTERDOWN)/.test(said))
    return new OutputError(
      `the server of ${variable} is a cluster node (${said}): put the name for --into in braces, ` +
        `'{${target.into}}', so that all keys are in one slot, and use the URL of the node that owns the slot`,
      cause,
    );
  if (said.startsWith("WRONGTYPE"))
    return new OutputError(
      `'${target.into}' of ${variable} holds other data (${said}): choose another name with --into`,
      cause,
    );
  return new IoError(`writing to the server of ${variable} failed: ${said}`, cause);
}

export function lockedBy(holder: string, { into, variable }: ServerTarget): LockedError {
  return new LockedError(
    `'${into}' of ${variable} is being written by ${holder}: try again when it has finished; the lock of a ` +
      "killed export expires after half a minute",
  );
}

/** Name and arguments of a command; bytes may be views that are valid until the next command is requested. */
export type RedisCommand = readonly (string | Uint8Array)[];

/** Commands, yielded one batch of rows at a time. */
export type Commands = AsyncIterable<Iterable<RedisCommand>>;

/** As input for `redis-cli --pipe`. Source: Redis serialization protocol, "Arrays" and "Bulk strings". */
export async function* commandChunks(commands: Commands): AsyncGenerator<Uint8Array> {
  const out = new ByteWriter();
  for await (const batch of commands)
    for (const command of batch) {
      out.text(`*${command.length}\r\n`);
      for (const part of command) {
        const bytes = typeof part === "string" ? Buffer.from(part) : part;
        out.text(`$${bytes.length}\r\n`);
        out.bytes(bytes);
        out.text("\r\n");
      }
      if (out.isFull) yield out.take();
    }
  yield out.take();
}

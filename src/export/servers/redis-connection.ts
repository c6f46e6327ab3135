// A connection to Redis for one writer: commands one by one, or posted in a window that holds the writer back; errors are typed.

import { EmbedError, IoError, LockedError, OutputError, UsageError } from "../../errors.js";
import { optionalPackage } from "../optional-package.js";
import { notUrl, PATIENCE, saidBy, type Target } from "./server.js";
import { ByteWriter } from "../files/byte-writer.js";

const REDIS_PACKAGE = ["@redis/client", "^5"] as const;

/** Bytes that may wait for their answers: what memory an export takes beside its batch of rows. */
const WINDOW = 1 << 21;
const CONNECT_MILLISECONDS = 10_000;

/** What an answer may be here. */
type Answer = string | number | null | Answer[];
type Arguments = readonly (string | Buffer)[];

/** What of the package's client is used. */
interface Client {
  sendCommand: (args: Arguments) => Promise<unknown>;
  destroy: () => void;
}

/** A connection; `close` it however the work ends. */
export class RedisConnection {
  readonly #client: Client;
  readonly #target: Target;
  #failure: unknown;
  #waiting = 0;
  #wake: () => void = () => undefined;

  private constructor(client: Client, target: Target) {
    this.#client = client;
    this.#target = target;
  }

  /**
   * Connects and logs in.
   *
   * @throws {UsageError} the package is not installed, or the URL, its user or its password is wrong
   * @throws {IoError} the server cannot be reached
   */
  static async open(target: Target): Promise<RedisConnection> {
    const { createClient } = await optionalPackage(
      target.format,
      REDIS_PACKAGE,
      () => import("@redis/client"),
    );
    let client: ReturnType<typeof createClient> | undefined;
    try {
      const socket = { connectTimeout: CONNECT_MILLISECONDS, reconnectStrategy: false as const };
      client = createClient({ url: target.url, socket, maintNotifications: "disabled" });
      // the commands that fail report it
      client.on("error", () => undefined);
      // the time limit of the package ends when the socket is open, before the server has answered
      await answered(client.connect(), target);
      const open = client;
      const sendCommand: Client["sendCommand"] = (args) => open.sendCommand([...args]);
      return new RedisConnection({ sendCommand, destroy: () => open.isOpen && open.destroy() }, target);
    } catch (error) {
      if (client?.isOpen) client.destroy();
      throw redisError(error, target);
    }
  }

  /** The answer to one command. @throws {EmbedError} what failed, of this one or of one that was posted */
  async command(...args: Arguments): Promise<Answer> {
    const answer = this.#client.sendCommand(args);
    try {
      return (await answered(answer, this.#target)) as Answer;
    } catch (error) {
      throw redisError(error, this.#target);
    }
  }

  /**
   * Sends a command whose answer is of no interest.
   *
   * @returns what to wait for where the window is full
   * @throws {EmbedError} one that was posted failed
   */
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

  /** Waits until all that was posted is answered. @throws {EmbedError} one of these failed */
  async drain(): Promise<void> {
    while (this.#waiting > 0) await this.#answers();
    this.#throwIfFailed();
  }

  /** Waits until all that was posted is answered, and forgets what of it failed: for clearing up. @throws {IoError} the server is silent */
  async settle(): Promise<void> {
    while (this.#waiting > 0) await this.#next();
    this.#failure = undefined;
  }

  /** Makes every later post and drain fail. */
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

  /** Waits for answers, or a failure. */
  async #next(): Promise<void> {
    await answered(new Promise<void>((resolve) => (this.#wake = resolve)), this.#target);
  }
}

/** Returns the value of a promise, or rejects when the server has been silent for too long. */
async function answered<T>(answer: Promise<T>, { variable, patience = PATIENCE }: Target): Promise<T> {
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

/** An error of the package or the server as what a user can act upon. */
function redisError(error: unknown, target: Target): unknown {
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

/** That another export is at work. */
export function lockedBy(holder: string, { into, variable }: Target): LockedError {
  return new LockedError(
    `'${into}' of ${variable} is being written by ${holder}: try again when it has finished; the lock of a ` +
      "killed export expires after half a minute",
  );
}

/** A command's name and arguments; bytes may be views that hold until the next command is asked for. */
export type Command = readonly (string | Uint8Array)[];

/** Commands, a batch of rows at a time. */
export type Commands = AsyncIterable<Iterable<Command>>;

/**
 * The bytes of the commands, in chunks, which `redis-cli --pipe` takes.
 *
 * Source: Redis serialization protocol specification, "Arrays" and "Bulk strings".
 */
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

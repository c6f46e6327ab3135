// Writes keys to Redis as a new version; setting one key makes it the latest version atomically.
//
//   NAME:VERSION:KEY   a row's hash (redis.ts), or a list of items (list-servers.ts)
//   NAME:latest        VERSION that readers use
//   NAME:versions      hash: VERSION → fingerprint of its content, for all versions with keys, complete or not
//   NAME:counter       the last VERSION that was assigned
//   NAME:lock          the current writer; it expires when the writer ends
//
// Keys are written under a VERSION that nobody reads; then NAME:latest is set to it, if the lock is still held. All
// versions except the latest and the current one are removed before keys are written, so that the server has at most
// two versions; the previous version remains until then, for readers that have just read the pointer. Decisions:
// docs/decisions/0010-exports-into-servers.md.

import { randomBytes } from "node:crypto";
import { LockedError, OutputError } from "../../base/errors.js";
import { thisProcess } from "../../base/io/lock.js";
import { type Commands, RedisConnection, lockedBy } from "./redis-connection.js";
import type { Sent, ServerTarget } from "./server.js";

const LOCK_MILLISECONDS = 30_000;
const RENEW_EVERY = 10_000;
const SCAN_COUNT = "1000";

/** First lines of a script, which end it if the lock was lost. Redis runs scripts atomically. */
const IF_HELD = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end ";
const RENEW = `${IF_HELD} return redis.call('PEXPIRE', KEYS[1], ARGV[2])`;
const SWITCH = `${IF_HELD} redis.call('SET', KEYS[2], ARGV[2]) return 1`;
const RELEASE = `${IF_HELD} return redis.call('DEL', KEYS[1])`;

export interface RedisContent {
  /** type of the values; all versions of a name have the same type */
  kind: "vectors" | "lists";
  /** Called at most once, and not if the server has the same content. */
  commands: (prefix: string) => Commands;
}

/**
 * Writes the next version of a name and makes it the latest; after an error the latest version is unchanged.
 *
 * @throws {LockedError} another export writes to the same name
 * @throws {OutputError} the name contains values of another type
 * @throws {UsageError} {OutputError} {IoError} as RedisConnection
 */
export async function replaceInRedis(content: RedisContent, target: ServerTarget): Promise<Sent> {
  const redis = await RedisConnection.open(target);
  const onAbort = (): void => redis.fail(target.signal.reason);
  target.signal.addEventListener("abort", onAbort);
  let started: string | undefined;
  const onStart = (version: string): void => {
    started = version;
  };
  try {
    target.signal.throwIfAborted();
    return await withRedisLock(redis, target, (token) => sendLocked(redis, content, target, token, onStart));
  } catch (error) {
    if (started !== undefined) await clearUp(redis, target, started).catch(() => undefined);
    throw error;
  } finally {
    target.signal.removeEventListener("abort", onAbort);
    redis.close();
  }
}

/**
 * Removes the keys of a failed export. The lock is released first, because an interrupted program may be killed before
 * it has removed all keys. If removing fails, the next export removes the keys.
 */
async function clearUp(redis: RedisConnection, { into }: ServerTarget, version: string): Promise<void> {
  await redis.settle();
  // keeps the keys if this version became the latest: a command may succeed even if its reply is lost
  if ((await redis.command("GET", `${into}:latest`)) !== version) await remove(redis, into, version);
}

async function sendLocked(
  redis: RedisConnection,
  { kind, commands }: RedisContent,
  target: ServerTarget,
  token: string,
  onStart: (version: string) => void,
): Promise<Sent> {
  const { into, force } = target;
  const latest = await redis.command("GET", `${into}:latest`);
  const versions = `${into}:versions`;
  const fingerprint = kind === "vectors" ? target.fingerprint : `${kind} ${target.fingerprint}`;
  if (latest !== null) {
    const held = await redis.command("HGET", versions, String(latest));
    if (!force && held === fingerprint)
      return { isUnchanged: true, note: `${into}:${String(latest)} already has these ${kind}` };
    checkKind(held, kind, target);
  }
  for (const version of (await redis.command("HKEYS", versions)) as string[])
    if (version !== latest) await remove(redis, into, version);

  // a new number for the version, so that keys which a suspended export may still write do not belong to it
  const version = String(await redis.command("INCR", `${into}:counter`));
  await redis.command("HSET", versions, version, fingerprint);
  onStart(version);
  await write(redis, commands(`${into}:${version}:`), target.signal);
  const keys = [`${into}:lock`, `${into}:latest`];
  if ((await redis.command("EVAL", SWITCH, "2", ...keys, token, version)) === 0) throw lostLock(target);
  return { isUnchanged: false, note: `${into}:latest is ${version}` };
}

function checkKind(held: unknown, kind: RedisContent["kind"], { into, variable }: ServerTarget): void {
  // the type of the values is known only if an export recorded it
  if (typeof held !== "string") return;
  const there = held.startsWith("lists ") ? "lists" : "vectors";
  if (there !== kind)
    throw new OutputError(
      `'${into}' of ${variable} has ${there}, but this export writes ${kind}: choose another name with ` +
        `--into, or delete ${into}:latest if nothing reads it`,
    );
}

async function write(redis: RedisConnection, commands: Commands, signal: AbortSignal): Promise<void> {
  for await (const batch of commands)
    for (const command of batch) {
      signal.throwIfAborted();
      // arguments are copied, because the arrays of a batch may be reused before the command was sent
      const room = redis.post(command.map((part) => (typeof part === "string" ? part : Buffer.from(part))));
      if (room) await room;
    }
  await redis.drain();
}

async function remove(redis: RedisConnection, into: string, version: string): Promise<void> {
  // escapes those characters of the name that have a meaning in a pattern
  const pattern = `${`${into}:${version}:`.replaceAll(/[\\*?[\]]/g, "\\$&")}*`;
  let cursor = "0";
  do {
    const [next, keys] = (await redis.command("SCAN", cursor, "MATCH", pattern, "COUNT", SCAN_COUNT)) as [
      string,
      string[],
    ];
    cursor = next;
    if (keys.length > 0) await redis.post(["UNLINK", ...keys]);
  } while (cursor !== "0");
  await redis.drain();
  await redis.command("HDEL", `${into}:versions`, version);
}

/** Calls `work` while holding the lock, which is renewed regularly and released afterwards, even after an error. */
async function withRedisLock<T>(
  redis: RedisConnection,
  target: ServerTarget,
  work: (token: string) => Promise<T>,
): Promise<T> {
  const lock = `${target.into}:lock`;
  const { pid, host } = await thisProcess();
  const token = `${pid}:${randomBytes(8).toString("hex")}:${host}`;
  const taken = await redis.command("SET", lock, token, "NX", "PX", String(LOCK_MILLISECONDS));
  if (taken === null) {
    const [holder, , ...at] = String((await redis.command("GET", lock)) ?? "").split(":");
    throw lockedBy(holder === "" ? "another export" : `process ${holder} on ${at.join(":")}`, target);
  }
  const renew = async (): Promise<void> => {
    const held = await redis.command("EVAL", RENEW, "1", lock, token, String(LOCK_MILLISECONDS));
    if (held === 0) redis.fail(lostLock(target));
  };
  // errors of renewing the lock are ignored, because `work` also notices failures of the connection
  const timer = setInterval(() => void renew().catch(() => undefined), RENEW_EVERY);
  try {
    return await work(token);
  } finally {
    clearInterval(timer);
    await redis.command("EVAL", RELEASE, "1", lock, token).catch(() => undefined);
  }
}

function lostLock({ into, variable }: ServerTarget): LockedError {
  return new LockedError(
    `'${into}' of ${variable} was taken over by another export because this one was inactive for ` +
      `${LOCK_MILLISECONDS / 1000} s: nothing was switched`,
  );
}

// redis, straight into a server: a version of hashes, which one pointer makes the latest at once.
//
//   NAME:VERSION:KEY   hash of a row, as redis.ts has it
//   NAME:latest        VERSION that readers follow
//   NAME:versions      hash: VERSION → fingerprint of its rows, of all that have keys here, finished or not
//   NAME:counter       the last VERSION that was given
//   NAME:lock          who writes; it ends by itself when its holder does
//
// Rows get a VERSION that nobody reads; then NAME:latest names it, if the lock is still held. What is neither latest nor under way is
// removed before rows are written, so that the server holds two versions at most; the version before the latest stays until then, for
// readers that have just asked which it is. Decisions: docs/decisions/0010-exports-into-servers.md.

import { randomBytes } from "node:crypto";
import { isHole } from "../embedding/table.js";
import { LockedError } from "../errors.js";
import { thisProcess } from "../io/process-identity.js";
import { RedisConnection, lockedBy } from "./redis-connection.js";
import { hasher } from "./redis.js";
import { nameBytes, type Selection } from "./selection.js";
import type { Sent, Target } from "./server.js";

const LOCK_MILLISECONDS = 30_000;
const RENEW_EVERY = 10_000;
const SCAN_COUNT = "1000";

/** If the lock is still ours, ... : scripts run as a whole. */
const IF_HELD = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end ";
const RENEW = `${IF_HELD} return redis.call('PEXPIRE', KEYS[1], ARGV[2])`;
const SWITCH = `${IF_HELD} redis.call('SET', KEYS[2], ARGV[2]) return 1`;
const RELEASE = `${IF_HELD} return redis.call('DEL', KEYS[1])`;

/**
 * Writes the rows as the next version and makes it the latest; what goes wrong before that leaves the latest as it was.
 *
 * @throws {LockedError} another export writes to the same name
 * @throws {UsageError} {OutputError} {IoError} as RedisConnection
 */
export async function sendToRedis(selection: Selection, target: Target): Promise<Sent> {
  const redis = await RedisConnection.open(target);
  const onAbort = (): void => redis.fail(target.signal.reason);
  target.signal.addEventListener("abort", onAbort);
  let started: string | undefined;
  const onStart = (version: string): void => {
    started = version;
  };
  try {
    target.signal.throwIfAborted();
    return await withRedisLock(redis, target, (token) =>
      sendLocked(redis, selection, target, token, onStart),
    );
  } catch (error) {
    if (started !== undefined) await clearUp(redis, target, started).catch(() => undefined);
    throw error;
  } finally {
    target.signal.removeEventListener("abort", onAbort);
    redis.close();
  }
}

/**
 * Removes what a failed export wrote: after its lock, since an interrupted program may not live to see the end of it. Of a server
 * that is gone, or then, the next export does it.
 */
async function clearUp(redis: RedisConnection, { into }: Target, version: string): Promise<void> {
  await redis.settle();
  // the answer to the switch may be what was lost
  if ((await redis.command("GET", `${into}:latest`)) !== version) await remove(redis, into, version);
}

async function sendLocked(
  redis: RedisConnection,
  selection: Selection,
  target: Target,
  token: string,
  onStart: (version: string) => void,
): Promise<Sent> {
  const { into, fingerprint, force } = target;
  const latest = await redis.command("GET", `${into}:latest`);
  const versions = `${into}:versions`;
  if (latest !== null && !force && (await redis.command("HGET", versions, String(latest))) === fingerprint)
    return { isUnchanged: true, note: `${into}:${String(latest)} holds these rows already` };
  for (const version of (await redis.command("HKEYS", versions)) as string[])
    if (version !== latest) await remove(redis, into, version);

  // never a number that was given before: what a suspended export may still write belongs to nobody
  const version = String(await redis.command("INCR", `${into}:counter`));
  await redis.command("HSET", versions, version, fingerprint);
  onStart(version);
  await writeRows(redis, selection, `${into}:${version}:`, target.signal);
  const keys = [`${into}:lock`, `${into}:latest`];
  if ((await redis.command("EVAL", SWITCH, "2", ...keys, token, version)) === 0) throw lostLock(target);
  return { isUnchanged: false, note: `${into}:latest is ${version}` };
}

async function writeRows(
  redis: RedisConnection,
  selection: Selection,
  prefix: string,
  signal: AbortSignal,
): Promise<void> {
  const hashOf = hasher();
  for await (const batch of selection.batches()) {
    for (let row = 0; row < batch.table.numRows; row++) {
      if (isHole(batch.table, row)) continue;
      signal.throwIfAborted();
      const key = prefix + Buffer.from(nameBytes(batch, row)).toString("utf8");
      // copies: a batch's arrays may be used again before the server has taken them
      const hash = hashOf(batch, row).map((part) => (typeof part === "string" ? part : Buffer.from(part)));
      const room = redis.post(["HSET", key, ...hash]);
      if (room) await room;
    }
  }
  await redis.drain();
}

/** Removes a version's keys, and then that there was one. */
async function remove(redis: RedisConnection, into: string, version: string): Promise<void> {
  // the name may hold what a pattern gives a meaning
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

/** Does work under the lock, which is renewed meanwhile and released however the work ends. */
async function withRedisLock<T>(
  redis: RedisConnection,
  target: Target,
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
  // what fails of the connection, the work hears itself
  const timer = setInterval(() => void renew().catch(() => undefined), RENEW_EVERY);
  try {
    return await work(token);
  } finally {
    clearInterval(timer);
    await redis.command("EVAL", RELEASE, "1", lock, token).catch(() => undefined);
  }
}

function lostLock({ into, variable }: Target): LockedError {
  return new LockedError(
    `'${into}' of ${variable} was taken over by another export, since this one was silent for ${LOCK_MILLISECONDS / 1000} s: nothing was switched`,
  );
}

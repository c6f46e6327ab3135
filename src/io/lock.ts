// One writer at a time: a lock is a symbolic link, and where it points to says who holds it.
//
//   .lock -> embed:PID:START:BOOT:NAMESPACE:TOKEN:HOST
//
// Making a link is one system call that fails when there is one already, so a lock is whole from its first instant; it takes
// no block of a full disk. TOKEN tells one holding from the next.
//
// A lock whose holder is gone is taken over. Of several that see so at once, one may win: each first takes a lock of its own on
// the taking-over of this very holding, `.lock.TOKEN`, looks once more whether `.lock` still is that holding, and then renames
// its own link over it, which ends both at once. Who comes late finds another token and starts again. A killed taker leaves
// `.lock.TOKEN`, which is taken over in the same way.

import { randomBytes } from "node:crypto";
import { lstat, readlink, rename, symlink, unlink } from "node:fs/promises";
import { LockedError } from "../errors.js";
import { isGone, thisProcess, type ProcessIdentity } from "./process-identity.js";
import { unfinishedEnds, unfinishedStarts } from "./leftovers.js";
import { asCreateError, asIoError, codeOf } from "./write.js";

export interface LockOptions {
  /** how long to wait for another holder, in milliseconds; 0 does not wait */
  waitMs: number;
  signal: AbortSignal;
  /** reported once who is waited for, and when a dead holder's lock is taken over */
  observe?: (note: string) => void;
}

/** Milliseconds between two looks at a lock that is waited for. */
const LOOK_EVERY = 200;

interface Holder extends ProcessIdentity {
  token: string;
}

/** What holds a lock that this program did not write. */
const FOREIGN = "foreign";

/**
 * Does work under a lock, which is released however the work ends.
 *
 * @param path of the lock; its directory exists
 * @throws {LockedError} another process holds it still when the wait is over; says who, and how to remove it
 * @throws {OutputError} it cannot be made: a read-only file system, no permission
 * @throws {IoError} the disk is full
 * @throws the signal's reason, when aborted while waiting
 */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const mine: Holder = { ...(await thisProcess()), token: randomBytes(6).toString("hex") };
  unfinishedStarts({ path, target: textOf(mine) });
  try {
    await acquire(path, mine, options);
    try {
      return await work();
    } finally {
      await release(path, mine);
    }
  } finally {
    unfinishedEnds(path);
  }
}

async function acquire(path: string, mine: Holder, { waitMs, signal, observe }: LockOptions): Promise<void> {
  // the monotonic clock: a wait is as long as it says when the machine's time is set meanwhile
  const end = performance.now() + waitMs;
  for (let tries = 0; ; tries++) {
    signal.throwIfAborted();
    const holder = await tryAcquire(path, mine, observe);
    if (!holder) return;
    const left = end - performance.now();
    if (left <= 0) throw new LockedError(lockedText(path, holder, mine, waitMs));
    if (tries === 0) observe?.(`waiting for ${holderText(holder)}`);
    await pause(Math.min(LOOK_EVERY, left), signal);
  }
}

/** Takes the lock, or returns who holds it. */
async function tryAcquire(
  path: string,
  mine: Holder,
  observe?: (note: string) => void,
): Promise<Holder | typeof FOREIGN | undefined> {
  for (;;) {
    try {
      await symlink(textOf(mine), path);
      return undefined;
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw asCreateError(error, `cannot lock with '${path}'`);
    }
    const held = await holderOf(path);
    // released meanwhile
    if (!held) continue;
    if (held === FOREIGN || !(await isGone(held))) return held;

    const turn = `${path}.${held.token}`;
    const other = await tryAcquire(turn, mine);
    if (other) return other;
    const now = await holderOf(path);
    if (now && now !== FOREIGN && now.token === held.token) {
      await rename(turn, path);
      observe?.(`${holderText(held)} is gone: taking over its lock`);
      return undefined;
    }
    // another took it over first
    await release(turn, mine);
  }
}

async function release(path: string, mine: Holder): Promise<void> {
  try {
    const held = await holderOf(path);
    // one removed by hand may be another's by now
    if (held && held !== FOREIGN && held.token === mine.token) await unlink(path);
  } catch (error) {
    throw asIoError(error, `removing the lock '${path}' failed`);
  }
}

async function holderOf(path: string): Promise<Holder | typeof FOREIGN | undefined> {
  try {
    return parse(await readlink(path)) ?? FOREIGN;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    // no link
    if (codeOf(error) === "EINVAL" && (await lstat(path).catch(() => undefined))) return FOREIGN;
    throw asIoError(error, `reading the lock '${path}' failed`);
  }
}

function textOf({ pid, start, boot, namespace, token, host }: Holder): string {
  return ["embed", pid, start, boot, namespace, token, host].join(":");
}

/** Anybody who may write to the directory may make such a link, and its token becomes part of a path: each part has its own form. */
const HOLDER = /^embed:([1-9]\d{0,9}):(\d+|-):([0-9a-f-]+):(\d+|-):([0-9a-f]{12}):([A-Za-z0-9_.-]+)$/;

function parse(text: string): Holder | undefined {
  const [, pid, start, boot, namespace, token, host] = HOLDER.exec(text) ?? [];
  if (host === undefined) return undefined;
  return { pid: Number(pid), start: start!, boot: boot!, namespace: namespace!, token: token!, host };
}

function holderText(holder: Holder | typeof FOREIGN): string {
  return holder === FOREIGN ? "what no embed made" : `process ${holder.pid} on ${holder.host}`;
}

function lockedText(path: string, holder: Holder | typeof FOREIGN, mine: Holder, waitMs: number): string {
  const waited = waitMs > 0 ? ` after ${Math.round(waitMs / 1000)} s of waiting` : "";
  const isHere = holder !== FOREIGN && holder.host === mine.host && holder.namespace === mine.namespace;
  const advice = isHere
    ? "try again when it has finished, or wait for it with --wait 10m"
    : "try again later, or wait for it with --wait 10m; if that process no longer runs on the other machine, " +
      `rm '${path}'`;
  return `'${path}' is held by ${holderText(holder)}${waited}: ${advice}`;
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    signal.addEventListener("abort", wake);
  });
}

// Ensures that there is one writer at a time. A lock is a symbolic link whose target identifies the holder.
//
//   .lock -> embed:PID:START:BOOT:NAMESPACE:TOKEN:HOST
//
// A link is created by one system call that fails if the link exists, so a lock is complete from the start; it needs no
// space on a full disk. TOKEN distinguishes successive holders.
//
// A lock whose holder is dead is taken over. Of several processes that detect this at once, only one may win: each
// first acquires a second lock for taking over this holder, `.lock.TOKEN`, checks again that `.lock` still belongs to
// this holder, and then renames its own link over it, which ends both at once. A process that comes late finds another
// token and starts again. If it is killed, it leaves `.lock.TOKEN`, which is taken over in the same way.

import { randomBytes } from "node:crypto";
import { lstat, readFile, readlink, rename, symlink, unlink } from "node:fs/promises";
import { LockedError } from "../errors.js";
import { unfinishedEnds, unfinishedStarts, hostName } from "./leftovers.js";
import { asCreateError, asIoError, codeOf } from "./write.js";

export interface LockOptions {
  /** milliseconds to wait until another process releases the lock; with 0, there is no wait */
  waitMs: number;
  signal: AbortSignal;
  /** receives a message when a wait starts, and when a dead holder's lock is taken over */
  observe?: (note: string) => void;
}

/** Milliseconds between two attempts to acquire a lock. */
const LOOK_EVERY = 200;

interface Holder extends ProcessIdentity {
  token: string;
}

/** Stands for the unknown holder of a lock that another program wrote. */
const FOREIGN = "foreign";

/**
 * Calls `work` under a lock, which is released afterwards, also after an error.
 *
 * @param path path of the lock; its directory exists
 * @throws {LockedError} another process still holds it after the wait; the message says which one, and how to remove
 * the lock
 * @throws {OutputError} the lock cannot be created: a read-only file system, no permission
 * @throws {IoError} the disk is full
 * @throws the signal's reason if aborted while waiting
 */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const mine: Holder = { ...(await thisProcess()), token: randomBytes(6).toString("hex") };
  unfinishedStarts({ path, target: lockTarget(mine) });
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
  // uses the monotonic clock, so that changes of the machine's time do not affect the wait
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

async function tryAcquire(
  path: string,
  mine: Holder,
  observe?: (note: string) => void,
): Promise<Holder | typeof FOREIGN | undefined> {
  for (;;) {
    try {
      await symlink(lockTarget(mine), path);
      return undefined;
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw asCreateError(error, `cannot lock with '${path}'`);
    }
    const held = await holderOf(path);
    // tries again, because another process released the lock between the failed attempt and the reading of the holder
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
    // tries again, because another process has taken over the lock in the meantime
    await release(turn, mine);
  }
}

async function release(path: string, mine: Holder): Promise<void> {
  try {
    const held = await holderOf(path);
    // removes only this process's own lock: somebody may have removed it by hand, and another process may have acquired
    // a new one
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
    // EINVAL: the path exists but is not a link, so another program created it
    if (codeOf(error) === "EINVAL" && (await lstat(path).catch(() => undefined))) return FOREIGN;
    throw asIoError(error, `reading the lock '${path}' failed`);
  }
}

function lockTarget({ pid, start, boot, namespace, token, host }: Holder): string {
  return ["embed", pid, start, boot, namespace, token, host].join(":");
}

/** Pattern of a lock's target, restricted: anybody may create such a link, and the token becomes part of a path. */
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

/**
 * Distinguishes a running process from a dead one, and from a later process with the same pid. Occurs in the names of
 * locks only.
 */
interface ProcessIdentity {
  pid: number;
  start: string;
  boot: string;
  namespace: string;
  host: string;
}

/** Stands for an item of a process's identity (its start time, boot or namespace) that the system does not provide. */
const UNKNOWN = "-";

/** Returns the data that identify this process in a lock. */
export async function thisProcess(): Promise<ProcessIdentity> {
  return {
    pid: process.pid,
    start: (await statusOf("self"))?.start ?? UNKNOWN,
    boot: await readFile("/proc/sys/kernel/random/boot_id", "utf8").then(trimmed, () => UNKNOWN),
    namespace: await readlink("/proc/self/ns/pid").then(digits, () => UNKNOWN),
    host: hostName(),
  };
}

/**
 * Whether a process is certainly not running: it belongs to an earlier boot of this machine, or its pid is unused or
 * belongs to a process with another start time, or it was killed and waits for its parent. False for processes of other
 * machines and containers, about which nothing is known.
 */
export async function isGone(other: ProcessIdentity): Promise<boolean> {
  const mine = await thisProcess();
  if (other.host !== mine.host) return false;
  if (isKnown(other.boot) && isKnown(mine.boot) && other.boot !== mine.boot) return true;
  if (other.namespace !== mine.namespace) return false;
  try {
    process.kill(other.pid, 0);
  } catch (error) {
    // the signal 0 only checks the process; any error but ESRCH, such as EPERM for another user's process, means that
    // it exists
    if (codeOf(error) === "ESRCH") return true;
  }
  const status = await statusOf(String(other.pid));
  if (!status) return false;
  return (isKnown(other.start) && status.start !== other.start) || status.isKilled;
}

function isKnown(part: string): boolean {
  return part !== UNKNOWN;
}

/** Reads /proc/PID/stat, if it exists and is readable. Source: proc_pid_stat(5), fields 3 and 22. */
async function statusOf(pid: string): Promise<{ start: string; isKilled: boolean } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // the second field is the program's name in parentheses, which may contain blanks and parentheses
  const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, start] = [fields?.[0], fields?.[19]];
  if (state === undefined || start === undefined) return undefined;
  return { start, isKilled: state === "Z" || state === "X" };
}

function trimmed(text: string): string {
  return text.trim();
}

function digits(text: string): string {
  return text.replaceAll(/\D/g, "");
}

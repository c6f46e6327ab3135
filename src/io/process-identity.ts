// Identifies a process, to distinguish a running process from a dead one, and from a later process with the same pid.
//
//   pid        of the process, within its namespace
//   start      ticks between the machine's boot and its own start; unknown without /proc
//   boot       id of the machine's boot
//   namespace  of pids: a container counts its own
//   host       the machine's name
//
// They occur in the names of locks only and affect no result.

import { readFile, readlink } from "node:fs/promises";
import { hostName } from "./leftovers.js";
import { codeOf } from "./write.js";

export interface ProcessIdentity {
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

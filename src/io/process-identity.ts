// Which process: what tells a live one from a dead one, and from another that was given the same pid later.
//
//   pid        of the process, within its namespace
//   start      ticks between the machine's boot and its own start; none where there is no /proc
//   boot       the boot of the machine
//   namespace  of pids: a container counts its own
//   host       the machine's name
//
// These stand in the names of locks alone and reach no result.

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

/** What stands where the system does not tell. */
const UNKNOWN = "-";

/** This process. */
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
 * Whether a process is surely gone: it is of an earlier boot of this machine, nobody has its pid, somebody has who started
 * at another time, or it is killed and waits for its parent. One on another machine or in another container is never known to be.
 */
export async function isGone(other: ProcessIdentity): Promise<boolean> {
  const mine = await thisProcess();
  if (other.host !== mine.host) return false;
  if (isKnown(other.boot) && isKnown(mine.boot) && other.boot !== mine.boot) return true;
  if (other.namespace !== mine.namespace) return false;
  try {
    process.kill(other.pid, 0);
  } catch (error) {
    // EPERM: it is another user's
    if (codeOf(error) === "ESRCH") return true;
  }
  const status = await statusOf(String(other.pid));
  if (!status) return false;
  return (isKnown(other.start) && status.start !== other.start) || status.isKilled;
}

function isKnown(part: string): boolean {
  return part !== UNKNOWN;
}

/** From /proc/PID/stat; undefined where there is none, or none to be read. Source: proc_pid_stat(5), fields 3 and 22. */
async function statusOf(pid: string): Promise<{ start: string; isKilled: boolean } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // the second field is the program's name in parentheses, which may hold blanks and parentheses
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

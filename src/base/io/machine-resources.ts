// Memory that this process can still allocate, and free space on a disk, as Linux reports them; on other systems, as
// Node reports them.
//
//   memory   the least of: what the machine has available, and what each control group leaves (containers, systemd,
//            batch queues)

import { readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { freemem, totalmem } from "node:os";
import { dirname, join, resolve } from "node:path";
import { memoryUsage, resourceUsage } from "node:process";
import { errorCode } from "./write.js";

export interface Memory {
  bytes: number;
  limit: "this machine" | "the memory limit of this container or control group";
}

const MACHINE = "this machine";
const GROUP = "the memory limit of this container or control group";

/**
 * Returns how much memory can still be allocated.
 *
 * @param root where the system's files are, for tests
 */
export function availableMemory(root = "/"): Memory {
  const stated = /^MemAvailable:\s+(\d+) kB/m.exec(textOf(join(root, "proc/meminfo")) ?? "")?.[1];
  const machine: Memory = { bytes: stated === undefined ? freemem() : 1024 * Number(stated), limit: MACHINE };
  const group = Math.min(...groupsOf(root).map(({ limit, used }) => Math.max(0, limit - used)));
  return group < machine.bytes ? { bytes: group, limit: GROUP } : machine;
}

/** Returns the memory of the machine, or the limit of a control group if that is less. */
export function totalMemory(root = "/"): number {
  return Math.min(totalmem(), ...groupsOf(root).map(({ limit }) => limit));
}

/** Returns the memory that this process occupies now, and the maximum that it has occupied, in bytes. */
export function processMemory(): { now: number; most: number } {
  const most = 1024 * resourceUsage().maxRSS;
  try {
    return { now: memoryUsage.rss(), most };
  } catch {
    // without /proc, the current size is unknown, so the maximum is returned in its place
    return { now: most, most };
  }
}

/**
 * Returns the free bytes of the disk on which a file or folder is or will be; infinite if the system does not report
 * it.
 */
export async function freeDisk(path: string): Promise<number> {
  const place = resolve(path);
  try {
    const { bavail, bsize } = await statfs(place);
    return bavail * bsize;
  } catch (error) {
    return errorCode(error) === "ENOENT" && dirname(place) !== place
      ? await freeDisk(dirname(place))
      : Infinity;
  }
}

/** Limit of each control group of the process, and its use without reclaimable file pages. */
function groupsOf(root: string): { limit: number; used: number }[] {
  const lines = (textOf(join(root, "proc/self/cgroup")) ?? "").split("\n");
  return lines.flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined) return [];
    // in the list of the process's control groups, the line of version 2 names no controllers
    if (controllers === "")
      return ["sys/fs/cgroup", "sys/fs/cgroup/unified"].flatMap((mount) =>
        limitsOf(join(root, mount), path, {
          limit: "memory.max",
          used: "memory.current",
          files: "inactive_file",
        }),
      );
    if (!controllers!.split(",").includes("memory")) return [];
    const names = {
      limit: "memory.limit_in_bytes",
      used: "memory.usage_in_bytes",
      files: "total_inactive_file",
    };
    return limitsOf(join(root, "sys/fs/cgroup/memory"), path, names);
  });
}

/** Returns the limits from `path` up to the root of the mount; a container may see its own group as that root. */
function limitsOf(
  mount: string,
  path: string,
  names: { limit: string; used: string; files: string },
): { limit: number; used: number }[] {
  const found = [];
  for (let at = path; ; at = dirname(at)) {
    const folder = join(mount, at);
    const limit = Number(textOf(join(folder, names.limit)) ?? NaN);
    // a control group without a limit states `max`, or the largest multiple of a page
    if (limit < 2 ** 60) {
      const used = Number(textOf(join(folder, names.used)) ?? NaN);
      const stat = textOf(join(folder, "memory.stat")) ?? "";
      const files = new RegExp(`^${names.files} (\\d+)$`, "m").exec(stat)?.[1];
      if (used >= 0) found.push({ limit, used: used - Number(files ?? 0) });
    }
    if (dirname(at) === at) return found;
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

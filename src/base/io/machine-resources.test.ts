// Tests the memory limits of control groups, which containers and batch queues set, with files like those of Linux.

import { mkdirSync, writeFileSync } from "node:fs";
import { totalmem } from "node:os";
import { dirname, join } from "node:path";
import { temporaryFolder } from "../../testing/embed.js";
import { availableMemory, freeDisk, totalMemory } from "./machine-resources.js";

const folder = temporaryFolder();
const GIB = 2 ** 30;

/** Writes files into a folder that is used as the root of the file system. */
function system(name: string, files: Readonly<Record<string, string>>): string {
  const root = join(folder, name);
  for (const [path, text] of Object.entries({ "proc/meminfo": "MemAvailable: 8388608 kB\n", ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const v1 = "sys/fs/cgroup/memory";
const v2 = "sys/fs/cgroup";

test.each<[name: string, files: Record<string, string>, available: number, total: number]>([
  ["no group", {}, 8, Infinity],
  [
    "version 2, with file pages that can be reclaimed",
    {
      "proc/self/cgroup": "0::/job\n",
      [`${v2}/job/memory.max`]: `${2 * GIB}\n`,
      [`${v2}/job/memory.current`]: `${1.5 * GIB}\n`,
      [`${v2}/job/memory.stat`]: `anon 5\ninactive_file ${0.25 * GIB}\n`,
    },
    0.75,
    2,
  ],
  [
    "version 2, the limit of a group around it",
    {
      "proc/self/cgroup": "0::/pod/container\n",
      [`${v2}/pod/container/memory.max`]: "max\n",
      [`${v2}/pod/container/memory.current`]: "1\n",
      [`${v2}/pod/memory.max`]: `${3 * GIB}\n`,
      [`${v2}/pod/memory.current`]: `${GIB}\n`,
    },
    2,
    3,
  ],
  [
    "version 1, whose container sees its own group as the root",
    {
      "proc/self/cgroup": "5:cpu:/docker/abc\n4:memory:/docker/abc\n",
      [`${v1}/memory.limit_in_bytes`]: `${GIB}\n`,
      [`${v1}/memory.usage_in_bytes`]: `${0.5 * GIB}\n`,
      [`${v1}/memory.stat`]: `total_inactive_file ${0.125 * GIB}\n`,
    },
    0.625,
    1,
  ],
  [
    "version 1 without a limit",
    {
      "proc/self/cgroup": "4:memory:/\n",
      [`${v1}/memory.limit_in_bytes`]: "9223372036854771712\n",
      [`${v1}/memory.usage_in_bytes`]: "1\n",
    },
    8,
    Infinity,
  ],
  [
    "a group that holds more than its limit",
    {
      "proc/self/cgroup": "0::/\n",
      [`${v2}/memory.max`]: `${GIB}\n`,
      [`${v2}/memory.current`]: `${2 * GIB}\n`,
    },
    0,
    1,
  ],
])("%s", (name, files, available, total) => {
  const root = system(name, files);
  const found = availableMemory(root);
  expect(found.bytes / GIB).toBe(available);
  expect(/container/.test(found.limit)).toBe(available < 8);
  expect(totalMemory(root)).toBe(Math.min(totalmem(), total * GIB));
});

test("the disk of a folder that does not exist yet is that of the one above it", async () => {
  const [here, later] = [await freeDisk(folder), await freeDisk(join(folder, "a", "b"))];
  expect(Number.isFinite(here)).toBe(true);
  expect(Math.abs(later / here - 1)).toBeLessThan(0.5);
});

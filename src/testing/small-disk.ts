// A small disk of its own, which a test can fill.

import { execFileSync } from "node:child_process";
import { mkdirSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Runs a test on a small separate disk in a folder, or skips it. @param options of the mount, such as size=256k */
export async function onSmallDisk(
  folder: string,
  options: string,
  test: (disk: string) => Promise<void>,
): Promise<void> {
  const disk = join(folder, "disk");
  mkdirSync(disk, { recursive: true });
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", disk], { stdio: "ignore" });
  } catch {
    console.warn("skipped: cannot mount a small tmpfs here");
    return;
  }
  try {
    await test(disk);
  } finally {
    // a training closes its temporary files when they are collected, so the disk may still be busy
    execFileSync("umount", ["--lazy", disk]);
  }
}

/** Fills the disk to its last block. */
export function fillDisk(disk: string): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, "ballast"), new Uint8Array(bavail * bsize));
  expect(statfsSync(disk).bavail).toBe(0);
}

// Who may read an output that replaces another: mode, owner and group are those of what it replaces.

import { chmod, chown, lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "./write.js";

export interface Access {
  mode: number;
  uid: number;
  gid: number;
}

const OWNER_MAY_WRITE = 0o700;

/** Mode, owner and group of what stands at a path, links followed; undefined if nothing does. */
export async function accessOf(path: string): Promise<Access | undefined> {
  return await stat(path).catch(() => undefined);
}

/** Gives a new file or directory the access of the old one while it is written: its writer may write to it, too. */
export async function giveWhileWritten(path: string, { mode, uid, gid }: Access): Promise<void> {
  await give(path, { mode: mode | ((await lstat(path)).isDirectory() ? OWNER_MAY_WRITE : 0o600), uid, gid });
}

/** Gives a new file or directory the access of the old one at `old`, and so each file and folder below that both have. */
export async function keepAccess(old: string, made: string): Promise<void> {
  const [before, now] = [await stat(old).catch(() => undefined), await lstat(made)];
  if (!before || before.isDirectory() !== now.isDirectory()) return;
  if (now.isDirectory())
    for (const name of await readdir(made)) await keepAccess(join(old, name), join(made, name));
  await give(made, before);
}

async function give(path: string, { mode, uid, gid }: Access): Promise<void> {
  // only root may give a file away
  await chown(path, uid, gid).catch(() => chown(path, -1, gid).catch(() => undefined));
  const isInGroup = (await lstat(path)).gid === gid;
  // rights of a group that it could not be given to are not another group's
  const others = mode & 0o7;
  const permitted = isInGroup ? mode & 0o7777 : (mode & 0o700) | (others << 3) | others;
  await chmod(path, permitted).catch((error: unknown) => {
    // a file system without modes
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(codeOf(error) ?? "")) throw error;
  });
}

// Copies the built program beside dist/, where the next build leaves it alone: a job that runs keeps its files.
//
//   dist-HASH/program/, dist-HASH/kernels/   the copy; HASH depends on the files alone
//   dist-run -> dist-HASH                    the copy that bin/embed.js runs
//
// The copy before it stays for jobs that run; older ones are removed. The package has no copy.
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { basename, join } from "node:path";

const { existsSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync } = fs;

/** @param root folder of dist/ */
export function keepBuild(root) {
  // a link needs a privilege on Windows, where dist/program/ is run
  if (process.platform === "win32") return;
  const files = ["program", "kernels"].flatMap((folder) =>
    readdirSync(join(root, "dist", folder), { withFileTypes: true }).flatMap((entry) =>
      entry.isFile() ? join(folder, entry.name) : [],
    ),
  );
  const hash = createHash("sha256");
  for (const file of files.toSorted((a, b) => (a < b ? -1 : 1)))
    hash.update(`${file}\0`).update(readFileSync(join(root, "dist", file)));
  const name = `dist-${hash.digest("hex").slice(0, 12)}`;
  const link = join(root, "dist-run");
  const previous = existsSync(link) ? basename(realpathSync(link)) : undefined;
  if (previous === name) return;
  for (const other of readdirSync(root))
    if (/^dist-([0-9a-f]{12}|new)/.test(other) && other !== previous && other !== name)
      rmSync(join(root, other), { recursive: true });
  if (!existsSync(join(root, name))) {
    const copy = join(root, "dist-new");
    for (const folder of ["program", "kernels"]) fs.mkdirSync(join(copy, folder), { recursive: true });
    for (const file of files) fs.cpSync(join(root, "dist", file), join(copy, file));
    renameSync(copy, join(root, name));
  }
  rmSync(`${link}-new`, { force: true });
  fs.symlinkSync(name, `${link}-new`);
  renameSync(`${link}-new`, link);
}

// Runs `npm run build` unless the built program is newer than every file it is built from: `npm run wheel` and
// `npm run archive` start with it.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { root } from "./packed-program.mjs";

const built = join(root, "dist/program/library.js");
const timeOf = (path) => statSync(join(root, path)).mtimeMs;
const sources = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name))
  .map(({ parentPath, path, name }) => statSync(join(parentPath ?? path, name)).mtimeMs);
const newest = Math.max(...sources, ...["package.json", "package-lock.json", "tsconfig.json"].map(timeOf));
if (!existsSync(built) || statSync(built).mtimeMs < newest)
  execFileSync("npm", ["run", "build"], { cwd: root, stdio: "inherit", shell: process.platform === "win32" });

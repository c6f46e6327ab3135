// Packs the npm package with the packages that it needs bundled, so that an install fetches nothing and `npx` starts at
// once: `node src/package.mjs [FOLDER]` writes embed-tables-VERSION.tgz. The program must be built.
//
//   the files of package.json, node_modules/ of packed-program.mjs, @types/node ──► dist/npm/ ──► npm pack
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { packedProgram, read, root } from "./packed-program.mjs";

const target = resolve(process.argv[2] ?? root);
const folder = join(root, "dist", "npm");
const npm = (args, cwd) =>
  execFileSync("npm", args, { cwd, encoding: "utf8", shell: process.platform === "win32" });

rmSync(folder, { recursive: true, force: true });
const [{ files }] = JSON.parse(npm(["pack", "--dry-run", "--json", "--ignore-scripts"], root));
for (const { path } of files) cpSync(join(root, path), join(folder, path));
const { files: program, licenses } = await packedProgram();
const bundled = new Set();
for (const [path, data] of program) {
  const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)\/package\.json$/.exec(path) ?? [];
  if (!path.startsWith("node_modules/")) continue;
  if (name) bundled.add(name);
  write(path, name ? JSON.stringify({ ...JSON.parse(data), version: versionOf(name) }) : data);
}
// the declarations of the library need Node's types, and those of the packages that they name
for (const name of ["@types/node", "undici-types"]) {
  cpSync(join(root, "node_modules", name), join(folder, "node_modules", name), { recursive: true });
  bundled.add(name);
}
const isDeclared = (path) => statSync(path).isDirectory() || /\.d\.[cm]?ts$/.test(path);
for (const name of ["commander", "zod"]) {
  const place = join("node_modules", name);
  cpSync(join(root, place), join(folder, place), { recursive: true, filter: isDeclared });
  const own = JSON.parse(readFileSync(join(folder, place, "package.json"), "utf8"));
  const { types, typings } = JSON.parse(read(`${place}/package.json`));
  const file = (types ?? typings).replace(/^(?:\.\/)?/, "./");
  own.exports["."] = { types: file, ...own.exports["."] };
  write(`${place}/package.json`, JSON.stringify({ ...own, types: file }));
}
const manifest = JSON.parse(read("package.json"));
for (const name of ["scripts", "devDependencies", "overrides", "knip"]) delete manifest[name];
manifest.dependencies = Object.fromEntries(
  [...bundled].sort((a, b) => (a < b ? -1 : 1)).map((name) => [name, versionOf(name)]),
);
manifest.bundleDependencies = Object.keys(manifest.dependencies);
manifest.files.push("THIRD-PARTY.txt");
write("package.json", JSON.stringify(manifest, undefined, 2));
write("THIRD-PARTY.txt", licenses);
mkdirSync(target, { recursive: true });
const name = npm(["pack", "--silent", "--ignore-scripts", "--pack-destination", target], folder).trim();
console.log(
  `${name}: ${(statSync(join(target, name)).size / 1e6).toFixed(1)} MB, ${bundled.size} packages bundled`,
);

function versionOf(name) {
  return JSON.parse(read(`node_modules/${name}/package.json`)).version;
}

function write(path, data) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), data);
}

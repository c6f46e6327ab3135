// Packs the npm package with the packages that it needs bundled, so that an install fetches nothing and `npx` starts at
// once: `node src/package.mjs [FOLDER]` writes embed-tables-VERSION.tgz. The program must be built.
//
//   the files of package.json, with all declarations in dist/library.d.ts
//   node_modules/ of packed-program.mjs, @types/node                       ──► dist/npm/ ──► npm pack
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { dirname, join, resolve } from "node:path";
import { rollup } from "rollup";
import { packedProgram, read, root } from "./packed-program.mjs";

const target = resolve(process.argv[2] ?? root);
const folder = join(root, "dist", "npm");
const npm = (args, cwd) =>
  execFileSync("npm", args, { cwd, encoding: "utf8", shell: process.platform === "win32" });

rmSync(folder, { recursive: true, force: true });
const [{ files }] = JSON.parse(npm(["pack", "--dry-run", "--json", "--ignore-scripts"], root));
for (const { path } of files) if (!path.endsWith(".d.ts")) cpSync(join(root, path), join(folder, path));
const { files: program, licenses } = await packedProgram();
const bundled = new Set();
for (const [path, data] of program) {
  const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)\/package\.json$/.exec(path) ?? [];
  if (!path.startsWith("node_modules/")) continue;
  if (name) bundled.add(name);
  write(path, name ? JSON.stringify({ ...JSON.parse(data), version: versionOf(name) }) : data);
}
// the library's declarations need Node's types
for (const name of ["@types/node", "undici-types"]) {
  cpSync(join(root, "node_modules", name), join(folder, "node_modules", name), { recursive: true });
  bundled.add(name);
}
write("dist/library.d.ts", await declarations());
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

/** Joins the library's declarations and those of zod that they name: an install unpacks one file, not a thousand. */
async function declarations() {
  // rollup-plugin-dts requires `typescript`, which has no API in version 7
  const require = createRequire(import.meta.url);
  require.cache[require.resolve("typescript")] = { exports: require("typescript-6"), loaded: true };
  const { dts } = await import("rollup-plugin-dts");
  const bundle = await rollup({
    input: join(root, "dist/library.d.ts"),
    external: isBuiltin,
    plugins: [dts({ includeExternal: ["zod"] })],
  });
  const { output } = await bundle.generate({ format: "es" });
  const missing = output[0].imports.filter((name) => !isBuiltin(name));
  if (missing.length > 0)
    throw new Error(`the library's declarations name ${missing.join(", ")}, not bundled`);
  return output[0].code;
}

function versionOf(name) {
  return JSON.parse(read(`node_modules/${name}/package.json`)).version;
}

function write(path, data) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), data);
}

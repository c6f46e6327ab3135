// Compiles the kernel of each folder, NAME/assembly/main.ts, to dist/kernels/NAME.wasm, and writes NAME/layout.ts, its
// constants and structs for TypeScript. Kernels share the code of shared/assembly, whose constants and structs are
// written to shared/layout.ts.
//
// The results are kept in node_modules/.cache/kernels, or in the folder EMBED_KERNEL_CACHE, under the checksum of all
// sources: compiling takes 20 s, and few changes concern kernels.
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { layoutOf, writeLayout, writeSharedLayout } from "./layout.mjs";

const flags =
  "-O3 --noAssert --runtime stub --enable simd --enable threads --importMemory --sharedMemory --maximumMemory 65536";
const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..", "..");
const out = join(root, "dist", "kernels");
const names = readdirSync(here).filter((name) => existsSync(join(here, name, "assembly", "main.ts")));
const cache = process.env.EMBED_KERNEL_CACHE ?? join(root, "node_modules", ".cache", "kernels");
const cached = join(cache, checksum());

mkdirSync(out, { recursive: true });
if (existsSync(cached)) {
  for (const name of names) cpSync(join(cached, `${name}.wasm`), join(out, `${name}.wasm`));
  for (const name of [...names, "shared"])
    writeLayout(join(here, name), readFileSync(join(cached, `${name}.ts`), "utf8"));
} else {
  await compile();
  keep();
}

/** Returns the checksum of the sources of all kernels, of the scripts beside this one, and of the compiler. */
function checksum() {
  const sources = readdirSync(here, { recursive: true })
    .filter((path) => /[\\/]assembly[\\/].*\.ts$|\.mjs$/.test(path))
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((path) => join(here, path));
  const hash = createHash("sha256");
  for (const path of [...sources, join(root, "node_modules", "assemblyscript", "package.json")])
    hash.update(path.slice(root.length)).update(readFileSync(path));
  return hash.digest("hex");
}

async function compile() {
  const { main } = await import("assemblyscript/asc");
  const shared = new Map();
  for (const name of names) {
    const folder = join("src", "compute", "kernels", name);
    const source = join(folder, "assembly", "main.ts");
    const file = join("dist", "kernels", `${name}.wasm`);
    // disables warning 112 about v128 values, which JavaScript cannot exchange with WebAssembly, because no caller does
    const args = [
      source,
      "--outFile",
      file,
      ...flags.split(" "),
      "--baseDir",
      root,
      "--disableWarning",
      "112",
    ];
    const { error } = await main(args, {
      stderr: process.stderr,
      transforms: [layoutOf(folder, root, shared)],
    });
    if (error) throw new Error(`${source} does not compile`, { cause: error });
  }
  writeSharedLayout(join(here, "shared"), shared);
}

/** Puts the results into the cache, all at once. */
function keep() {
  if (existsSync(cached)) return;
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "new-"));
  for (const name of names) cpSync(join(out, `${name}.wasm`), join(folder, `${name}.wasm`));
  for (const name of [...names, "shared"]) cpSync(join(here, name, "layout.ts"), join(folder, `${name}.ts`));
  renameSync(folder, cached);
}

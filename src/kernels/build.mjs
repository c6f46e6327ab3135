// Compiles the kernel of each folder, NAME/assembly/main.ts, to dist/kernels/NAME.wasm, and writes NAME/layout.ts, its
// constants and structs for TypeScript. Kernels share the code of shared/assembly, whose constants and structs are
// written to shared/layout.ts.
import { main } from "assemblyscript/asc";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { layoutOf, writeSharedLayout } from "./layout.mjs";

const flags =
  "-O3 --noAssert --runtime stub --enable simd --enable threads --importMemory --sharedMemory --maximumMemory 65536";
const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
mkdirSync(join(root, "dist", "kernels"), { recursive: true });

const shared = new Map();
for (const name of readdirSync(here)) {
  const folder = join("src", "kernels", name);
  const source = join(folder, "assembly", "main.ts");
  if (!existsSync(join(root, source))) continue;
  const out = join("dist", "kernels", `${name}.wasm`);
  // disables warning 112 about v128 values, which JavaScript cannot exchange with WebAssembly, because no caller does
  const args = [source, "--outFile", out, ...flags.split(" "), "--baseDir", root, "--disableWarning", "112"];
  const { error } = await main(args, {
    stderr: process.stderr,
    transforms: [layoutOf(folder, root, shared)],
  });
  if (error) throw new Error(`${source} does not compile`, { cause: error });
}
writeSharedLayout(join(here, "shared"), shared);

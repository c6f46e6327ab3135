// Compiles the kernel of each folder, NAME/assembly/main.ts, to dist/kernels/NAME.wasm, and writes NAME/layout.ts for it;
// shared/assembly is what they share, shared/layout.ts its constants.
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
  // 112: functions over v128 cannot be called from JavaScript; none is
  const args = [source, "--outFile", out, ...flags.split(" "), "--baseDir", root, "--disableWarning", "112"];
  const { error } = await main(args, {
    stderr: process.stderr,
    transforms: [layoutOf(folder, root, shared)],
  });
  if (error) throw new Error(`${source} does not compile`, { cause: error });
}
writeSharedLayout(join(here, "shared"), shared);

// Compiles every module of assembly/ (the files directly in it; math/ is what they share) to dist/kernels/NAME.wasm.
import { main } from "assemblyscript/asc";
import { mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const flags =
  "-O3 --noAssert --runtime stub --enable simd --enable threads --importMemory --sharedMemory --maximumMemory 65536";
const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
mkdirSync(join(root, "dist", "kernels"), { recursive: true });

for (const file of readdirSync(join(here, "assembly")).filter((name) => name.endsWith(".ts"))) {
  const out = join("dist", "kernels", file.replace(/\.ts$/, ".wasm"));
  const source = join("src", "kernels", "assembly", file);
  // 112: functions over v128 cannot be called from JavaScript; none is
  const args = [source, "--outFile", out, ...flags.split(" "), "--baseDir", root, "--disableWarning", "112"];
  const { error } = await main(args, { stderr: process.stderr });
  if (error) throw new Error(`${source} does not compile`, { cause: error });
}

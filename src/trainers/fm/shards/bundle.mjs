// Writes dist/trainers/fm/shards/program.bundle.js: program.js with all that it imports and its kernel, in one file that runs
// wherever Node is. A step of the build, after tsc.
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const dist = resolve(dirname(fileURLToPath(import.meta.url)), "../../../../dist");
const folder = join(dist, "trainers/fm/shards");
const { metafile } = await build({
  stdin: {
    contents: `import { main as run } from "./program.js";
import kernel from "../../../kernels/fm.wasm";
export const main = (first, rest, write) => run(first, rest, write, kernel);`,
    resolveDir: folder,
  },
  outfile: join(folder, "program.bundle.js"),
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  loader: { ".wasm": "binary" },
  // names of modules in comments are the same wherever the project is
  absWorkingDir: dist,
  metafile: true,
});
const foreign = Object.keys(metafile.inputs).find((path) => path.includes("node_modules"));
if (foreign !== undefined) throw new Error(`the program must not need a package, got ${foreign}`);

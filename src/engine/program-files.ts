// Packs the program into one file for executors: the built modules, the kernels, and the packages that scripts load.
//
//   u32 length of the list ── list: [path, size] as JSON ── the files' bytes, one after another; compressed by gzip

import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { version } from "../io/package-version.js";
import { filesBelow } from "../io/tree.js";

const root = new URL("../../", import.meta.url);
/** Module that io/apache-arrow.ts loads; it consists of one file and has no dependencies. */
const ARROW = "apache-arrow/Arrow.esnext.min";
/** Packages that the modules of a script import; they have no dependencies of their own. */
const PACKAGES = ["commander", "papaparse"];
const { resolve } = createRequire(import.meta.url);

/** Returns the bytes of the packed file. */
export async function packedProgram(): Promise<Uint8Array> {
  const files: (readonly [path: string, bytes: Uint8Array])[] = [];
  for (const [folder, ending] of [
    ["dist/program/", /js$/],
    ["dist/kernels/", /\.wasm$/],
  ] as const)
    for (const name of (await readdir(new URL(folder, root))).filter((one) => ending.test(one)))
      files.push([folder + name, await readFile(new URL(folder + name, root))]);
  const exports = { [`.${ARROW.slice(ARROW.indexOf("/"))}`]: "./arrow.cjs" };
  const text = (value: object): Uint8Array => Buffer.from(JSON.stringify(value));
  files.push(
    ["package.json", text({ name: "embed-tables", version, type: "module" })],
    ["node_modules/apache-arrow/package.json", text({ name: "apache-arrow", exports })],
    ["node_modules/apache-arrow/arrow.cjs", await readFile(resolve(ARROW))],
  );
  for (const name of PACKAGES) {
    const [entry, folder] = [resolve(name), join("node_modules", name)];
    const own = entry.slice(0, entry.lastIndexOf(folder) + folder.length);
    for (const file of (await filesBelow(own)).filter((one) => /(?<!\.min)\.(?:c?js|json)$/.test(one)))
      files.push([`node_modules/${name}/${file}`, await readFile(join(own, file))]);
  }
  const list = text(files.map(([path, { length }]) => [path, length]));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(list.length);
  return gzipSync(Buffer.concat([length, list, ...files.map(([, bytes]) => bytes)]), { level: 6 });
}

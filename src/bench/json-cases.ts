// Cases of `npm run bench -- fuzz-runs --json`: every JSON text of the valid artifacts, with each of its parts replaced.
//
//   artifacts ──► their files ──► JSON texts ──► mutations ──► the file with its checksums, and commands that read it

import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { sha256Of } from "../base/io/fingerprint.js";
import { readSafetensors, safetensorsChunks } from "../table/safetensors.js";
import { jsonMutations } from "../testing/json-mutations.js";
import { bases, jobs, type Base } from "./crafted-bases.js";

/** A file of an artifact with one part of its JSON replaced, and a command that reads the artifact. */
export interface JsonCase {
  base: Base;
  what: string;
  command: string;
  /** writes the changed file into a copy of the artifact */
  craft: (copy: string) => void;
}

/** A JSON text in a file. */
interface JsonText {
  /** kind of the text, for which each mutation is tried once; the texts of several artifacts may be of one kind */
  kind: string;
  text: string;
  /** returns the bytes of the file with another text in the place of this one */
  put: (text: string) => Uint8Array;
}

/** Returns all cases, in a fixed order. @param folder the folder of the valid artifacts */
export function jsonCases(folder: string): JsonCase[] {
  const cases: JsonCase[] = [];
  const tried = new Set<string>();
  // all checkpoints are read by the same code up to their checksum
  const others = bases.filter(({ name }) => !/^checkpoint (?!of refit)/.test(name));
  for (const base of [...jobs, ...others]) {
    let turn = 0;
    for (const name of filesOf(join(folder, base.path))) {
      for (const { kind, text, put } of jsonTexts(join(folder, base.path, name))) {
        for (const { what, json } of jsonMutations(text)) {
          if (json === text || tried.has(`${kind} ${what}`)) continue;
          tried.add(`${kind} ${what}`);
          // a changed checkpoint keeps its checksum, which no longer matches
          const craft = (copy: string) =>
            name === "" ? writeFileSync(copy, put(json)) : writeSealed(copy, name, put(json));
          // the commands that read the artifact take turns
          const command = base.commands[turn++ % base.commands.length]!;
          cases.push({ base, command, craft, what: `${name || base.path}: ${what}` });
        }
      }
    }
  }
  return cases;
}

/** Returns the names of an artifact's files; one empty name if the artifact is a file. */
function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [""];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)))
    .filter((name) => basename(name) !== "last-run.json") // is only written
    .sort()
    .toReversed(); // outputs of steps after the versions, which have files of the same kinds
}

function jsonTexts(path: string): JsonText[] {
  const bytes = readFileSync(path);
  const name = basename(path).replace(/-[0-9a-f]{16}/, "");
  // other code reads the latest version than the one before it
  const kind = path.includes("000001") ? `${name} of the earlier version` : name;
  if (/\.(html|checkpoint)$/.test(name))
    return name.endsWith("html") ? textInPage(bytes) : textsInTensors(bytes);
  const text = bytes.toString("utf8");
  if (name.endsWith(".jsonl")) {
    const [first = "", ...rest] = text.split("\n");
    return [{ kind, text: first, put: (changed) => Buffer.from([changed, ...rest].join("\n")) }];
  }
  // outputs of steps of a pipeline have no extension
  const isJson = name.endsWith(".json") || (!name.includes(".") && text.startsWith("{"));
  return isJson
    ? [{ kind, text: JSON.stringify(JSON.parse(text)), put: (changed) => Buffer.from(changed) }]
    : [];
}

function textInPage(bytes: Buffer): JsonText[] {
  const page = bytes.toString("utf8");
  const [, before, text, after] = /^(.*id="embed-compare">)(.*?)(<\/script>.*)$/s.exec(page)!;
  return [{ kind: "page", text: text!, put: (changed) => Buffer.from(before + changed + after) }];
}

function textsInTensors(bytes: Buffer): JsonText[] {
  const length = Number(bytes.readBigUInt64LE(0));
  const header = (changed: string): Buffer => {
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(Buffer.byteLength(changed)));
    return Buffer.concat([size, Buffer.from(changed), bytes.subarray(8 + length)]);
  };
  const texts: JsonText[] = [{ kind: "header", text: bytes.toString("utf8", 8, 8 + length), put: header }];
  for (const [name, { data }] of readSafetensors(bytes, "valid")) {
    const text = data instanceof Uint8Array ? Buffer.from(data).toString("utf8") : "";
    if (!/^[{[]/.test(text)) continue;
    const put = (changed: string): Buffer => {
      const tensors = readSafetensors(bytes, "valid");
      const json = Uint8Array.from(Buffer.from(changed));
      tensors.set(name, { shape: [json.length], data: json });
      return Buffer.concat([...safetensorsChunks(tensors)]);
    };
    texts.push({ kind: `tensor ${name}`, text, put });
  }
  return texts;
}

/** Files that list other files with their checksums; a publication lists the manifest. */
const MARKERS = ["manifest.json", "dataset.json", "index.json", "publication.json"];

/** Writes a file of an artifact, and updates the checksums of all files that list it. @param name "" for the artifact */
export function writeSealed(artifact: string, name: string, bytes: Uint8Array): void {
  const path = join(artifact, name);
  // a checkpoint ends with its checksum
  const isCheckpoint = path.endsWith(".checkpoint") && bytes.length > 32;
  const before = isCheckpoint ? bytes.subarray(0, -32) : bytes;
  writeFileSync(path, isCheckpoint ? Buffer.concat([before, Buffer.from(sha256Of(before), "hex")]) : bytes);
  let folder = dirname(path);
  while (folder.length > artifact.length && !MARKERS.some((marker) => existsSync(join(folder, marker))))
    folder = dirname(folder);
  let changed = relative(folder, path);
  for (const marker of MARKERS) {
    if (marker === changed || !existsSync(join(folder, marker))) continue;
    const listed = JSON.parse(readFileSync(join(folder, marker), "utf8")) as Marker;
    if (!Object.hasOwn(listed.files, changed)) continue;
    const content = readFileSync(join(folder, changed));
    const sha256 = sha256Of(content);
    listed.files[changed] = { bytes: content.length, sha256 };
    if (changed === "manifest.json") listed.run = sha256;
    writeFileSync(join(folder, marker), JSON.stringify(listed));
    changed = marker;
  }
  if (changed === "publication.json") sealItself(join(folder, changed));
}

interface Marker {
  files: Record<string, object>;
  run?: string;
}

/** Updates the checksum of a publication in it. */
function sealItself(publication: string): void {
  const content: unknown = JSON.parse(readFileSync(publication, "utf8"));
  if (typeof content !== "object" || content === null || Array.isArray(content)) return;
  const { sha256: _, ...others } = content as Record<string, unknown>;
  const sealed = { ...others, sha256: sha256Of(JSON.stringify(others)) };
  writeFileSync(publication, `${JSON.stringify(sealed, undefined, 2)}\n`);
}

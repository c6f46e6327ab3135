// Runs and stores from an untrusted source: whatever they list and wherever their links lead, no file outside of them
// is read or written, and bad versions can be removed from a store.

import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Checkpoints } from "../../training/epochs/checkpoint.js";
import { readDescription } from "../../dataset/encoded/read.js";
import { publicationBytes, type PublicationRecord } from "../../table/publication.js";
import { openRun } from "../../table/run-directory.js";
import { sha256Of } from "../../base/io/fingerprint.js";
import { temporaryFolder } from "../../testing/embed.js";
import { writeSmallRun } from "../../testing/small-run.js";
import { alignRun } from "../../use/align.js";
import { forget } from "../forget/forget.js";
import { gc } from "./gc.js";
import { listStore } from "./ls.js";
import { publish } from "./publish.js";
import { rollback } from "./rollback.js";
import { runPipeline } from "../pipeline/run.js";
import { sweepOutputs } from "./work-folder.js";
import { readJson } from "../../testing/json.js";

const folder = temporaryFolder();
const lock = { waitMs: 0, signal: new AbortController().signal };
const secret = join(folder, "home", "authorized_keys");
const good = join(folder, "good");

beforeAll(async () => {
  mkdirSync(join(folder, "home"));
  writeFileSync(secret, "ssh-ed25519 AAAA");
  await writeSmallRun(good, 1);
});

/** Returns a copy of the good run whose manifest lists more files, by name and content. */
function hostileRun(name: string, more: Record<string, string | Buffer>): string {
  const path = join(folder, name);
  cpSync(good, path, { recursive: true });
  const file = join(path, "manifest.json");
  const manifest = readJson<{ files: object }>(file);
  const listed = Object.entries(more).map(([listedName, content]) => [
    listedName,
    { bytes: Buffer.byteLength(content), sha256: sha256Of(content) },
  ]);
  manifest.files = { ...manifest.files, ...(Object.fromEntries(listed) as object) };
  writeFileSync(file, JSON.stringify(manifest));
  return path;
}

describe("a run whose manifest lists what is no file of it is 82 and nothing is copied", () => {
  test.each([
    ["a path that leads out", "../home/authorized_keys"],
    ["a path that leads out, by a detour", "model/../../home/authorized_keys"],
    ["an absolute path", secret],
    ["a Windows path", "C:/home/authorized_keys"],
    ["a backslash", "..\\home\\authorized_keys"],
    ["a NUL", "model/x\0"],
    ["no name", ""],
    ["a folder's name", "model/"],
    ["a path that differs once it is normalized", "./metrics.jsonl"],
    ["the manifest in other case", "MANIFEST.json"],
    ["a publication", "publication.json"],
    ["a file in other case", "Metrics.jsonl"],
    ["a file in another Unicode form", "caf\u00e9", "cafe\u0301"],
    ["a file within a file", "metrics.jsonl/x"],
  ])("%s", async (what, ...names) => {
    const content = readFileSync(secret, "utf8");
    const run = hostileRun(`lists ${what}`, Object.fromEntries(names.map((name) => [name, content])));
    const refused = { exitCode: 82, message: expect.stringMatching(/manifest\.json' lists .*tampered/) };
    await expect(openRun(run)).rejects.toMatchObject(refused);
    const store = join(folder, `store of ${what}`);
    await expect(publish(run, { store, name: "items", ...lock })).rejects.toMatchObject(refused);
    await expect(alignRun(run, { to: good, out: join(folder, `aligned ${what}`) })).rejects.toMatchObject(
      refused,
    );
    expect(existsSync(store)).toBe(false);
    expect(existsSync(join(folder, `aligned ${what}`))).toBe(false);
  });
});

describe("a run with something else in the place of a file is 82, at once", () => {
  test.each([
    ["embeddings.arrow", "a symbolic link", (at: string) => symlinkSync(secret, at)],
    ["embeddings.arrow", "a named pipe", (at: string) => void execFileSync("mkfifo", [at])],
    ["metrics.jsonl", "a directory", (at: string) => mkdirSync(at)],
    ["manifest.json", "a named pipe", (at: string) => void execFileSync("mkfifo", [at])],
    ["manifest.json", "a symbolic link", (at: string) => symlinkSync(join(good, "manifest.json"), at)],
    ["publication.json", "a named pipe", (at: string) => void execFileSync("mkfifo", [at])],
  ])("%s is %s", async (file, kind, make) => {
    const run = join(folder, `${file} is ${kind}`);
    cpSync(good, run, { recursive: true });
    rmSync(join(run, file), { force: true });
    make(join(run, file));
    await expect(openRun(run)).rejects.toMatchObject({
      exitCode: 82,
      message: expect.stringContaining(`${file}' is ${kind}`),
    });
  });

  test("a folder on the way to a file is a symbolic link", async () => {
    const run = hostileRun("folder link", { "model/authorized_keys": readFileSync(secret, "utf8") });
    symlinkSync(join(folder, "home"), join(run, "model"));
    await expect(openRun(run)).rejects.toMatchObject({
      exitCode: 82,
      message: expect.stringContaining("model' is a symbolic link, expected a directory"),
    });
  });
});

test.each([
  ["rows.arrow", "a symbolic link", (at: string) => symlinkSync(secret, at)],
  ["values.arrow", "a named pipe", (at: string) => void execFileSync("mkfifo", [at])],
  ["dataset.json", "a named pipe", (at: string) => void execFileSync("mkfifo", [at])],
])("a dataset of which %s is %s is 82, at once", async (file, kind, make) => {
  const dataset = join(folder, `dataset, ${file}`);
  mkdirSync(dataset);
  writeFileSync(join(dataset, "dataset.json"), "{}");
  rmSync(join(dataset, file), { force: true });
  make(join(dataset, file));
  await expect(readDescription(dataset)).rejects.toMatchObject({
    exitCode: 82,
    message: expect.stringContaining(`${file}' is ${kind}`),
  });
});

test.each([
  ["a symbolic link", (at: string) => symlinkSync(secret, at)],
  ["a named pipe", (at: string) => void execFileSync("mkfifo", [at])],
])("a checkpoint that is %s is 82, at once", async (kind, make) => {
  const out = join(folder, `resumed from ${kind}`);
  make(`${out}.checkpoint`);
  await expect(Checkpoints.open(out, { resume: true }, {}, lock.signal)).rejects.toMatchObject({
    exitCode: 82,
    message: expect.stringContaining(`.checkpoint' is ${kind}`),
  });
});

/** Creates a store with the given number of good versions. */
async function storeOf(name: string, versions: number): Promise<string> {
  const store = join(folder, name);
  for (let i = 0; i < versions; i++) await publish(good, { store, name: "items", ...lock });
  return store;
}

/** Adds files to the list of a version's publication, with correct checksums. */
function poison(version: string, files: PublicationRecord["files"]): void {
  const file = join(version, "publication.json");
  const record = readJson<PublicationRecord>(file);
  writeFileSync(file, publicationBytes({ ...record, files: { ...record.files, ...files } }));
}

test("a manifest that names a log with NUL is damaged", async () => {
  const run = hostileRun("names NUL", {});
  const file = join(run, "manifest.json");
  const manifest = JSON.parse(readFileSync(file, "utf8")) as object;
  const asked = { log: ["a\0b.csv"], options: {}, inputs: [], runs: [] };
  writeFileSync(file, JSON.stringify({ ...manifest, asked }));
  await expect(openRun(run)).rejects.toMatchObject({
    exitCode: 82,
    message: expect.stringContaining('asked.log.0: expected a path without NUL, got "a\\u0000b.csv"'),
  });
});

test("a version that lists a path out of the store is removed by gc --remove, and the others work", async () => {
  const store = await storeOf("poisoned", 3);
  const content = readFileSync(secret);
  poison(join(store, "items", "000002"), {
    "../../../home/authorized_keys": { bytes: content.length, sha256: sha256Of(content) },
  });
  const listed = await listStore(store, undefined, lock);
  expect(listed.versions.map(({ damage }) => damage === null)).toEqual([true, false, true]);
  await expect(forget(store, ["item:key 7"], lock)).rejects.toMatchObject({
    exitCode: 82,
    message: expect.stringContaining(`embed gc '${store}' items --remove 2`),
  });
  const { names } = await gc(store, "items", { keep: 8, remove: "2", ...lock });
  expect(names).toMatchObject([{ removed: ["000002"], kept: ["000001", "000003"] }]);
  expect((await forget(store, ["item:key 7"], lock)).changed).toHaveLength(2);
  expect(readFileSync(secret)).toEqual(content);
});

test("a poisoned latest version: rollback passes it over, gc removes it, and its number is not given again", async () => {
  const store = await storeOf("poisoned latest", 2);
  poison(join(store, "items", "000002"), { "/etc/passwd": { bytes: 1, sha256: "0".repeat(64) } });
  await expect(gc(store, "items", { keep: 8, remove: "2", ...lock })).rejects.toMatchObject({
    exitCode: 64,
    message: expect.stringContaining("embed rollback"),
  });
  expect((await rollback(store, "items", lock)).rollback).toMatchObject({ to: "000001" });
  await gc(store, "items", { keep: 8, remove: "000002", ...lock });
  const { published } = await publish(good, { store, name: "items", ...lock });
  expect(published.version).toBe("000003");
});

test("a version whose publication has an object in the place of a number is listed as damaged, and removed", async () => {
  const store = await storeOf("object for a number", 2);
  const file = join(store, "items", "000001", "publication.json");
  writeFileSync(file, JSON.stringify({ ...readJson<object>(file), schemaVersion: { toString: 1 } }));
  const listed = await listStore(store, undefined, lock);
  expect(listed.versions.map(({ damage }) => damage)).toEqual([
    expect.stringContaining(`'${file}' is invalid (schemaVersion: expected a number, got an object)`),
    null,
  ]);
  const { names } = await gc(store, "items", { keep: 8, remove: "1", ...lock });
  expect(names).toMatchObject([{ removed: ["000001"], kept: ["000002"] }]);
});

test("the only version, when it is damaged, is removed with its latest; a whole one is not", async () => {
  const store = await storeOf("only one", 1);
  const only = { keep: 8, remove: "1", ...lock };
  await expect(gc(store, "items", only)).rejects.toMatchObject({ exitCode: 64 });
  writeFileSync(join(store, "items", "000001", "manifest.json"), "{");
  await gc(store, "items", only);
  const { published } = await publish(good, { store, name: "items", ...lock });
  expect(published).toMatchObject({ version: "000002", previous: null });
});

test("a name that is a symbolic link is refused by whatever writes, and what it leads to stays", async () => {
  const store = await storeOf("linked name", 1);
  const elsewhere = join(folder, "elsewhere");
  mkdirSync(elsewhere);
  renameSync(join(store, "items"), join(elsewhere, "items"));
  symlinkSync(join(elsewhere, "items"), join(store, "items"));
  const before = readdirSync(join(elsewhere, "items"));
  const refused = { message: expect.stringContaining("symbolic link") };
  await expect(publish(good, { store, name: "items", ...lock })).rejects.toMatchObject(refused);
  await expect(rollback(store, "items", { to: "1", ...lock })).rejects.toMatchObject(refused);
  await expect(forget(join(store, "items"), ["item:key 7"], lock)).rejects.toMatchObject(refused);
  await expect(gc(store, "items", { keep: 1, ...lock })).rejects.toMatchObject({ exitCode: 66 });
  expect(readdirSync(join(elsewhere, "items"))).toEqual(before);
});

test.each([["../../good"], ["/etc"], ["000001/model"], [".."]])(
  "latest -> %s is followed by nobody, and rollback puts it right",
  async (target) => {
    const store = await storeOf(`latest ${target.replaceAll("/", "_")}`, 2);
    const link = join(store, "items", "latest");
    rmSync(link);
    symlinkSync(target, link);
    const refused = {
      exitCode: 82,
      message: expect.stringContaining(`points to '${target}', expected a version`),
    };
    await expect(publish(good, { store, name: "items", ...lock })).rejects.toMatchObject(refused);
    await expect(gc(store, undefined, { keep: 1, ...lock })).rejects.toMatchObject(refused);
    expect(readlinkSync(link)).toBe(target);
    await rollback(store, "items", lock);
    expect(readlinkSync(link)).toBe("000002");
  },
);

test("a version that is a symbolic link is none: nothing is written or removed behind it", async () => {
  const store = await storeOf("linked version", 1);
  const elsewhere = join(folder, "elsewhere version");
  renameSync(join(store, "items", "000001"), elsewhere);
  symlinkSync(elsewhere, join(store, "items", "000001"));
  const before = readdirSync(elsewhere);
  await expect(gc(store, undefined, { keep: 1, ...lock })).rejects.toMatchObject({ exitCode: 82 });
  await expect(forget(store, ["item:key 7"], lock)).rejects.toMatchObject({ exitCode: 66 });
  rmSync(join(store, "items", "latest"));
  expect((await publish(good, { store, name: "items", ...lock })).published.version).toBe("000002");
  expect(readdirSync(elsewhere)).toEqual(before);
});

test("gc removes no folders that are only called like versions", async () => {
  const album = join(folder, "photos", "holidays");
  for (const day of ["20240101", "20240102"]) {
    mkdirSync(join(album, day), { recursive: true });
    writeFileSync(join(album, day, "beach.jpg"), "");
  }
  await expect(gc(join(folder, "photos"), undefined, { keep: 1, ...lock })).rejects.toMatchObject({
    exitCode: 73,
    message: expect.stringContaining("20240101"),
  });
  expect(readdirSync(album)).toEqual(["20240101", "20240102"]);
});

test("forgetting names a file that lies in a version and belongs to none, and removes nothing", async () => {
  const store = await storeOf("noted", 2);
  writeFileSync(join(store, "items", "000002", "notes.txt"), "mine");
  await expect(forget(store, ["item:key 7"], lock)).rejects.toMatchObject({
    exitCode: 73,
    message: expect.stringContaining("'notes.txt'"),
  });
  expect(existsSync(join(store, "items", "000002", "notes.txt"))).toBe(true);
});

describe("step outputs", () => {
  const watch = { signal: lock.signal, observe: () => undefined };
  const pipeline = join(folder, "job.yaml");
  beforeAll(() => {
    writeFileSync(join(folder, "log.csv"), "user,item,label\na,b,1\n");
    writeFileSync(
      pipeline,
      "store: jobs\nlog: log.csv\ncolumns: { user: user, item: item, label: label }\ntrain: { items: { command: train-fm } }\n",
    );
  });

  test.each([["jobs/.work"], ["jobs/.work/job"], ["jobs/.work/job/items"]])(
    "a run empties no folder that %s links to",
    async (place) => {
      rmSync(join(folder, "jobs"), { recursive: true, force: true });
      mkdirSync(join(folder, place, ".."), { recursive: true });
      const mine = join(folder, `mine ${place.replaceAll("/", "_")}`);
      mkdirSync(join(mine, "job"), { recursive: true });
      writeFileSync(join(mine, "train-0123456789abcdef"), "mine");
      writeFileSync(join(mine, "thesis.tex"), "mine");
      symlinkSync(mine, join(folder, place));
      await expect(runPipeline(pipeline, {}, watch)).rejects.toMatchObject({
        exitCode: 73,
        message: expect.stringContaining("is a symbolic link"),
      });
      expect(readdirSync(mine)).toEqual(["job", "thesis.tex", "train-0123456789abcdef"]);
      expect(readdirSync(join(mine, "job"))).toEqual([]);
    },
  );

  test("forget and gc refuse a store whose step outputs are linked elsewhere", async () => {
    const store = await storeOf("linked work", 1);
    mkdirSync(join(folder, "mine", "sub"), { recursive: true });
    symlinkSync(join(folder, "mine"), join(store, ".work"));
    const refused = { exitCode: 73, message: expect.stringContaining(".work' is a symbolic link") };
    await expect(forget(store, ["item:key 7"], lock)).rejects.toMatchObject(refused);
    await expect(gc(store, undefined, { keep: 1, ...lock })).rejects.toMatchObject(refused);
    expect(lstatSync(join(folder, "mine", "sub")).isDirectory()).toBe(true);
  });

  test("a sweep removes outputs of other inputs, and nothing that no pipeline writes", async () => {
    const work = join(folder, "work");
    const [kept, gone] = ["encode-0123456789abcdef", "encode-fedcba9876543210"];
    for (const name of [kept, gone, "items/train-fedcba9876543210", "old/train-fedcba9876543210", "notes/1"])
      mkdirSync(join(work, name), { recursive: true });
    writeFileSync(join(work, "items", "gate.json"), "");
    await sweepOutputs(work, ["items"], (path) => path.endsWith(kept));
    expect(readdirSync(work).sort()).toEqual([kept, "items", "notes"]);
    expect(readdirSync(join(work, "items"))).toEqual([]);
    expect(readdirSync(join(work, "notes"))).toEqual(["1"]);
  });
});

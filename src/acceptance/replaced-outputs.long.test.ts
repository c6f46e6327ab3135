// --force replaces only outputs of this program that contain nothing else; in process, and once through the shell.

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { ownIndex } from "../use/index/directory.js";
import { Checkpoints } from "../training/epochs/checkpoint.js";
import { ownDataset } from "../dataset/encoded/write.js";
import { ownRun, ownVersion } from "../table/own-run.js";
import { ownEncodings } from "../export/encodings.js";
import { exportFormats, formatNamed } from "../export/formats.js";
import { checkOutput } from "../base/io/atomic.js";
import { publish } from "../weekly/store/publish.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";
import { writeSmallRun } from "../testing/small-run.js";

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
const { signal } = new AbortController();

/** Creates, with the program, an output of each kind that --force may replace: a run, a dataset, exports and so on. */
beforeAll(async () => {
  await writeSmallRun(at("run"), 1);
  await embedOk(["encode", fixture("clicks.csv"), "-o", at("dataset"), "--quiet"]);
  await embedOk(["index", at("run"), "--field", "item", "-o", at("index"), "--quiet"]);
  for (const format of ["npy", "faiss", "projector"])
    await embedOk(["export", at("run"), "--format", format, "-o", at(format), "--quiet"]);
});

const kinds = [
  ["run", ownRun],
  ["dataset", ownDataset],
  ["index", ownIndex],
  ["npy", formatNamed("npy").own!],
  ["faiss", formatNamed("faiss").own!],
  ["projector", formatNamed("projector").own!],
] as const;

describe.each(kinds)("--force on a directory: %s", (name, own) => {
  const force = (path: string) => checkOutput(path, true, "directory", own);
  const copy = (to: string): string => {
    cpSync(at(name), at(to), { recursive: true });
    return at(to);
  };

  test("replaces one that this tool wrote, and an empty one", async () => {
    await expect(force(at(name))).resolves.toBeUndefined();
    mkdirSync(at(`empty ${name}`));
    await expect(force(at(`empty ${name}`))).resolves.toBeUndefined();
  });

  test.each([
    [".git", (path: string) => mkdirSync(path)],
    ["notes.txt", (path: string) => writeFileSync(path, "mine")],
    ["model", (path: string) => mkdirSync(path)],
    ["data", (path: string) => symlinkSync(folder, path)],
  ])("leaves one in which %s lies, and names it", async (foreign, make) => {
    const path = copy(`${name} with ${foreign}`);
    make(join(path, foreign));
    await expect(force(path)).rejects.toMatchObject({
      exitCode: 73,
      message: expect.stringContaining(`contains '${foreign}', which is not part of `),
    });
  });

  test("leaves one whose first file is another program's, empty or a link", async () => {
    for (const [what, write] of [
      [
        "other",
        (file: string) => writeFileSync(file, JSON.stringify({ name: "shop", schemaVersion: 1, files: {} })),
      ],
      ["array", (file: string) => writeFileSync(file, "[]")],
      ["cut", (file: string) => writeFileSync(file, '{"schemaVersion": 1')],
      ["link", (file: string) => symlinkSync(at(name, own.marker), file)],
    ] as const) {
      const path = at(`${what} ${name}`);
      mkdirSync(path);
      write(join(path, own.marker));
      // an export has no description, so that a file of another program with the name of an export cannot be recognized
      if (what !== "link" && !["run", "dataset", "index"].includes(name)) continue;
      await expect(force(path)).rejects.toMatchObject({ exitCode: 73 });
      expect(existsSync(join(path, own.marker))).toBe(true);
    }
  });
});

test("every format of several files says which it writes, and encoded rows do", async () => {
  for (const [name, format] of exportFormats)
    expect([name, format.needsDirectory]).toEqual([name, format.own !== undefined]);
  mkdirSync(at("rows"));
  for (const file of ["keys.txt", "leaves.npy", "scores.npy"]) writeFileSync(at("rows", file), "");
  await expect(checkOutput(at("rows"), true, "directory", ownEncodings)).resolves.toBeUndefined();
  writeFileSync(at("rows", "thesis.tex"), "");
  await expect(checkOutput(at("rows"), true, "directory", ownEncodings)).rejects.toMatchObject({
    exitCode: 73,
  });
});

test("a version of a store is no run to be replaced, nor is the link to the latest", async () => {
  const lock = { waitMs: 0, signal };
  await publish(at("run"), { store: at("store"), name: "items", ...lock });
  for (const place of ["000001", "latest"])
    await expect(writeSmallRun(at("store/items", place), 2)).rejects.toMatchObject({
      exitCode: 73,
      message: expect.stringContaining("'publication.json'"),
    });
  await expect(checkOutput(at("store/items/000001"), true, "directory", ownVersion)).resolves.toBeUndefined();
});

test.each([
  ["a file", (path: string) => writeFileSync(path, "mine")],
  ["a directory", (path: string) => mkdirSync(path)],
  ["a symbolic link", (path: string) => symlinkSync(at("run"), path)],
  ["a named pipe", (path: string) => void execFileSync("mkfifo", [path])],
])("checkpoints do not replace %s of another program", async (what, make) => {
  const out = at(`to be ${what}`);
  make(`${out}.checkpoint`);
  const open = Checkpoints.open(out, { checkpointEvery: 1 }, {}, signal);
  await expect(open).rejects.toMatchObject({
    exitCode: 73,
    message: expect.stringContaining(".checkpoint'"),
  });
});

test("checkpoints replace an older one", async () => {
  const controls = (
    await Checkpoints.open(at("older"), { checkpointEvery: 1 }, { seed: 1 }, signal)
  ).controls();
  const standing = {} as never;
  await controls.checkpoint!.save({ arrays: {}, standing, epochs: [] });
  await expect(
    Checkpoints.open(at("older"), { checkpointEvery: 1 }, { seed: 2 }, signal),
  ).resolves.toBeDefined();
});

test("a web app with its .git stays as it is, whatever its manifest.json says", async () => {
  mkdirSync(at("app/.git"), { recursive: true });
  writeFileSync(at("app/manifest.json"), '{"name":"shop","icons":[]}');
  writeFileSync(at("app/.git/HEAD"), "ref: refs/heads/main\n");
  const { code, stderr } = await embed(["train-fm", fixture("clicks.csv"), "-o", at("app"), "--force"]);
  expect([code, stderr]).toEqual([73, expect.stringContaining("--force does not delete it")]);
  expect(readdirSync(at("app")).sort()).toEqual([".git", "manifest.json"]);
  rmSync(at("app"), { recursive: true });
});

/** Returns mode, owner and group of a path; for a directory also those of each file in it. */
function accessIn(path: string): unknown[] {
  const { mode, uid, gid } = statSync(path);
  const names = statSync(path).isDirectory() ? readdirSync(path).sort() : [];
  return [[mode & 0o7777, uid, gid], ...names.map((name) => [name, accessIn(join(path, name))])];
}

test.each([
  ["a run", "private run", ["train-fm", fixture("clicks.csv"), "--epochs", "1"]],
  ["an export of several files", "private npy", ["export", at("run"), "--format", "npy"]],
  ["an export of one file", "private.jsonl", ["export", at("run"), "--format", "jsonl"]],
  ["a database", "private.db", ["export", at("run"), "--format", "sqlite"]],
  ["lists", "private.csv", ["recall", at("run"), "--for", "item", "--k", "3"]],
] as const)(
  "%s that is replaced keeps its mode, and owner and group where that is permitted",
  async (_, name, args) => {
    const command = [...args, "-o", at(name), "--force", "--quiet"];
    await embedOk(command);
    const isDirectory = statSync(at(name)).isDirectory();
    if (isDirectory) for (const file of readdirSync(at(name))) chmodSync(at(name, file), 0o640);
    // only root may change the owner
    if (process.getuid?.() === 0) chownSync(at(name), 4321, 1234);
    chmodSync(at(name), isDirectory ? 0o750 : 0o600);
    const before = accessIn(at(name));
    await embedOk(command);
    expect(accessIn(at(name))).toEqual(before);
  },
);

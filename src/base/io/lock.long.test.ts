import { spawn, type ChildProcess } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withLock, isGone, thisProcess } from "./lock.js";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lock-"));
  path = join(folder, ".lock");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const atOnce = { waitMs: 0, signal: new AbortController().signal };
const module = JSON.stringify(new URL("./lock.js", import.meta.url).href);

/** Starts a process that acquires the lock, prints a line, and holds the lock until it is killed. */
async function holder(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [
    "--input-type=module",
    "-e",
    `import { withLock } from ${module};
     await withLock(${JSON.stringify(path)}, { waitMs: 0, signal: new AbortController().signal }, () => new Promise(() => {
       console.log("held");
       setInterval(() => {}, 1000);
     }));`,
  ]);
  await new Promise((resolve) => child.stdout.once("data", resolve));
  return child;
}

/** Resolves when a process has exited. */
const ended = (child: ChildProcess): Promise<unknown> =>
  new Promise((resolve) => child.once("exit", resolve));

/** Starts a process that acquires the lock, and kills it, so that the lock stays. */
async function leaveStale(): Promise<void> {
  const child = await holder();
  child.kill("SIGKILL");
  await ended(child);
}

test("work is done under the lock, which is gone afterwards, whether it fails or not", async () => {
  const found = await withLock(path, atOnce, async () => readlinkSync(path));
  expect(found).toMatch(new RegExp(`^embed:${process.pid}:`));
  await expect(
    withLock(path, atOnce, async () => Promise.reject(new RangeError("on purpose"))),
  ).rejects.toThrow("on purpose");
  expect(readdirSync(folder)).toEqual([]);
});

test("a second one is 75 at once, and the message says whose it is", async () => {
  await withLock(path, atOnce, async () => {
    const second = withLock(path, atOnce, async () => "entered");
    await expect(second).rejects.toMatchObject({
      exitCode: 75,
      message: expect.stringContaining(`process ${process.pid} on`),
    });
  });
});

test("one that waits enters when the first is done, and an abort ends its waiting", async () => {
  const order: string[] = [];
  let second: Promise<unknown> = Promise.resolve();
  let note = "";
  await withLock(path, atOnce, async () => {
    await new Promise<void>((waiting) => {
      const observe = (text: string): void => {
        note += text;
        waiting();
      };
      second = withLock(path, { ...atOnce, waitMs: 60_000, observe }, async () => order.push("second"));
    });
    const abort = new AbortController();
    const third = withLock(path, { waitMs: 60_000, signal: abort.signal }, async () => order.push("third"));
    abort.abort(new Error("interrupted"));
    await expect(third).rejects.toThrow("interrupted");
    order.push("first");
  });
  await second;
  expect(order).toEqual(["first", "second"]);
  expect(note).toBe(`waiting for process ${process.pid} on ${(await thisProcess()).host}`);
});

test("the lock of a killed process is taken over", async () => {
  await leaveStale();
  const notes: string[] = [];
  const found = await withLock(
    path,
    { ...atOnce, observe: (note) => notes.push(note) },
    async () => "entered",
  );
  expect(found).toBe("entered");
  expect(notes).toEqual([expect.stringContaining("is gone: taking over its lock")]);
  expect(readdirSync(folder)).toEqual([]);
});

test("a living process is left alone, one whose pid was given to another is not", async () => {
  const child = await holder();
  try {
    await expect(withLock(path, atOnce, async () => "entered")).rejects.toMatchObject({ exitCode: 75 });
    const parts = readlinkSync(path).split(":");
    if (parts[2] === "-") {
      console.warn("skipped: without /proc a process does not tell when it started");
      return;
    }
    parts[2] = String(Number(parts[2]) - 1);
    rmSync(path);
    symlinkSync(parts.join(":"), path);
    expect(await withLock(path, atOnce, async () => "entered")).toBe("entered");
  } finally {
    child.kill("SIGKILL");
    await ended(child);
  }
});

test("a lock of another host, of another container, or of no embed is never taken over; the message says how to remove it", async () => {
  const mine = await thisProcess();
  const dead = { ...mine, pid: 2 ** 22 + 1 };
  expect(await isGone(dead)).toBe(true);
  expect(await isGone({ ...dead, host: "elsewhere.example" })).toBe(false);
  expect(await isGone({ ...dead, namespace: "1" })).toBe(false);
  if (mine.boot !== "-") expect(await isGone({ ...mine, boot: "00000000-0000" })).toBe(true);

  symlinkSync(`embed:${dead.pid}:1:-:${mine.namespace}:abcdef012345:elsewhere.example`, path);
  const refused = { exitCode: 75, message: expect.stringContaining(`rm '${path}'`) };
  await expect(withLock(path, atOnce, async () => "entered")).rejects.toMatchObject(refused);
  rmSync(path);
  writeFileSync(path, "of somebody");
  await expect(withLock(path, atOnce, async () => "entered")).rejects.toMatchObject(refused);
  expect(lstatSync(path).isFile()).toBe(true);
});

test.each(["/../../outside", "..", "", "abc", "ABCDEF012345", "abcdef012345/x"])(
  "a link whose token is %j is no lock of embed: it is not taken over, and no path is made of it",
  async (token) => {
    const { pid: _, host, namespace } = await thisProcess();
    const store = join(folder, "store");
    const inStore = join(store, ".lock");
    // the token contains slashes, so the path `.lock.TOKEN` would lead through this folder
    mkdirSync(`${inStore}.`, { recursive: true });
    symlinkSync(`embed:${2 ** 22 + 1}:1:-:${namespace}:${token}:${host}`, inStore);
    const refused = { exitCode: 75, message: expect.stringContaining("what no embed made") };
    await expect(withLock(inStore, atOnce, async () => "entered")).rejects.toMatchObject(refused);
    expect([readdirSync(folder), readdirSync(store).sort()]).toEqual([["store"], [".lock", ".lock."]]);
  },
);

test("of many processes that find a stale lock at once, one works at a time and each gets its turn", async () => {
  await leaveStale();
  const log = join(folder, "log");
  // each process writes two lines while it holds the lock, which must be adjacent. Every fourth process is killed while
  // holding it.
  const worker = (index: number): ChildProcess =>
    spawn(process.execPath, [
      "--input-type=module",
      "-e",
      `import { withLock } from ${module};
       import { appendFileSync } from "node:fs";
       await withLock(${JSON.stringify(path)}, { waitMs: 60_000, signal: new AbortController().signal }, async () => {
         appendFileSync(${JSON.stringify(log)}, "in ${index}\\n");
         for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
         if (${index} % 4 === 3) process.kill(process.pid, "SIGKILL");
         appendFileSync(${JSON.stringify(log)}, "out ${index}\\n");
       });`,
    ]);
  const workers = Array.from({ length: 24 }, (_, index) => worker(index));
  await Promise.all(workers.map(ended));

  const lines = readFileSync(log, "utf8").trimEnd().split("\n");
  const entered = lines.filter((line) => line.startsWith("in "));
  expect(new Set(entered).size).toBe(24);
  expect(entered).toHaveLength(24);
  // every process that was not killed released the lock before the next one acquired it
  const overlaps = lines.filter((line, i) => {
    const [what, index] = line.split(" ");
    return what === "in" && Number(index) % 4 !== 3 && lines[i + 1] !== `out ${index}`;
  });
  expect(overlaps).toEqual([]);
  await withLock(path, atOnce, async () => undefined);
  expect(readdirSync(folder)).toEqual(["log"]);
});

test("a directory that cannot be written to is an OutputError", async () => {
  const disk = join(folder, "missing", ".lock");
  await expect(withLock(disk, atOnce, async () => undefined)).rejects.toMatchObject({ exitCode: 73 });
});

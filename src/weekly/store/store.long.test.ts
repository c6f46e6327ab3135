import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, realpathSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openRun } from "../../table/run-directory.js";
import { temporaryFolder } from "../../testing/embed.js";
import { mulberry32 } from "../../testing/random.js";
import { writeSmallRun } from "../../testing/small-run.js";
import { forget } from "../forget/forget.js";
import { gc } from "./gc.js";
import { publish } from "./publish.js";
import { rollback } from "./rollback.js";
import { latestVersion, listVersions, withStoreLock } from "./store.js";

const folder = temporaryFolder();
const lock = { waitMs: 0, signal: new AbortController().signal };
const run = (value: number): string => join(folder, `run ${value}`);
const latestOf = (store: string): string => join(store, "items", "latest");
/** Creates a store and publishes the runs with the given values, one after the other. */
async function storeOf(name: string, ...values: number[]): Promise<string> {
  const store = join(folder, name);
  for (const value of values) await publish(run(value), { store, name: "items", ...lock });
  return store;
}
const url = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);
const imports = `
  import { writeSync } from "node:fs";
  import { forget } from ${url("../forget/forget.js")};
  import { gc } from ${url("./gc.js")};
  import { publish } from ${url("./publish.js")};
  import { publishRun, withStoreLock } from ${url("./store.js")};
  const lock = { waitMs: 60000, signal: new AbortController().signal };`;

beforeAll(async () => {
  for (const value of [1, 2, 3]) await writeSmallRun(run(value), value);
});

/** Reads `latest` as a program that takes no lock does: first the run's directory, then its files. */
async function versionsSeen(store: string): Promise<number> {
  const found = await openRun(latestOf(store));
  const { manifest } = found;
  const { vectors } = await found.readTable();
  // every vector contains the seed that the manifest records, because both belong to the same run
  expect(new Set(vectors.filter((x) => x !== 0))).toEqual(new Set([manifest.seed]));
  return manifest.seed;
}

test("readers in a loop see the old version or the new one while a writer publishes", async () => {
  const store = await storeOf("readers", 1);
  const child = spawn(process.execPath, [
    "--input-type=module",
    "-e",
    `${imports}
     for (let i = 0; i < 40; i++) {
       const run = ${JSON.stringify(folder)} + "/run " + (1 + (i % 3));
       await publish(run, { store: ${JSON.stringify(store)}, name: "items", ...lock });
     }`,
  ]);
  const end = once(child, "exit");
  const seen: number[] = [];
  while (child.exitCode === null && child.signalCode === null) {
    const { stdout, status } = spawnSync("cat", [join(realpathSync(latestOf(store)), "manifest.json")], {
      encoding: "utf8",
    });
    expect(status).toBe(0);
    expect(stdout.endsWith("}\n")).toBe(true);
    seen.push(await versionsSeen(store), await versionsSeen(store));
  }
  await end;
  expect(seen.length).toBeGreaterThan(0);
  expect(await listVersions(store, "items")).toHaveLength(41);
});

describe("a writer that is killed", () => {
  /** Runs a script in a process that kills itself at a step. */
  function killedAt(script: string): void {
    const { signal, stderr } = spawnSync(process.execPath, [
      "--input-type=module",
      "-e",
      `${imports}\n${script}`,
    ]);
    expect({ signal, stderr: String(stderr) }).toEqual({ signal: "SIGKILL", stderr: "" });
  }
  const onStep = (step: string): string =>
    `(step) => { if (step === ${JSON.stringify(step)}) process.kill(process.pid, "SIGKILL"); }`;

  test.each(["written", "in-place"])(
    "while it publishes, at '%s': latest is the old one, the next publishes",
    async (step) => {
      const store = await storeOf(`publish ${step}`, 1);
      killedAt(`await withStoreLock(${JSON.stringify(store)}, "items", lock, () =>
      publishRun(${JSON.stringify(run(2))}, ${JSON.stringify(store)}, "items", new Map(), lock.signal, { onStep: ${onStep(step)} }));`);
      expect(await versionsSeen(store)).toBe(1);
      const { published } = await publish(run(3), { store, name: "items", ...lock });
      expect(published.version).toBe(step === "written" ? "000002" : "000003");
      expect(await versionsSeen(store)).toBe(3);
      await gc(store, undefined, { keep: 1, ...lock });
      expect(readdirSync(join(store, "items"))).toEqual([published.version, "latest"]);
    },
  );

  test.each(["written", "stand-in", "old-aside", "in-place", "latest"])(
    "while it forgets, at '%s': latest is whole, and the same command finishes",
    async (step) => {
      const store = await storeOf(`forget ${step}`, 1, 2);
      expect(spawnSync("grep", ["-rla", "key 7key 8", store]).status).toBe(0);
      killedAt(
        `await forget(${JSON.stringify(store)}, ["item:key 7"], { ...lock, onStep: ${onStep(step)} });`,
      );
      // reads the manifest directly, as other programs do, and not with a function that would first repair the store
      expect(readFileSync(join(latestOf(store), "manifest.json"), "utf8").endsWith("}\n")).toBe(true);
      expect(await versionsSeen(store)).toBe(2);
      expect((await latestVersion(store, "items"))!.version).toBe("000002");
      await forget(store, ["item:key 7"], lock);
      expect(await versionsSeen(store)).toBe(2);
      const grep = spawnSync("grep", ["-rla", "key 7key 8", store], { encoding: "utf8" });
      expect(grep.stdout).toBe("");
      expect(readdirSync(join(store, "items"))).toEqual(["000001", "000002", "latest"]);
    },
  );

  test("at fifteen moments of publishing, forgetting and collecting: latest is whole, and the next goes on", async () => {
    const store = await storeOf("random", 1);
    const random = mulberry32(8);
    const kills = 15;
    for (let kill = 0; kill < kills; kill++) {
      const child = spawn(process.execPath, [
        "--input-type=module",
        "-e",
        `${imports}
         const store = ${JSON.stringify(store)};
         const onStep = (step) => { writeSync(1, "."); };
         for (let i = 0; ; i++) {
           await withStoreLock(store, "items", lock, () =>
             publishRun(${JSON.stringify(folder)} + "/run " + (1 + (i % 3)), store, "items", new Map(), lock.signal, { onStep }));
           writeSync(1, ".");
           await forget(store, ["item:key " + i], { ...lock, onStep });
           writeSync(1, ".");
           await gc(store, undefined, { keep: 2, ...lock });
           writeSync(1, ".");
         }`,
      ]);
      // the first thirty steps are divided into as many stretches as there are kills; each kill happens at a random
      // step of its stretch
      let left = 1 + Math.floor((30 * (kill + random())) / kills);
      child.stdout.on("data", (dots: Buffer) => {
        left -= dots.length;
        if (left <= 0) child.kill("SIGKILL");
      });
      let complaint = "";
      child.stderr.on("data", (text: Buffer) => (complaint += String(text)));
      const [, signal] = (await once(child, "exit")) as [number | null, string | null];
      expect({ signal, complaint }).toEqual({ signal: "SIGKILL", complaint: "" });
      await versionsSeen(store);
      await latestVersion(store, "items");
    }
    await publish(run(3), { store, name: "items", ...lock });
    expect(await versionsSeen(store)).toBe(3);
    await gc(store, undefined, { keep: 1, ...lock });
    expect(readdirSync(join(store, "items"))).toHaveLength(2);
  }, 300_000);
});

test("the clock is of no concern: files of the future and of the past change neither numbers nor what stays", async () => {
  const store = await storeOf("clock", 1, 2, 3);
  const times: Record<string, Date> = { "000001": new Date("2099-01-01"), "000003": new Date("1980-01-01") };
  for (const [version, time] of Object.entries(times)) {
    for (const file of ["manifest.json", "publication.json", "."]) {
      utimesSync(join(store, "items", version, file), time, time);
    }
  }
  await storeOf("clock", 1);
  await gc(store, undefined, { keep: 2, ...lock });
  expect(readdirSync(join(store, "items"))).toEqual(["000003", "000004", "latest"]);
  const back = await rollback(store, "items", lock);
  expect(back.rollback).toEqual({ name: "items", from: "000004", to: "000003", skipped: [] });
});

test("a writer finds the name locked by another, and waits for it when told", async () => {
  const store = await storeOf("locked", 1);
  let waiting: Promise<unknown> = Promise.resolve();
  await withStoreLock(store, "items", lock, async () => {
    const again = { store, name: "items", extras: new Map<string, string>() };
    const refused = { exitCode: 75 };
    await expect(publish(run(2), { ...again, ...lock })).rejects.toMatchObject(refused);
    await expect(rollback(store, "items", lock)).rejects.toMatchObject(refused);
    await expect(gc(store, undefined, { keep: 1, ...lock })).rejects.toMatchObject(refused);
    await expect(forget(store, ["item:key 1"], lock)).rejects.toMatchObject(refused);
    await new Promise<void>((heard) => {
      waiting = publish(run(2), { ...again, ...lock, waitMs: 60_000, observe: () => heard() });
    });
    expect(await versionsSeen(store)).toBe(1);
  });
  await waiting;
  expect(await versionsSeen(store)).toBe(2);
});

test("a pipeline at work is not deprived of its step outputs", async () => {
  const store = await storeOf("pipeline", 1);
  const work = join(store, ".work", "shop");
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, "step"), "output");
  const { withLock } = await import("../../base/io/lock.js");
  await withLock(join(work, ".lock"), lock, async () => {
    await expect(forget(store, ["item:key 1"], lock)).rejects.toMatchObject({ exitCode: 75 });
    await gc(store, undefined, { keep: 1, ...lock });
  });
  expect(readFileSync(join(work, "step"), "utf8")).toBe("output");
  await forget(store, ["item:key 1"], lock);
  expect(readdirSync(work)).toEqual([]);
});

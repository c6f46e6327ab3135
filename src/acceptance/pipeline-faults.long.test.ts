// Faults of a weekly job, caused for real: killed at any moment, a full disk, a second run, a truncated log, a signal,
// a clock that goes backwards, a read-only store, a damaged version. `latest` is intact each time, and the next run
// finishes.
//
// EMBED_TEST_KILLS=50 kills it fifty times instead of seven times.

import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { latestVersion } from "../weekly/store/store.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { readJson } from "../testing/json.js";
import { OPTIMIZE_LATE } from "../testing/late-optimization.js";
import { fixture, program } from "../testing/places.js";
import { mulberry32 } from "../testing/random.js";
import { onSmallDisk } from "../testing/small-disk.js";

const folder = temporaryFolder();
const [header, ...rows] = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n");

const yaml = `
store: store
log: log.csv
train:
  items: { command: train-fm, dim: 4, epochs: 8, checkpoint-every: 1 }
gates: { before: { rows: { min: 100 } }, after: { norm: { mean: { min: 0.01 } } } }
align: true
export: [{ format: csv, out: items.csv, to: items.csv }]
`;

function writeLog(at: string, n: number): void {
  writeFileSync(join(at, "log.csv"), `${[header, ...rows.slice(0, n)].join("\n")}\n`);
}

const firstWeek = join(folder, "first-week");
beforeAll(async () => {
  mkdirSync(firstWeek);
  writeFileSync(join(firstWeek, "shop.yaml"), yaml);
  writeLog(firstWeek, 1000);
  await embedOk(["run", "shop.yaml", "--quiet"], { cwd: firstWeek });
});

/** Creates a folder in which a pipeline has published one version, and appends to its log. */
function secondWeek(name: string, more = 1200): string {
  const at = join(folder, name);
  copyTo(firstWeek, at);
  writeLog(at, more);
  return at;
}

function copyTo(from: string, to: string): void {
  cpSync(from, to, { recursive: true, verbatimSymlinks: true });
}

/** Returns the number of the latest version after verifying every byte of it. */
async function wholeLatest(at: string): Promise<string | undefined> {
  return (await latestVersion(join(at, "store"), "items"))?.version;
}

const bytesOf = (at: string, file: string) =>
  readFileSync(join(at, "store/items/latest", file)).toString("base64");

/** Files of a version whose bytes depend only on the log and the options. */
const decided = [
  "embeddings.arrow",
  "model/fm.safetensors",
  "gate.json",
  "pipeline.json",
  "exports/items.csv",
];
const versionBytes = (at: string) => decided.map((file) => bytesOf(at, file));

describe("kill -9 at moments of a seed's choice", () => {
  const kills = Number(process.env["EMBED_TEST_KILLS"] ?? 7);

  test(`${kills} times: latest is whole, and the next run publishes what one that was never killed does`, async () => {
    const before = secondWeek("killed");
    const whole = join(folder, "whole");
    copyTo(before, whole);
    const start = performance.now();
    await embedOk(["run", "shop.yaml", "--quiet"], { cwd: whole });
    let duration = performance.now() - start;
    const expected = versionBytes(whole);

    const random = mulberry32(9);
    const at = join(folder, "again");
    let killed = 0;
    for (let attempt = 0; killed < kills && attempt < 4 * kills; attempt++) {
      rmSync(at, { recursive: true, force: true });
      copyTo(before, at);
      // spreads the kills evenly over the duration of a run, without its first tenth, in which only Node starts, so
      // that a kill would test nothing
      const share = ((attempt % kills) + random()) / kills;
      const ran = await killedAfter(duration * (0.1 + 0.9 * share), at);
      // a run that ended before its kill gives a new estimate of the duration of a run
      if (ran.ended) duration = ran.milliseconds;
      else killed++;
      expect(["000001", "000002"]).toContain(await wholeLatest(at));
      await embedOk(["run", "shop.yaml", "--quiet"], { cwd: at });
      // a version that was killed before its publication has used its number, because no number is assigned twice
      expect(["000002", "000003"]).toContain(await wholeLatest(at));
      expect(versionBytes(at)).toEqual(expected);
      expect(readFileSync(join(at, "items.csv")).toString("base64")).toBe(bytesOf(at, "exports/items.csv"));
    }
    expect(killed).toBe(kills);
  }, 600_000);
});

/** Runs the pipeline and kills it after some milliseconds, unless it has ended by then. */
function killedAfter(milliseconds: number, at: string): Promise<{ ended: boolean; milliseconds: number }> {
  return new Promise((resolve) => {
    const start = performance.now();
    const child = spawn(process.execPath, [...OPTIMIZE_LATE, program, "run", "shop.yaml", "--quiet"], {
      cwd: at,
      stdio: "ignore",
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), milliseconds);
    child.on("close", (_, signal) => {
      clearTimeout(timer);
      resolve({ ended: signal !== "SIGKILL", milliseconds: performance.now() - start });
    });
  });
}

describe("a full disk", () => {
  const disk = join(folder, "disk");
  let isMounted = false;
  beforeAll(() => {
    mkdirSync(disk);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], { stdio: "ignore" });
      isMounted = true;
    } catch {
      console.warn("skipped: cannot mount a small tmpfs here");
    }
  });
  afterAll(() => {
    // unmounts the disk even if it is busy, because the resident process may still have files open until they are
    // collected
    if (isMounted) execFileSync("umount", ["--lazy", disk]);
  });

  test("is 74 whichever step meets it, the old version stays whole, and the next run finishes", async () => {
    if (!isMounted) return;
    const before = secondWeek("filled", 6000);
    // starts from the first week's vectors, because those of six times the rows match them in no other way
    writeFileSync(join(before, "shop.yaml"), yaml.replace("epochs: 8", "epochs: 8, init: latest"));
    const failedAt = new Set<string>();
    // leaves different numbers of bytes free on the disk: none, and then more and more of what a run writes. A run
    // first removes outputs of the previous version, which frees some space.
    for (const left of [0, 40, 80, 120, 150, 180, 210, 240, 300, 360].map((kib) => kib << 10)) {
      for (const name of readdirSync(disk)) rmSync(join(disk, name), { recursive: true });
      copyTo(before, disk);
      fillUp(disk, left);
      const { code, stderr } = await embed(["run", "shop.yaml"], { cwd: disk });
      if (code === 0) continue;
      expect({ code, stderr }).toEqual({
        code: 74,
        stderr: expect.stringMatching(/disk is full|ENOSPC|of disk, but the disk of/) as string,
      });
      const step = /^(\w+( before| after)?)[^:\n]*: failed/m.exec(stderr)?.[1] ?? "before any step";
      failedAt.add(step);
      // the pipeline copies the exported files from the new version to their paths after `latest` names that version
      expect(await wholeLatest(disk)).toBe(step === "copy" ? "000002" : "000001");
      expect(half(disk)).toEqual([]);
      rmSync(join(disk, "filler"));
      await embedOk(["run", "shop.yaml", "--quiet"], { cwd: disk });
      expect(await wholeLatest(disk)).toBe("000002");
    }
    console.log(`the disk was full at: ${[...failedAt].join(", ")}`);
    expect([...failedAt]).toEqual(expect.arrayContaining(["encode", "train", "publish"]));
  }, 180_000);
});

test.each(["items", "disk"])(
  "of two names either both are published or none, whichever has no space: %s is published first",
  async (first) => {
    const at = secondWeek(`two-names-${first}`);
    const store = join(at, "two");
    const trains = ["items", "disk"].map((name) => `  ${name}: { command: train-fm, dim: 4, epochs: 2 }`);
    if (first === "disk") trains.reverse();
    writeFileSync(join(at, "shop.yaml"), `store: two\nlog: log.csv\ntrain:\n${trains.join("\n")}\n`);
    let isFull = false;
    // only the directory of the name `disk` is full
    await onSmallDisk(store, "size=16k", async () => {
      isFull = true;
      const { code, stderr } = await embed(["run", "shop.yaml"], { cwd: at });
      expect([code, stderr]).toEqual([74, expect.stringMatching(/^publish disk: failed/m)]);
      expect(readdirSync(store).sort()).toEqual([".work", "disk"]);
      expect(readdirSync(join(store, "disk"))).toEqual([]);
    });
    await embedOk(["run", "shop.yaml", "--quiet"], { cwd: at });
    const latest = (name: string) => readlinkSync(join(store, name, "latest"));
    expect([latest("items"), latest("disk")]).toEqual(["000001", "000001"]);
    if (!isFull) return;

    // a run that was killed after the first link was moved
    rmSync(join(store, "disk/latest"));
    const { stderr } = await embedOk(["run", "shop.yaml"], { cwd: at });
    expect(stderr).toMatch(/shop: published disk 000002 in/);
    expect([latest("items"), latest("disk")]).toEqual(["000001", "000002"]);
  },
);

/** Returns incomplete files, by the names of temporary outputs. */
function half(disk: string): string[] {
  const all = readdirSync(disk, { recursive: true, encoding: "utf8" });
  return all.filter((name) => /\.(new|old|gone)-/.test(name));
}

/** Fills a disk except for some bytes. */
function fillUp(disk: string, left: number): void {
  const filler = join(disk, "filler");
  const page = Buffer.alloc(4096);
  let size = 0;
  for (;;) {
    try {
      writeFileSync(filler, page, { flag: "a" });
      size += page.length;
    } catch {
      break;
    }
  }
  truncateSync(filler, Math.max(0, size - left));
}

test("of two runs started together one wins and the other exits 75 and changes nothing", async () => {
  const at = secondWeek("twice");
  writeFileSync(join(at, "shop.yaml"), yaml.replace("epochs: 8", "epochs: 200"));
  const run = ["run", "shop.yaml", "--metrics-file", "embed.prom"];
  const both = await Promise.all([embed(run, { cwd: at }), embed(run, { cwd: at })]);
  expect(new Set(both.map(({ code }) => code))).toEqual(new Set([0, 75]));
  expect(both.find(({ code }) => code === 75)!.stderr).toMatch(/is held by process \d+ on/);
  expect(await wholeLatest(at)).toBe("000002");
  expect(readFileSync(join(at, "embed.prom"), "utf8")).toContain(
    'embed_pipeline_exit_code{pipeline="shop"} 0\n',
  );
});

test("--wait waits for the other run and then finds everything done", async () => {
  const at = secondWeek("waiting");
  const both = await Promise.all([0, 1].map(() => embed(["run", "shop.yaml", "--wait", "1m"], { cwd: at })));
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect(both.filter(({ stderr }) => /shop: unchanged in/.test(stderr))).toHaveLength(1);
  expect(await wholeLatest(at)).toBe("000002");
});

test("SIGTERM in the middle of an epoch ends with 143, and the next run goes on from the checkpoint to the same bytes", async () => {
  const at = secondWeek("stopped");
  const long = yaml.replace("epochs: 8", "epochs: 40");
  writeFileSync(join(at, "shop.yaml"), long);
  const whole = join(folder, "stopped-whole");
  copyTo(at, whole);
  await embedOk(["run", "shop.yaml", "--quiet"], { cwd: whole });

  const { code, stderr } = await embed(["run", "shop.yaml"], {
    cwd: at,
    signalWhen: { stderr: /"epoch":5,/, signal: "SIGTERM" },
  });
  expect(code).toBe(143);
  expect(stderr).toMatch(/shop: interrupted, exit 143 in/);
  expect(await wholeLatest(at)).toBe("000001");
  const planned = await embedOk(["run", "shop.yaml", "--dry-run"], { cwd: at });
  expect(planned.stdout).toMatch(/^encode +skip +unchanged$/m);
  expect(planned.stdout).toMatch(/^train items +run +resumes from its checkpoint$/m);
  const again = await embedOk(["run", "shop.yaml"], { cwd: at });
  expect(again.stderr).toMatch(/^train items: .*resumed from its checkpoint/m);
  expect(versionBytes(at)).toEqual(versionBytes(whole));
});

test("a log that is cut in the middle of a row is 65, and nothing is published", async () => {
  const at = secondWeek("torn");
  const log = join(at, "log.csv");
  const text = readFileSync(log, "utf8");
  // truncates the log within the third cell of the last row
  const row = rows[1199]!;
  truncateSync(log, text.length - 1 - row.length + row.indexOf(",", row.indexOf(",") + 1) + 3);
  const { code, stderr } = await embed(["run", "shop.yaml", "--quiet"], { cwd: at });
  expect([code, stderr]).toEqual([65, expect.stringContaining("log.csv:1201")]);
  expect(await wholeLatest(at)).toBe("000001");
});

test("a clock that goes backwards changes nothing", async () => {
  const at = secondWeek("clock");
  const clock = join(at, "clock.mjs");
  writeFileSync(
    clock,
    `const Real = Date; let jumps = 0;
     const past = () => Real.UTC(1999, 0, 1) - 86_400_000 * jumps++;
     globalThis.Date = class extends Real { constructor(...told) { super(...(told.length ? told : [past()])); } static now() { return past(); } };\n`,
  );
  const whole = join(folder, "clock-whole");
  copyTo(at, whole);
  await embedOk(["run", "shop.yaml", "--quiet"], { cwd: whole });
  const options = { cwd: at, env: { NODE_OPTIONS: `--import ${clock}` } };
  const { stderr } = await embedOk(["run", "shop.yaml"], options);
  expect(stderr).toMatch(/^199\d-/m);
  expect(await wholeLatest(at)).toBe("000002");
  expect(versionBytes(at)).toEqual(versionBytes(whole));
  expect((await embedOk(["run", "shop.yaml"], options)).stderr).toMatch(/shop: unchanged in/);
});

test("a store that cannot be written to is 73, and stays as it is", async () => {
  const at = secondWeek("read-only");
  const store = join(at, "store");
  const readOnly = mount(store);
  const work = join(store, ".work/shop");
  if (!readOnly) {
    if (process.getuid?.() === 0) {
      console.warn("skipped: root writes where it may not, and cannot mount read-only here");
      return;
    }
    for (const path of [store, join(store, "items"), work]) chmodSync(path, 0o555);
  }
  try {
    const { code, stderr } = await embed(["run", "shop.yaml", "--quiet"], { cwd: at });
    expect([code, stderr]).toEqual([73, expect.stringMatching(/read-only|permission|EROFS|EACCES/)]);
    expect(await wholeLatest(at)).toBe("000001");
  } finally {
    if (readOnly) execFileSync("umount", [store]);
    else for (const path of [store, join(store, "items"), work]) chmodSync(path, 0o755);
  }
  await embedOk(["run", "shop.yaml", "--quiet"], { cwd: at });
});

/** Mounts a directory read-only onto itself. */
function mount(directory: string): boolean {
  try {
    execFileSync("mount", ["--bind", directory, directory], { stdio: "ignore" });
  } catch {
    return false;
  }
  execFileSync("mount", ["-o", "remount,ro,bind", directory], { stdio: "ignore" });
  return true;
}

test("a damaged latest version is 82 before anything runs, and rollback is the way on", async () => {
  const at = secondWeek("damaged");
  await embedOk(["run", "shop.yaml", "--quiet"], { cwd: at });
  const table = join(at, "store/items/latest/embeddings.arrow");
  const bytes = readFileSync(table);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(table, bytes);
  writeLog(at, 1400);
  const { code, stderr } = await embed(["run", "shop.yaml"], { cwd: at });
  expect(code).toBe(82);
  expect(stderr).toContain("embed rollback");
  expect(readlinkSync(join(at, "store/items/latest"))).toBe("000002");
  await embedOk(["rollback", "store/items", "--quiet"], { cwd: at });
  await embedOk(["run", "shop.yaml", "--quiet"], { cwd: at });
  expect(await wholeLatest(at)).toBe("000003");
  const { base } = readJson<{ base: { version: string } }>(join(at, "store/items/latest/pipeline.json"));
  expect(base.version).toBe("000001");
});

test("what moves latest while the pipeline runs is not overwritten: 75", async () => {
  const at = secondWeek("moved");
  await embedOk(["run", "shop.yaml", "--quiet"], { cwd: at });
  writeLog(at, 1400);
  // the training holds no lock on the versions of `items`, so that the rollback succeeds meanwhile
  let wentBack: Promise<unknown> | undefined;
  const act = (): void => {
    wentBack = embedOk(["rollback", "store/items"], { cwd: at });
  };
  writeFileSync(join(at, "shop.yaml"), yaml.replace("epochs: 8", "epochs: 100"));
  const { code, stderr } = await embed(["run", "shop.yaml"], {
    cwd: at,
    when: { stderr: /"epoch":1,/, act },
  });
  await wentBack;
  expect([code, stderr]).toEqual([
    75,
    expect.stringContaining("was changed from 000002 to 000001 while this pipeline ran"),
  ]);
  expect(await wholeLatest(at)).toBe("000001");
});

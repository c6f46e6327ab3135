// A store on a full or read-only disk: the old version is unchanged, and `embed gc` removes all leftovers.

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder, type ProgramOutput } from "../testing/embed.js";
import { fillDisk, onSmallDisk } from "../testing/small-disk.js";
import { writeSmallRun } from "../testing/small-run.js";

const folder = temporaryFolder();
const run = join(folder, "run");
const key = "key 7";

const publish = (disk: string): Promise<ProgramOutput> =>
  embed(["publish", run, "--store", join(disk, "store"), "--name", "items"]);
const store = (disk: string): string => join(disk, "store");
const inStore = (disk: string): string[] => readdirSync(join(store(disk), "items"));

/** Expects that the versions are intact and the latest is the given one. */
async function expectWhole(disk: string, ...versions: RegExp[]): Promise<void> {
  const { stdout } = await embedOk(["ls", store(disk)]);
  for (const version of versions) expect(stdout).toMatch(version);
  expect(stdout).not.toContain("damaged");
}

beforeAll(async () => writeSmallRun(run, 1, 1000));

test("a disk that is full at publish or forget is 74, and leaves the old version alone and nothing else", async () => {
  await onSmallDisk(folder, "size=256k", async (disk) => {
    expect((await publish(disk)).code).toBe(0);
    expect((await publish(disk)).code).toBe(0);
    const before = readFileSync(join(store(disk), "items/latest/embeddings.arrow"));
    for (let free = 3; free >= 0; free--) {
      rmSync(join(disk, "ballast"), { force: true });
      // leaves a different number of 4 KiB pages free each time, so that the disk becomes full while another file is
      // written
      const { bavail, bsize } = statfsSync(disk);
      writeFileSync(join(disk, "ballast"), new Uint8Array((bavail - free) * bsize));
      const published = await publish(disk);
      expect([published.code, published.stderr]).toEqual([74, expect.stringContaining("the disk is full")]);
      const forgotten = await embed(["forget", store(disk), `item:${key}`]);
      expect([forgotten.code, forgotten.stderr]).toEqual([74, expect.stringContaining("the disk is full")]);
      expect(inStore(disk)).toEqual(["000001", "000002", "latest"]);
    }
    expect(readFileSync(join(store(disk), "items/latest/embeddings.arrow"))).toEqual(before);
    await expectWhole(disk, /000001 .*whole$/m, /000002 +\* .*whole$/m);
    rmSync(join(disk, "ballast"));
    expect((await embed(["forget", store(disk), `item:${key}`])).code).toBe(0);
  });
});

test("rollback and gc need no space: on a full disk they do what they are for", async () => {
  await onSmallDisk(folder, "size=256k", async (disk) => {
    for (let i = 0; i < 3; i++) expect((await publish(disk)).code).toBe(0);
    fillDisk(disk);
    expect((await embed(["rollback", join(store(disk), "items")])).code).toBe(0);
    await expectWhole(disk, /000002 +\* .*whole$/m);
    expect((await embed(["gc", store(disk), "--keep", "1"])).code).toBe(0);
    expect(inStore(disk)).toEqual(["000002", "000003", "latest"]);
    expect((await publish(disk)).code).toBe(0);
  });
});

test("a disk without a name left for a file is 74 at every command, and the old version stays", async () => {
  await onSmallDisk(folder, "size=4m,nr_inodes=40", async (disk) => {
    for (let i = 0; i < 2; i++) expect((await publish(disk)).code).toBe(0);
    for (let free = 4; free >= 0; free--) {
      rmSync(join(disk, "ballast"), { recursive: true, force: true });
      mkdirSync(join(disk, "ballast"));
      const { ffree } = statfsSync(disk);
      for (let i = 0; i < ffree - free; i++) writeFileSync(join(disk, "ballast", String(i)), "");
      const commands = [
        ["publish", run, "--store", store(disk), "--name", "items"],
        ["forget", store(disk), `item:${key}`],
        // rollback and gc need at most one or two directory entries, so that they fail only if none is left
        ...(free === 0
          ? [
              ["rollback", join(store(disk), "items")],
              ["gc", store(disk), "--keep", "1"],
            ]
          : []),
      ];
      for (const command of commands) {
        const { code, stderr } = await embed(command);
        expect({ command, free, code, stderr }).toMatchObject({
          code: 74,
          stderr: expect.stringContaining("ENOSPC"),
        });
        expect(inStore(disk)).toEqual(["000001", "000002", "latest"]);
      }
    }
    await expectWhole(disk, /000001 .*whole$/m, /000002 +\* .*whole$/m);
  });
});

test("a read-only store is read, and whatever would write says so", async () => {
  await onSmallDisk(folder, "size=1m", async (disk) => {
    for (let i = 0; i < 2; i++) expect((await publish(disk)).code).toBe(0);
    execFileSync("mount", ["-o", "remount,ro", disk]);
    const items = join(store(disk), "items");
    for (const command of [
      ["publish", run, "--store", store(disk), "--name", "items"],
      ["publish", run, "--store", store(disk), "--name", "users"],
      ["rollback", items],
      ["gc", store(disk), "--keep", "1"],
      ["forget", store(disk), `item:${key}`],
    ]) {
      const { code, stderr } = await embed(command);
      expect({ command, code, stderr }).toMatchObject({
        code: 73,
        stderr: expect.stringContaining("read-only"),
      });
    }
    await expectWhole(disk, /000002 +\* .*whole$/m);
    const shown = await embedOk(["neighbors", join(items, "latest"), "--key", `item:${key}`]);
    expect(shown.stdout).toContain("key 0");
    for (const dry of [
      ["rollback", items],
      ["gc", store(disk)],
      ["forget", store(disk), `item:${key}`],
    ]) {
      expect((await embed([...dry, "--dry-run"])).code).toBe(0);
    }
  });
});

test("an export that SQLite writes itself to a full disk is an error 74 and leaves nothing", async () => {
  await onSmallDisk(folder, "size=16k", async (disk) => {
    const { code, stderr } = await embed(["export", run, "--format", "sqlite", "-o", join(disk, "table.db")]);
    expect([code, stderr]).toEqual([74, expect.stringContaining("check that the disk is not full")]);
    expect(readdirSync(disk)).toEqual([]);
  });
});

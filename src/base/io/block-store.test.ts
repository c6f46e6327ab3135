import {
  readdirSync,
  readlinkSync,
  truncateSync,
  writeFileSync,
  openSync,
  writeSync,
  closeSync,
} from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../testing/embed.js";
import { BlockStore } from "./block-store.js";

const folder = temporaryFolder();
const numbers = (from: number) => Uint32Array.from({ length: 1000 }, (_, i) => from + i);

/** Returns the path under /proc/self/fd of the block store's file, whose own name was deleted. */
function fileOf(path: string): string {
  const file = readdirSync("/proc/self/fd").find((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes(`${path}.rows-`);
    } catch {
      return false;
    }
  });
  return `/proc/self/fd/${file!}`;
}

test("blocks come back as they were written last, in memory and on disk", async () => {
  const store = new BlockStore(join(folder, "back"), 4000);
  for (const name of ["a", "b", "c"]) await store.write(name, numbers(1));
  await store.write("b", numbers(50));
  await store.write("a", numbers(70));
  const into = new Uint32Array(1000);
  const read = async (name: string) => {
    await store.read(name, into);
    return into[999];
  };
  expect([await read("a"), await read("b"), await read("c")]).toEqual([1069, 1049, 1000]);
  const part = new Uint32Array(2);
  store.readPart("b", 10, part);
  expect([...part]).toEqual([60, 61]);
  expect(store.bytesOnDisk).toBe(8000);
  // the file's name was deleted, so that no file can stay behind
  expect(readdirSync(folder)).toEqual([]);
});

const onLinux = process.platform === "linux" ? test : test.skip;

onLinux("a block that was changed or cut on disk is damage", async () => {
  const path = join(folder, "damaged");
  const store = new BlockStore(path, 0);
  await store.write("a", numbers(1));
  await store.write("b", numbers(2));
  const file = openSync(fileOf(path), "r+");
  writeSync(file, Uint8Array.of(255), 0, 1, 2000);
  closeSync(file);
  const into = new Uint32Array(1000);
  await expect(store.read("a", into)).rejects.toMatchObject({
    exitCode: 82,
    message: expect.stringContaining("changed while it was trained") as string,
  });
  await store.read("b", into);
  truncateSync(fileOf(path), 6000);
  await expect(store.read("b", into)).rejects.toMatchObject({ exitCode: 82 });
});

test("a folder that is not there is an error of the disk", async () => {
  writeFileSync(join(folder, "file"), "");
  const store = new BlockStore(join(folder, "file", "run"), 0);
  await expect(store.write("a", numbers(1))).rejects.toMatchObject({ name: "IoError" });
});

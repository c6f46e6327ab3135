import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "../../testing/embed.js";
import { readArtifact } from "./read-artifact.js";
import { pieces, writeChunks } from "./write.js";

const folder = temporaryFolder();
const { most } = pieces;
afterEach(() => (pieces.most = most));

test("small and large chunks are written in order, whatever the size of the pieces", async () => {
  const bytes = Uint8Array.from({ length: 5_000_000 }, (_, i) => (i * i) >> 3);
  const ends = [0, 10, 30, 1_200_000, 1_200_001, 4_000_000, bytes.length];
  const chunks = ends.slice(1).map((end, i) => bytes.subarray(ends[i], end));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  for (const size of [most, 1_000_000, 77_777]) {
    pieces.most = size;
    expect(await writeChunks(join(folder, "file"), chunks)).toEqual({ bytes: bytes.length, sha256 });
    expect(Buffer.compare(await readArtifact(join(folder, "file")), bytes)).toBe(0);
  }
});

test("a file is synced after its last byte", async () => {
  const handle = await open(join(folder, "other"), "w");
  await handle.close();
  const prototype = Object.getPrototypeOf(handle) as object;
  const methods = ["sync", "write", "writev"].map((name) => [name, Reflect.get(prototype, name)] as const);
  const calls: string[] = [];
  for (const [name, method] of methods)
    Reflect.set(prototype, name, function (this: unknown, ...args: unknown[]): unknown {
      calls.push(name);
      return Reflect.apply(method as () => unknown, this, args);
    });
  try {
    await writeChunks(join(folder, "synced"), [Buffer.from("a"), Buffer.from("b")]);
  } finally {
    for (const [name, method] of methods) Reflect.set(prototype, name, method);
  }
  expect(calls.length).toBeGreaterThan(1);
  expect(calls.indexOf("sync")).toBe(calls.length - 1);
});

// A checkpoint continues to be what was saved: a change of any of its bytes is detected before a training resumes from it.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../testing/embed.js";
import { Checkpoints } from "./checkpoint.js";

const out = join(temporaryFolder(), "run");
const path = `${out}.checkpoint`;
const { signal } = new AbortController();
const resumed = async () => (await Checkpoints.open(out, { resume: true }, {}, signal)).controls().resume!;
const arrays = {
  V: Float32Array.of(1, 2, 3),
  order: Uint32Array.of(2, 0, 1),
  trees: Uint8Array.of(123, 125),
};
const large = Float32Array.of(4, 5);

beforeAll(async () => {
  const { checkpoint } = (await Checkpoints.open(out, { checkpointEvery: 1 }, {}, signal)).controls();
  const standing = { kept: 1, value: 0.5, mark: 0.5, waited: 0 };
  const epochs = [{ epoch: 1, trainLoss: 0.5 }];
  const saved = { arrays, large: { names: ["table"], length: 2, read: () => Promise.resolve(large) } };
  await checkpoint!.save({ ...saved, standing, epochs } as never);
});

test("an intact checkpoint returns the arrays that were saved, large ones too", async () => {
  const { arrays: found, large: tables } = await resumed();
  expect(found).toEqual(arrays);
  expect([tables?.names, await tables?.read("table")]).toEqual([["table"], large]);
});

test("a changed bit in any byte, a missing end and a missing checksum are damage, with advice", async () => {
  const bytes = readFileSync(path);
  const damaged = Array.from(bytes, (byte, at) =>
    Buffer.from(bytes).fill(byte ^ (1 << (at % 8)), at, at + 1),
  );
  const short = [0, 1, 31, 32, 33, bytes.length - 32, bytes.length - 1].map((end) => bytes.subarray(0, end));
  const accepted: number[] = [];
  for (const [i, contents] of [...damaged, ...short, Buffer.concat([bytes, bytes.subarray(-1)])].entries()) {
    writeFileSync(path, contents);
    const refused = await resumed().catch((error: unknown) => error);
    const expected = { exitCode: 82, message: expect.stringContaining("remove it and train from the start") };
    if (!expect.objectContaining(expected).asymmetricMatch(refused)) accepted.push(i);
  }
  expect(accepted).toEqual([]);
});

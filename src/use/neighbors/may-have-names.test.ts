import { gzipSync } from "node:zlib";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Run } from "../../table/run-directory.js";
import { temporaryFolder } from "../../testing/embed.js";
import { mayHaveNames } from "./may-have-names.js";

const folder = temporaryFolder();

test.each<[why: string, content: string | Buffer, expected: boolean]>([
  ["a header without a name", "user_id,item_id,price\nu,i,1\n", false],
  ["a title", "item_id;Film Title\ni,x\n", true],
  ["a name of the item", "user_id,product_name\nu,x\n", true],
  ["a letter outside of ASCII", "user_id,größe\nu,1\n", true],
  ["JSON lines", '{"item_id":1}\n', true],
  ["a header after a byte-order mark", "\ufeffuser_id,item_id\nu,i\n", false],
  ["compressed text", gzipSync("user_id,item_id\nu,i\n"), true],
  ["no line", "user_id,item_id", true],
])("%s: %#", async (why, content, expected) => {
  const path = `${why}.csv`;
  writeFileSync(join(folder, path), content);
  const run = { manifest: { options: {}, inputs: [{ path }] }, givenIn: folder } as unknown as Run;
  expect(await mayHaveNames(run)).toBe(expected);
  const gone = { ...run, givenIn: join(folder, "gone") };
  expect(await mayHaveNames(gone)).toBe(false);
});

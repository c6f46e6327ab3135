// train-ranking with columns in addition to user and item: each thread updates its own slice of the dimensions, in its
// own table.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const purchases = [fixture("purchases.csv"), "--user", "customer_id", "--item", "product_id"];
const train = ["train-ranking", ...purchases, "--dim", "36", "--epochs", "12"];
const tableOf = (run: string) => readFileSync(join(at(run), "embeddings.arrow")).toString("base64");

beforeAll(async () => {
  await embedOk([...train, "--threads", "1", "-o", at("whole")]);
});

test("a killed training of three threads goes on with two, to the bytes of one", async () => {
  const checkpointed = [...train, "-o", at("killed"), "--checkpoint-every", "1", "--resume"];
  const { signal } = await embed([...checkpointed, "--threads", "3", "--log-format", "json"], {
    signalWhen: { stderr: /"epoch":4,/, signal: "SIGKILL" },
  });
  expect(signal).toBe("SIGKILL");
  const { stderr } = await embedOk([...checkpointed, "--threads", "2"]);
  expect(stderr).toMatch(/resuming after epoch/);
  expect(tableOf("killed")).toBe(tableOf("whole"));
});

test.each([
  ["going on with the sums of squares", ["--keep-state"]],
  ["with known keys frozen", ["--freeze", "known"]],
])("warm starts are the same bytes at 1, 2 and 5 threads: %s", async (name, options) => {
  const tables: string[] = [];
  for (const threads of ["1", "2", "5"]) {
    const start = [...train, "--init", at("whole"), ...options, "--epochs", "2"];
    await embedOk([...start, "--threads", threads, "-o", at(name), "--force"]);
    tables.push(tableOf(name));
  }
  expect(new Set(tables).size).toBe(1);
  if (name === "with known keys frozen") expect(tables[0]).toBe(tableOf("whole"));
});

// `--time-fields`: context features derived from the time column.

import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";
import { parseJson } from "../testing/json.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const clicks = fixture("clicks.csv");

async function keysOf(run: string, field: string): Promise<string[]> {
  const { stdout } = await embedOk(["export", at(run), "--format", "jsonl", "--field", field]);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => parseJson<{ key: string }>(line).key)
    .sort();
}

test("--time-fields dow,day adds the fields, and evaluate makes them again", async () => {
  const flags = ["--time-fields", "dow,day", "--test", clicks, "--json", "--epochs", "1"];
  const trained = await embedOk(["train-fm", clicks, "-o", at("run"), ...flags]);
  expect(await keysOf("run", "dow")).toEqual(["fri", "mon", "sat", "sun", "thu", "tue", "wed"]);
  expect((await keysOf("run", "day")).every((key) => Number(key) >= 1 && Number(key) <= 31)).toBe(true);
  const { stdout } = await embedOk(["evaluate", at("run"), "--on", clicks, "--json"]);
  const metrics = (text: string) => parseJson<{ metrics: Record<string, unknown> }>(text).metrics;
  expect(metrics(stdout)["on"]).toEqual({
    ...(metrics(trained.stdout)["test"] as object),
    userAuc: expect.any(Number),
  });
});

test("--time-zone moves the clock", async () => {
  const input = "click,user_id,timestamp\n1,a,2024-03-04T23:30\n0,b,2024-03-04T22:30\n";
  const flags = ["--time-fields", "hour,day,month", "--time-zone", "+02:00", "--epochs", "1"];
  await embedOk(["train-fm", "-", "-o", at("zone"), "--time", "timestamp", ...flags], { input });
  expect(await keysOf("zone", "hour")).toEqual(["0", "1"]);
  expect(await keysOf("zone", "day")).toEqual(["5"]);
});

test("a field that the log has already is 64", async () => {
  const got = await embed(["train-fm", clicks, "-o", at("x"), "--time-fields", "hour"]);
  expect([got.code, got.stderr]).toEqual([
    64,
    expect.stringContaining("creates a column 'hour', but the log already has one"),
  ]);
});

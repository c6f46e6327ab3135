// `embed train-fm`: limits on the events that are used.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";

const folder = temporaryFolder();
const log = fixture("clicks.csv");
const [header, ...lines] = readFileSync(log, "utf8").trimEnd().split("\n");
const column = (name: string) => header!.split(",").indexOf(name);

async function rowsUsed(...options: string[]): Promise<{ rows: number; stderr: string }> {
  const args = ["train-fm", log, "-o", join(folder, "run"), "--force", "--epochs", "1", "--json", ...options];
  const { stdout, stderr } = await embedOk(args);
  return { rows: parseJson<{ rows: number }>(stdout).rows, stderr };
}

test("--since counts back from the newest event, and says how many it left out", async () => {
  const times = lines.map((line) => Number(line.split(",")[column("timestamp")]));
  const newest = Math.max(...times);
  const expected = times.filter((time) => time >= newest - 7 * 86400).length;
  const { rows, stderr } = await rowsUsed("--since", "7d");
  expect(rows).toBe(expected);
  expect(stderr).toContain(`${lines.length - expected} rows excluded by --since 7d`);
});

test("--max-events-per-user keeps so many events of each user at the most", async () => {
  const events = new Map<string, number>();
  for (const line of lines) {
    const user = line.split(",")[column("user_id")]!;
    events.set(user, (events.get(user) ?? 0) + 1);
  }
  const expected = [...events.values()].reduce((sum, n) => sum + Math.min(n, 50), 0);
  expect((await rowsUsed("--max-events-per-user", "50")).rows).toBe(expected);
});

test("--since without a unit is 64", async () => {
  const got = await embed(["train-fm", log, "-o", join(folder, "none"), "--since", "90"]);
  expect([got.code, got.stderr]).toEqual([64, expect.stringContaining("90d")]);
});

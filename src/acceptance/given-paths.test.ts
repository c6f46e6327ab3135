// A run's held-out split is found from any folder, from a store, and after its project was moved.

import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const project = join(folder, "project");

beforeAll(async () => {
  mkdirSync(join(project, "logs"), { recursive: true });
  mkdirSync(join(project, "runs"));
  mkdirSync(join(folder, "elsewhere"));
  cpSync(fixture("clicks.csv"), join(project, "logs", "clicks.csv"));
  const rows = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n").slice(1);
  const items = new Set(rows.map((row) => row.split(",")[2]!));
  const lines = [...items].map((item, i) => `${item},${["red", "blue"][i % 2]}\n`);
  writeFileSync(join(project, "items.csv"), `item_id,color\n${lines.join("")}`);
  const side = ["--side", "items.csv:item_id"];
  const job = argv`train-fm logs/*.csv ${side} --epochs 1 --dim 2 --test 0.2 -o runs/fm`;
  await embedOk([...job, "--split", "random", "--quiet"], { cwd: project });
});

const manifestOf = (run: string) => readJson<{ from?: string }>(join(run, "manifest.json"));
async function logLossOf(run: string): Promise<number> {
  const { stdout } = await embedOk(["evaluate", run, "--part", "test", "--json", "--quiet"], {
    cwd: join(folder, "elsewhere"),
  });
  return parseJson<{ metrics: { on: { logLoss: number } } }>(stdout).metrics.on.logLoss;
}

test("evaluate --part works from any folder: of the run, of a version and of an aligned run, moved as a whole or not", async () => {
  const moved = join(folder, "moved");
  expect(manifestOf(join(project, "runs/fm")).from).toBe("../..");
  await embedOk(["publish", "runs/fm", "--store", "../deep/store", "--name", "items"], { cwd: project });
  await embedOk(["align", "runs/fm", "--to", "runs/fm", "-o", "aligned"], { cwd: project });
  expect(manifestOf(join(project, "aligned")).from).toBe("..");
  const logLoss = await logLossOf(join(project, "runs/fm"));
  expect(await logLossOf(join(folder, "deep/store/items/latest"))).toBe(logLoss);
  renameSync(project, moved);
  expect(await logLossOf("../moved/aligned")).toBe(logLoss);
  const lost = await embed(["evaluate", join(folder, "deep/store/items/latest"), "--part", "test"], {
    cwd: join(folder, "elsewhere"),
  });
  expect([lost.code, lost.stderr]).toEqual([64, expect.stringContaining(join(project, "logs/*.csv"))]);
});

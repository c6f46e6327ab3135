// `embed report RUN --format markdown`: the card is measured as `embed evaluate` does, and names of users are text.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

test("a model card has front matter, metrics with intervals, options and how to load, and no markup of names", async () => {
  const rows = Array.from({ length: 400 }, (_, i) => `${i % 3 === 0 ? 1 : 0},u${i % 20},i${i % 7}`);
  writeFileSync(at("log.csv"), `click,user,<b>item|\n${rows.join("\n")}\n`);
  await embedOk([
    "train-fm",
    at("log.csv"),
    "-o",
    at("run"),
    "--test",
    "0.3",
    "--label",
    "click",
    "--dim",
    "4",
  ]);
  const card = (await embedOk(["report", at("run"), "--format", "markdown", "-o", "-"])).stdout;
  const [, front] = card.split("---\n");
  expect(front).toContain("library_name: embed\n");
  const evaluated = await embedOk(["evaluate", at("run"), "--part", "test", "--json"]);
  const { metrics } = parseJson<{ metrics: { on: { logLoss: number } } }>(evaluated.stdout);
  expect(front).toContain(`type: logLoss\n            value: ${Number(metrics.on.logLoss.toPrecision(6))}\n`);
  expect(card).toMatch(/\| log loss \| [\d.]+ ±[\d.]+ \|/u);
  expect(card).toContain(String.raw`\<b\>item\|`);
  expect(card).toContain("- dim: 4\n");
  expect(card).toContain(`embed export ${at("run")} --format parquet`);
  const two = await embed(["report", at("run"), at("run"), "--format", "markdown", "-o", at("card.md")]);
  expect([two.code, two.stderr]).toEqual([64, expect.stringContaining("describes one run")]);
});

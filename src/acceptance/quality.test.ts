// The first training of the README finds the planted structure: bounds are derived from the generator, which knows the
// true probabilities.

import { join } from "node:path";
import { embedOk, temporaryFolder } from "../testing/embed.js";
import { bestMetrics } from "../testing/best-metrics.js";
import { parseDelimited } from "../testing/exported.js";
import { clicksFixture } from "../testing/fixtures.js";
import { groupOf } from "../testing/planted.js";
import { mainJob, type TrainedSummary } from "./main-job.js";
import { parseJson } from "../testing/json.js";

const folder = temporaryFolder();
const run = join(folder, "run");
let summary: TrainedSummary;
beforeAll(async () => {
  summary = parseJson<TrainedSummary>((await embedOk([...mainJob(run), "--json"])).stdout);
});

test("on the held-out tenth, AUC gains nine tenths and log loss three quarters of what the truth gains over knowing nothing", () => {
  const { labels, probabilities } = clicksFixture();
  const best = bestMetrics(labels, probabilities, Math.floor(labels.length * 0.9));
  const { auc, logLoss } = summary.metrics["test"];
  expect((auc - 0.5) / (best.auc - 0.5)).toBeGreaterThan(0.9);
  expect((best.priorLogLoss - logLoss) / (best.priorLogLoss - best.logLoss)).toBeGreaterThan(0.75);
});

test("at least four in five of the ten nearest neighbors of an item are of its group", async () => {
  const { stdout } = await embedOk(["export", run, "--format", "csv", "--field", "item"]);
  const items = parseDelimited(stdout, ",");
  const unit = items.map(({ vector }) => vector.map((x) => x / Math.hypot(...vector)));
  const sameGroup = items.flatMap((item, i) =>
    items
      .map((other, j) => ({
        key: other.key,
        cosine: unit[i]!.reduce((sum, x, d) => sum + x * unit[j]![d]!, 0),
      }))
      .filter(({ key }) => key !== item.key)
      .sort((a, b) => b.cosine - a.cosine)
      .slice(0, 10)
      .map(({ key }) => Number(groupOf(key) === groupOf(item.key))),
  );
  expect(sameGroup.reduce((sum, same) => sum + same, 0) / sameGroup.length).toBeGreaterThan(0.8);
});

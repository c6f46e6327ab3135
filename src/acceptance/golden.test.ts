// Trainings give the same bytes for any number of threads, on every supported Node version, and in later versions.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture, projectFolder } from "../testing/places.js";
import { mainJob, mainJobOptions } from "./main-job.js";
import { readJson } from "../testing/json.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();

const sha256Of = (run: string) =>
  createHash("sha256")
    .update(readFileSync(join(run, "embeddings.arrow")))
    .digest("hex");

async function sha256OfTable(name: string, ...options: string[]): Promise<string> {
  const run = join(folder, name);
  await embedOk([...mainJob(run), ...options]);
  return sha256Of(run);
}

/** Trainings with a checksum in fixtures/golden, which every supported Node version must reproduce. */
const goldenJobs: Record<string, (run: string) => string[]> = {
  clicks: mainJob,
  purchases: (run) => [
    ..."train-item2vec --user customer_id --item product_id --session-gap 30d --epochs 2".split(" "),
    ...["-o", run, fixture("purchases.csv")],
  ],
  "ranking-sgd": (run) => [
    ..."train-ranking --user customer_id --item product_id --fields customer_id,product_id --optimizer sgd".split(
      " ",
    ),
    ...argv`--learning-rate 0.1 --l2-vector 0.003 --epochs 20 -o ${run} ${fixture("purchases.csv")}`,
  ],
  edges: (run) => [
    ..."train-graph --source from --target to --weight weight --method node2vec --p 0.5 --q 2".split(" "),
    ...["--dim", "32", "-o", run, fixture("edges.csv")],
  ],
};

test("the main job gives the same embeddings.arrow run twice and at 1, 2, 3 and 7 threads", async () => {
  const first = await sha256OfTable("first");
  for (const threads of ["1", "1", "2", "3", "7"]) {
    expect([threads, await sha256OfTable(`threads-${threads}`, "--threads", threads, "--force")]).toEqual([
      threads,
      first,
    ]);
  }
});

test.each(Object.keys(goldenJobs))("%s.sha256 is the checksum of its embeddings.arrow", async (name) => {
  const file = `golden/${name}.sha256`;
  const run = join(folder, `golden-${name}`);
  await embedOk(goldenJobs[name](run));
  const got = sha256Of(run);
  const meaning =
    `on Node ${process.version} the training gives another embeddings.arrow than fixtures/${file} says. ` +
    `If results were changed on purpose, write the new checksum into it and a line into CHANGELOG.md; ` +
    `if not, something became irreproducible: an exp, log or pow outside the kernels, or an order that a thread decides`;
  const golden = readFileSync(fixture(file), "utf8").trim();
  expect(got === golden ? "the golden checksum" : `${got}: ${meaning}`).toBe("the golden checksum");
});

test("another seed gives another table", async () => {
  expect(await sha256OfTable("seed-2", "--seed", "2")).not.toBe(await sha256OfTable("seed-1", "--seed", "1"));
});

test("`npm start` runs the main job", () => {
  const { scripts } = readJson<{
    scripts: Record<string, string>;
  }>(join(projectFolder, "package.json"));
  expect(scripts["start"]).toContain(`train-fm fixtures/clicks.csv -o run ${mainJobOptions.join(" ")}`);
});

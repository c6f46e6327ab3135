// `npm run bench -- evaluate`: the whole command that ranks items for gowalla's 29,858 users, `embed evaluate RUN --on
// test.csv --ranking`, from reading the logs to the table of Recall@20 and NDCG@20: 64 dimensions, training items
// masked, two threads, in its own process, with and without bootstrap intervals. The target is 6 s. `gowalla speed`
// measures its search alone.

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectFolder } from "../testing/places.js";
import { describeSeconds, run } from "./ctr-logs.js";

const REPEATS = 3;
const folder = join(projectFolder, "..", "shared", "data", "gowalla");

export async function bench(): Promise<void> {
  if (!existsSync(folder)) {
    console.log(`skipped: no check-ins in ${folder}`);
    return;
  }
  const out = await mkdtemp(join(tmpdir(), "embed-evaluate-"));
  const embed = (args: string[]) => run(process.execPath, [join(projectFolder, "bin", "embed.js"), ...args]);
  try {
    const model = join(out, "run");
    const roles = ["--user", "user", "--item", "item"];
    const pca = ["--dim", "64", "--threads", "2", "--quiet"];
    await embed(["train-pca", join(folder, "train.csv"), "-o", model, ...roles, ...pca]);
    const ranking = [
      "evaluate",
      model,
      "--on",
      join(folder, "test.csv"),
      "--ranking",
      "--threads",
      "2",
      "--quiet",
    ];
    for (const samples of ["0", "1000"]) {
      const seconds: number[] = [];
      let table = "";
      for (let repeat = 0; repeat < REPEATS; repeat++) {
        const start = performance.now();
        table = (await embed([...ranking, "--bootstrap", samples])).stdout;
        seconds.push((performance.now() - start) / 1000);
      }
      console.log(`embed evaluate --ranking, --bootstrap ${samples}  ${describeSeconds(seconds)}\n${table}`);
    }
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

// Start-up time of a command beyond Node's: `embed neighbors` on a small run minus `node -e 0`, measured alternately.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectFolder } from "../testing/places.js";
import { median, run } from "./ctr-logs.js";
import type { Duel } from "./duel.js";
import { timed } from "./read.js";

const STARTS = 9;
const program = join(projectFolder, "bin", "embed.js");

export async function startUpDuel(): Promise<Duel> {
  const folder = mkdtempSync(join(tmpdir(), "embed-start-up-"));
  const path = join(folder, "run");
  const log = join(projectFolder, "fixtures", "clicks.csv");
  await run(process.execPath, [program, "train-fm", log, "-o", path, "--epochs", "1", "--quiet"]);
  const milliseconds = async (...args: string[]): Promise<number> => {
    const all: number[] = [];
    for (let start = 0; start < STARTS; start++)
      all.push(1000 * (await timed(() => run(process.execPath, args))));
    return median(all);
  };
  return {
    rows: [{ work: "start of `embed neighbors`, beyond that of `node -e 0` (target: 30 ms)", unit: "ms" }],
    ours: async () => [
      (await milliseconds(program, "neighbors", path, "--key", "item:tea-03")) -
        (await milliseconds("-e", "0")),
    ],
    end: () => rmSync(folder, { recursive: true }),
  };
}

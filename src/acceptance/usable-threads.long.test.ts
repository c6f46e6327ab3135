import { join } from "node:path";
import { temporaryFolder } from "../testing/embed.js";
import { trainInProcess } from "../testing/training-commands.js";
import { writePlanted } from "../testing/trainers.js";
import { cores } from "../compute/threads/idle.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const { usable } = cores;
afterEach(() => (cores.usable = usable));

test.each([
  [2, 2],
  [8, 3],
])("no more threads than usable cores work: of 3 asked for, with %i cores, %i", async (numCores, of) => {
  cores.usable = () => numCores;
  const log = writePlanted(folder, "clicks", 300);
  const out = join(folder, `run-${numCores}`);
  const { threads } = await trainInProcess(
    "train-fm",
    argv`${log} -o ${out} --dim 32 --epochs 1
      --threads 3`,
  );
  expect(threads?.of).toBe(of);
});

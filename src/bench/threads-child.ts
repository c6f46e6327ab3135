// One training of `npm run bench -- threads`, in a process of its own:   node threads-child.js fixed|chosen COMMAND
// WORDS...
//
// `fixed` makes all threads work together, even if fewer are faster. Prints, as JSON, seconds and processor seconds
// from the end of reading to the model, seconds of the epochs after the first one, and the number of threads that
// worked at the end.

import { trainInProcess } from "../testing/training-commands.js";
import { cores } from "../compute/threads/idle.js";
import { choosing } from "../compute/threads/threaded-kernel.js";

const [kind, command, ...words] = process.argv.slice(2);
if (kind === "fixed") {
  cores.usable = () => Infinity;
  choosing.start = (most) => ({
    next: () => ({ threads: most, milliseconds: Infinity }),
    took: () => undefined,
    inUse: most,
  });
}
const used = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
let began: { clock: number; processor: number } | undefined;
let ended = { clock: 0, processor: 0 };
const epochEnds: number[] = [];
const { threads } = await trainInProcess(command!, words, {
  signal: new AbortController().signal,
  observe(progress) {
    const now = { clock: performance.now() / 1000, processor: used() };
    if (progress.stage === "doing") began ??= now;
    // the training ends when the stage after the last epoch begins
    if (progress.stage === "doing" || progress.stage === "epoch") ended = now;
    if (progress.stage === "epoch") epochEnds.push(now.clock);
  },
});
console.log(
  JSON.stringify({
    seconds: ended.clock - began!.clock,
    processor: ended.processor - began!.processor,
    epochs: epochEnds.length > 1 ? epochEnds.at(-1)! - epochEnds[0]! : null,
    threads: threads?.used ?? null,
  }),
);

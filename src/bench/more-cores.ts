// The last section of docs/growth.md: gains of trainings on more cores than the bench has, estimated by `npm run bench
// -- threads`.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "../testing/places.js";

const HEADING = "### More cores\n";
const page = join(projectFolder, "docs", "growth.md");

/** The measured speedup of a training by threads. */
export interface Gain {
  name: string;
  /** seconds of one thread, divided by the seconds of two threads: of the whole training, from the log in memory */
  ofTwo: number;
  /** seconds of one thread divided by those of two in the epochs after the first; undefined if the training has none */
  ofEpochs?: number | undefined;
  /** processor seconds with 1, 2, 4, 8 and 16 threads */
  processor: readonly number[];
}

/**
 * Estimates the gain of the epochs, or of a training without epochs, on 8 and on 32 cores by Amdahl's law. The serial
 * share of the work follows from the gain of two threads and their processor time. The parallel share is divided by the
 * number of cores, after it has grown like the processor time; from 16 to 32 threads, it grows by the same factor as
 * from 8 to 16.
 */
export function estimates({ ofTwo, ofEpochs = ofTwo, processor }: Gain): [eight: number, many: number] {
  const [one, two, , eight, sixteen] = processor as [number, number, number, number, number];
  const halfOfTwo = two / one / 2;
  const alone = Math.min(1, Math.max(0, (1 / ofEpochs - halfOfTwo) / (1 - halfOfTwo)));
  const gainOn = (cores: number, seconds: number) => 1 / (alone + ((1 - alone) * seconds) / one / cores);
  return [gainOn(8, eight), gainOn(32, (sixteen * sixteen) / eight)];
}

/** Returns a Markdown list with one line per training. */
export function listOfGains(gains: readonly Gain[]): string {
  const lines = gains.map((gain) => {
    const [eight, many] = estimates(gain);
    const ofEpochs = gain.ofEpochs === undefined ? "" : `, ${gain.ofEpochs.toFixed(2)}`;
    return `- ${gain.name}: ${gain.ofTwo.toFixed(2)}${ofEpochs}; ${eight.toFixed(1)}; ${many.toFixed(1)}\n`;
  });
  return lines.join("");
}

/** Returns the text that docs/growth.md contains now in its section on more cores; empty if it has none. */
export function keptMoreCores(): string {
  const text = readFileSync(page, "utf8");
  const at = text.indexOf(HEADING);
  return at < 0 ? "" : text.slice(at);
}

/** Replaces the section on more cores in docs/growth.md. */
export function writeMoreCores(gains: readonly Gain[]): void {
  const text = readFileSync(page, "utf8");
  const before = text.slice(0, text.length - keptMoreCores().length).trimEnd();
  writeFileSync(page, `${before}\n\n${HEADING}\n${INTRODUCTION}\n${listOfGains(gains)}`);
}

const INTRODUCTION = `How many times as fast as one thread: two threads in a whole training of a small log and in its epochs after the first;
8 and 32 cores in these epochs, **estimated** by Amdahl's law and the processor time of 8 and 16 threads
(\`npm run bench -- threads\`).
`;

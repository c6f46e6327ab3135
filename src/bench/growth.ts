// `npm run bench -- growth [rows|features|dims|threads...]`: how time and memory of whole trainings grow along each
// axis from a middle point. Without names, it also writes docs/growth.md and its plots. Run it on an idle machine.
//
//   log     click, user, item and four fields with few keys; key frequencies fall (the square of a uniform draw)
//   middle  1,000,000 rows, 100,000 features, dim 16, two threads
//
// Each training runs in its own process, reads the CSV and writes a run. Wall time and peak memory are medians of
// REPEATS runs.

import {
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadPen, palette, type Pen } from "../judge/report/page/plot.js";
import { parseJson } from "../testing/json.js";
import { projectFolder } from "../testing/places.js";
import { mulberry32 } from "../testing/random.js";
import { embedMeasured } from "./child.js";
import { median } from "./ctr-logs.js";
import { machineText } from "./machine.js";
import { keptMoreCores } from "./more-cores.js";

const REPEATS = 3;
const cache = join(tmpdir(), "embed-bench");

interface Point {
  rows: number;
  features: number;
  dim: number;
  threads: number;
}
const middle: Point = { rows: 1_000_000, features: 100_000, dim: 16, threads: 2 };

/** Measured values of each quantity; while one quantity varies, the others keep their values in `middle`. */
const axes = {
  rows: [1_000_000, 4_000_000, 16_000_000],
  features: [100_000, 1_000_000, 10_000_000],
  dims: [8, 16, 32, 64, 128],
  threads: [1, 2, 3, 4],
} as const;
type Axis = keyof typeof axes;
const nameOf: Readonly<Record<Axis, keyof Point>> = {
  rows: "rows",
  features: "features",
  dims: "dim",
  threads: "threads",
};

/** The measured trainings, as words of the command line. */
const trainings: Readonly<Record<string, readonly string[]>> = {
  "train-fm": ["train-fm", "--label", "click", "--epochs", "5"],
  "train-als": ["train-als", "--user", "user", "--item", "item", "--positive-from", "1", "--epochs", "3"],
};

interface Figures {
  seconds: number;
  gigabytes: number;
  /** durations of reading, encoding and training, from the run's manifest */
  read: number;
  encode: number;
  train: number;
}
interface Line extends Figures {
  training: string;
  at: number;
}

export async function bench(): Promise<void> {
  const asked = process.argv.slice(3) as Axis[];
  const odd = asked.find((name) => !Object.hasOwn(axes, name));
  if (odd !== undefined) throw new Error(`no axis '${odd}': ${Object.keys(axes).join(", ")}`);
  const measured = new Map<Axis, Line[]>();
  for (const axis of asked.length > 0 ? asked : (Object.keys(axes) as Axis[])) {
    console.log(tableHead(axis));
    const lines: Line[] = [];
    for (const at of axes[axis])
      for (const training of Object.keys(trainings)) {
        lines.push({ training, at, ...(await figuresOf(training, { ...middle, [nameOf[axis]]: at })) });
        console.log(lineOf(lines.at(-1)!));
      }
    measured.set(axis, lines);
  }
  if (asked.length === 0) await writePage(measured);
}

/** Trains several times and returns the median of each figure. */
async function figuresOf(training: string, point: Point): Promise<Figures> {
  const log = await logOf(point);
  const all: Figures[] = [];
  for (let repeat = 0; repeat < (point.rows > middle.rows ? 1 : REPEATS); repeat++)
    all.push(await trained(training, log, point));
  const of = (name: keyof Figures) => median(all.map((figures) => figures[name]));
  return {
    seconds: of("seconds"),
    gigabytes: of("gigabytes"),
    read: of("read"),
    encode: of("encode"),
    train: of("train"),
  };
}

async function trained(training: string, log: string, { dim, threads }: Point): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), "embed-growth-"));
  const [command, ...options] = trainings[training]!;
  const out = join(folder, "run");
  const given = ["--dim", String(dim), "--threads", String(threads), "-o", out, "--quiet"];
  try {
    const { seconds, peakMb } = await embedMeasured([command!, log, ...options, ...given]);
    const manifest = readFileSync(join(out, "manifest.json"), "utf8");
    const {
      read = 0,
      encode = 0,
      train = 0,
    } = parseJson<{ timings: Record<string, number> }>(manifest).timings;
    return { seconds, gigabytes: peakMb / 1024, read, encode, train };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Returns the path of a CSV file with a number of rows and features, which is created once and kept in the temporary
 * folder. @param timed adds a column of seconds, one per row
 */
export async function logOf(
  { rows, features }: Pick<Point, "rows" | "features">,
  timed = false,
): Promise<string> {
  mkdirSync(cache, { recursive: true });
  const path = join(cache, `growth-${rows}-${features}${timed ? "-timed" : ""}.csv`);
  if (existsSync(path)) return path;
  const random = mulberry32(1);
  const sizes = { u: Math.round(0.7 * features), i: Math.round(0.3 * features), h: 24, d: 5, c: 40, r: 100 };
  const out = createWriteStream(`${path}.part`);
  let text = `click,user,item,hour,device,category,region${timed ? ",time" : ""}\n`;
  for (let r = 0; r < rows; r++) {
    const keys = Object.entries(sizes).map(([letter, size]) => letter + Math.floor(random() ** 2 * size));
    text += `${random() < 0.3 ? 1 : 0},${keys.join(",")}${timed ? `,${1e9 + r}` : ""}\n`;
    if (text.length > 1 << 20) {
      if (!out.write(text)) await once(out, "drain");
      text = "";
    }
  }
  out.end(text);
  await once(out, "close");
  renameSync(`${path}.part`, path);
  return path;
}

const unitOf = (axis: Axis): string => (axis === "dims" ? "dim" : axis);

function tableHead(axis: Axis): string {
  return `| ${unitOf(axis)} | command | seconds | reading | encoding | training | peak memory, GB |\n| ---: | --- | ---: | ---: | ---: | ---: | ---: |`;
}

function lineOf({ at, training, seconds, read, encode, train, gigabytes }: Line): string {
  const numbers = [seconds, read, encode, train, gigabytes].map((x) => x.toFixed(2));
  return `| ${at.toLocaleString("en")} | \`${training}\` | ${numbers.join(" | ")} |`;
}

async function writePage(measured: ReadonlyMap<Axis, readonly Line[]>): Promise<void> {
  const pen = await loadPen();
  const docs = join(projectFolder, "docs");
  const sections: string[] = [];
  for (const [axis, lines] of measured) {
    writeFileSync(join(docs, `growth-${axis}.svg`), plotSvg(pen, axis, lines));
    // describes only the plot of threads, because docs/how-large.md contains the plots of the other axes
    if (axis !== "threads") continue;
    sections.push(
      "## Threads\n",
      `![seconds and peak memory by ${axis}](growth-${axis}.svg)\n`,
      `${tableHead(axis)}\n${lines.map(lineOf).join("\n")}\n`,
    );
  }
  const machine = await machineText();
  const moreCores = keptMoreCores();
  writeFileSync(
    join(docs, "growth.md"),
    `${HEAD}\n${machine}.\n\n${sections.join("\n")}${moreCores && `\n${moreCores}`}`,
  );
  console.log(`\nwrote ${join(docs, "growth.md")}`);
}

const HEAD = `# How cost grows with threads

Whole trainings, from a CSV to a run: \`train-fm\` (five epochs, all columns) and \`train-als\` (three, users and items) on
1,000,000 generated rows, 100,000 features, 16 dimensions; medians of three runs. \`npm run bench -- growth\` writes this
page and the plots of [how large?](how-large.md).
`;

/** Draws seconds and peak memory side by side, on logarithmic scales. */
function plotSvg({ plot, draw }: Pen, axis: Axis, lines: readonly Line[]): string {
  const names = Object.keys(trainings);
  const panel = (value: "seconds" | "gigabytes", label: string): string =>
    draw(label, {
      height: 260,
      marginLeft: 48,
      x: {
        type: axis === "threads" ? "linear" : "log",
        label: unitOf(axis),
        ticks: [...axes[axis]],
        tickFormat: (at: number) => at.toLocaleString("en", { notation: "compact" }),
      },
      y: {
        type: axis === "threads" ? "linear" : "log",
        label,
        grid: true,
        tickFormat: (amount: number) => String(amount),
        ...(axis === "threads" && { zero: true }),
      },
      color: { domain: names, range: [...palette.slice(0, names.length)], legend: false },
      marks: [
        plot.lineY(lines, { x: "at", y: value, stroke: "training", strokeWidth: 2 }),
        plot.dot(lines, { x: "at", y: value, fill: "training", r: 3 }),
        plot.text(
          names.map((training) => lines.findLast((line) => line.training === training)!),
          { x: "at", y: value, text: "training", textAnchor: "end", dy: -9, fill: "#333" },
        ),
      ],
    }).text;
  const place = (svg: string, x: number) => svg.replace("<svg", `<svg x="${x}" width="380" height="260"`);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 780 260" font-family="sans-serif" font-size="11">` +
    `<rect width="780" height="260" fill="#fff"/>${place(panel("seconds", "seconds"), 0)}${place(panel("gigabytes", "peak memory, GB"), 400)}</svg>\n`
  );
}

// `npm run bench -- picture`: draws README's pictures and that of docs/budgets.md in docs/, light and dark, from figures that the docs state, so
// that a picture never says more than they do.
//
//   docs/performance.md, docs/python.md, docs/algorithms/implicit.md ──► beside-light.svg, beside-dark.svg
//   fixtures/clicks.csv ──► embed train-fm, embed report ──► map-light.svg, map-dark.svg
//   docs/budgets.md ──► budgets-light.svg, budgets-dark.svg

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectFolder } from "../testing/places.js";

const docs = join(projectFolder, "docs");
const schemes = {
  light: { ink: "#1b1e23", soft: "#5b626c", ours: "#4269d0", theirs: "#c9cdd2", wash: "#f7f8f9" },
  dark: { ink: "#e4e6e9", soft: "#9aa1ab", ours: "#6c8ee8", theirs: "#4a515b", wash: "#1c1f24" },
};
type Scheme = (typeof schemes)[keyof typeof schemes];

/** A line of the picture: how long each side takes, as the docs state it, and how good its result is. */
interface Line {
  work: string;
  peer: string;
  /** as stated, and in seconds or a multiple of them */
  times: [text: string, value: number][];
  quality?: string;
}

/** Returns the cells of the first row of a page's tables that contains all texts. */
function rowWith(page: string, ...texts: string[]): string[] {
  const lines = readFileSync(join(docs, page), "utf8").split("\n");
  const found = lines.find((line) => line.startsWith("|") && texts.every((text) => line.includes(text)));
  if (found === undefined) throw new Error(`docs/${page} has no row with ${texts.join(" and ")}`);
  return found
    .split("|")
    .map((cell) => cell.trim())
    .slice(1, -1);
}

/** Work of docs/performance.md; a rate such as `2.67 M rows/s` becomes the time of a million. */
function fromPerformance(work: string, text: string, peer: string): Line {
  const [, ours, theirs] = rowWith("performance.md", `| ${text} `);
  const timed = (cell: string): [string, number] => {
    const value = Number.parseFloat(cell);
    return [cell, cell.endsWith("/s") ? 1 / value : value];
  };
  return { work, peer, times: [timed(ours!), timed(theirs!)] };
}

/** A task of docs/python.md, with its quality on held-out invoices. */
function fromPython(work: string, ours: string, peer: string, name: string, measured: string): Line {
  const [mine, other] = [rowWith("python.md", `embed-tables, \`${ours}\``), rowWith("python.md", peer)];
  const times = [mine, other].map((row): [string, number] => [`${row[3]} s`, Number(row[3])]);
  return { work, peer: name, times, quality: `${measured} ${mine.at(-1)} : ${other.at(-1)}` };
}

function lines(): Line[] {
  const [, recall, peers] = rowWith("algorithms/implicit.md", "| 64 ", " / 0.");
  const [auc, aucOfPeer] = rowWith("algorithms/gbdt.md", "AUC on 100,000 other rows")
    .slice(1)
    .map((cell) => cell.split(", ")[0]);
  const [ours, theirs] = [recall, peers].map((cell) => cell!.split(" / ")[0]);
  return [
    {
      ...fromPerformance(
        "ALS, 64 dimensions, gowalla",
        "ALS on implicit feedback, gowalla, dim 64, two threads",
        "implicit",
      ),
      quality: `recall@20 ${ours} : ${theirs}`,
    },
    fromPython(
      "similar items, Online Retail II",
      "train_item2vec",
      "Word2Vec (skip-gram)",
      "gensim",
      "hits@10",
    ),
    fromPython(
      "lists, Online Retail II, with reading and writing",
      "train_als",
      "implicit 0.7.3, ALS",
      "implicit, in memory",
      "recall@20",
    ),
    {
      ...fromPerformance(
        "100 trees, 500,000 x 28",
        "GBDT, bins and 100 trees of 31 leaves, 500,000 x 28, two threads",
        "LightGBM",
      ),
      quality: `AUC ${auc} : ${aucOfPeer}`,
    },
    fromPerformance(
      "field-aware FM, epochs",
      "FFM epochs, dim 4, 1 M rows of 16 fields, two threads",
      "xLearn",
    ),
  ];
}

function beside(all: readonly Line[], { ink, soft, ours, theirs }: Scheme): string {
  const [bars, width, height] = [330, 860, 50];
  const text = (x: number, y: number, content: string, color: string, more = "") =>
    `<text x="${x}" y="${y}" fill="${color}"${more}>${content}</text>`;
  const drawn = all.map(({ work, peer, times, quality }, i) => {
    const y = 34 + i * height;
    const longest = Math.max(...times.map(([, value]) => value));
    const bar = ([stated, value]: [string, number], row: number) => {
      const length = Math.round((260 * value) / longest);
      const top = y + 17 * row;
      return (
        `<rect x="${bars}" y="${top}" width="${length}" height="13" rx="2" fill="${row === 0 ? ours : theirs}"/>` +
        text(bars + length + 6, top + 11, `${stated} ${row === 0 ? "embed" : peer}`, row === 0 ? ink : soft)
      );
    };
    return (
      text(bars - 14, y + 18, work, ink, ' text-anchor="end"') +
      times.map(bar).join("") +
      (quality === undefined ? "" : text(width - 4, y + 18, quality, ink, ' text-anchor="end"'))
    );
  });
  const head =
    text(bars, 18, "time: shorter is better", soft) +
    text(width - 4, 18, "quality, embed : other", soft, ' text-anchor="end"');
  return svg(width, 40 + all.length * height, head + drawn.join(""));
}

/** Draws Recall@20 on gowalla by bytes, on a logarithmic scale: of each form alone, and of codes after exact ranks. */
function budgets({ ink, soft, ours, theirs, wash }: Scheme): string {
  const rows = readFileSync(join(docs, "budgets.md"), "utf8").matchAll(
    /^\| +(\d+) \| +`?(?:--dtype )?([^|`]+)`? +\| ([\d.]+) +\| ([\d.]*)/gm,
  );
  const [left, right, bottom] = [60, 840, 350];
  const x = (bytes: number) => left + 30 + ((right - left - 100) * Math.log2(bytes / 4)) / 6;
  const y = (recall: number) => bottom - ((bottom - 30) * (recall - 0.06)) / 0.1;
  const text = (at: number, to: number, content: string, more = "") =>
    `<text x="${at.toFixed(0)}" y="${to.toFixed(0)}" fill="${soft}"${more}>${content}</text>`;
  const lines = [0.06, 0.08, 0.1, 0.12, 0.14, 0.16].map(
    (recall) =>
      `<path d="M${left} ${y(recall).toFixed(0)}H${right}" stroke="${theirs}"/>` +
      text(left - 8, y(recall) + 4, recall.toFixed(2), ' text-anchor="end"'),
  );
  const ticks = [4, 8, 16, 32, 64, 128, 256].map((bytes) =>
    text(x(bytes), bottom + 20, `${bytes}`, ' text-anchor="middle"'),
  );
  const points = [...rows].map(([, bytes, name, alone, rescored]) => {
    const [cx, cy] = [x(Number(bytes)).toFixed(0), y(Number(alone)).toFixed(0)];
    const isCut = name!.startsWith("--dim");
    const above = rescored
      ? `<path d="M${cx} ${cy}V${y(Number(rescored)).toFixed(0)}" stroke="${ours}"/>` +
        `<circle cx="${cx}" cy="${y(Number(rescored)).toFixed(0)}" r="4" fill="${wash}" stroke="${ours}"/>`
      : "";
    const label = name!.replace(/ --bytes \d+|--/g, "").trim();
    return (
      `${above}<circle cx="${cx}" cy="${cy}" r="4" fill="${isCut ? soft : ours}"/>` +
      text(Number(cx) + 8, Number(cy) + (rescored ? 12 : 16), label).replace(soft, ink)
    );
  });
  const head = text(
    left,
    18,
    "Recall@20, gowalla: alone (filled), and after exact ranks of the best 80 (open)",
  );
  const foot = text((left + right) / 2, bottom + 42, "bytes of an item's vector", ' text-anchor="middle"');
  return svg(900, 405, [...lines, ...ticks, ...points, head, foot].join(""));
}

function svg(width: number, height: number, content: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">${content}</svg>\n`;
}

/** Returns the UMAP map of the items of fixtures/clicks.csv, as `embed report` draws it; groups color the items. */
function map(): string {
  const work = mkdtempSync(join(tmpdir(), "embed-picture-"));
  const clicks = join(projectFolder, "fixtures", "clicks.csv");
  const embed = (...args: string[]) =>
    execFileSync(process.execPath, [join(projectFolder, "bin", "embed.js"), ...args, "--quiet"], {
      cwd: work,
    });
  const items = new Set(readFileSync(clicks, "utf8").match(/\b[a-z]+-\d\d\b/g));
  writeFileSync(
    join(work, "groups.csv"),
    ["item_id,group", ...[...items].map((item) => `${item},${item.split("-")[0]}`)].join("\n"),
  );
  embed("train-fm", clicks, "-o", "run", ..."--epochs 20 --valid 0.1 --test 0.1 --split time".split(" "));
  embed(
    "report",
    "run",
    "-o",
    "run.html",
    "--part",
    "none",
    "--labels",
    "groups.csv:item_id",
    "--label-column",
    "group",
  );
  const page = readFileSync(join(work, "run.html"), "utf8");
  rmSync(work, { recursive: true });
  const maps = [...page.matchAll(/<figure class="map">[^]*?(<svg[^]*?<\/svg>)/g)];
  return maps.at(-1)![1]!;
}

export async function bench(): Promise<void> {
  const [all, drawn] = [lines(), map()];
  for (const [name, scheme] of Object.entries(schemes)) {
    const colors: Record<string, string> = { wash: scheme.wash, others: scheme.theirs, page: scheme.wash };
    const colored = drawn
      .replace(
        "<svg",
        `<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" color="${scheme.ink}"`,
      )
      .replaceAll(/var\(--(\w+)\)/g, (_, variable: string) => colors[variable] ?? scheme.soft)
      .replace(/>/, `><rect width="100%" height="100%" rx="8" fill="${scheme.wash}"/>`);
    writeFileSync(join(docs, `beside-${name}.svg`), beside(all, scheme));
    writeFileSync(join(docs, `map-${name}.svg`), `${colored}\n`);
    writeFileSync(join(docs, `budgets-${name}.svg`), budgets(scheme));
  }
  for (const { work, peer, times } of all)
    console.log(`${work}: ${times.map(([text]) => text).join(", ")} (${peer})`);
}

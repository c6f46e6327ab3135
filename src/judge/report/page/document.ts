// The frame of every page: one self-contained file with a title, links to its sections, the style and the script.
//
// A content security policy forbids loading anything and running any script but the page's own, whatever the keys of a
// log contain.

import type { Section } from "./plot.js";
import { html, Markup } from "./html.js";

interface PageParts {
  title: string;
  /** the command that writes the page, such as `embed report` */
  command: string;
  /** HTML content of the line below the title of the page */
  subtitle: Markup;
  sections: readonly Section[];
  /** sentences about sections that the page lacks */
  absent: readonly string[];
  version: string;
  /** elements with data that other commands read from the page */
  data?: string;
}

export async function htmlDocument({
  title,
  command,
  subtitle,
  sections,
  absent,
  version,
  data,
}: PageParts): Promise<string> {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${await policy()}" />
        <title>${title} – ${command}</title>
        <style>
          ${new Markup(style)}
        </style>
      </head>
      <body>
        <header>
          <h1 class="key">${title}</h1>
          ${subtitle}
        </header>
        <nav aria-label="Sections">
          ${sections.map(({ id, title: name }) => html`<a href="#${id}">${name}</a> `)}
        </nav>
        <main>
          ${sections.map(sectionOf)}
          ${
            absent.length > 0
              ? html`<section id="absent">
                  <h2>Not on this page</h2>
                  <ul class="quiet">
                    ${absent.map((text) => html`<li>${text}</li>`)}
                  </ul>
                </section>`
              : undefined
          }
        </main>
        <footer>${command} ${version}</footer>
        ${data === undefined ? undefined : new Markup(data)} ${scriptElement}
      </body>
    </html> `;
  return page.text;
}

function sectionOf({ id, title, lead, body, isHalf = false }: Section): Markup {
  return html`<section id="${id}" ${isHalf ? html` class="half"` : undefined}>
    <h2>${title}</h2>
    ${lead === undefined ? undefined : html`<p class="lead">${lead}</p>`} ${body}
  </section> `;
}

/** Forbids loading resources and running any script except the one with this hash. */
async function policy(): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", Buffer.from(script));
  const hash = Buffer.from(digest).toString("base64");
  return `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
}

// The page's only script: it shows names at once, also on touch screens, and finds keys on a map. Without it, a browser
// shows the same titles after a delay.

/**
 * JavaScript of the page. A label of the map that is hovered or focused is highlighted alone; the title of the mark
 * under the pointer, or of the nearest one within a finger's width, is shown beside it; the same key on the run's other
 * map gets a ring. A field above the maps finds keys by a part of their text. The script reads the page and writes text
 * only.
 */
const script = `
"use strict";
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
document.body.append(tip);
for (const item of document.querySelectorAll("#map .legend li")) {
  const fill = item.querySelector("circle").getAttribute("fill");
  const alone = (on) => {
    for (const dot of document.querySelectorAll("#map figure circle"))
      dot.style.opacity = on && dot.getAttribute("fill") !== fill ? 0.08 : "";
  };
  item.tabIndex = 0;
  for (const event of ["pointerenter", "focus"]) item.addEventListener(event, () => alone(true));
  for (const event of ["pointerleave", "blur"]) item.addEventListener(event, () => alone(false));
}
const texts = new Map();
for (const svg of document.querySelectorAll("figure > svg")) {
  const marks = [...svg.querySelectorAll("title")].map((title) => {
    const mark = title.parentElement;
    const text = title.textContent;
    title.remove();
    return { mark, text };
  });
  for (const { mark, text } of marks) texts.set(mark, text);
  if (marks.length === 0) continue;
  // finds the mark of the same key on the other map of the run
  const twinOf = (mark) => {
    const maps = [...(svg.closest(".pair")?.querySelectorAll("figure > svg") ?? [])];
    const at = [...svg.querySelectorAll("circle")].indexOf(mark);
    return at < 0 ? undefined : maps.find((map) => map !== svg)?.querySelectorAll("circle")[at];
  };
  let twin;
  const hide = () => {
    tip.hidden = true;
    twin?.classList.remove("twin");
  };
  const show = ({ clientX, clientY, pointerType, target }) => {
    let best = marks.find(({ mark }) => mark === target);
    let least = pointerType === "mouse" ? 12 : 24;
    for (const one of best ? [] : marks) {
      const box = one.mark.getBoundingClientRect();
      const x = Math.max(box.left - clientX, 0, clientX - box.right);
      const y = Math.max(box.top - clientY, 0, clientY - box.bottom);
      if (Math.hypot(x, y) < least) [best, least] = [one, Math.hypot(x, y)];
    }
    hide();
    if (!best) return;
    twin = twinOf(best.mark);
    twin?.classList.add("twin");
    tip.textContent = best.text;
    tip.hidden = false;
    const { offsetWidth, offsetHeight } = tip;
    const left = Math.min(clientX + 12, document.documentElement.clientWidth - offsetWidth - 4);
    tip.style.left = Math.max(4, left) + scrollX + "px";
    tip.style.top = Math.max(4, clientY - offsetHeight - 12) + scrollY + "px";
  };
  svg.addEventListener("pointermove", show);
  svg.addEventListener("pointerdown", show);
  svg.addEventListener("pointerleave", hide);
}
const maps = document.querySelector("#map .maps");
if (maps) {
  const field = document.createElement("input");
  field.type = "search";
  field.placeholder = "Find a key";
  field.setAttribute("aria-label", "Find a key on the map");
  const found = document.createElement("small");
  found.setAttribute("role", "status");
  const line = document.createElement("p");
  line.className = "find";
  line.append(field, found);
  maps.before(line);
  field.addEventListener("input", () => {
    const part = field.value.trim().toLowerCase();
    const names = new Set();
    for (const dot of maps.querySelectorAll("figure circle")) {
      const text = texts.get(dot) ?? "";
      const fits = part !== "" && text.toLowerCase().includes(part);
      dot.classList.toggle("found", fits);
      dot.style.opacity = part === "" || fits ? "" : 0.08;
      if (fits) names.add(text.split("\\n")[0]);
    }
    const some = [...names].slice(0, 5).join(", ");
    found.textContent = part === "" ? "" : names.size + " found" + (some && ": " + some) + (names.size > 5 ? ", …" : "");
  });
}
`;

/** The script's element. The template `html` would change its white space, and thus the hash of the script. */
const scriptElement = new Markup(`<script>${script}</script>`);

// The page's only style sheet: readable on phones, desktops and paper, light and dark; no fonts or images from
// elsewhere.

/** Minimum width of a window that shows a list of the sections next to them. */
const DESK = "1200px";
/** Maximum width of a window in which a table may be wider than the page. */
const PHONE = "640px";

export const style = `
:root {
  color-scheme: light dark;
  --page: #fff; --ink: #1b1e23; --soft: #5b626c; --rule: #e6e8eb; --wash: #f7f8f9;
  --muted: #9aa1aa; --others: #c9cdd2; --good: #1a7f37; --bad: #c62828; --bar: #4269d022; --shade: #1b1e2318;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15171b; --ink: #e4e6e9; --soft: #9aa1ab; --rule: #2b2f36; --wash: #1c1f24;
    --muted: #6f7782; --others: #4a515b; --good: #57c27a; --bad: #ff8078; --bar: #6c8ee838; --shade: #0008;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body {
  margin: 0 auto; max-width: 2200px; padding: 2.5rem clamp(1rem, 2.6vw, 3.5rem) 4rem;
  background: var(--page); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  overflow-wrap: break-word;
}
header { margin-bottom: 1rem; }
h1 { font-size: 1.75rem; line-height: 1.25; letter-spacing: -0.015em; margin: 0 0 .35rem; }
h2 { font-size: 1.2rem; letter-spacing: -0.01em; margin: 0 0 .25rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .5rem; }
h4 { font-size: .85rem; font-weight: 500; margin: .75rem 0 .2rem; }
main { display: flex; flex-wrap: wrap; column-gap: 3rem; min-width: 0; }
section { flex: 1 1 100%; min-width: 0; border-top: 1px solid var(--rule); padding-top: 1.5rem; margin-top: 2.25rem; scroll-margin-top: .5rem; }
p { margin: 0 0 1rem; }
.lead { color: var(--soft); max-width: 76ch; }
.lead b { font-weight: 600; color: var(--ink); }
.quiet, small, header p { color: var(--soft); }
small { font-size: .84em; font-weight: 400; }
a { color: inherit; text-underline-offset: .2em; text-decoration-color: var(--muted); }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; font-size: .9rem; }
code { font: .9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.key { unicode-bidi: isolate; overflow-wrap: anywhere; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr)); gap: 1.5rem 2rem; align-items: start; }
.maps { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 900px), 1fr)); gap: 1.75rem 2rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap: 1.5rem; align-items: end; }
figure { margin: 0; min-width: 0; max-width: 500px; }
figure.map { max-width: 900px; container-type: inline-size; }
@container (max-width: 420px) { .names { display: none; } }
figcaption { font-weight: 600; font-size: .92rem; margin-bottom: .4rem; }
figcaption small { margin-left: .35em; }
figure > svg { display: block; width: 100%; height: auto; overflow: visible; --plot-background: var(--page); font-family: inherit; }
figure.map > svg { background: var(--wash); border-radius: 6px; overflow: hidden; }
figure.map circle.found { stroke: var(--ink); stroke-width: 1.5px; fill-opacity: 1; }
.find { display: flex; flex-wrap: wrap; gap: .3rem .8rem; align-items: baseline; }
.find input { font: inherit; font-size: 1rem; width: min(100%, 18rem); padding: .3rem .6rem; color: inherit; background: var(--wash); border: 1px solid var(--rule); border-radius: 6px; }
.find small { overflow-wrap: anywhere; }
figure.map circle.twin { stroke: var(--ink); stroke-width: 2px; fill-opacity: 1; }
svg text { white-space: pre; }
.names { pointer-events: none; paint-order: stroke; }
[aria-label] g[stroke-opacity="0.1"] { stroke-opacity: .12; }
.dot { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .45em; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: 0 0 1rem; padding: 0; font-size: .9rem; }
.legend svg { width: .75em; height: .75em; margin-right: .4em; }
#map .legend li[tabindex] { cursor: pointer; }
.legend-title { font-size: .85rem; color: var(--soft); margin: 0 0 .15rem; }
.wide { overflow-x: auto; max-width: 100%; margin-bottom: 1rem; }
table { border-collapse: collapse; font-size: .88rem; }
th, td { text-align: left; vertical-align: baseline; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--rule); font-weight: 400; }
thead th { color: var(--soft); font-size: .84rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tbody th:not(.number) { min-width: 6.5rem; max-width: 26rem; }
.share { display: inline-block; min-width: 5.2rem; padding-right: .3rem; border-radius: 2px;
  background: linear-gradient(var(--bar), var(--bar)) right / calc(100% * var(--w)) 100% no-repeat; }
.cells td, .cells .key { white-space: nowrap; }
.why { display: inline-block; min-width: 12rem; }
.passed { color: var(--good); white-space: nowrap; }
.notCompared, .measured { color: var(--soft); white-space: nowrap; }
.failed { color: var(--bad); font-weight: 600; white-space: nowrap; }
details { margin-top: .35rem; font-size: .9rem; }
summary { cursor: pointer; color: var(--soft); font-size: .84rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)); gap: 1.75rem 2.5rem; }
.cards h3 { margin: 0 0 .25rem; }
.near { margin: 0; padding: 0; list-style: none; font-size: .9rem; }
.near li { display: flex; justify-content: space-between; gap: 1rem; padding: .18rem 0; border-bottom: 1px solid var(--rule); }
.near b { flex: none; align-self: baseline; width: 4.6rem; padding-right: .3rem; text-align: right; font-weight: 400; font-variant-numeric: tabular-nums;
  background: linear-gradient(var(--bar), var(--bar)) right / calc(100% * var(--w)) 100% no-repeat; border-radius: 2px; }
dl { display: grid; grid-template-columns: minmax(6rem, auto) 1fr; gap: .3rem 1.25rem; margin: 0 0 1rem; font-size: .9rem; }
dt { color: var(--soft); }
dd { margin: 0; min-width: 0; }
dd ul { margin: 0; padding: 0; list-style: none; }
.options { columns: 15rem; column-gap: 2rem; }
.options li { break-inside: avoid; overflow-wrap: anywhere; }
.options b { font-weight: 400; color: var(--soft); }
.tip { position: absolute; z-index: 1; max-width: 20rem; padding: .3rem .55rem; border-radius: 4px; pointer-events: none; white-space: pre-line;
  background: var(--ink); color: var(--page); font-size: .82rem; line-height: 1.35; overflow-wrap: anywhere; }
footer { color: var(--soft); font-size: .84rem; margin-top: 3rem; }
@media screen and (min-width: ${DESK}) {
  body { display: grid; grid-template-columns: 10.5rem minmax(0, 1fr); column-gap: 2.5rem; }
  header { grid-column: 1 / -1; }
  nav { flex-flow: column; gap: .45rem; align-self: start; position: sticky; top: 1.5rem; margin-top: 2.4rem; padding-top: .2rem; }
  nav a { text-decoration: none; color: var(--soft); }
  nav a:hover, nav a:focus-visible { color: var(--ink); text-decoration: underline; }
  section.half { flex: 1 1 24rem; }
  footer { grid-column: 2; }
  .facts dl { grid-template-columns: 8rem 1fr; }
}
@media screen and (max-width: ${PHONE}) {
  body { padding-block: 1.5rem 3rem; }
  h1 { font-size: 1.4rem; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .5rem; }
  /* a table that is wider than the page keeps its first column in sight, and a shade at the edge says that there is more */
  .wide { background: linear-gradient(to left, var(--page) 1rem, transparent) right / 2.5rem 100% no-repeat local,
    linear-gradient(to left, var(--shade), transparent) right / .9rem 100% no-repeat scroll; }
  .wide tr > :first-child { position: sticky; left: 0; background: var(--page); max-width: 45vw; }
}
@media print {
  :root { color-scheme: light; --page: #fff; --ink: #000; --soft: #444; --rule: #ccc; --wash: #fff; --muted: #888; --others: #bbb; }
  @page { margin: 14mm; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, .tip, .find, summary { display: none; }
  .grid, .pair { grid-template-columns: 1fr 1fr; }
  .maps { grid-template-columns: 1fr; }
  .cards { grid-template-columns: 1fr 1fr 1fr; gap: 1.25rem 1.5rem; }
  .wide { overflow: visible; }
  table, .near, dl { font-size: 8.5pt; }
  th, td { padding: .2rem .6rem .2rem 0; }
  thead th { font-size: inherit; }
  figure, article, tr, li { break-inside: avoid; }
  h2, h3, h4, .lead, .legend, figcaption { break-after: avoid; }
  .lead { break-inside: avoid; }
  .grid, .cards, .wide, .maps { break-before: avoid; }
  svg, .dot, .near b { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;

// Builds HTML that is safe by construction: values in a template are escaped unless they are markup already.
//
//   html`<td>${key}</td>`      key is text: `<script>` becomes `&lt;script&gt;`
//   html`<tr>${cells}</tr>`    cells are markup, one or several, and are inserted unchanged

/** HTML that needs no escaping. */
export class Markup {
  constructor(readonly text: string) {}
}

/** A value of a template; undefined inserts nothing. */
export type Content = string | number | Markup | readonly Markup[] | undefined;

/** Escapes texts. A line end and the indentation after it, which only format the source, become one line end. */
export function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  const own = parts.map((part) => part.replaceAll(/\n\s*/g, "\n"));
  return new Markup(own[0]! + contents.map((content, i) => escapedContent(content) + own[i + 1]!).join(""));
}

function escapedContent(content: Content): string {
  if (content === undefined) return "";
  if (content instanceof Markup) return content.text;
  if (typeof content === "object") return content.map(({ text }) => text).join("");
  return escaped(String(content));
}

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return visible(text).replaceAll(/[&<>"']/g, (character) => entities[character]!);
}

/**
 * Makes text of the data safe for a page: control characters and unpaired surrogates, which HTML does not allow, and
 * characters that change the direction of the following text become `\uFFFD`. Direction marks, with which titles often
 * begin, are removed.
 */
export function visible(text: string): string {
  return text
    .replaceAll(/[\u061C\u200E\u200F]/g, "")
    .replaceAll(/[^\P{Cc}\t\n]|\p{Cs}|[\u2028-\u202E\u2066-\u2069]/gu, "\uFFFD");
}

/** Truncates a text to a number of characters, and adds an ellipsis if it was longer. */
export function shortened(text: string, most: number): string {
  const characters = Array.from(text.slice(0, 2 * most));
  return characters.length <= most && characters.join("").length === text.length
    ? text
    : `${characters.slice(0, most - 1).join("")}…`;
}

/** The first `texts` columns contain text; the others contain numbers, which are right-aligned. */
export function htmlTable(head: readonly string[], rows: readonly (readonly Content[])[], texts = 1): Markup {
  const kind = (c: number) => (c < texts ? undefined : html`class="number"`);
  return html`<div class="wide">
    <table>
      <thead>
        <tr>
          ${head.map((title, c) => html`<th scope="col" ${kind(c)}>${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (cells) =>
            html`<tr>
              ${cells.map((cell, c) => (c === 0 ? html`<th scope="row" ${kind(c)}>${cell}</th>` : html`<td ${kind(c)}>${cell}</td>`))}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;
}

export interface ShownKey {
  key: string;
  /** name that is displayed instead of the key */
  name?: string | undefined;
}

export function keyMarkup({ key, name }: ShownKey): Markup {
  if (name === undefined) return html`<span class="key">${shortened(key, 60)}</span>`;
  return html`<span class="key">${shortened(name, 60)} <small>${shortened(key, 40)}</small></span>`;
}

/** Formats a key for the title of a mark: `Tea (85123A)`. */
export function keyTitle({ key, name }: ShownKey): string {
  return name === undefined ? shortened(key, 60) : `${shortened(name, 48)} (${shortened(key, 24)})`;
}

/** Formats a key for a plot, where there is room for either the name or the key. */
export function keyLabel({ key, name }: ShownKey): string {
  return shortened((name ?? key).trim(), 24);
}

export function whole(value: number): string {
  return value.toLocaleString("en");
}

/** Formats a range of whole numbers that includes both ends. */
export function rangeText({ from, to }: { from: number; to?: number }): string {
  if (to === undefined) return `${whole(from)} and more`;
  return from === to ? whole(from) : `${whole(from)}–${whole(to)}`;
}

export function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/** Formats a number with at most four significant digits; empty if it is not a number. */
export function short(value: number | null | undefined): string {
  if (value === undefined || value === null || !Number.isFinite(value)) return value === undefined ? "" : "–";
  if (Number.isInteger(value)) return whole(value);
  const size = Math.abs(value);
  return size >= 0.001 && size < 1e6 ? String(Number(value.toPrecision(4))) : value.toExponential(2);
}

/** Formats a count with its noun: `1 row`, `1,204 rows`. */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${whole(count)} ${count === 1 ? one : many}`;
}

/** Formats a time in UTC: `2013-07-31 00:12:44 UTC`; as a number if out of range. @param ms since 1970 */
export function instant(ms: number): string {
  const time = new Date(ms);
  if (Number.isNaN(time.getTime())) return `${ms.toExponential(2)} ms`;
  return `${time.toISOString().slice(0, -5).replace("T", " ")} UTC`;
}

/** Returns the value below which a share of sorted numbers lies. @param sorted ascending, not empty */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.floor(share * (sorted.length - 1))]!;
}

// Text → HTML that is safe by construction: whatever is put into a template is escaped unless it is markup already.
//
//   html`<td>${key}</td>`      key is text: `<script>` becomes `&lt;script&gt;`
//   html`<tr>${cells}</tr>`    cells are markup, one or several, and stay as they are

/** HTML that needs no escaping. */
export class Markup {
  constructor(readonly text: string) {}
}

/** What a template takes; nothing stands for what is absent. */
export type Content = string | number | Markup | readonly Markup[] | undefined;

/**
 * Markup from a template; texts are escaped, for elements and for attributes in double quotes alike.
 *
 * A line end with the indentation after it, which lays out the source, is one line end.
 */
export function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  const own = parts.map((part) => part.replaceAll(/\n\s*/g, "\n"));
  return new Markup(own[0]! + contents.map((content, i) => textOf(content) + own[i + 1]!).join(""));
}

function textOf(content: Content): string {
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
 * Text of the data as a page can hold it: control characters and halves of surrogate pairs, which HTML has not, and what turns the
 * direction of the text after it are `\uFFFD`. The marks of direction that titles often begin with are left out.
 */
export function visible(text: string): string {
  return text
    .replaceAll(/[\u061C\u200E\u200F]/g, "")
    .replaceAll(/[^\P{Cc}\t\n]|\p{Cs}|[\u2028-\u202E\u2066-\u2069]/gu, "\uFFFD");
}

/** The first characters of a text that may have any length, an ellipsis for the rest. */
export function shortened(text: string, most: number): string {
  const characters = Array.from(text.slice(0, 2 * most));
  return characters.length <= most && characters.join("").length === text.length
    ? text
    : `${characters.slice(0, most - 1).join("")}…`;
}

/** A table; columns after the first `texts` hold numbers and stand to the right. */
export function tableOf(head: readonly string[], rows: readonly (readonly Content[])[], texts = 1): Markup {
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
  /** what the key is called */
  name?: string | undefined;
}

/** For lists and tables. */
export function keyMarkup({ key, name }: ShownKey): Markup {
  if (name === undefined) return html`<span class="key">${shortened(key, 60)}</span>`;
  return html`<span class="key">${shortened(name, 60)} <small>${shortened(key, 40)}</small></span>`;
}

/** For the title of a mark: `Tea (85123A)`. */
export function keyTitle({ key, name }: ShownKey): string {
  return name === undefined ? shortened(key, 60) : `${shortened(name, 48)} (${shortened(key, 24)})`;
}

/** Text on a drawing, where there is room for one of them. */
export function keyLabel({ key, name }: ShownKey): string {
  return shortened((name ?? key).trim(), 24);
}

/** A whole number with its thousands apart. */
export function whole(value: number): string {
  return value.toLocaleString("en");
}

/** A share as per cent. */
export function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/** Four significant digits at most; nothing for what is no number. */
export function short(value: number | null | undefined): string {
  if (value === undefined || value === null || !Number.isFinite(value)) return value === undefined ? "" : "–";
  if (Number.isInteger(value)) return whole(value);
  const size = Math.abs(value);
  return size >= 0.001 && size < 1e6 ? String(Number(value.toPrecision(4))) : value.toExponential(2);
}

/** A count with what it counts: `1 row`, `1,204 rows`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${whole(count)} ${count === 1 ? one : many}`;
}

/** A time as a date in UTC: `2013-07-31 00:12:44 UTC`; as a number where no calendar has it. @param ms since 1970 */
export function instant(ms: number): string {
  const time = new Date(ms);
  if (Number.isNaN(time.getTime())) return `${ms.toExponential(2)} ms`;
  return `${time.toISOString().slice(0, -5).replace("T", " ")} UTC`;
}

/** The value below which a share of sorted numbers lies. @param sorted ascending, at least one */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.floor(share * (sorted.length - 1))]!;
}

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

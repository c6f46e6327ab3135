import { html, Markup, shortened, htmlTable, visible } from "./html.js";

test("texts are escaped wherever they stand, markup is not", () => {
  const evil = `<script>alert("&'")</script>`;
  const { text } = html`<td title="${evil}">${evil}${html`<b>${1}</b>`}</td>`;
  const safe = "&lt;script&gt;alert(&quot;&amp;&#39;&quot;)&lt;/script&gt;";
  expect(text).toBe(`<td title="${safe}">${safe}<b>1</b></td>`);
});

test("lists of markup stand one after another, and what is absent is nothing", () => {
  expect(html`${[1, 2].map((n) => html`<i>${n}</i>`)}${undefined}`.text).toBe("<i>1</i><i>2</i>");
});

test("indentation of a template is not part of the page, that of what is put in is", () => {
  const { text } = html`<p>a</p>
    <p>${new Markup("a\n  b")}</p>`;
  expect(text).toBe("<p>a</p>\n<p>a\n  b</p>");
});

test("control characters and halves of surrogate pairs are replaced, line ends are kept", () => {
  expect(visible("a\u0000\u001b[31m\ud800b\nc\u0085")).toBe("a\ufffd\ufffd[31m\ufffdb\nc\ufffd");
  expect(visible("日本 😀")).toBe("日本 😀");
  expect(visible("a\u202eb\u2066c\u200fd")).toBe("a\ufffdb\ufffdcd");
});

test("a long text is cut between characters, and a short one is as it was", () => {
  expect(shortened("😀".repeat(10), 4)).toBe("😀😀😀…");
  expect(shortened("abcd", 4)).toBe("abcd");
  expect(shortened("x".repeat(1 << 20), 10)).toHaveLength(10);
});

test("the first cell of a table's row is its head, and columns after the texts are numbers", () => {
  const { text } = htmlTable(["key", "rows"], [["a<b", 3]]);
  expect(text).toMatch(/<th scope="row" *>a&lt;b<\/th>\s*<td +class="number">3<\/td>/);
});

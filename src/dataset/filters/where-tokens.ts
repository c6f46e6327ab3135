// The words of a --where expression.

export interface Token {
  /** word: a keyword or a bare column name; name: one in backquotes; text: a quoted literal */
  kind: "word" | "name" | "number" | "text" | "symbol" | "end";
  text: string;
  /** where it starts, from 0 */
  at: number;
}

const patterns: [kind: Token["kind"], pattern: RegExp][] = [
  ["number", /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\p{L}\p{N}_.])/uy],
  ["word", /[\p{L}\p{N}_][\p{L}\p{M}\p{N}_.$-]*/uy],
  ["symbol", /==|!=|<>|<=|>=|[=<>(),]/y],
];

/** Opening quotes and what stands in them; a quote inside is doubled. */
const quotes: Record<string, Token["kind"]> = { '"': "text", "'": "text", "`": "name" };

/** A column as an expression names it: in backquotes unless it is a plain word. */
export function columnText(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : `\`${name}\``;
}

/** The tokens, the last of kind end. @param error makes what is thrown at a character that begins none */
export function lexWhere(source: string, error: (at: number, problem: string) => Error): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    while (/\s/.test(source[at] ?? "")) at++;
    if (at === source.length) return [...tokens, { kind: "end", text: "", at }];
    const quote = source[at]!;
    if (Object.hasOwn(quotes, quote)) {
      const { text, end } = quotedText(source, at, error);
      tokens.push({ kind: quotes[quote]!, text, at });
      at = end;
      continue;
    }
    const found = patterns
      .map(([kind, pattern]) => {
        pattern.lastIndex = at;
        return { kind, text: pattern.exec(source)?.[0] ?? "" };
      })
      .find(({ text }) => text !== "");
    if (!found) throw error(at, `'${String.fromCodePoint(source.codePointAt(at)!)}' is unexpected here`);
    tokens.push({ ...found, at });
    at += found.text.length;
  }
}

function quotedText(source: string, at: number, error: (at: number, problem: string) => Error) {
  const quote = source[at]!;
  let text = "";
  for (let from = at + 1; ;) {
    const close = source.indexOf(quote, from);
    if (close === -1) throw error(at, `the quote ${quote} is not closed`);
    text += source.slice(from, close);
    if (source[close + 1] !== quote) return { text, end: close + 1 };
    text += quote;
    from = close + 2;
  }
}

// A cell of COPY's text: backslash, tab and line ends are escaped, so that texts come back exactly.
//
// Source: PostgreSQL's COPY, "Text Format".

const ESCAPES: Record<string, string> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** UTF-8 as COPY takes it. */
export function copyText(text: Uint8Array): Uint8Array {
  if (!text.some((byte) => byte === 92 || byte === 9 || byte === 10 || byte === 13)) return text;
  return Buffer.from(
    Buffer.from(text)
      .toString("utf8")
      .replaceAll(/[\\\t\n\r]/g, (c) => ESCAPES[c]!),
  );
}

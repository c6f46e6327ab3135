// How formats handle keys that they, or the programs that read them, cannot represent. Each rule has a name and a line
// for the help.
//
//   replaced   characters that become `_`; it is an error if a key then equals another, and with --strict every replacement is an error
//   refused    an error before anything is written, which names the key
//
// All other keys are represented exactly. Sources: StarSpace's initFromTsv, which splits at blanks too; RecBole's
// reader, which is pandas' with its quotes and its words for missing values; numpy's `<U`; PostgreSQL's text;
// Elasticsearch's ids.

/** How a format handles keys. */
export interface KeyRule {
  /** one line for the help and the documentation, with "keys" as the subject */
  summary: string;
  /** characters that become `_`: a global regular expression */
  replaced?: RegExp;
  /** returns why the bytes of a key cannot be represented; undefined if they can */
  refused?: (key: Uint8Array) => string | undefined;
}

const MAX_ID_BYTES = 512;
const NUL = 0;

// words that pandas reads as a missing value
const MISSING_WORDS = new Set(
  "#N/A,#N/A N/A,#NA,-1.#IND,-1.#QNAN,-NaN,-nan,1.#IND,1.#QNAN,<NA>,N/A,NA,NULL,NaN,None,n/a,nan,null".split(
    ",",
  ),
);
const LONGEST_MISSING_WORD = Math.max(...[...MISSING_WORDS].map((word) => word.length));

/** A rule that replaces characters. */
export type ReplacingRule = KeyRule & Required<Pick<KeyRule, "replaced">>;

/** Keys are written unchanged. */
export const exact: KeyRule = { summary: "written exactly" };

/** Words separated by white space: Unicode's, and the control characters that Python treats as such. */
export const words: ReplacingRule = {
  summary: "whitespace is replaced by _",
  // oxlint-disable-next-line no-control-regex
  replaced: /[\s\u0085\u001c-\u001f]/g,
};

/** Cells separated by tabs, without quotes. */
export const cells: ReplacingRule = {
  summary: "tabs and line ends are replaced by _",
  replaced: /[\t\n\r]/g,
};

/** Cells for StarSpace, which splits at blanks, too. */
export const starspaceCells: ReplacingRule = {
  summary: "blanks, tabs and line ends are replaced by _",
  replaced: /[ \t\n\r]/g,
};

/** Cells for RecBole's reader. */
export const recboleCells: ReplacingRule = {
  summary: "tabs, line ends and a leading quote are replaced by _; NA, null, None and similar are errors",
  replaced: /^"|[\t\n\r]/g,
  refused: (key) => {
    if (key.length > LONGEST_MISSING_WORD || !MISSING_WORDS.has(Buffer.from(key).toString("latin1")))
      return undefined;
    return "is read as a missing value by RecBole";
  },
};

/** numpy's text of fixed width, padded with NUL. */
export const numpyText: KeyRule = {
  summary:
    "keys that end in NUL are errors; every key takes the space of the longest one, and files are " +
    "limited to 4 GiB",
  refused: (key) => (key.at(-1) === NUL ? "ends in NUL, which numpy strings do not keep" : undefined),
};

/** PostgreSQL's text. */
export const postgresText: KeyRule = {
  summary: "keys with NUL are errors",
  refused: (key) => (key.includes(NUL) ? "contains NUL, which PostgreSQL text cannot store" : undefined),
};

/** Strings for onnxruntime-web, which truncates them at the first NUL. */
export const onnxText: KeyRule = {
  summary: "keys with NUL are errors",
  refused: (key) => (key.includes(NUL) ? "contains NUL, which ends a string in onnxruntime-web" : undefined),
};

/** Elasticsearch's ids. */
export const elasticsearchId: KeyRule = {
  summary: `ids (field, colon and key) longer than ${MAX_ID_BYTES} bytes of UTF-8 are errors`,
  refused: (key) =>
    key.length > MAX_ID_BYTES
      ? `has ${key.length} bytes, Elasticsearch ids are limited to ${MAX_ID_BYTES}`
      : undefined,
};

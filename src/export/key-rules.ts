// Rules for keys that a format, or the programs that read it, cannot represent. Each rule has a name and a line for the
// help.
//
//   replaced   characters that become `_`; it is an error if a key then equals another, and with --strict every
//              replacement is an error
//   refused    an error before anything is written, which names the key
//
// All other keys are represented exactly. Sources: StarSpace's initFromTsv, which splits at blanks too; RecBole's
// reader, which is pandas' with its quotes and its words for missing values; numpy's `<U`; PostgreSQL's text;
// Elasticsearch's ids.

/** The rule by which a format handles keys. */
export interface KeyRule {
  /** one-line description for the help and the documentation; its subject is "keys" */
  summary: string;
  /** global regular expression of the characters that are replaced by `_` */
  replaced?: RegExp;
  /** returns the reason why the bytes of a key cannot be represented; undefined if they can */
  refused?: (key: Uint8Array) => string | undefined;
}

const MAX_ID_BYTES = 512;
const NUL = 0;

// words that pandas reads as missing values
const MISSING_WORDS = new Set(
  "#N/A,#N/A N/A,#NA,-1.#IND,-1.#QNAN,-NaN,-nan,1.#IND,1.#QNAN,<NA>,N/A,NA,NULL,NaN,None,n/a,nan,null".split(
    ",",
  ),
);
const LONGEST_MISSING_WORD = Math.max(...[...MISSING_WORDS].map((word) => word.length));

/** A rule by which some characters of keys are replaced. */
export type ReplacingRule = KeyRule & Required<Pick<KeyRule, "replaced">>;

/** Rule for formats that write keys unchanged. */
export const exact: KeyRule = { summary: "written exactly" };

/**
 * Rule for words separated by white space: that of Unicode, and the control characters that Python treats as white
 * space.
 */
export const words: ReplacingRule = {
  summary: "whitespace is replaced by _",
  // oxlint-disable-next-line no-control-regex
  replaced: /[\s\u0085\u001c-\u001f]/g,
};

/** Rule for cells that are separated by tabs and not quoted. */
export const cells: ReplacingRule = {
  summary: "tabs and line ends are replaced by _",
  replaced: /[\t\n\r]/g,
};

/** Rule for cells of StarSpace, which splits at blanks as well as tabs. */
export const starspaceCells: ReplacingRule = {
  summary: "blanks, tabs and line ends are replaced by _",
  replaced: /[ \t\n\r]/g,
};

/** Rule for cells of RecBole, whose reader gives quotes and some words a meaning. */
export const recboleCells: ReplacingRule = {
  summary: "tabs, line ends and a leading quote are replaced by _; NA, null, None and similar are errors",
  replaced: /^"|[\t\n\r]/g,
  refused: (key) => {
    if (key.length > LONGEST_MISSING_WORD || !MISSING_WORDS.has(Buffer.from(key).toString("latin1")))
      return undefined;
    return "is read as a missing value by RecBole";
  },
};

/** Rule for numpy's text of fixed width, which is padded with NUL. */
export const numpyText: KeyRule = {
  summary:
    "keys that end in NUL are errors; every key takes the space of the longest one, and files are " +
    "limited to 4 GiB",
  refused: (key) => (key.at(-1) === NUL ? "ends in NUL, which numpy strings do not keep" : undefined),
};

/** Rule for PostgreSQL's type text, which cannot contain NUL. */
export const postgresText: KeyRule = {
  summary: "keys with NUL are errors",
  refused: (key) => (key.includes(NUL) ? "contains NUL, which PostgreSQL text cannot store" : undefined),
};

/** Rule for strings of onnxruntime-web, which truncates them at the first NUL. */
export const onnxText: KeyRule = {
  summary: "keys with NUL are errors",
  refused: (key) => (key.includes(NUL) ? "contains NUL, which ends a string in onnxruntime-web" : undefined),
};

/** Rule for Elasticsearch's ids, whose length is limited. */
export const elasticsearchId: KeyRule = {
  summary: `ids (field, colon and key) longer than ${MAX_ID_BYTES} bytes of UTF-8 are errors`,
  refused: (key) =>
    key.length > MAX_ID_BYTES
      ? `has ${key.length} bytes, Elasticsearch ids are limited to ${MAX_ID_BYTES}`
      : undefined,
};

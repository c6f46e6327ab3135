// What formats make of keys that they, or those who read them, cannot hold: a rule by its name, said once and in the help.
//
//   replaced   characters that become `_`; a key that then meets another is an error, and under --strict every replacement is one
//   refused    an error before anything is written, which names the key
//
// All other keys are held exactly. Sources: StarSpace's initFromTsv, which splits at blanks too; RecBole's reader, which is pandas' with
// its quotes and its words for what is missing; numpy's `<U`; PostgreSQL's text; Elasticsearch's ids.

/** What a format does with keys. */
export interface KeyRule {
  /** one line for the help and the documentation, as what becomes of keys */
  summary: string;
  /** what becomes `_`: a global expression */
  replaced?: RegExp;
  /** why the bytes of a key cannot be held; undefined where they can */
  refused?: (key: Uint8Array) => string | undefined;
}

const MAX_ID_BYTES = 512;
const NUL = 0;

// pandas' words for a missing value
const MISSING_WORDS = new Set(
  "#N/A,#N/A N/A,#NA,-1.#IND,-1.#QNAN,-NaN,-nan,1.#IND,1.#QNAN,<NA>,N/A,NA,NULL,NaN,None,n/a,nan,null".split(
    ",",
  ),
);
const LONGEST_MISSING_WORD = Math.max(...[...MISSING_WORDS].map((word) => word.length));

/** One that replaces. */
export type ReplacingRule = KeyRule & Required<Pick<KeyRule, "replaced">>;

/** Held as they are. */
export const exact: KeyRule = { summary: "written exactly" };

/** Words between white space: Unicode's, and the controls that Python counts among it. */
export const words: ReplacingRule = {
  summary: "whitespace is replaced by _",
  // oxlint-disable-next-line no-control-regex
  replaced: /[\s\u0085\u001c-\u001f]/g,
};

/** Cells between tabs, without quotes. */
export const cells: ReplacingRule = {
  summary: "tabs and line ends are replaced by _",
  replaced: /[\t\n\r]/g,
};

/** Cells of StarSpace, which splits at blanks too. */
export const starspaceCells: ReplacingRule = {
  summary: "blanks, tabs and line ends are replaced by _",
  replaced: /[ \t\n\r]/g,
};

/** Cells of RecBole's reader. */
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

/** Strings that onnxruntime-web hands on until their first NUL. */
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

// Parts of hyparquet that it does not export: its conversions of logical types, and its decoders. A minor version may
// move or change these files, so package.json pins one version exactly; after raising it, run the tests of this folder
// and the format tests of acceptance/.

import { convert, DEFAULT_PARSERS } from "hyparquet/src/convert.js";
import { deltaBinaryUnpack } from "hyparquet/src/delta.js";
import { byteStreamSplit } from "hyparquet/src/encoding.js";
import { readPlain } from "hyparquet/src/plain.js";

export { byteStreamSplit, convert, DEFAULT_PARSERS, deltaBinaryUnpack, readPlain };

// What a format of tables is. A file of files/ or onnx/ declares each, and formats.ts lists them.

import { ownFiles, type OwnDirectory } from "../io/replaceable.js";
import type { Chunks } from "../io/write.js";
import { exact, type KeyRule } from "./key-rules.js";
import type { ReserveScheme } from "./reserve.js";
import type { Selection } from "./selection.js";
import type { Send } from "./servers/server.js";

interface FormatTraits {
  /** one line for the help */
  summary: string;
  /** true: rows carry one key, so several fields are written as `field:key` */
  oneKeyColumn: boolean;
  /** what becomes of keys that it cannot hold */
  keys: KeyRule;
  /** which directories it replaces, where it writes one */
  own?: OwnDirectory;
  /** rows stand by their number, with or without a key, so that --reserve has a place for its own */
  keepsRows?: true;
  /** it names rows by their key, and has names for those of this scheme */
  namesReserved?: ReserveScheme;
  /** it is of the model, not of the table alone: fields stand as trained, and items are not composed */
  isOfModel?: true;
  /** vectors may be of fewer bits: --dtype */
  takesDtype?: true;
  /** it finds a row for keys that are not there, so that there must be one */
  findsUnknown?: true;
  /** writes the rows straight into a server, too */
  send?: Send;
  /** its keys share one space with all that the server holds, so that they need a prefix: --into */
  needsPrefix?: true;
}

export interface FileFormat extends FormatTraits {
  needsDirectory: false;
  /** The bytes of the file. */
  chunks(selection: Selection): Chunks;
}

export interface DirectoryFormat extends FormatTraits {
  needsDirectory: true;
  own: OwnDirectory;
  /** Names of the files and their chunks. */
  files(selection: Selection): Map<string, Chunks>;
}

/** A format whose own package writes it, to a path and not to a stream. */
export interface SavedFormat extends FormatTraits {
  /** false: `path` is an empty file; true: a directory */
  needsDirectory: boolean;
  save: (selection: Selection, path: string, signal?: AbortSignal) => Promise<void>;
}

export type ExportFormat = FileFormat | DirectoryFormat | SavedFormat;

/** A format as its file declares it: keys are written exactly, and fields have a column, unless it says otherwise. */
type Declared<Format extends ExportFormat> = Omit<
  Format,
  "oneKeyColumn" | "keys" | "needsDirectory" | "own"
> &
  Partial<Pick<FormatTraits, "oneKeyColumn" | "keys">>;

const usual = { oneKeyColumn: false, keys: exact };

/** A format of one file. */
export function fileFormat(declared: Declared<FileFormat>): FileFormat {
  return { ...usual, needsDirectory: false, ...declared };
}

/**
 * A format of several files.
 *
 * @param names of all files, as ownExport takes them
 */
export function directoryFormat(
  name: string,
  names: readonly [string, ...string[]],
  declared: Declared<DirectoryFormat>,
): DirectoryFormat {
  return { ...usual, needsDirectory: true, own: ownExport(name, names), ...declared };
}

/** A format that a package writes. @param names of all files of a directory; absent for a format of one file */
export function savedFormat(
  name: string,
  names: readonly [string, ...string[]] | undefined,
  declared: Declared<SavedFormat>,
): SavedFormat {
  return { ...usual, needsDirectory: names !== undefined, own: names && ownExport(name, names), ...declared };
}

/**
 * The directories of a format as --force may replace them. They have no description, since other tools read them as they are: such a
 * directory holds the format's first file and no file of another name than the format has, so that --force replaces what the export
 * itself would write and nothing else.
 *
 * @param names the one that every such directory holds first; some of the others are there with some options only
 */
function ownExport(format: string, [marker, ...names]: readonly [string, ...string[]]): OwnDirectory {
  return ownFiles(`an export in format ${format}`, marker, [...names, "preprocess.json"]);
}

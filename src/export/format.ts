// The definition of an export format. Each is declared in a file of files/ or onnx/, and formats.ts lists them.

import { join } from "node:path";
import { excerpt, UsageError } from "../base/errors.js";
import { whyNotListed } from "../base/io/listed-files.js";
import { readText } from "../base/io/read-text.js";
import { ownFiles, type OwnDirectory } from "../base/io/replaceable.js";
import type { Chunks } from "../base/io/write.js";
import { exact, type KeyRule } from "./key-rules.js";
import type { ReserveScheme } from "./reserve.js";
import type { ExportedLayer, Selection } from "./selection.js";
import type { Send } from "./servers/server.js";

interface FormatTraits {
  summary: string;
  /** true: rows have a single key column, so several fields are written as `field:key` */
  oneKeyColumn: boolean;
  keys: KeyRule;
  /** for a format of directories: the directories that --force may replace */
  own?: OwnDirectory;
  /** true if rows are identified by number, with or without a key, so the format can contain the rows of --reserve */
  keepsRows?: true;
  /** true if several chosen fields are written separately (`Selection.layers`) and not as `field:key` */
  layers?: true;
  /** rows are identified by key: the value of --reserve for which the format has names of the reserved rows */
  namesReserved?: ReserveScheme;
  /**
   * true if the format represents the model and not only the table: fields are as in training, and an item's vector
   * does not include those of its columns
   */
  isOfModel?: true;
  takesDtype?: true;
  /** true if the format holds search codes and their books (--dtype b1, pq, rq) */
  takesCodes?: true;
  /** true if the format looks up a row for unknown keys, so the table must have one */
  findsUnknown?: true;
  send?: Send;
  /** true if keys share a namespace with all other data on the server, so they need a prefix (--into) */
  needsPrefix?: true;
}

export interface FileFormat extends FormatTraits {
  needsDirectory: false;
  chunks(selection: Selection): Chunks;
}

export interface DirectoryFormat extends FormatTraits {
  needsDirectory: true;
  own: OwnDirectory;
  files(selection: Selection): Map<string, Chunks>;
}

/** A format that an external package writes to a path instead of a stream. */
export interface SavedFormat extends FormatTraits {
  /** false: `path` is an empty file, which the package overwrites; true: `path` is a directory */
  needsDirectory: boolean;
  save: (selection: Selection, path: string, signal?: AbortSignal) => Promise<void>;
}

export type ExportFormat = FileFormat | DirectoryFormat | SavedFormat;

/** The declaration of a format. By default keys are written exactly, and the file has a column for fields. */
type Declared<Format extends ExportFormat> = Omit<
  Format,
  "oneKeyColumn" | "keys" | "needsDirectory" | "own"
> &
  Partial<Pick<FormatTraits, "oneKeyColumn" | "keys">>;

const usual = { oneKeyColumn: false, keys: exact };

export function fileFormat(declared: Declared<FileFormat>): FileFormat {
  return { ...usual, needsDirectory: false, ...declared };
}

/** @param names all files that the format may write; every directory of the format contains the first one */
export function directoryFormat(
  name: string,
  names: readonly [string, ...string[]],
  declared: Declared<DirectoryFormat>,
): DirectoryFormat {
  return { ...usual, needsDirectory: true, own: ownExport(name, names, declared.layers), ...declared };
}

/** @param names names of a directory's files; absent for one file */
export function savedFormat(
  name: string,
  names: readonly [string, ...string[]] | undefined,
  declared: Declared<SavedFormat>,
): SavedFormat {
  return { ...usual, needsDirectory: names !== undefined, own: names && ownExport(name, names), ...declared };
}

/**
 * The directories of a format that --force may replace. Such a directory contains the first file of the format, and no
 * file whose name the format does not use, so --force replaces only what the export itself would write. There is no
 * description file, because other tools read these directories.
 *
 * @param names names of all files, some of which depend on options; every such directory contains the first file
 */
function ownExport(
  format: string,
  [marker, ...names]: readonly [string, ...string[]],
  isLayered = false,
): OwnDirectory {
  const beside = ["preprocess.json", "reserve.json"];
  const own = ownFiles(`an export in format ${format}`, marker, [...names, ...beside]);
  if (!isLayered) return own;
  return {
    ...own,
    filesOf: async (dir) => {
      const fields = await layersOf(dir);
      if (!fields) return await own.filesOf(dir);
      const files = fields.flatMap((field) => [marker, ...names].map((name) => `${field}/${name}`));
      return [LAYERS_FILE, ...beside, ...files];
    },
  };
}

/** Name of the file that lists the layers of a directory; each layer is a folder with the files of one field. */
const LAYERS_FILE = "layers.json";

/** Returns the fields whose files a directory contains in one folder each (its layers); undefined if it has none. */
async function layersOf(dir: string): Promise<string[] | undefined> {
  const text = await readText(join(dir, LAYERS_FILE)).catch(() => "{}");
  const { fields } = JSON.parse(text) as { fields?: unknown };
  const isNames = Array.isArray(fields) && fields.every((one) => typeof one === "string");
  return isNames && whyNoFolders(fields) === undefined ? fields : undefined;
}

/** Returns the reason why fields cannot be folders of one directory; undefined if they can. */
function whyNoFolders(fields: readonly string[]): string | undefined {
  const nested = fields.find((field) => field.includes("/"));
  return nested === undefined ? whyNotListed(fields, [LAYERS_FILE]) : `${excerpt(nested)}, which has a slash`;
}

/** Each field becomes a folder. @throws {UsageError} a field's name cannot be that of a folder */
export function filesByLayer(
  layers: readonly ExportedLayer[],
  filesOf: (layer: ExportedLayer) => ReadonlyMap<string, Chunks>,
): Map<string, Chunks> {
  const fields = layers.map(({ field }) => field);
  const why = whyNoFolders(fields);
  if (why !== undefined)
    throw new UsageError(
      `each of several fields becomes a folder, but the names have ${why}: export fields one by one, or use ` +
        "--format safetensors",
    );
  const list = Buffer.from(`${JSON.stringify({ fields })}\n`);
  const files = layers.flatMap((layer) =>
    [...filesOf(layer)].map(([name, chunks]) => [`${layer.field}/${name}`, chunks] as const),
  );
  return new Map<string, Chunks>([[LAYERS_FILE, [list]], ...files]);
}

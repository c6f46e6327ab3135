// The schema of pipeline files, with which they are checked and which is published as JSON Schema
// (docs/pipeline.schema.json).
//
//   name, store, log                the input, and where results are published
//   columns, reading                options of the log, as for embed encode
//   train: {NAME: {command: ...}}   each training's options have the names of its flags
//   gates, align, export, recall    docs/pipeline.md
//
// The names of options come from the flags themselves, as settings, and are not repeated here.

import { z } from "zod";
import { afterBounds, beforeBounds } from "../gates/gates-schema.js";
import { settingSchema, type ConfigSetting } from "../../options/config-file.js";

/** Options of a pipeline file, by section. */
export interface PipelineSettings {
  columns: readonly ConfigSetting[];
  reading: readonly ConfigSetting[];
  /** options of each training, by its command */
  trainings: Readonly<Record<string, readonly ConfigSetting[]>>;
  export: readonly ConfigSetting[];
  recall: readonly ConfigSetting[];
}

export type YamlOptions = Record<string, unknown>;

/** A pipeline file's content. */
export interface PipelineContent {
  name?: string | undefined;
  store: string;
  log: string | string[];
  columns?: YamlOptions | undefined;
  reading?: YamlOptions | undefined;
  train: Record<string, { command: string } & YamlOptions>;
  gates?: z.infer<typeof gates> | undefined;
  align?: boolean | undefined;
  export?:
    | ({ train?: string | undefined; out?: string | undefined; to?: string | undefined } & YamlOptions)[]
    | undefined;
  recall?: RecallContent[] | undefined;
}

/** An entry of the section `recall`, which makes recommendation lists. */
export type RecallContent = {
  train?: string | undefined;
  out: string;
  to?: string | undefined;
  send?: SendContent[] | undefined;
} & YamlOptions;

interface SendContent {
  format: string;
  "url-env": string;
  into: string;
}

/** Keys in an entry of `export:` that are not flags of `embed export`. */
export const EXPORT_KEYS = ["train", "out", "to"] as const;
export const RECALL_KEYS = [...EXPORT_KEYS, "send", "format", "url-env", "into"] as const;

/** File formats from which recommendation lists can be read back, as the gates need to compare two versions' lists. */
const LIST_FORMATS = ["csv", "jsonl", "parquet"] as const;
const LIST_SERVERS = ["redis", "postgres"] as const;

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
const name = z
  .string()
  .regex(
    NAME,
    "expected a name of letters, digits, '_', '-' and '.', which starts with a letter, a digit or '_'",
  );

const gates = z.strictObject({
  before: beforeBounds.optional().describe("bounds of the encoded log, before anything is trained"),
  after: afterBounds.optional().describe("bounds of each trained run, before anything is published"),
  refused: z
    .enum(["refuse", "leave-out"])
    .optional()
    .describe("what happens to files that were refused, as long as they do not change; by default refuse"),
});

export function pipelineSchema(settings: PipelineSettings): z.ZodType<PipelineContent> {
  const commands = Object.entries(settings.trainings).map(([command, options]) =>
    trainingSchema(command, options),
  );
  const [first, ...others] = commands;
  const oneExport = z.strictObject({
    ...shapeOf(settings.export),
    format: z.string().describe("as embed export --format has it"),
    train: name.optional().describe("whose table; needed where there are several trainings"),
    out: z
      .string()
      .min(1)
      .optional()
      .describe("file or directory within exports/ of the published version; needed without url-env"),
    to: z.string().min(1).optional().describe("copy it there, too, when it is published"),
  });
  const oneRecall = z.strictObject({
    ...shapeOf(settings.recall),
    format: z.enum(LIST_FORMATS).default("csv").describe("of the file"),
    train: name.optional().describe("whose run; needed where there are several trainings"),
    out: z.string().min(1).describe("file within exports/ of the published version"),
    to: z.string().min(1).optional().describe("copy it there, too, when it is published"),
    send: z
      .array(
        z.strictObject({
          format: z.enum(LIST_SERVERS),
          "url-env": z.string().describe("the environment variable that holds the server's URL"),
          into: z.string().min(1).describe("redis: what keys start with; postgres: a table"),
        }),
      )
      .optional()
      .describe("servers that get the lists when they are published"),
  });
  return z
    .strictObject({
      name: name.optional().describe("of the pipeline; by default the file's name"),
      store: z.string().min(1).describe("directory that versions are published in"),
      log: z
        .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
        .describe("files or patterns, read as one log; relative to this file"),
      columns: z.strictObject(shapeOf(settings.columns)).optional().describe("which column is what"),
      reading: z.strictObject(shapeOf(settings.reading)).optional().describe("how bytes become cells"),
      train: z
        .record(
          name,
          z.discriminatedUnion("command", [first!, ...others], {
            error: `expected one of ${Object.keys(settings.trainings).join(", ")}`,
          }),
        )
        .refine(
          (trainings) => Object.keys(trainings).length > 0,
          "expected at least one training by its name",
        )
        .describe("trainings by the name that they are published under"),
      gates: gates.optional().describe("what must hold; a failed gate exits 81 and publishes nothing"),
      align: z
        .boolean()
        .optional()
        .describe("turn each table onto its last version's; by default those that can be turned"),
      export: z
        .array(oneExport)
        .optional()
        .describe("exports that are published with the version, or written into a server after it"),
      recall: z
        .array(oneRecall)
        .optional()
        .describe("lists of items that are gated and published with the version, as embed recall makes them"),
    })
    .meta({ title: "A pipeline of embed run" });
}

/** Returns the schema as JSON Schema (2020-12), to be published. */
export function pipelineJsonSchema(settings: PipelineSettings): string {
  const json = z.toJSONSchema(pipelineSchema(settings), { io: "input", reused: "inline" });
  return `${JSON.stringify(withSharedOptions(json), undefined, 2)}\n`;
}

/**
 * Moves options that several trainings declare alike into `$defs`, under their names. zod would number shared schemas,
 * so that a new option would rename all those after it.
 */
function withSharedOptions(root: object): object {
  const numUses = new Map<string, number>();
  const count = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      if (key === "properties")
        for (const option of Object.entries(value as object))
          numUses.set(JSON.stringify(option), (numUses.get(JSON.stringify(option)) ?? 0) + 1);
      count(value);
    }
  };
  count(root);
  const definitions = new Map<string, unknown>();
  const placed = new Map<string, string>();
  const share = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(share);
    if (typeof node !== "object" || node === null) return node;
    return Object.fromEntries(
      Object.entries(node).map(([key, value]) =>
        key === "properties" ? [key, mapEntries(value as object, shareOption)] : [key, share(value)],
      ),
    );
  };
  const shareOption = (name: string, schema: unknown): unknown => {
    const text = JSON.stringify([name, schema]);
    if (numUses.get(text)! < 2 || text.length < 100) return share(schema);
    let key = placed.get(text);
    if (key === undefined) {
      for (let i = 1; key === undefined || definitions.has(key); i++) key = i === 1 ? name : `${name}.${i}`;
      placed.set(text, key);
      definitions.set(key, {});
      definitions.set(key, share(schema));
    }
    return { $ref: `#/$defs/${key}` };
  };
  return { ...(share(root) as object), $defs: Object.fromEntries(definitions) };
}

function mapEntries(of: object, map: (key: string, value: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(of).map(([key, value]) => [key, map(key, value)]));
}

function trainingSchema(command: string, options: readonly ConfigSetting[]) {
  return z.strictObject({
    command: z.literal(command),
    gates: afterBounds.optional().describe("bounds of this training's run, in place of gates.after"),
    align: z.boolean().optional().describe("in place of the pipeline's"),
    ...shapeOf(options),
  });
}

function shapeOf(settings: readonly ConfigSetting[]): Record<string, z.ZodType> {
  return Object.fromEntries(settings.map((setting) => [setting.name, settingSchema(setting)]));
}

// Expects that a table with a valid checksum and invalid numbers is rejected before a loop uses the numbers.

import { encodeKeys } from "../log/keys.js";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readArrow, arrowChunks } from "./arrow.js";
import { ArtifactError } from "../base/errors.js";
import { readGates } from "./gate-file.js";
import { RUN_MARKER } from "./manifest.js";
import { GATE_FILE, publicationBytes, PUBLICATION_FILE, readPublication } from "./publication.js";
import { tableRows } from "./rows.js";
import { openRun, writeRun } from "./run-directory.js";
import type { EmbeddingTable } from "./table.js";
import { jsonMutations } from "../testing/json-mutations.js";
import { importedManifest } from "../testing/small-run.js";

/**
 * A table of 40 rows in two fields. Tests find a column in the table's file by its bytes, so no two columns contain the
 * same values.
 */
const table: EmbeddingTable = {
  dim: 2,
  numRows: 40,
  fields: ["user", "item"],
  fieldOf: Uint32Array.from({ length: 40 }, (_, row) => (row < 20 ? 0 : 1)),
  keys: encodeKeys(Array.from({ length: 40 }, (_, row) => `key-${row}`)),
  counts: new Uint32Array(40).fill(7),
  vectors: new Float32Array(80).fill(0.5),
};

/** Returns the table's bytes with element `at` of a column overwritten; the column is found by its original values. */
async function craftedTable(original: Uint32Array, at: number, value: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of arrowChunks(tableRows(table))) chunks.push(Uint8Array.from(chunk));
  const bytes = Buffer.concat(chunks);
  const place = bytes.indexOf(Buffer.from(original.buffer));
  expect(place).toBeGreaterThan(0);
  bytes.writeUInt32LE(value, place + 4 * at);
  return bytes;
}

test.each([
  ["key offsets that end beyond the keys", table.keys.offsets, 40, 2 ** 31],
  ["key offsets that descend", table.keys.offsets, 5, 2 ** 31 - 1],
  ["a field that has no name", table.fieldOf, 39, 2],
  ["rows that are not grouped by field", table.fieldOf, 3, 1],
])("%s are an ArtifactError", async (_, original, at, value) => {
  const bytes = await craftedTable(original, at, value);
  await expect(readArrow(bytes, "t")).rejects.toMatchObject({ exitCode: 82 });
});

/** A value that fails when it is converted to text. */
const hostile = { toString: 1 };

describe("a manifest", () => {
  const folder = mkdtempSync(join(tmpdir(), "manifest-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const open = async (name: string, crafted: object) => {
    const run = join(folder, name);
    const contents = {
      tables: { default: table },
      manifest: importedManifest,
      modelFiles: {},
      metricsLines: [],
    };
    await writeRun(run, false, contents);
    // the manifest has no checksum of its own, so the change is not detected by a checksum
    const path = join(run, RUN_MARKER);
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...crafted }));
    return await openRun(run);
  };

  test.each([
    ["options", { options: { log: "x" } }, "options.log: expected a list"],
    [
      "asked",
      { asked: { log: [7], options: {}, inputs: [], runs: [] } },
      "asked.log.0: expected a path without NUL, got 7",
    ],
    ["roles", { roles: { user: {} } }, "roles.user: expected text, got an object"],
    ["inputs", { inputs: [{ path: "x" }] }, 'inputs.0 has no "bytes"'],
    ["metrics", { metrics: { valid: 3 } }, "metrics.valid: expected an object, got 3"],
    ["schemaVersion", { schemaVersion: hostile }, "schemaVersion: expected a number, got an object"],
    ["roles of a log", { options: { log: [] }, roles: hostile }, 'roles has no "fields"'],
    ["leftOut", { roles: { leftOut: 3 } }, "roles.leftOut: expected a list, got 3"],
    [
      "encoded",
      { asked: { log: [], options: {}, inputs: [], runs: [], encoded: { log: [], options: {} } } },
      "asked.log: expected 1 entries, got 0",
    ],
  ])(
    "with other %s than embed writes is an ArtifactError that says where",
    async (name, crafted, message) => {
      await expect(open(name, crafted)).rejects.toThrow(message);
      await expect(openRun(join(folder, name))).rejects.toMatchObject({ exitCode: 82 });
    },
  );
});

describe("every part of the JSON, replaced by a value of another type, is an ArtifactError that says where", () => {
  const folder = mkdtempSync(join(tmpdir(), "mutated-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const publication = publicationBytes({
    ...{ name: "items", version: "000002", run: "0".repeat(64), from: "../../..", previous: "000001" },
    files: { "manifest.json": { bytes: 1, sha256: "0".repeat(64) } },
  });
  const outcome = {
    gate: "rows",
    bound: "min 1",
    value: 2,
    previous: null,
    status: "passed",
    message: "rows",
  };
  const gates = { schemaVersion: 2, passed: true, counts: {}, outcomes: [outcome] };

  test.each([
    [PUBLICATION_FILE, publication.toString("utf8"), async () => void (await readPublication(folder))],
    [GATE_FILE, JSON.stringify(gates), async () => void (await readGates(join(folder, GATE_FILE)))],
  ])("%s", async (name, valid, read) => {
    const file = join(folder, name);
    for (const { what, json } of jsonMutations(valid)) {
      writeFileSync(file, json);
      const error: unknown = await read().catch((caught: unknown) => caught);
      // some members may be null, and nobody reads others
      if (error !== undefined) expect([what, error]).toEqual([what, expect.any(ArtifactError)]);
      if (/^schemaVersion: (an object|a list|null|an empty text)/.test(what))
        expect((error as Error).message).toMatch(
          `'${file}' is invalid (schemaVersion: expected a number, got `,
        );
    }
  });
});

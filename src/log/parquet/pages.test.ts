import { parquetMetadata } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import { ColumnCursor } from "./cursor.js";
import { PageReader, type LeafChunk } from "./pages.js";

/** Returns the bytes of a file with one column, and what its pages are expected to contain. */
function chunkOf(data: unknown[], codec: "UNCOMPRESSED" | "SNAPPY", nullable: boolean) {
  const buffer = parquetWriteBuffer({
    columnData: [{ name: "a", data, type: "STRING", nullable }],
    codec,
    rowGroupSize: data.length,
  } as never);
  const { row_groups, schema } = parquetMetadata(buffer);
  const meta = row_groups[0]!.columns[0]!.meta_data!;
  const start = Number(meta.dictionary_page_offset ?? 0) || Number(meta.data_page_offset);
  const leaf: LeafChunk = {
    element: schema[1]!,
    codec: meta.codec,
    start,
    end: start + Number(meta.total_compressed_size),
    maxDefinition: nullable ? 1 : 0,
    maxRepetition: 0,
    numValues: data.length,
  };
  return { bytes: new Uint8Array(buffer), leaf };
}

/** Returns a column chunk that consists of all bytes of a file. */
function leafOf(bytes: Uint8Array, more: Partial<LeafChunk>): LeafChunk {
  const element = { name: "a", type: "INT32" } as const;
  return {
    element,
    codec: "UNCOMPRESSED",
    start: 0,
    end: bytes.length,
    numValues: 0,
    maxDefinition: 0,
    maxRepetition: 0,
    ...more,
  };
}

function textsOf(bytes: Uint8Array, leaf: LeafChunk): unknown[] {
  return new ColumnCursor({ ...leaf, name: "a" }, (from, to) => bytes.subarray(from, to)).texts(
    leaf.numValues,
  );
}

describe("PageReader", () => {
  test.each([
    ["UNCOMPRESSED", true],
    ["SNAPPY", true],
    ["SNAPPY", false],
  ] as const)("reads what a writer writes, %s, nullable %p", (codec, nullable) => {
    for (const size of [1, 7, 8, 9, 1000, 20_000]) {
      for (const distinct of [1, 5, 10_000]) {
        const data = Array.from({ length: size }, (_, i) =>
          nullable && i % 3 === 1 ? null : `k${i % distinct}`,
        );
        const { bytes, leaf } = chunkOf(data, codec, nullable);
        expect(textsOf(bytes, leaf)).toEqual(data.map((key) => key ?? ""));
      }
    }
  });

  // bytes as pyarrow 26 and pandas 3.1 write them, in Thrift's compact protocol: a field of a struct is (delta << 4 |
  // type)
  test.each([0x11, 20_000])("skips the statistics of a page, texts of %d bytes too", (length) => {
    const varint =
      length < 128 ? [length] : [(length % 128) | 128, ((length >> 7) % 128) | 128, length >> 14];
    const text = Array.from({ length }, () => 0x11);
    const number = [0x18, 0x08, 0x11, 0, 0, 0, 0, 0, 0, 0];
    const statistics = [0x58, ...number.slice(1), 0x18, ...varint, ...text, 0x11, 0x11, 0x00];
    const details = [0x15, 0x06, 0x15, 0x00, 0x15, 0x06, 0x15, 0x06, 0x1c, ...statistics, 0x00];
    const body = [2, 0, 0, 0, 6, 1, ...[1, 2, 3].flatMap((value) => [value, 0, 0, 0])];
    const header = [0x15, 0x00, 0x15, 2 * body.length, 0x15, 2 * body.length, 0x2c, ...details, 0x00];
    const bytes = Uint8Array.from([...header, ...body, ...header, ...body]);
    const leaf = leafOf(bytes, { maxDefinition: 1, numValues: 6 });
    expect(textsOf(bytes, leaf)).toEqual(["1", "2", "3", "1", "2", "3"]);
  });

  test.each([
    ["invalid page size", { size: 100 }],
    ["invalid page: ", { count: 1 << 27 }],
    ["pages have more than the 3 values", { count: 4 }],
    ["a page ends after 2 of 3 values", { count: 3, values: 2 }],
  ])(
    "refuses a page: %s",
    (message, { size, count = 3, values = 3 }: { size?: number; count?: number; values?: number }) => {
      const varint = (value: number): number[] =>
        value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
      const body = Array.from({ length: 4 * values }, () => 0);
      const bytes = Uint8Array.from([
        ...[0x15, 0x00, 0x15, ...varint(2 * body.length), 0x15, ...varint(2 * (size ?? body.length))],
        ...[0x2c, 0x15, ...varint(2 * count), 0x15, 0x00, 0x15, 0x06, 0x15, 0x06, 0x00, 0x00, ...body],
      ]);
      expect(() => textsOf(bytes, leafOf(bytes, { numValues: 3 }))).toThrow(message);
    },
  );

  test("does not read a page that is skipped", () => {
    const { bytes, leaf } = chunkOf(
      Array.from({ length: 1000 }, (_, i) => `k${i}`),
      "UNCOMPRESSED",
      false,
    );
    let read = 0;
    const pages = new PageReader(leaf, (from, to) => {
      read += to - from;
      return bytes.subarray(from, to);
    });
    expect(pages.next()).toBeGreaterThan(0);
    const beforeLoad = read;
    pages.load();
    expect(read).toBeGreaterThan(beforeLoad);
  });

  test("reads, or refuses, every column with a byte changed", () => {
    const data = Array.from({ length: 50 }, (_, i) => (i % 3 === 1 ? null : `k${i % 4}`));
    const { bytes, leaf } = chunkOf(data, "UNCOMPRESSED", true);
    let refused = 0;
    for (let at = leaf.start; at < leaf.end; at++) {
      for (const byte of [0, 0x7f, 0xff]) {
        const damaged = bytes.slice();
        damaged[at] = byte;
        try {
          expect(textsOf(damaged, leaf)).toHaveLength(50);
        } catch (error) {
          if (error instanceof Error && error.name === "JestAssertionError") throw error;
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan((leaf.end - leaf.start) / 10);
  });
});

import { parquetMetadata } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { parquetWriteBuffer } from "hyparquet-writer";
import { checkPages } from "./parquet-pages.js";

/** The pages of a file of one column, and what is known of them. */
function pagesOf(data: unknown[], codec: "UNCOMPRESSED" | "SNAPPY", nullable: boolean) {
  const buffer = parquetWriteBuffer({
    columnData: [{ name: "a", data, type: "STRING", nullable }],
    codec,
  } as never);
  const meta = parquetMetadata(buffer).row_groups[0]!.columns[0]!.meta_data!;
  const start = Number(meta.dictionary_page_offset ?? 0) || Number(meta.data_page_offset);
  const bytes = new Uint8Array(buffer, start, Number(meta.total_compressed_size));
  return {
    bytes,
    leaf: { codec: meta.codec, maxDefinition: nullable ? 1 : 0, maxRepetition: 0, numValues: data.length },
  };
}

describe("checkPages", () => {
  test.each([
    ["UNCOMPRESSED", true],
    ["SNAPPY", true],
    ["SNAPPY", false],
  ] as const)("accepts what a writer writes, %s, nullable %p", (codec, nullable) => {
    for (const size of [1, 7, 8, 9, 1000, 20_000]) {
      for (const distinct of [1, 5, 10_000]) {
        const data = Array.from({ length: size }, (_, i) =>
          nullable && i % 3 === 1 ? null : `k${i % distinct}`,
        );
        const { bytes, leaf } = pagesOf(data, codec, nullable);
        expect(() => checkPages(bytes, leaf, compressors)).not.toThrow();
      }
    }
  });

  // as pyarrow 26 and pandas 3.1 write it: thrift's compact protocol, a struct's field as (delta << 4 | type)
  test("passes over the statistics of a page", () => {
    const number = [0x18, 0x08, 0x11, 0, 0, 0, 0, 0, 0, 0];
    const statistics = [0x58, ...number.slice(1), ...number, 0x11, 0x11, 0x00];
    const details = [0x15, 0x06, 0x15, 0x00, 0x15, 0x06, 0x15, 0x06, 0x1c, ...statistics, 0x00];
    const body = [2, 0, 0, 0, 6, 1, ...[1, 2, 3].flatMap((value) => [value, 0, 0, 0])];
    const header = [0x15, 0x00, 0x15, 2 * body.length, 0x15, 2 * body.length, 0x2c, ...details, 0x00];
    const page = [...header, ...body];
    const leaf = { codec: "UNCOMPRESSED", maxDefinition: 1, maxRepetition: 0, numValues: 6 };
    expect(() => checkPages(Uint8Array.from([...page, ...page]), leaf, compressors)).not.toThrow();
  });

  // width of an index, then one packed run of 32 groups of 8, of which 3 values count
  test.each([
    [256, true],
    [512, false],
  ])("an index packed in %d values for 3: %p", (packed, isTaken) => {
    const groups = packed / 8;
    const varint = [(((groups << 1) | 1) % 128) | 128, (groups << 1) >> 7];
    const body = [1, ...varint, ...Array.from({ length: groups }, () => 0)];
    const size = [((2 * body.length) % 128) | 128, (2 * body.length) >> 7];
    const header = [
      0x15,
      0x00,
      0x15,
      ...size,
      0x15,
      ...size,
      0x2c,
      0x15,
      6,
      0x15,
      16,
      0x15,
      6,
      0x15,
      6,
      0,
      0,
    ];
    const leaf = { codec: "UNCOMPRESSED", maxDefinition: 0, maxRepetition: 0, numValues: 3 };
    const check = expect(() => checkPages(Uint8Array.from([...header, ...body]), leaf, compressors));
    if (isTaken) check.not.toThrow();
    else check.toThrow("a run ends at 512 of 3 values");
  });

  test("ends on every column with a byte changed, and refuses those whose runs are too long", () => {
    const data = Array.from({ length: 50 }, (_, i) => (i % 3 === 1 ? null : `k${i % 4}`));
    const { bytes, leaf } = pagesOf(data, "UNCOMPRESSED", true);
    let refused = 0;
    for (let at = 0; at < bytes.length; at++) {
      for (const byte of [0, 0x7f, 0xff]) {
        const damaged = bytes.slice();
        damaged[at] = byte;
        try {
          checkPages(damaged, leaf, compressors);
        } catch {
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(bytes.length / 10);
  });
});

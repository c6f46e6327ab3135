// The bytes of a Parquet file under way, which hyparquet-writer puts down and an export hands on as they come.

import { ByteWriter } from "hyparquet-writer";

/** Its `offset` is that of the file, whatever was taken. */
export class ParquetBytes extends ByteWriter {
  /** Bytes since the last time, in a buffer of their own. */
  take(): Uint8Array {
    const bytes = this.getBytes().slice();
    this.index = 0;
    return bytes;
  }

  /** Counts bytes that go out as they are. */
  pass(bytes: Uint8Array): Uint8Array {
    this.offset += bytes.length;
    return bytes;
  }
}

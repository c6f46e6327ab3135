// What an npy file starts with. Source: numpy.lib.format, version 1.0.

/**
 * The bytes before the data, which starts at a multiple of 64.
 *
 * @param descr numpy's name of the elements, such as `<f4` or `<U12`
 */
export function npyHead(descr: string, shape: readonly number[]): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const description = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // magic, version and length take 10 bytes
  const length = Math.ceil((10 + description.length + 1) / 64) * 64 - 10;
  const head = Buffer.alloc(10 + length);
  head.write("\x93NUMPY\x01\x00", "latin1");
  head.writeUInt16LE(length, 8);
  head.write(`${description.padEnd(length - 1)}\n`, 10, "latin1");
  return head;
}

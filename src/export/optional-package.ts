import { IoError, UsageError } from "../base/errors.js";

/** @throws {UsageError} the package is not installed, or does not support this platform */
export async function optionalPackage<T>(
  format: string,
  [name, versions]: readonly [name: string, versions: string],
  load: () => Promise<T>,
): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const isAbsent = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
    const why = isAbsent
      ? "which is not installed"
      : `which failed to load (${error instanceof Error ? error.message.split("\n")[0] : String(error)})`;
    throw new UsageError(
      `format ${format} needs the package ${name}, ${why}: run npm install ${name}@${versions} where ` +
        "embed-tables is installed",
      { cause: error },
    );
  }
}

/** @throws {IoError} the package fails; its errors have no code that states the reason */
export function writtenBy<T>(name: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new IoError(`${name} could not write the file (${said}): check that the disk is not full`, {
      cause: error,
    });
  }
}

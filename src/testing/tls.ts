// Creates certificates of an authority for tests, and a proxy that presents one of them.

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { createServer } from "node:tls";

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/**
 * Creates an authority: `NAME.pem` and `NAME.key`. @returns its PEM file; undefined, after printing the reason, if
 * there is no openssl
 */
export function makeAuthority(folder: string, name: string): string | undefined {
  if (spawnSync("openssl", ["version"]).status !== 0) {
    console.warn("skipped: there is no openssl");
    return undefined;
  }
  const pem = join(folder, `${name}.pem`);
  const key = join(folder, `${name}.key`);
  openssl("req", "-x509", ...NEW_KEY, "-keyout", key, "-out", pem, "-days", "2", "-subj", `/CN=${name}`);
  return pem;
}

/** Creates a certificate of localhost that an authority signs. @param days validity; negative if expired */
export function makeCertificate(folder: string, name: string, authority: string, days: number): void {
  const at = (suffix: string) => join(folder, name + suffix);
  openssl("req", ...NEW_KEY, "-keyout", at(".key"), "-out", at(".csr"), "-subj", "/CN=localhost");
  writeFileSync(at(".ext"), "subjectAltName=DNS:localhost");
  const signer = ["-CA", authority, "-CAkey", authority.replace(/pem$/, "key"), "-CAcreateserial"];
  const out = ["-out", at(".pem"), "-days", String(days), "-extfile", at(".ext")];
  openssl("x509", "-req", "-in", at(".csr"), ...signer, ...out);
}

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
}

/** Starts TLS for HTTP/2 in front of a port of this machine, with the certificate `NAME`. */
export async function tlsProxy(
  folder: string,
  name: string,
  port: number,
): Promise<{ port: number; close: () => void }> {
  const [key, cert] = [readFileSync(join(folder, `${name}.key`)), readFileSync(join(folder, `${name}.pem`))];
  const proxy = createServer({ key, cert, ALPNProtocols: ["h2"] }, (client) => {
    const upstream = connect(port, "127.0.0.1");
    client.pipe(upstream).pipe(client);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const)
      one.on("error", () => undefined).on("close", () => other.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return { port: (proxy.address() as { port: number }).port, close: () => proxy.close() };
}

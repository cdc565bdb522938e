import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Redacted } from "effect"
import type * as ClientCredential from "../../src/credential/ClientCredential.js"

/** Without OpenSSL there is nothing to compare with. */
export const passphrase = "hunter2"

/** A folder of a test file's own, in which OpenSSL makes keys and certificates. */
export const workshop = () => {
  const folder = mkdtempSync(join(tmpdir(), "effect-entra-"))
  const path = (name: string) => join(folder, name)
  const openssl = (...args: ReadonlyArray<string>) => {
    const { status, stderr } = spawnSync("openssl", args, { cwd: folder, encoding: "utf8" })
    if (status !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`)
  }
  const text = (name: string) => readFileSync(path(name), "utf8")
  return {
    path,
    openssl,
    text,
    bytes: (name: string) => new Uint8Array(readFileSync(path(name))),
    write: (name: string, content: string | Uint8Array) => writeFileSync(path(name), content),
    secret: (name: string) => Redacted.make(text(name)),
    rsa: (name: string, bits = 2048) => openssl("genrsa", "-out", name, `${bits}`),
    ec: (name: string, curve = "P-256") =>
      openssl("genpkey", "-algorithm", "EC", "-pkeyopt", `ec_paramgen_curve:${curve}`, "-out", name),
    selfSigned: (key: string, name: string, ...more: ReadonlyArray<string>) =>
      openssl("req", "-x509", "-new", "-key", key, "-subj", `/CN=${name}`, "-days", "90", "-out", name, ...more),
    issued: (key: string, name: string, by: { readonly key: string; readonly certificate: string }) => {
      openssl("req", "-new", "-key", key, "-subj", `/CN=${name}`, "-out", `${name}.csr`)
      const ca = ["-CA", by.certificate, "-CAkey", by.key, "-CAcreateserial"]
      openssl("x509", "-req", "-in", `${name}.csr`, ...ca, "-days", "90", "-out", name)
    },
    remove: () => rmSync(folder, { recursive: true })
  }
}

/** What a request's parameters hold as the client's assertion. */
export const assertionOf = ({ client_assertion: assertion }: ClientCredential.Parameters): string =>
  Redacted.isRedacted(assertion) ? Redacted.value(assertion) : ""

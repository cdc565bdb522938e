/**
 * A certificate and its key from a PKCS#12 file (`.pfx`, `.p12`).
 *
 * Needs the optional peer `node-forge`.
 *
 * @since 0.1.0
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"
import * as ClientCertificate from "./ClientCertificate.js"
import type { ClientCredential } from "./ClientCredential.js"
import { bytesOf } from "./certificateFile.js"
import { open } from "./pkcs12.js"

interface Common extends Omit<ClientCertificate.ByCertificate, "certificate"> {
  /** What the file is encrypted with; none and an empty one are the same. */
  readonly passphrase?: Redacted.Redacted | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options extends Common {
  /** The file's bytes. A vault that gives base64 is read by `Encoding.decodeBase64`. */
  readonly content: Redacted.Redacted<Uint8Array>
}

const pem = (label: string, der: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${Encoding.encodeBase64(der).replace(/.{1,64}/g, "$&\n")}-----END ${label}-----\n`

/**
 * A certificate from the bytes of a PKCS#12 file (RFC 7292), as OpenSSL, Windows and Key Vault write them, with one private
 * key. Its certificates are put in the order of their issuers, for `sendChain`. Else as `ClientCertificate.fromPem`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromBytes = (options: Options): ClientCredential => ({
  prepare: Effect.gen(function* () {
    const { certificates, key } = yield* open(
      Redacted.value(options.content),
      Redacted.value(options.passphrase ?? none)
    )
    return yield* ClientCertificate.fromPem({
      ...options,
      privateKey: Redacted.make(pem("PRIVATE KEY", key)),
      certificate: certificates.map((der) => pem("CERTIFICATE", der)).join("")
    }).prepare
  })
})

const none = Redacted.make("")

/**
 * @since 0.1.0
 * @category models
 */
export interface FileOptions extends Common {
  readonly path: string
}

/**
 * A certificate from a PKCS#12 file of at most 1 MiB, read when a client is made, and each time that a
 * `ClientCredential.rotating` is loaded; else as {@link fromBytes}.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromFile = (options: FileOptions): Effect.Effect<ClientCredential, never, FileSystem.FileSystem> =>
  Effect.map(FileSystem.FileSystem, (fs) => ({
    prepare: Effect.flatMap(
      bytesOf(fs, "path", options.path),
      (bytes) => fromBytes({ ...options, content: Redacted.make(bytes) }).prepare
    )
  }))

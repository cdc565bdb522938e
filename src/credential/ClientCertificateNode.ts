/**
 * The kinds of private keys that only Node reads (PKCS#1, and keys under a passphrase), and a certificate as the environment
 * describes it.
 *
 * @since 0.1.0
 */
import { createPrivateKey } from "node:crypto"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { ConfigurationError } from "../core/TokenError.js"
import * as ClientCertificate from "./ClientCertificate.js"
import * as ClientCertificatePkcs12 from "./ClientCertificatePkcs12.js"
import type { ClientCredential } from "./ClientCredential.js"
import { bytesOf, fromPaths, textOf } from "./certificateFile.js"
import { type ClientSettings, clientVariables, settings } from "./clientVariables.js"
import { keyBlock, type PemBlock } from "./pem.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Passphrase {
  /** What an encrypted key is encrypted with. */
  readonly passphrase?: Redacted.Redacted | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export type Options = ClientCertificate.Options & Passphrase

const refusal = ({ label, position }: PemBlock, passphrase: Redacted.Redacted | undefined) =>
  new ConfigurationError({
    parameter: passphrase === undefined ? "privateKey" : "passphrase",
    expected: `a private key in block ${position} (${label})${passphrase === undefined ? "" : " that this passphrase opens"}`,
    remedy:
      passphrase === undefined && label.startsWith("ENCRYPTED")
        ? "Give the passphrase that it is encrypted with."
        : "Try it with: openssl pkey -in key.pem -noout"
  })

const toPkcs8 = (block: PemBlock, passphrase: Redacted.Redacted | undefined) =>
  Effect.try({
    try: () =>
      createPrivateKey({
        key: block.text,
        ...(passphrase !== undefined && { passphrase: Redacted.value(passphrase) })
      }).export({ type: "pkcs8", format: "pem" }),
    catch: () => refusal(block, passphrase)
  }).pipe(Effect.map((pem) => Redacted.make(pem.toString())))

/**
 * A certificate from PEM texts whose key may be PKCS#8, PKCS#1, SEC 1 or encrypted; else as `ClientCertificate.fromPem`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromPem = (options: Options): ClientCredential => ({
  prepare: Effect.gen(function* () {
    const block = yield* keyBlock(Redacted.value(options.privateKey))
    const privateKey = yield* toPkcs8(block, options.passphrase)
    return yield* ClientCertificate.fromPem({ ...options, privateKey }).prepare
  })
})

/**
 * @since 0.1.0
 * @category models
 */
export interface FileOptions extends ClientCertificate.FileOptions, Passphrase {}

/**
 * A certificate from PEM files whose key may be PKCS#8, PKCS#1, SEC 1 or encrypted; else as `ClientCertificate.fromFile`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromFile = (options: FileOptions): Effect.Effect<ClientCredential, never, FileSystem.FileSystem> =>
  Effect.map(FileSystem.FileSystem, (fs) => fromPaths(fs, options, (texts) => fromPem({ ...options, ...texts })))

interface Described extends Passphrase {
  readonly path: string
  readonly sendChain: boolean
}

const isPem = (text: string): boolean => text.includes("-----BEGIN ")

/** A file of either kind, read each time that it is prepared. */
const ofEitherKind = (fs: FileSystem.FileSystem, options: Described): ClientCredential => ({
  prepare: Effect.gen(function* () {
    const bytes = yield* bytesOf(fs, "AZURE_CLIENT_CERTIFICATE_PATH", options.path)
    const text = textOf(bytes)
    const credential = isPem(text)
      ? fromPem({ ...options, certificate: text, privateKey: Redacted.make(text) })
      : ClientCertificatePkcs12.fromBytes({ ...options, content: Redacted.make(bytes) })
    return yield* credential.prepare
  })
})

/**
 * What a client with a certificate is made of, from `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_CLIENT_CERTIFICATE_PATH` (one
 * file, PEM or PKCS#12) and, where they are set, `AZURE_CLIENT_CERTIFICATE_PASSWORD`, `AZURE_CLIENT_SEND_CERTIFICATE_CHAIN`
 * and `AZURE_AUTHORITY_HOST`. All names that are missing are reported at once; the file is read when a client is made.
 *
 * Source: Azure SDK, `EnvironmentCredential`.
 *
 * @since 0.1.0
 * @category config
 */
export const environment: Effect.Effect<ClientSettings, ConfigError.ConfigError, FileSystem.FileSystem> =
  Effect.zipWith(
    Config.all({
      ...clientVariables,
      path: Config.nonEmptyString("AZURE_CLIENT_CERTIFICATE_PATH"),
      passphrase: Config.withDefault(Config.redacted("AZURE_CLIENT_CERTIFICATE_PASSWORD"), undefined),
      sendChain: Config.withDefault(Config.boolean("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN"), false)
    }),
    FileSystem.FileSystem,
    (variables, fs) => settings(variables, ofEitherKind(fs, variables))
  )

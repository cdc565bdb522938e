import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { ConfigurationError } from "../core/TokenError.js"
import type { ClientCredential } from "./ClientCredential.js"
import { readSmall } from "./smallFile.js"

/** Where a certificate in PEM and its key are. */
export interface Paths {
  readonly path: string
  readonly keyPath?: string | undefined
}

/** The same as PEM texts. */
export interface Texts {
  readonly certificate: string
  readonly privateKey: Redacted.Redacted
}

/**
 * The bytes of a file, whose path is the parameter's value; what they are is never told.
 *
 * @internal
 */
export const bytesOf = (
  fs: FileSystem.FileSystem,
  parameter: string,
  path: string
): Effect.Effect<Uint8Array, ConfigurationError> =>
  Effect.mapError(
    readSmall(fs, path),
    (reason) =>
      new ConfigurationError({
        parameter,
        expected: `a file with a certificate or key: ${path} ${reason}`,
        remedy: "Give the path of one that this process may read."
      })
  )

/** @internal */
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/**
 * A credential made of files each time that it is prepared: when a client is made, and each time that a rotating credential
 * is loaded.
 *
 * @internal
 */
export const fromPaths = (
  fs: FileSystem.FileSystem,
  { keyPath, path }: Paths,
  make: (texts: Texts) => ClientCredential
): ClientCredential => ({
  prepare: Effect.gen(function* () {
    const certificate = textOf(yield* bytesOf(fs, "path", path))
    const privateKey = keyPath === undefined ? certificate : textOf(yield* bytesOf(fs, "keyPath", keyPath))
    return yield* make({ certificate, privateKey: Redacted.make(privateKey) }).prepare
  })
})

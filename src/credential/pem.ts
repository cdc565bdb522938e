import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import { ConfigurationError } from "../core/TokenError.js"

/** One block of a PEM text (RFC 7468). */
export interface PemBlock {
  readonly label: string
  /** From 1, in the order of the text. */
  readonly position: number
  /** The block as it stands. */
  readonly text: string
  readonly bytes: Uint8Array
}

/** Larger than any chain; a text of another kind is not searched to its end. */
const longestPem = 1024 * 1024

const blockPattern = /-----BEGIN ([A-Z0-9 ]{1,40})-----([\s\S]*?)-----END \1-----/g

/** What is wrong is told by the block's place and label; nothing of its content is. */
export const wrongBlock = (parameter: string, block: PemBlock, expected: string, remedy: string): ConfigurationError =>
  new ConfigurationError({ parameter, expected: `${expected} in block ${block.position} (${block.label})`, remedy })

/** Keys that OpenSSL once encrypted have header lines (RFC 1421 4.6.1). */
const base64Of = (body: string): string => body.replace(/^[\w-]+:.*$/gm, "").replace(/\s+/g, "")

/**
 * The blocks of a PEM text.
 *
 * @internal
 */
export const parsePem = (
  parameter: string,
  text: string
): Either.Either<ReadonlyArray<PemBlock>, ConfigurationError> => {
  const found = text.length > longestPem ? [] : [...text.matchAll(blockPattern)]
  if (found.length === 0)
    return Either.left(
      new ConfigurationError({
        parameter,
        expected: "PEM text of at most 1 MiB (-----BEGIN ...-----)",
        remedy: "Give the content of the file, not its path."
      })
    )
  return Either.all(
    found.map(([block, label = "", body = ""], index) =>
      Either.mapBoth(Encoding.decodeBase64(base64Of(body)), {
        onLeft: () =>
          new ConfigurationError({
            parameter,
            expected: `base64 in block ${index + 1} (${label})`,
            remedy: "Export the file again; it may have been cut or re-encoded."
          }),
        onRight: (bytes) => ({ label, position: index + 1, text: block, bytes })
      })
    )
  )
}

/**
 * The private key among the blocks of a text, of whatever kind.
 *
 * @internal
 */
export const keyBlock = (text: string): Either.Either<PemBlock, ConfigurationError> =>
  Either.flatMap(parsePem("privateKey", text), (blocks) =>
    Either.fromNullable(
      blocks.find(({ label }) => label.endsWith("PRIVATE KEY")),
      () =>
        new ConfigurationError({
          parameter: "privateKey",
          expected: "a PRIVATE KEY block",
          remedy: "Give the key beside the certificate."
        })
    )
  )

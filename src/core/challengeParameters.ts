import type * as Redacted from "effect/Redacted"
import { type AuthChallenge, parseAuthChallenges } from "./authChallenge.js"
import { redactedProse } from "./prose.js"

type Parameters = AuthChallenge["parameters"]

/** RFC 6750 3: `%x20-21 / %x23-5B / %x5D-7E`, printable without quote and backslash; longer than any real value is none. */
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]{0,2048}$/

/**
 * Whether a value needs no escape, and can do no harm in a header or a log.
 *
 * @internal
 */
export const isPlain = (value: string): boolean => plain.test(value)

/**
 * A parameter that programs read; absent where it holds what it must not hold.
 *
 * @internal
 */
export const plainParameter = (parameters: Parameters, name: string): string | undefined => {
  const value = parameters[name]
  return value !== undefined && isPlain(value) ? value : undefined
}

/**
 * What a server tells people. Graph spells the parameter in camel case.
 *
 * @internal
 */
export const descriptionOf = (parameters: Parameters): Redacted.Redacted | undefined => {
  const prose = parameters.error_description ?? parameters.errordescription
  return prose === undefined ? undefined : redactedProse(prose)
}

/**
 * The parameters of each Bearer challenge (RFC 6750 3), in the order of the header.
 *
 * @internal
 */
export const bearerParameters = (header: string | undefined): ReadonlyArray<Parameters> =>
  parseAuthChallenges(header ?? "")
    .filter(({ scheme }) => scheme === "bearer")
    .map(({ parameters }) => parameters)

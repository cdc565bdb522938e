import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import { ConfigurationError } from "../core/TokenError.js"

/** A number that was given, or its default; bad ones are refused by the name of their parameter. */
export type Setting<A> = Either.Either<A, ConfigurationError>

const refuse = (parameter: string, expected: string): Setting<never> =>
  Either.left(new ConfigurationError({ parameter, expected, remedy: "Leave it out for the default." }))

/** @internal */
export const duration = (parameter: string, input: Duration.DurationInput): Setting<Duration.Duration> => {
  const decoded = Duration.decodeUnknown(input)
  return decoded._tag === "Some" && Duration.isFinite(decoded.value) && !Duration.isZero(decoded.value)
    ? Either.right(decoded.value)
    : refuse(parameter, "a finite duration above zero")
}

/** @internal */
export const count = (parameter: string, input: number): Setting<number> =>
  Number.isSafeInteger(input) && input >= 1 ? Either.right(input) : refuse(parameter, "a whole number of at least 1")

/** @internal */
export const share = (parameter: string, input: number): Setting<number> =>
  input > 0 && input <= 1 ? Either.right(input) : refuse(parameter, "a share above 0 and at most 1")

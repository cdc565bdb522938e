import * as Either from "effect/Either"
import { ConfigurationError } from "../core/TokenError.js"

/**
 * Refuses further parameters of a program's own that would stand in the place of the library's.
 *
 * @internal
 */
export const refuseReserved = (
  parameters: Readonly<Record<string, unknown>>,
  reserved: ReadonlySet<string>
): Either.Either<void, ConfigurationError> => {
  const wrong = Object.keys(parameters).find((name) => reserved.has(name) || name.trim() === "")
  return wrong === undefined
    ? Either.void
    : Either.left(
        new ConfigurationError({
          parameter: "parameters",
          expected: `parameters that the library does not set itself, unlike ${JSON.stringify(wrong)}`,
          remedy: "Use the option that is meant for it."
        })
      )
}

import * as Effect from "effect/Effect"
import { isGuid } from "../core/guid.js"
import { ConfigurationError } from "../core/TokenError.js"
import type { TokenRequest } from "../core/TokenProvider.js"

const isObject = (json: unknown): boolean => typeof json === "object" && json !== null && !Array.isArray(json)

const parsesToObject = (text: string): boolean => {
  try {
    return isObject(JSON.parse(text))
  } catch {
    return false
  }
}

/**
 * What a caller asks is checked before anything is sent.
 *
 * @internal
 */
export const checkRequest = (request: TokenRequest): Effect.Effect<void, ConfigurationError> => {
  if (request.claims !== undefined && !parsesToObject(request.claims))
    return new ConfigurationError({
      parameter: "claims",
      expected: "a claims request: a JSON object (OpenID Connect Core 5.5)",
      remedy: "Pass the decoded claims of the challenge, not its base64."
    })
  if (request.correlationId !== undefined && !isGuid(request.correlationId))
    return new ConfigurationError({
      parameter: "correlationId",
      expected: "a GUID",
      remedy: "Leave it out to have one made."
    })
  return Effect.void
}

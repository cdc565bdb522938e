import * as Effect from "effect/Effect"
import { parseClaims } from "../core/claims.js"
import { isGuid } from "../core/guid.js"
import { ConfigurationError } from "../core/TokenError.js"
import type { TokenRequest } from "../core/TokenProvider.js"

/**
 * What a caller asks is checked before anything is sent.
 *
 * @internal
 */
export const checkRequest = (request: TokenRequest): Effect.Effect<unknown, ConfigurationError> => {
  if (request.correlationId !== undefined && !isGuid(request.correlationId))
    return new ConfigurationError({
      parameter: "correlationId",
      expected: "a GUID",
      remedy: "Leave it out to have one made."
    })
  return request.claims === undefined ? Effect.void : parseClaims(request.claims)
}

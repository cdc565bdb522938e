import { Duration, Either } from "effect"
import * as TokenError from "../../src/core/TokenError.js"

const asked = (wait: Duration.DurationInput | undefined) => (wait === undefined ? undefined : Duration.decode(wait))

export const throttled = (retryAfter?: Duration.DurationInput) =>
  new TokenError.Throttled({ status: 429, retryAfter: asked(retryAfter), errorCodes: [], error: "too_many" })

export const unavailable = (status: number, retryAfter?: Duration.DurationInput) =>
  new TokenError.AuthorityUnavailable({ status, retryAfter: asked(retryAfter), errorCodes: [] })

export const transport = (reason: TokenError.TransportReason) =>
  new TokenError.TransportError({ reason, host: "login.example" })

export const invalidClient = new TokenError.InvalidClient({
  error: "invalid_client",
  status: 401,
  errorCodes: ["AADSTS7000215"]
})

export const rejected = (error: string, suberror?: string) =>
  new TokenError.RequestRejected({ error, suberror, status: 400, errorCodes: [] })

export const invalidGrant = (suberror?: string) =>
  new TokenError.InvalidGrant({ error: "invalid_grant", suberror, status: 400, errorCodes: [] })

export const interaction = (classification: TokenError.Classification) =>
  new TokenError.InteractionRequired({ error: "interaction_required", classification, status: 400, errorCodes: [] })

/** The one parameter that was refused, with everything that its error must tell. */
export const refusedParameter = <A>(setting: Either.Either<A, TokenError.ConfigurationError>): string => {
  const { _tag, expected, parameter, remedy } = Either.getOrThrow(Either.flip(setting))
  if (_tag !== "ConfigurationError" || expected === "" || remedy === "")
    throw new Error(`${parameter}: says too little`)
  return parameter
}

/**
 * Validates the id tokens of people who sign in. A module of its own, for it brings `jose`: a program in which nobody signs in
 * never loads it.
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { InvalidToken, type InvalidTokenReason } from "../core/TokenError.js"
import * as JwtVerifier from "../protocol/jwtVerifier.js"
import { isOfAnotherPolicy } from "../protocol/policyClaim.js"
import * as Transport from "../protocol/transport.js"
import * as RetryPolicy from "../resilience/RetryPolicy.js"
import { type Expectation, IdTokenVerifier } from "./idToken.js"

export { type Expectation, IdTokenVerifier, type IdTokenVerifierService } from "./idToken.js"

type Claims = Readonly<Record<string, unknown>>

/** Seconds. */
const clockTolerance = 300

const isOfAnotherParty = ({ aud, azp }: Claims, clientId: string): boolean =>
  azp === undefined ? Array.isArray(aud) && aud.length > 1 : azp !== clientId

const isTooLongAgo = ({ auth_time }: Claims, maxAge: number | undefined, now: number): boolean =>
  maxAge !== undefined && !(typeof auth_time === "number" && auth_time + maxAge + clockTolerance >= now / 1000)

const isFromElsewhere = ({ tid }: Claims, { tenants }: Expectation): boolean =>
  tenants !== undefined && !(typeof tid === "string" && tenants.has(tid.toLowerCase()))

const wrongIn = (claims: Claims, expectation: Expectation, now: number): InvalidTokenReason | undefined => {
  if (expectation.nonce !== undefined && claims.nonce !== expectation.nonce) return "nonce"
  if (isOfAnotherParty(claims, expectation.clientId)) return "authorizedParty"
  if (isOfAnotherPolicy(claims, expectation.authority)) return "policy"
  if (isFromElsewhere(claims, expectation)) return "tenant"
  return isTooLongAgo(claims, expectation.maxAge, now) ? "authenticationTime" : undefined
}

/**
 * A verifier that reads each issuer's keys once a day, again for a key that it doesn't know (once a minute at most), and goes
 * on with those it has while none can be had.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<IdTokenVerifier, never, HttpClient.HttpClient> = Layer.scoped(
  IdTokenVerifier,
  Effect.gen(function* () {
    const policy = yield* Effect.orDie(RetryPolicy.make())
    const verifier = yield* JwtVerifier.make(Transport.make(yield* HttpClient.HttpClient))
    return {
      verify: (idToken, expectation) =>
        Effect.gen(function* () {
          const { jwksUri, issuer } = expectation.metadata
          const invalid = (reason: InvalidTokenReason) => new InvalidToken({ token: "id token", reason })
          if (jwksUri === undefined) return yield* invalid("key")
          const claims = yield* RetryPolicy.read(policy, (timeout) =>
            verifier.verify(idToken, {
              token: "id token",
              jwksUri,
              issuer,
              audience: expectation.clientId,
              timeout
            })
          )
          const wrong = wrongIn(claims, expectation, yield* Clock.currentTimeMillis)
          return wrong === undefined ? claims : yield* invalid(wrong)
        })
    }
  })
)

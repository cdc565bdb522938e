import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { joinKey } from "../cache/cacheKey.js"
import { type Kind, type Metadata, type ResolvedAuthority, resolve } from "../core/Authority.js"
import { sha256 } from "../core/digest.js"
import { parseScopes } from "../core/scopes.js"
import {
  type AuthorizationResponseReason,
  ClientClosed,
  ConfigurationError,
  type ExchangeError,
  InvalidAuthorizationResponse,
  type SignInError
} from "../core/TokenError.js"
import { authorizationFailure } from "../protocol/authorizationResponse.js"
import { authorizationCode, refreshToken as refreshTokenGrant } from "../protocol/grants.js"
import type { TokenResponse } from "../protocol/wire.js"
import { BoundedMap } from "../resilience/boundedMap.js"
import * as SingleFlight from "../resilience/singleFlight.js"
import type {
  AuthCodeUrl,
  AuthCodeUrlRequest,
  AuthenticationResult,
  AuthorizationCodeRequest
} from "./AuthorizationCode.js"
import * as AuthorizationRequest from "./authorizationRequest.js"
import { type Parameters, parametersOf, wrongIn } from "./authorizationResponse.js"
import type { RefreshTokenRequest } from "./ConfidentialClient.js"
import { checkedIdToken } from "./checkedIdToken.js"
import { IdTokenVerifier, type IdTokenVerifierService } from "./idToken.js"
import type { Admission, Arrival } from "./newUser.js"
import { type ClientFacts, requireAllowed } from "./principal.js"
import { anchorOfClientInfo } from "./renewal.js"

/** How users come to a client. */
export interface SignIn {
  readonly begin: (request: AuthCodeUrlRequest, state?: Redacted.Redacted) => Effect.Effect<AuthCodeUrl, ExchangeError>
  readonly redeem: (
    request: AuthorizationCodeRequest
  ) => Effect.Effect<AuthenticationResult, SignInError, IdTokenVerifier>
  readonly takeOver: (request: RefreshTokenRequest) => Effect.Effect<AuthenticationResult, SignInError>
}

const capacity = 10_000

const invalid = (reason: AuthorizationResponseReason) => new InvalidAuthorizationResponse({ reason })

const noToken = new ConfigurationError({
  parameter: "refreshToken",
  expected: "a refresh token",
  remedy: "Take it from the cache of the library that won it."
})

/**
 * @internal
 */
export const make = (options: {
  readonly client: ClientFacts
  readonly metadataOf: (authority: ResolvedAuthority) => Effect.Effect<Metadata, ExchangeError>
  readonly admission: Admission
}): Effect.Effect<SignIn, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { admission, client, metadataOf } = options
    const flights = yield* SingleFlight.make<AuthenticationResult, SignInError>(new ClientClosed())
    const taken = new BoundedMap<true>(capacity)

    /** Who comes with the same response again is told so; who comes while it is under way gets the same result. */
    const takeOnce = (key: string): Effect.Effect<void, SignInError> =>
      Effect.suspend(() => {
        if (taken.get(key) !== undefined) return invalid("used")
        taken.set(key, true)
        return Effect.void
      })

    const checkIdToken =
      ({ flow }: AuthorizationCodeRequest, authority: ResolvedAuthority, verifier: IdTokenVerifierService) =>
      (response: TokenResponse) =>
        checkedIdToken({ client, metadataOf, verifier, authority }, response, {
          nonce: Redacted.value(flow.nonce),
          maxAge: flow.maxAge
        })

    const arrivalOf = (
      request: AuthorizationCodeRequest,
      authority: ResolvedAuthority,
      { client_info, code = "" }: Parameters,
      verifier: IdTokenVerifierService
    ): Arrival => {
      const { correlationId, flow, session = "" } = request
      return {
        authority,
        grant: authorizationCode,
        id: joinKey("code", Redacted.value(flow.state)),
        parameters: {
          grant_type: "authorization_code",
          code: Redacted.make(code),
          redirect_uri: flow.redirectUri,
          code_verifier: flow.codeVerifier
        },
        scopes: flow.scopes,
        tenantId: flow.tenantId,
        claims: flow.claims,
        session,
        correlationId,
        anchor: anchorOfClientInfo(client_info),
        check: checkIdToken(request, authority, verifier)
      }
    }

    /** A response with an error is one, whether it can be read or not. */
    const refusalIn = (parameters: Parameters, kind: Kind): SignInError | undefined => {
      if ("error" in parameters) return authorizationFailure(parameters, kind) ?? invalid("malformed")
      return (parameters.code ?? "") === "" ? invalid("malformed") : undefined
    }

    const redeem: SignIn["redeem"] = (request) =>
      Effect.gen(function* () {
        const { flow, response, session = "" } = request
        const verifier = yield* IdTokenVerifier
        const authority = yield* resolve(client.authority, { tenantId: flow.tenantId })
        const parameters = parametersOf(response)
        const wrong = wrongIn(flow, parameters, yield* Clock.currentTimeMillis)
        if (wrong !== undefined) return yield* invalid(wrong)
        const state = Redacted.value(flow.state)
        const refusal = refusalIn(parameters, authority.kind)
        if (refusal !== undefined) return yield* Effect.zipRight(takeOnce(state), Effect.fail(refusal))
        const arrival = arrivalOf(request, authority, parameters, verifier)
        return yield* flights.join({
          key: joinKey(state, session),
          consumes: true,
          pass: Effect.zipRight(admission.pass(arrival), takeOnce(state)),
          run: admission.admit(arrival)
        })
      })

    const takeOver: SignIn["takeOver"] = ({
      correlationId,
      homeAccountId,
      refreshToken,
      scopes,
      session = "",
      tenantId
    }) =>
      Effect.gen(function* () {
        const authority = yield* resolve(client.authority, { tenantId })
        yield* requireAllowed(client, yield* resolve(client.authority), authority)
        const asked = yield* parseScopes(scopes, { isEntra: authority.kind === "entra" })
        const text = Redacted.value(refreshToken)
        if (text.trim() === "") return yield* noToken
        const key = joinKey("refresh token", yield* sha256(text), session, tenantId ?? "", asked.key)
        const arrival: Arrival = {
          authority,
          grant: refreshTokenGrant,
          homeAccountId,
          id: key,
          parameters: { grant_type: "refresh_token", refresh_token: refreshToken },
          scopes: asked.scopes,
          tenantId,
          claims: undefined,
          session,
          correlationId,
          anchor: undefined,
          check: () => Effect.void
        }
        return yield* flights.join({
          key,
          consumes: true,
          pass: admission.pass(arrival),
          run: admission.admit(arrival)
        })
      })

    return {
      begin: (request, state) => AuthorizationRequest.make(client, metadataOf, request, state),
      redeem,
      takeOver
    }
  })

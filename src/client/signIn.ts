import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { joinKey } from "../cache/cacheKey.js"
import { type Metadata, type ResolvedAuthority, resolve } from "../core/Authority.js"
import { isMultiTenant } from "../core/resolvedAuthority.js"
import { parseScopes } from "../core/scopes.js"
import {
  type AuthorizationResponseReason,
  ClientClosed,
  ConfigurationError,
  type ExchangeError,
  InvalidAuthorizationResponse,
  InvalidToken,
  type SignInError
} from "../core/TokenError.js"
import { authorizationFailure } from "../protocol/authorizationResponse.js"
import { authorizationCode, refreshToken as refreshTokenGrant } from "../protocol/grants.js"
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
import { IdTokenVerifier, type IdTokenVerifierService } from "./idToken.js"
import type { Arrival } from "./newUser.js"
import type { ClientFacts } from "./principal.js"
import { anchorOfClientInfo } from "./renewal.js"

/** How users come to a client. */
export interface SignIn {
  readonly begin: (request: AuthCodeUrlRequest) => Effect.Effect<AuthCodeUrl, ExchangeError>
  readonly redeem: (
    request: AuthorizationCodeRequest
  ) => Effect.Effect<AuthenticationResult, SignInError, IdTokenVerifier>
  readonly takeOver: (request: RefreshTokenRequest) => Effect.Effect<AuthenticationResult, SignInError>
}

const capacity = 10_000

const invalid = (reason: AuthorizationResponseReason) => new InvalidAuthorizationResponse({ reason })

/** At an authority of one tenant its issuer tells enough. */
const tenantsOf = ({ allowedTenants }: ClientFacts, authority: ResolvedAuthority): ReadonlySet<string> | undefined =>
  isMultiTenant(authority) && allowedTenants !== "any" ? allowedTenants : undefined

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
  readonly admit: (arrival: Arrival) => Effect.Effect<AuthenticationResult, SignInError>
}): Effect.Effect<SignIn, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { admit, client, metadataOf } = options
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
      (
        { flow }: AuthorizationCodeRequest,
        authority: ResolvedAuthority,
        verifier: IdTokenVerifierService
      ): Arrival["check"] =>
      ({ id_token }) =>
        id_token === undefined
          ? new InvalidToken({ token: "id token", reason: "malformed" })
          : Effect.flatMap(metadataOf(authority), (metadata) =>
              verifier.verify(Redacted.value(id_token), {
                clientId: client.clientId,
                authority,
                metadata,
                nonce: Redacted.value(flow.nonce),
                maxAge: flow.maxAge,
                tenants: tenantsOf(client, authority)
              })
            )

    const redeemed = (
      request: AuthorizationCodeRequest,
      authority: ResolvedAuthority,
      parameters: Parameters,
      verifier: IdTokenVerifierService
    ): Effect.Effect<AuthenticationResult, SignInError> => {
      const failure = parameters.error === undefined ? undefined : authorizationFailure(parameters, authority.kind)
      if (failure !== undefined) return Effect.fail(failure)
      const { code = "" } = parameters
      if (code === "") return invalid("malformed")
      const { correlationId, flow, session = "" } = request
      return admit({
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
        anchor: anchorOfClientInfo(parameters.client_info),
        check: checkIdToken(request, authority, verifier)
      })
    }

    const redeem: SignIn["redeem"] = (request) =>
      Effect.gen(function* () {
        const { flow, response } = request
        const verifier = yield* IdTokenVerifier
        const authority = yield* resolve(client.authority, { tenantId: flow.tenantId })
        const parameters = parametersOf(response)
        const wrong = wrongIn(flow, parameters, yield* Clock.currentTimeMillis)
        if (wrong !== undefined) return yield* invalid(wrong)
        const key = Redacted.value(flow.state)
        const run = redeemed(request, authority, parameters, verifier)
        return yield* flights.join({ key, consumes: true, pass: takeOnce(key), run })
      })

    const takeOver: SignIn["takeOver"] = ({ correlationId, refreshToken, scopes, session = "", tenantId }) =>
      Effect.gen(function* () {
        const authority = yield* resolve(client.authority, { tenantId })
        const asked = yield* parseScopes(scopes, { isEntra: authority.kind === "entra" })
        const text = Redacted.value(refreshToken)
        if (text.trim() === "") return yield* noToken
        const key = joinKey("refresh token", text, session, tenantId ?? "", asked.key)
        const run = admit({
          authority,
          grant: refreshTokenGrant,
          id: key,
          parameters: { grant_type: "refresh_token", refresh_token: refreshToken },
          scopes: asked.scopes,
          tenantId,
          claims: undefined,
          session,
          correlationId,
          anchor: undefined,
          check: () => Effect.void
        })
        return yield* flights.join({ key, consumes: true, pass: Effect.void, run })
      })

    return { begin: (request) => AuthorizationRequest.make(client, metadataOf, request), redeem, takeOver }
  })

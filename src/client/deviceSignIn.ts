import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { joinKey } from "../cache/cacheKey.js"
import { type Metadata, type ResolvedAuthority, resolve } from "../core/Authority.js"
import { parseUrl } from "../core/authorityParts.js"
import { capabilityClaims, mergeClaims, parseClaims } from "../core/claims.js"
import { makeGuid } from "../core/guid.js"
import { printable } from "../core/prose.js"
import { parseScopes } from "../core/scopes.js"
import {
  ConfigurationError,
  type DeviceCodeExpired,
  type ExchangeError,
  MalformedResponse
} from "../core/TokenError.js"
import { deviceAuthorization, deviceCode } from "../protocol/grants.js"
import { authorizeDevice } from "../protocol/tokenEndpoint.js"
import type { Transport } from "../protocol/transport.js"
import type { DeviceAuthorization } from "../protocol/wire.js"
import * as RetryPolicy from "../resilience/RetryPolicy.js"
import type { AuthenticationResult } from "./AuthorizationCode.js"
import { checkedIdToken } from "./checkedIdToken.js"
import type { DeviceCode, DeviceCodeRequest } from "./DeviceCode.js"
import { type PollFailure, polling } from "./devicePolling.js"
import { IdTokenVerifier } from "./idToken.js"
import type { Admission } from "./newUser.js"
import { type ClientFacts, requireAllowed } from "./principal.js"
import { userScopes } from "./renewal.js"

const grantType = "urn:ietf:params:oauth:grant-type:device_code"

/** RFC 8628 3.2: in seconds. */
const usualInterval = 5
/** No server is asked more often, whatever it says. */
const shortestInterval = 1

const noDevices = new ConfigurationError({
  parameter: "authority",
  expected: "one where devices can sign in (RFC 8628)",
  remedy: "Supply its deviceAuthorizationEndpoint, or sign in by a browser."
})

const longestMessage = 1024

const messageOf = (message: string, uri: string, userCode: string): string => {
  const told = printable(message.slice(0, longestMessage))
  return told.includes(userCode) && told.includes(uri)
    ? told
    : `To sign in, open ${uri} in a browser and enter the code ${userCode}.`
}

const longestUri = 2048

/** As a browser writes it, which leaves nothing that a terminal would not show. */
const pageOf = (text: string): string | undefined =>
  text.length <= longestUri && parseUrl("verificationUri", text)._tag === "Right" ? new URL(text).href : undefined

const opened = (text: Redacted.Redacted | undefined): string => (text === undefined ? "" : Redacted.value(text))

/** A page that the person is sent to is one that a browser can trust. */
const promptOf = (
  authorization: DeviceAuthorization,
  expiresAt: number
): Effect.Effect<DeviceCode, MalformedResponse> => {
  const { message, user_code, verification_uri, verification_uri_complete, verification_url } = authorization
  const uri = pageOf(verification_uri ?? verification_url ?? "")
  const complete = opened(verification_uri_complete)
  if (uri === undefined) return new MalformedResponse({ reason: "unexpectedShape", status: 200 })
  const userCode = Redacted.value(user_code)
  return Effect.succeed({
    userCode,
    verificationUri: uri,
    verificationUriComplete: pageOf(complete),
    message: messageOf(opened(message), uri, userCode),
    expiresOn: DateTime.unsafeMake(expiresAt)
  })
}

/** What the sign-in of devices is made of. */
export interface Parts {
  readonly admission: Admission<DeviceCodeExpired>
  readonly client: ClientFacts
  readonly metadataOf: (authority: ResolvedAuthority) => Effect.Effect<Metadata, ExchangeError>
  readonly policy: RetryPolicy.RetryPolicy
  readonly transport: Transport
}

/**
 * Signs a person in by a device's code. Everything runs in the caller's fiber: interrupting it ends the polling at once.
 *
 * @internal
 */
export const make =
  ({ admission, client, metadataOf, policy, transport }: Parts) =>
  <E, R>(request: DeviceCodeRequest<E, R>): Effect.Effect<AuthenticationResult, PollFailure | E, R | IdTokenVerifier> =>
    Effect.gen(function* () {
      const verifier = yield* IdTokenVerifier
      const authority = yield* resolve(client.authority, { tenantId: request.tenantId })
      yield* requireAllowed(client, yield* resolve(client.authority), authority)
      const { scopes } = yield* parseScopes(request.scopes, { isEntra: authority.kind === "entra" })
      if (request.claims !== undefined) yield* parseClaims(request.claims)
      if (authority.endpoints !== undefined && authority.endpoints.deviceAuthorization === undefined)
        return yield* noDevices
      // Read before anything is asked: whoever is not vouched for is asked nothing, and the id token can be checked in the end.
      const metadata = yield* metadataOf(authority)
      const endpoint = authority.endpoints?.deviceAuthorization ?? metadata.deviceAuthorizationEndpoint
      if (endpoint === undefined) return yield* noDevices
      const correlationId = request.correlationId ?? (yield* makeGuid)
      const claims = mergeClaims(capabilityClaims(client.capabilities), request.claims)
      const authorization = yield* RetryPolicy.read(policy, (timeout) =>
        authorizeDevice(transport, {
          authority,
          tokenEndpoint: endpoint,
          grant: deviceAuthorization,
          form: {
            client_id: client.clientId,
            scope: userScopes(authority.kind, ["openid", ...scopes]),
            ...(claims !== undefined && { claims })
          },
          correlationId,
          timeout
        })
      )
      const expiresAt = (yield* Clock.currentTimeMillis) + authorization.expires_in * 1000
      yield* request.prompt(yield* promptOf(authorization, expiresAt))
      return yield* admission.admit({
        authority,
        grant: deviceCode,
        id: joinKey("device code", Redacted.value(authorization.device_code)),
        parameters: { grant_type: grantType, device_code: authorization.device_code },
        scopes,
        tenantId: request.tenantId,
        claims: request.claims,
        session: "",
        correlationId,
        anchor: undefined,
        check: (response) =>
          checkedIdToken({ authority, client, metadataOf, verifier }, response, {
            nonce: undefined,
            maxAge: undefined
          }),
        poll: polling(Math.max(shortestInterval, authorization.interval ?? usualInterval) * 1000, expiresAt)
      })
    })

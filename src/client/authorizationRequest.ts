import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { type Metadata, type ResolvedAuthority, resolve } from "../core/Authority.js"
import { capabilityClaims, mergeClaims, parseClaims } from "../core/claims.js"
import { isMultiTenant } from "../core/resolvedAuthority.js"
import { parseScopes, type Scopes } from "../core/scopes.js"
import { ConfigurationError, type ExchangeError } from "../core/TokenError.js"
import { AuthCodeFlow, type AuthCodeUrl, type AuthCodeUrlRequest } from "./AuthorizationCode.js"
import { type ClientFacts, requireAllowed } from "./principal.js"
import { codeChallenge, unguessable } from "./random.js"
import { clientInfo, userScopes } from "./renewal.js"
import { refuseReserved } from "./reservedParameters.js"

const refuse = (parameter: string, expected: string, remedy: string) =>
  new ConfigurationError({ parameter, expected, remedy })

/** RFC 6749 3.1.2: absolute, without fragment; apps on a device may have schemes of their own. */
const requireRedirectUri = (text: string): Either.Either<string, ConfigurationError> =>
  URL.canParse(text) && new URL(text).hash === ""
    ? Either.right(text)
    : Either.left(refuse("redirectUri", "an absolute URI without fragment", "Give it as it is registered."))

/** Who may sign in where the users of every tenant can: that is for the program to say. */
const requireTenants = (client: ClientFacts, authority: ResolvedAuthority): Either.Either<void, ConfigurationError> =>
  isMultiTenant(authority) && client.allowedTenants === undefined
    ? Either.left(
        refuse(
          "allowedTenants",
          `the tenants whose users may sign in at ${authority.tenantId}`,
          'List them, or say "any" if every tenant is welcome.'
        )
      )
    : Either.void

/** OpenID Connect Core 3.1.2.1: a number of seconds. */
const requireMaxAge = (maxAge: number | undefined): Either.Either<void, ConfigurationError> =>
  maxAge === undefined || (Number.isSafeInteger(maxAge) && maxAge >= 0)
    ? Either.void
    : Either.left(refuse("maxAge", "a whole number of seconds", "Give 0 to have the user sign in anew."))

/** Of whatever resources: consent is given to them all at once, and each has tokens of its own. */
const extraScopes = (scopes: Scopes = []): Either.Either<ReadonlyArray<string>, ConfigurationError> =>
  scopes.length === 0
    ? Either.right([])
    : Either.mapBoth(parseScopes(scopes, { isEntra: false }), {
        onLeft: ({ expected, remedy }) => refuse("extraScopesToConsent", expected, remedy),
        onRight: (set) => set.scopes
      })

/** They have options of their own, or protect the sign-in. */
const reserved: ReadonlySet<string> = new Set([
  "client_id",
  "client_info",
  "response_type",
  "response_mode",
  "redirect_uri",
  "scope",
  "state",
  "nonce",
  "code_challenge",
  "code_challenge_method",
  "prompt",
  "login_hint",
  "domain_hint",
  "max_age",
  "claims"
])

const present = (parameters: Readonly<Record<string, string | undefined>>): ReadonlyArray<readonly [string, string]> =>
  Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))

/**
 * Makes an authorization request (RFC 6749 4.1.1, RFC 7636 4.3, OpenID Connect Core 3.1.2.1).
 *
 * @internal
 */
export const make = (
  client: ClientFacts,
  metadataOf: (authority: ResolvedAuthority) => Effect.Effect<Metadata, ExchangeError>,
  request: AuthCodeUrlRequest,
  given?: Redacted.Redacted
): Effect.Effect<AuthCodeUrl, ExchangeError> =>
  Effect.gen(function* () {
    const own = yield* resolve(client.authority)
    const authority = yield* resolve(client.authority, { tenantId: request.tenantId })
    yield* requireTenants(client, authority)
    yield* requireAllowed(client, own, authority)
    const redirectUri = yield* requireRedirectUri(request.redirectUri)
    const { scopes } = yield* parseScopes(request.scopes, { isEntra: authority.kind === "entra" })
    const extra = yield* extraScopes(request.extraScopesToConsent)
    if (request.claims !== undefined) yield* parseClaims(request.claims)
    yield* requireMaxAge(request.maxAge)
    yield* refuseReserved(request.parameters ?? {}, reserved)
    const metadata = yield* metadataOf(authority)
    const endpoint = authority.endpoints?.authorization ?? metadata.authorizationEndpoint
    if (endpoint === undefined)
      return yield* refuse("authority", "one where users sign in", "Supply its authorizationEndpoint.")
    const [made, nonce, codeVerifier] = yield* Effect.all([unguessable, unguessable, unguessable])
    const state = given ?? made
    const url = new URL(endpoint)
    const parameters = {
      ...request.parameters,
      ...clientInfo(authority.kind),
      client_id: client.clientId,
      response_type: "code",
      response_mode: request.responseMode,
      redirect_uri: redirectUri,
      scope: userScopes(authority.kind, ["openid", ...scopes, ...extra]),
      state: Redacted.value(state),
      nonce: Redacted.value(nonce),
      code_challenge: yield* codeChallenge(codeVerifier),
      code_challenge_method: "S256",
      prompt: request.prompt,
      login_hint: request.loginHint,
      domain_hint: request.domainHint,
      max_age: request.maxAge?.toString(),
      claims: mergeClaims(capabilityClaims(client.capabilities), request.claims)
    }
    for (const [name, value] of present(parameters)) url.searchParams.set(name, value)
    const flow = new AuthCodeFlow({
      state,
      nonce,
      codeVerifier,
      redirectUri,
      scopes,
      tenantId: request.tenantId,
      issuer: metadata.issuer,
      isIssuerReturned: metadata.isIssuerReturned ?? false,
      claims: request.claims,
      maxAge: request.maxAge,
      startedAt: yield* Clock.currentTimeMillis
    })
    return { url, flow }
  })

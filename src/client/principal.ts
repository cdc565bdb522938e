import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { type HolderName, joinKey, partitionOf, tokenKey, tokenKind } from "../cache/cacheKey.js"
import { type Authority, type ResolvedAuthority, resolve } from "../core/Authority.js"
import { capabilityClaims, mergeClaims, parseClaims } from "../core/claims.js"
import { isMultiTenant } from "../core/resolvedAuthority.js"
import { parseScopes, type Scopes } from "../core/scopes.js"
import { CacheUnavailable, ConfigurationError } from "../core/TokenError.js"
import type { ExtraParameter, ResourceOptions } from "../core/TokenProvider.js"
import type { Grant } from "../protocol/grants.js"
import { mayResend } from "../protocol/resend.js"
import type { Form } from "../protocol/transport.js"
import type { TokenResponse } from "../protocol/wire.js"
import type { Attempt, Hosts, Resource } from "./acquisition.js"
import { refuseReserved } from "./reservedParameters.js"

/** What is asked in one attempt for one resource. */
export interface Asking extends Omit<Attempt, "claims"> {
  readonly authority: ResolvedAuthority
  readonly scopes: ReadonlyArray<string>
  /** The claims of the attempt, the program's own and the client's capabilities. */
  readonly claims: string | undefined
  /** The program's own parameters. */
  readonly parameters: Form
}

/** One identity, and how tokens are asked for it. */
export interface Principal<out E> {
  readonly grant: Grant<unknown>
  /** What it asks with, where that may differ for one key. */
  readonly with?: string | undefined
  /** Whether what an answer brings is lost with it, though it may be asked again. */
  readonly isLasting?: boolean | undefined
  /** Where it is at home, of what the client's authority offers. */
  readonly at: (authority: ResolvedAuthority) => Either.Either<ResolvedAuthority, ConfigurationError>
  /** Whom its tokens are kept for, among the client's identities. */
  readonly holder: (authority: ResolvedAuthority) => HolderName
  readonly hosts?: ((authority: ResolvedAuthority) => Effect.Effect<Hosts>) | undefined
  /** When what it asks with ends (epoch milliseconds). */
  readonly endsAt?: number | undefined
  readonly ask: (asking: Asking) => Effect.Effect<TokenResponse, E>
}

/** What a client's identities have in common. */
export interface ClientFacts {
  readonly authority: Authority
  readonly clientId: string
  readonly capabilities: ReadonlyArray<string>
  /** The tenants that may be asked besides the authority's own; where absent, those that the program names. */
  readonly allowedTenants: ReadonlySet<string> | "any" | undefined
}

/** They make the request what it is, or prove who sends it. */
const reserved: ReadonlySet<string> = new Set([
  "grant_type",
  "client_id",
  "client_secret",
  "client_assertion",
  "client_assertion_type",
  "client_info",
  "scope",
  "claims",
  "resource",
  "assertion",
  "requested_token_use",
  "code",
  "code_verifier",
  "redirect_uri",
  "refresh_token",
  "device_code"
])

const parametersOf = (
  parameters: Readonly<Record<string, ExtraParameter>>
): ReadonlyArray<{ readonly name: string; readonly value: string; readonly isKeyPart: boolean }> =>
  Object.entries(parameters)
    .map(([name, parameter]) =>
      typeof parameter === "string" ? { name, value: parameter, isKeyPart: true } : { name, ...parameter }
    )
    .sort((one, two) => (one.name < two.name ? -1 : 1))

/**
 * Refuses a tenant that is not to be served.
 *
 * @internal
 */
export const requireAllowed = (
  { allowedTenants }: ClientFacts,
  own: ResolvedAuthority,
  { tenantId }: ResolvedAuthority
): Either.Either<void, ConfigurationError> =>
  allowedTenants === undefined || allowedTenants === "any" || tenantId === own.tenantId || allowedTenants.has(tenantId)
    ? Either.void
    : Either.left(
        new ConfigurationError({
          parameter: "tenantId",
          expected: "the authority's own tenant, or one of allowedTenants",
          remedy: "Add the tenant to the client's allowedTenants, if it is meant to be served."
        })
      )

/**
 * The tenant that an identity names, where the client's authority is for users of many.
 *
 * @internal
 */
export const inTenant =
  ({ authority }: ClientFacts, tenantId: string | undefined) =>
  (named: ResolvedAuthority): Either.Either<ResolvedAuthority, ConfigurationError> =>
    tenantId !== undefined && isMultiTenant(named) ? resolve(authority, { tenantId }) : Either.right(named)

/**
 * An identity's resource: its key is made once, and everything that is wrong with what was asked is found here.
 *
 * @internal
 */
export const resourceOf = <E>(
  client: ClientFacts,
  principal: Principal<E>,
  scopes: Scopes,
  options: ResourceOptions = {}
): Either.Either<Resource<E>, ConfigurationError> =>
  Either.gen(function* () {
    const own = yield* resolve(client.authority)
    const named = options.tenantId === undefined ? own : yield* resolve(client.authority, options)
    const authority = yield* principal.at(named)
    yield* requireAllowed(client, own, authority)
    const set = yield* parseScopes(scopes, { isEntra: authority.kind === "entra" })
    if (options.claims !== undefined) yield* parseClaims(options.claims)
    yield* refuseReserved(options.parameters ?? {}, reserved)
    const extras = parametersOf(options.parameters ?? {})
    const { resource } = options
    const parameters = {
      ...Object.fromEntries(extras.map(({ name, value }) => [name, value])),
      ...(resource !== undefined && { resource })
    }
    const ownClaims = mergeClaims(options.claims, capabilityClaims(client.capabilities))
    const { environment, host, kind, tenantId } = authority
    const hosts = principal.hosts?.(authority) ?? Effect.succeed({ host })
    return {
      key: tokenKey({
        partition: partitionOf({ clientId: client.clientId, environment, ...principal.holder(authority) }),
        kind: tokenKind({
          tenantId,
          capabilities: client.capabilities,
          claims: options.claims,
          resource,
          parameters: extras.filter(({ isKeyPart }) => isKeyPart).flatMap(({ name, value }) => [name, value])
        }),
        scopeKey: set.key,
        target: {
          tenantId,
          scopes: set.scopes,
          isPlain: options.claims === undefined && resource === undefined && extras.length === 0
        }
      }),
      name: { "server.address": host, "entra.tenant_id": tenantId, "entra.scopes": set.key },
      scope: joinKey(client.clientId, environment, tenantId),
      hosts,
      scopes: set.scopes,
      endsAt: principal.endsAt,
      with: principal.with,
      mayResend: (failure) => !(failure instanceof CacheUnavailable) && mayResend(principal.grant, kind)(failure),
      consumes: principal.isLasting === true || principal.grant.consumes(kind),
      exchange: ({ claims, ...attempt }) =>
        principal.ask({ ...attempt, authority, scopes: set.scopes, parameters, claims: mergeClaims(ownClaims, claims) })
    }
  })

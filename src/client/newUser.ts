import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import { joinKey } from "../cache/cacheKey.js"
import type { TokenCacheService } from "../cache/TokenCache.js"
import { Account, fromResponse } from "../core/Account.js"
import type { ResolvedAuthority } from "../core/Authority.js"
import { capabilityClaims, mergeClaims } from "../core/claims.js"
import { makeGuid } from "../core/guid.js"
import type { ConfigurationError, SignInError, TokenError } from "../core/TokenError.js"
import { type Grant, refreshToken } from "../protocol/grants.js"
import { mayResend } from "../protocol/resend.js"
import type { Form } from "../protocol/transport.js"
import type { TokenResponse } from "../protocol/wire.js"
import type { Call, Resilience } from "../resilience/resilience.js"
import type { AuthenticationResult } from "./AuthorizationCode.js"
import * as AccountPrincipal from "./account.js"
import { accountHolder, partitionAt } from "./holders.js"
import { issuedToken } from "./issuedToken.js"
import { type ClientFacts, resourceOf } from "./principal.js"
import { unguessable } from "./random.js"
import { clientInfo, type Renewal, userScopes } from "./renewal.js"
import type { Ask } from "./tokenRequest.js"

/** What a user comes with: a code, a device's code, or a refresh token from elsewhere. */
export interface Arrival<E = never> {
  readonly authority: ResolvedAuthority
  readonly grant: Grant<SignInError | E>
  /** What it is known by while it is under way. */
  readonly id: string
  readonly parameters: Form
  /** Whose it is, if the caller knows. */
  readonly homeAccountId?: string | undefined
  readonly scopes: ReadonlyArray<string>
  readonly tenantId: string | undefined
  readonly claims: string | undefined
  readonly session: string
  readonly correlationId: string | undefined
  readonly anchor: string | undefined
  /** Whether the answer is to be believed; nothing is kept of one that is not. */
  readonly check: (response: TokenResponse) => Effect.Effect<void, SignInError>
  /** Asks again and again, where the answer depends on somebody; else the client's policy decides. */
  readonly poll?:
    | ((once: Effect.Effect<TokenResponse, SignInError | E>) => Effect.Effect<TokenResponse, SignInError | E>)
    | undefined
}

const opened = (secret: Redacted.Redacted | undefined): string | undefined => secret && Redacted.value(secret)

/** A token that was issued is not lost because nobody says whose it is: such an account gets a name of its own. */
const accountOf = (
  { client_info, id_token }: TokenResponse,
  { authority, homeAccountId }: Pick<Arrival, "authority" | "homeAccountId">
): Effect.Effect<Account> => {
  const told = fromResponse({ clientInfo: opened(client_info), idToken: opened(id_token) })
  if (told !== undefined) return Effect.succeed(told)
  const name = homeAccountId === undefined ? Effect.map(unguessable, Redacted.value) : Effect.succeed(homeAccountId)
  return Effect.map(
    name,
    (id) =>
      new Account({
        homeAccountId: id,
        localAccountId: id,
        tenantId: authority.tenantId,
        username: undefined,
        name: undefined,
        idTokenClaims: {}
      })
  )
}

/** How users come in. */
export interface Admission<E = never> {
  /** Fails as the request would, where that is known without sending it. */
  readonly pass: (arrival: Arrival<E>) => Effect.Effect<void, SignInError | E>
  readonly admit: (arrival: Arrival<E>) => Effect.Effect<AuthenticationResult, SignInError | E>
}

/**
 * Asks for the first token of a user, and keeps what came: account, refresh token, access token.
 *
 * @internal
 */
export const make = <E extends TokenError = never>(options: {
  readonly ask: Ask
  readonly cache: TokenCacheService
  readonly client: ClientFacts
  readonly renewal: Renewal
  readonly resilience: Resilience<SignInError | E>
}): Admission<E> => {
  const { ask, cache, client, renewal, resilience } = options

  const askerOf = ({ authority, id }: Arrival<E>) => ({
    request: id,
    principal: id,
    scope: joinKey(client.clientId, authority.environment, authority.tenantId)
  })

  const requestOf = (arrival: Arrival<E>, correlationId: string, timeout: Duration.Duration) => {
    const { authority, grant, scopes } = arrival
    const { kind } = authority
    const isFirst = grant.name !== refreshToken.name
    return ask({
      authority,
      grant,
      parameters: {
        ...arrival.parameters,
        ...clientInfo(kind),
        scope: userScopes(kind, isFirst ? ["openid", ...scopes] : scopes)
      },
      claims: mergeClaims(capabilityClaims(client.capabilities), arrival.claims),
      correlationId,
      timeout,
      anchor: arrival.anchor
    })
  }

  const asked = (
    arrival: Arrival<E>,
    correlationId: string,
    begin: Effect.Effect<void>
  ): Effect.Effect<TokenResponse, SignInError | E> => {
    const { authority, grant, poll } = arrival
    const { host, kind } = authority
    const askedBy = (mayBeSentAgain: Call["mayResend"]) =>
      resilience.run({ ...askerOf(arrival), host, mayResend: mayBeSentAgain }, (timeout) =>
        Effect.zipRight(begin, requestOf(arrival, correlationId, timeout))
      )
    return poll === undefined ? askedBy(mayResend(grant, kind)) : poll(askedBy(() => false))
  }

  const kept = (
    arrival: Arrival<E>,
    response: TokenResponse,
    { correlationId, sequence }: { readonly correlationId: string; readonly sequence: number }
  ): Effect.Effect<AuthenticationResult, ConfigurationError> =>
    Effect.gen(function* () {
      const { authority, claims, scopes, session, tenantId } = arrival
      const account = yield* accountOf(response, arrival)
      const { homeAccountId } = account
      const principal = AccountPrincipal.make(client, renewal, homeAccountId, session)
      const resource = yield* resourceOf(client, principal, scopes, { tenantId })
      const token = issuedToken(response, resource.scopes, correlationId, yield* Clock.currentTimeMillis)
      const partition = partitionAt(client.clientId, authority, accountHolder(session, homeAccountId))
      yield* renewal.remember(partition, response, {
        account,
        offered: undefined,
        sequence,
        tenantId: account.tenantId
      })
      yield* cache.set(resource.key, token, sequence, { claims })
      return { account, token }
    })

  /** What was issued to a poll is kept, though its caller is interrupted meanwhile; the exchange counts from when it was sent. */
  const admit = (arrival: Arrival<E>): Effect.Effect<AuthenticationResult, SignInError | E> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        let sequence = 0
        const begin = Effect.sync(() => {
          sequence = cache.unsafeNextSequence()
        })
        const correlationId = arrival.correlationId ?? (yield* makeGuid)
        const response = yield* restore(
          Effect.annotateLogs(asked(arrival, correlationId, begin), "entra.correlation_id", correlationId)
        )
        const settled = Effect.zipRight(arrival.check(response), kept(arrival, response, { correlationId, sequence }))
        return yield* arrival.poll === undefined
          ? restore(settled)
          : Effect.flatMap(Effect.forkDaemon(Effect.interruptible(settled)), (fiber) => restore(Fiber.join(fiber)))
      })
    ).pipe(
      Effect.annotateLogs({ package: "effect-entra", "server.address": arrival.authority.host }),
      Effect.withSpan("effect-entra.sign_in", {
        root: true,
        captureStackTrace: false,
        attributes: { "server.address": arrival.authority.host, "entra.grant": arrival.grant.name }
      })
    )

  return { admit, pass: (arrival) => resilience.pass(askerOf(arrival)) }
}

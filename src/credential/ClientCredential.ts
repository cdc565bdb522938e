/**
 * How a client proves to the authority who it is.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import type { ResolvedAuthority } from "../core/Authority.js"
import { ConfigurationError, CredentialUnavailable, InvalidClient } from "../core/TokenError.js"

/**
 * The parameters that authenticate one request (RFC 6749 2.3.1, RFC 7521 4.2).
 *
 * @since 0.1.0
 * @category models
 */
export type Parameters = Readonly<Record<string, string | Redacted.Redacted>>

/**
 * The request that is to be authenticated.
 *
 * @since 0.1.0
 * @category models
 */
export interface Authentication {
  readonly clientId: string
  /** Empty where the authority knows no tenants. */
  readonly tenantId: string
  readonly authority: ResolvedAuthority["kind"]
  readonly tokenEndpoint: string
  /** Whom an assertion is made for: the token endpoint at Entra, the issuer elsewhere. */
  readonly audience: string
  /** What the client says that it can do, such as `cp1`. */
  readonly capabilities: ReadonlyArray<string>
  /** The claims request that is sent along. */
  readonly claims: string | undefined
  readonly correlationId: string
  /** How long the attempt may take for which the credential is asked. */
  readonly timeout: Duration.Duration
}

/**
 * A credential that was checked: asked only when a request is really sent.
 *
 * @since 0.1.0
 * @category models
 */
export interface PreparedCredential {
  /** What it is recognised by (compared with `Equal`): the same key or secret loaded again is the same credential. */
  readonly identity: unknown
  /** Sends a request with the parameters that authenticate it. */
  readonly authenticate: <A, E>(
    authentication: Authentication,
    send: (parameters: Parameters) => Effect.Effect<A, E>
  ) => Effect.Effect<A, E | CredentialUnavailable>
}

/**
 * A credential that stays what it is.
 *
 * @since 0.1.0
 * @category constructors
 */
export const constant = (
  identity: unknown,
  parameters: (authentication: Authentication) => Effect.Effect<Parameters, CredentialUnavailable>
): PreparedCredential => ({
  identity,
  authenticate: (authentication, send) => Effect.flatMap(parameters(authentication), send)
})

/**
 * A credential as it was given; it is prepared once, when a client is made of it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClientCredential {
  readonly prepare: Effect.Effect<PreparedCredential, ConfigurationError, Scope.Scope>
}

/**
 * A client secret, sent as `client_secret` in the body (`client_secret_post`, as MSAL does).
 *
 * @since 0.1.0
 * @category constructors
 */
export const secret = (value: Redacted.Redacted): ClientCredential => ({
  prepare: Effect.suspend(() =>
    Redacted.value(value).length === 0
      ? new ConfigurationError({
          parameter: "credential",
          expected: "a client secret that is not empty",
          remedy: "Give the secret's value (not its id), for instance by AZURE_CLIENT_SECRET."
        })
      : Effect.succeed(constant(value, () => Effect.succeed({ client_secret: value })))
  )
})

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/**
 * The parameters of an assertion (RFC 7523 2.2).
 *
 * @internal
 */
export const assertionParameters = (assertion: Redacted.Redacted): Parameters => ({
  client_assertion_type: assertionType,
  client_assertion: assertion
})

const isInvalidClient = (error: unknown): error is InvalidClient => error instanceof InvalidClient

const unavailable = (reason: string, cause?: unknown) =>
  new CredentialUnavailable({
    credential: "client assertion",
    reason,
    ...(cause !== undefined && { cause: Redacted.make(cause) })
  })

/**
 * Who waits for a credential waits no longer than for an answer.
 *
 * @internal
 */
export const inTime =
  ({ timeout }: Authentication) =>
  <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | CredentialUnavailable> =>
    Effect.timeoutFail(effect, { duration: timeout, onTimeout: () => unavailable("it was not there in time") })

/**
 * A JWT from elsewhere: another identity provider's token (workload identity federation), or one that a key signed which
 * never leaves its vault. Asked for each request that is really sent; its failure is `CredentialUnavailable`, with the
 * error itself as its `cause`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const assertion = <E>(
  make: (authentication: Authentication) => Effect.Effect<Redacted.Redacted, E>
): ClientCredential => ({
  prepare: Effect.succeed(
    constant(make, (authentication) =>
      Effect.suspend(() => make(authentication)).pipe(
        Effect.catchAllCause((cause) => unavailable("the Effect that makes it failed", Cause.squash(cause))),
        inTime(authentication),
        Effect.filterOrFail(
          (jwt) => Redacted.value(jwt).length > 0,
          () => unavailable("the Effect that makes it gave an empty one")
        ),
        Effect.map(assertionParameters)
      )
    )
  )
})

const notLoaded = (error: unknown) =>
  new CredentialUnavailable({
    credential: "client credential",
    reason: error instanceof ConfigurationError ? error.message : "the Effect that loads it failed",
    cause: Redacted.make(error)
  })

/**
 * A credential that changes while the program runs: loaded when the first request is sent, and once more when the authority
 * refuses it (`invalid_client`). If it is another one by then, the request is sent again with it; tokens in the cache are
 * not touched. One load is under way at a time, and who was refused with the old one finds the new one there.
 *
 * @since 0.1.0
 * @category constructors
 */
export const rotating = <E>(load: Effect.Effect<ClientCredential, E>): ClientCredential => ({
  prepare: Effect.gen(function* () {
    const scope = yield* Effect.scope
    const lock = yield* Effect.makeSemaphore(1)
    let current: PreparedCredential | undefined

    const loaded = Effect.flatMap(load, ({ prepare }) => Scope.extend(prepare, scope)).pipe(
      Effect.catchAllCause((cause) => notLoaded(Cause.squash(cause))),
      Effect.map((next) => {
        if (current === undefined || !Equal.equals(current.identity, next.identity)) current = next
        return current
      })
    )
    const first = lock.withPermits(1)(Effect.suspend(() => (current === undefined ? loaded : Effect.succeed(current))))
    const after = (used: PreparedCredential) =>
      lock.withPermits(1)(
        Effect.suspend(() => (current === undefined || current === used ? loaded : Effect.succeed(current)))
      )

    return {
      identity: load,
      authenticate: (authentication, send) =>
        Effect.flatMap(inTime(authentication)(first), (used) =>
          used.authenticate(authentication, send).pipe(
            Effect.catchIf(isInvalidClient, (refusal) =>
              Effect.flatMap(
                Effect.orElseSucceed(inTime(authentication)(after(used)), () => used),
                (next) => (next === used ? Effect.fail(refusal) : next.authenticate(authentication, send))
              )
            )
          )
        )
    }
  })
})

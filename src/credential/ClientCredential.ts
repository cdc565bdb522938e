/**
 * How a client proves to the authority who it is.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
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
  /** Whom an assertion is made for: the token endpoint of Microsoft's authorities, the issuer elsewhere. */
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

const whyNotLoaded = (error: unknown) =>
  error instanceof ConfigurationError
    ? { reason: `${error.parameter}: expected ${error.expected}`, remedy: error.remedy }
    : { reason: "the Effect that loads it failed" }

const notLoaded = (error: unknown) =>
  new CredentialUnavailable({
    credential: "client credential",
    ...whyNotLoaded(error),
    cause: Redacted.make(error)
  })

/** A credential, what its preparation opened, and how many requests are under way with it. */
interface Preparation {
  readonly credential: PreparedCredential
  readonly scope: Scope.CloseableScope
  requests: number
}

interface Preparations {
  /** Loads another in the place of this one, unless that was done. */
  readonly replace: (used: Preparation | undefined) => Effect.Effect<void, CredentialUnavailable>
  /** The current one is loaded if there is none, and stays open until its user is done with it. */
  readonly withCurrent: <A, E>(
    authentication: Authentication,
    use: (current: Preparation) => Effect.Effect<A, E>
  ) => Effect.Effect<A, E | CredentialUnavailable>
}

/** One is current at a time; one that was replaced is closed when the last request with it is done. */
const preparations = <E>(load: Effect.Effect<ClientCredential, E>): Effect.Effect<Preparations, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const lock = yield* Effect.makeSemaphore(1)
    let current: Preparation | undefined

    const adopt = (next: Preparation): void => {
      if (current === undefined || !Equal.equals(current.credential.identity, next.credential.identity)) current = next
    }
    const loaded = Effect.flatMap(load, ({ prepare }) =>
      Effect.acquireUseRelease(
        Scope.fork(scope, ExecutionStrategy.sequential),
        (own) => Effect.map(Scope.extend(prepare, own), (credential) => adopt({ credential, scope: own, requests: 0 })),
        (own, exit) => (current?.scope === own ? Effect.void : Scope.close(own, exit))
      )
    ).pipe(Effect.catchAllCause((cause) => notLoaded(Cause.squash(cause))))
    const replace = (used: Preparation | undefined) =>
      lock.withPermits(1)(Effect.suspend(() => (current === used ? loaded : Effect.void)))

    const release = (used: Preparation) =>
      Effect.suspend(() => {
        used.requests -= 1
        return used === current || used.requests > 0 ? Effect.void : Scope.close(used.scope, Exit.void)
      })

    return {
      replace,
      withCurrent: (authentication, use) =>
        Effect.uninterruptibleMask((restore) => {
          // Counted in the same step in which it is found: nobody closes it in between.
          const take: Effect.Effect<Preparation, CredentialUnavailable> = Effect.suspend(() => {
            if (current === undefined) return Effect.zipRight(restore(inTime(authentication)(replace(current))), take)
            current.requests += 1
            return Effect.succeed(current)
          })
          return Effect.flatMap(take, (used) => Effect.ensuring(restore(use(used)), release(used)))
        })
    }
  })

/**
 * A credential that changes while the program runs: loaded when the first request is sent, and once more when the authority
 * refuses it (`invalid_client`). If it is another one by then, the request is sent again with it; tokens in the cache are
 * not touched. One load is under way at a time, and who was refused with the old one finds the new one there. What was opened
 * to prepare the old one is closed when the last request with it is done.
 *
 * @since 0.1.0
 * @category constructors
 */
export const rotating = <E>(load: Effect.Effect<ClientCredential, E>): ClientCredential => ({
  prepare: Effect.map(preparations(load), ({ replace, withCurrent }) => ({
    identity: load,
    authenticate: (authentication, send) =>
      withCurrent(authentication, (used) =>
        used.credential.authenticate(authentication, send).pipe(
          Effect.catchIf(isInvalidClient, (refusal) =>
            Effect.zipRight(
              Effect.ignore(inTime(authentication)(replace(used))),
              withCurrent(authentication, (next) =>
                next === used ? Effect.fail(refusal) : next.credential.authenticate(authentication, send)
              )
            )
          )
        )
      )
  }))
})

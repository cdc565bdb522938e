import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { AccessToken } from "../core/AccessToken.js"
import type { Scopes } from "../core/scopes.js"
import type { ConfigurationError, ExchangeError } from "../core/TokenError.js"
import type { ResourceOptions, TokenProvider, TokenRequest, TokenSource } from "../core/TokenProvider.js"
import { BoundedMap } from "../resilience/boundedMap.js"
import type { Acquisition, Resource } from "./acquisition.js"
import { type ClientFacts, type Principal, resourceOf } from "./principal.js"

const failing = <E>(error: E): TokenSource<E> => ({ getToken: () => Effect.fail(error) })

/**
 * An identity as a provider, by what its resources are: what is wrong with one, each `getToken` tells.
 *
 * @internal
 */
export const providerOver = <E>(
  acquisition: Acquisition<E>,
  resource: (scopes: Scopes, options?: ResourceOptions) => Either.Either<Resource<E>, ConfigurationError>
): TokenProvider<E | ConfigurationError> => ({
  forScopes: (scopes, options) =>
    Either.match(resource(scopes, options), {
      onLeft: (error) => failing<E | ConfigurationError>(error),
      onRight: acquisition.source
    })
})

/**
 * One identity of a client as a provider: what is wrong with a resource, each `getToken` tells.
 *
 * @internal
 */
export const provider = <E>(
  client: ClientFacts,
  acquisition: Acquisition<E | ExchangeError>,
  principal: Principal<E | ExchangeError>
): TokenProvider<E | ExchangeError> =>
  providerOver(acquisition, (scopes, options) => resourceOf(client, principal, scopes, options))

/**
 * A provider whose identity has to be read first, unless it is known.
 *
 * @internal
 */
export const providerOf = <E>(
  known: () => TokenProvider<E> | undefined,
  read: Effect.Effect<TokenProvider<E>, E>
): TokenProvider<E> => ({
  forScopes: (scopes, options) => {
    const present = known()
    if (present !== undefined) return present.forScopes(scopes, options)
    const source = Effect.map(read, (provider) => provider.forScopes(scopes, options))
    return { getToken: (request) => Effect.flatMap(source, ({ getToken }) => getToken(request)) }
  }
})

const mostSources = 32

/**
 * A provider that remembers the sources it made last, those of plain scopes: their keys are made once.
 *
 * @internal
 */
export const remembering = <E>(provider: TokenProvider<E>): TokenProvider<E> => {
  const sources = new BoundedMap<TokenSource<E>>(mostSources)
  return {
    forScopes: (scopes, options) => {
      if (typeof scopes !== "string" || !isPlain(options)) return provider.forScopes(scopes, options)
      const known = sources.get(scopes)
      if (known !== undefined) return known
      const made = provider.forScopes(scopes)
      sources.set(scopes, made)
      return made
    }
  }
}

const isPlain = (options: ResourceOptions = {}): boolean => Object.values(options).every((value) => value === undefined)

/**
 * What MSAL takes in one object: the resource, and what this call asks beyond the token.
 *
 * @since 0.1.0
 * @category models
 */
export interface ResourceRequest extends TokenRequest, Omit<ResourceOptions, "claims"> {
  readonly scopes: Scopes
}

/**
 * @internal
 */
export const getToken = <E>(
  provider: TokenProvider<E>,
  { parameters, resource, scopes, tenantId, ...request }: ResourceRequest
): Effect.Effect<AccessToken, E> => provider.forScopes(scopes, { tenantId, resource, parameters }).getToken(request)

import type * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import { parseScopes, type ScopeSet, type Scopes } from "../core/scopes.js"
import { ConfigurationError } from "../core/TokenError.js"
import type { ResourceOptions } from "../core/TokenProvider.js"
import * as Settings from "../resilience/settings.js"
import type { LocalTarget } from "./localProvider.js"

/**
 * What differs from the default.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The tenant, by id or domain, whose tokens are asked for; the one in which the developer works in the tool when absent. */
  readonly tenantId?: string | undefined
  /** The tenants beside it which a resource's `tenantId` may name; none when absent. */
  readonly additionallyAllowedTenants?: ReadonlyArray<string> | "any" | undefined
  /** How long the tool may take; 13 seconds when absent. */
  readonly timeout?: Duration.DurationInput | undefined
}

/** Options that were checked. */
export interface Settled {
  readonly timeout: Duration.Duration
  readonly tenantId: string
  readonly allowedTenants: ReadonlySet<string> | "any"
}

/**
 * What may be an argument of a program, and on Windows of a shell: it can't be taken for an option, and it means nothing
 * else to anyone.
 */
const tenantPattern = /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/
const subscriptionPattern = /^[A-Za-z0-9_.][A-Za-z0-9_. -]{0,126}[A-Za-z0-9_.-]$/
const scopePattern = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,511}$/

/** Shells of Windows take 8 191 characters: what else belongs to a command has room beside these. */
const mostScopes = 8

const refuse = (parameter: string, expected: string, remedy: string): Either.Either<never, ConfigurationError> =>
  Either.left(new ConfigurationError({ parameter, expected, remedy }))

const parseTenant = (parameter: string, tenantId: string): Either.Either<string, ConfigurationError> =>
  tenantPattern.test(tenantId)
    ? Either.right(tenantId.toLowerCase())
    : refuse(
        parameter,
        "a tenant's id or domain: letters, digits, dots and hyphens",
        "Leave it out for the tool's own."
      )

/**
 * The name or the id of a subscription.
 *
 * @internal
 */
export const parseSubscription = (subscription: string): Either.Either<string, ConfigurationError> =>
  subscriptionPattern.test(subscription)
    ? Either.right(subscription)
    : refuse(
        "subscription",
        "a subscription's id, or its name if that is of letters, digits, dots, underscores, hyphens and spaces",
        "Name it by its id."
      )

const optional = <A, B>(
  value: A | undefined,
  parse: (value: A) => Either.Either<B, ConfigurationError>,
  absent: B
): Either.Either<B, ConfigurationError> => (value === undefined ? Either.right(absent) : parse(value))

const parseAllowed = (
  tenants: ReadonlyArray<string> | "any"
): Either.Either<Settled["allowedTenants"], ConfigurationError> =>
  tenants === "any"
    ? Either.right(tenants)
    : Either.map(
        Either.all(tenants.map((tenantId) => parseTenant("additionallyAllowedTenants", tenantId))),
        (allowed) => new Set(allowed)
      )

/**
 * Checks what all developer tools are told.
 *
 * @internal
 */
export const settle = (options: Options): Either.Either<Settled, ConfigurationError> =>
  Either.all({
    timeout: Settings.duration("timeout", options.timeout ?? "13 seconds"),
    tenantId: optional(options.tenantId, (tenantId) => parseTenant("tenantId", tenantId), ""),
    allowedTenants: optional(options.additionallyAllowedTenants, parseAllowed, new Set<string>())
  })

const tenantFor = (settled: Settled, asked: string | undefined): Either.Either<string, ConfigurationError> =>
  Either.gen(function* () {
    if (asked === undefined) return settled.tenantId
    const tenantId = yield* parseTenant("tenantId", asked)
    const isAllowed =
      tenantId === settled.tenantId || settled.allowedTenants === "any" || settled.allowedTenants.has(tenantId)
    return isAllowed
      ? tenantId
      : yield* refuse(
          "tenantId",
          "the tenant of this credential, or one that it allows",
          'List the tenant in additionallyAllowedTenants, or write "any" there.'
        )
  })

/**
 * Scopes that can be arguments.
 *
 * @internal
 */
export const argumentScopes = (scopes: Scopes): Either.Either<ScopeSet, ConfigurationError> =>
  Either.filterOrLeft(
    parseScopes(scopes, { isEntra: true }),
    (set) => set.scopes.length <= mostScopes && set.scopes.every((scope) => scopePattern.test(scope)),
    () =>
      new ConfigurationError({
        parameter: "scopes",
        expected: `at most ${mostScopes} scopes of letters, digits and ._:/-, which begin with a letter or a digit`,
        remedy: "Name the resource by its identifier, such as https://vault.azure.net/.default."
      })
  )

const wholeResource = /^(.+)\/\.default$/

/**
 * The resource that a scope stands for: a slash at its end is part of it.
 *
 * @internal
 */
export const resourceOf = (scope: string): string => wholeResource.exec(scope)?.[1] ?? scope

/**
 * The one scope that stands for a whole resource, for tools that know no other.
 *
 * @internal
 */
export const resourceScope = (scopes: Scopes): Either.Either<ScopeSet, ConfigurationError> =>
  Either.filterOrLeft(
    argumentScopes(scopes),
    (set) => set.scopes.length === 1 && set.scopes.every((scope) => wholeResource.test(scope)),
    () =>
      new ConfigurationError({
        parameter: "scopes",
        expected:
          "one scope that ends in /.default: this tool gives a resource's tokens with all that was consented to",
        remedy: "Ask for <resource>/.default, each resource by a call of its own."
      })
  )

/**
 * What a tool is asked for, checked.
 *
 * @internal
 */
export const targetWith =
  (settled: Settled, parse: (scopes: Scopes) => Either.Either<ScopeSet, ConfigurationError>) =>
  (scopes: Scopes, options: ResourceOptions): Either.Either<LocalTarget, ConfigurationError> =>
    Either.gen(function* () {
      const set = yield* parse(scopes)
      return { scopes: set.scopes, key: set.key, tenantId: yield* tenantFor(settled, options.tenantId) }
    })

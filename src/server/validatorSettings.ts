import * as Either from "effect/Either"
import { type ResolvedAuthority, resolve } from "../core/Authority.js"
import { refuse } from "../core/authorityParts.js"
import { isGuid } from "../core/guid.js"
import { isMultiTenant } from "../core/resolvedAuthority.js"
import { ConfigurationError } from "../core/TokenError.js"
import type { Options } from "./TokenValidator.js"

/**
 * What tokens are held to.
 *
 * @internal
 */
export interface Settings {
  readonly authority: ResolvedAuthority
  /** The same one, as its v1 tokens name it; only Entra has such. */
  readonly first: ResolvedAuthority | undefined
  readonly authorizationUri: string | undefined
  readonly audience: ReadonlyArray<string>
  /** Lower-case; any where absent. */
  readonly tenants: ReadonlySet<string> | undefined
  /** Lower-case; any where absent. */
  readonly clients: ReadonlySet<string> | undefined
  readonly appRoles: ReadonlyArray<string> | undefined
}

type Parsed<A> = Either.Either<A, ConfigurationError>

/** Whom v1 tokens name, whatever host issued them (Microsoft identity platform, access tokens, issuer of v1.0). */
const firstIssuers = ["sts.windows.net", "sts.chinacloudapi.cn"]

const firstOf = (authority: ResolvedAuthority): ResolvedAuthority | undefined =>
  authority.kind === "entra" && typeof authority.metadata === "string"
    ? {
        ...authority,
        metadata: authority.metadata.replace("/v2.0/.well-known/", "/.well-known/"),
        trustedHosts: [...authority.trustedHosts, ...firstIssuers]
      }
    : undefined

const requireTexts = (parameter: string, texts: ReadonlyArray<string>, expected: string, remedy: string) =>
  texts.length > 0 && texts.every((text) => text.trim() !== "")
    ? Either.right(texts)
    : refuse(parameter, expected, remedy)

const lowerCase = (texts: ReadonlyArray<string>): ReadonlySet<string> =>
  new Set(texts.map((text) => text.toLowerCase()))

const parseTenants = (authority: ResolvedAuthority, { tenants }: Options): Parsed<ReadonlySet<string> | undefined> => {
  if (!isMultiTenant(authority))
    return tenants === undefined
      ? Either.right(undefined)
      : refuse(
          "tenants",
          "no tenants: this authority has its own",
          "Leave tenants out, or name organizations as tenantId."
        )
  if (tenants === "any") return Either.right(undefined)
  return tenants !== undefined && tenants.length > 0 && tenants.every(isGuid)
    ? Either.right(lowerCase(tenants))
    : refuse(
        "tenants",
        "the GUIDs of the tenants whose tokens are accepted, or any",
        "This authority issues tokens of every tenant: say whom you serve."
      )
}

const optional = <A>(
  texts: ReadonlyArray<string> | undefined,
  parse: (texts: ReadonlyArray<string>) => Parsed<A>
): Parsed<A | undefined> => (texts === undefined ? Either.right(undefined) : parse(texts))

/**
 * @internal
 */
export const noKeys = new ConfigurationError({
  parameter: "authority",
  expected: "an authority that publishes its keys",
  remedy: "Supply its jwksUri."
})

const authorizationUriOf = ({ endpoints, metadata }: ResolvedAuthority): string | undefined =>
  endpoints?.authorization ?? (typeof metadata === "string" ? undefined : metadata.authorizationEndpoint)

/**
 * @internal
 */
export const parse = (options: Options): Parsed<Settings> =>
  Either.gen(function* () {
    const authority = yield* resolve(options.authority)
    if (typeof authority.metadata === "object" && authority.metadata.jwksUri === undefined)
      return yield* Either.left(noKeys)
    const audience = typeof options.audience === "string" ? [options.audience] : options.audience
    return {
      authority,
      first: firstOf(authority),
      authorizationUri: authorizationUriOf(authority),
      audience: yield* requireTexts(
        "audience",
        audience,
        "the API's client id or identifier URI",
        "Copy it from the API's registration."
      ),
      tenants: yield* parseTenants(authority, options),
      clients: yield* optional(options.clients, (clients) =>
        Either.map(
          requireTexts("clients", clients, "the client ids that are let in", "Leave clients out to let all in."),
          lowerCase
        )
      ),
      appRoles: yield* optional(options.appRoles, (roles) =>
        requireTexts(
          "appRoles",
          roles,
          "the roles of which an app needs one",
          "Leave appRoles out to serve users alone."
        )
      )
    }
  })

/**
 * Who speaks for a token that names its version so; that the token tells the truth, its signature shows.
 *
 * @internal
 */
export const authorityOf = ({ authority, first }: Settings, version: unknown): ResolvedAuthority =>
  version === "1.0" && first !== undefined ? first : authority

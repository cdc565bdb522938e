import * as Either from "effect/Either"
import type { Metadata, ResolvedAuthority } from "../core/Authority.js"
import { parseUrl } from "../core/authorityParts.js"
import { isGuid } from "../core/guid.js"
import { ConfigurationError } from "../core/TokenError.js"
import type { ProviderMetadata } from "./wire.js"

type Trusted<A> = Either.Either<A, ConfigurationError>

const untrusted = (expected: string, remedy: string): Trusted<never> =>
  Either.left(new ConfigurationError({ parameter: "authority", expected, remedy }))

/**
 * External ID's issuers have the tenant's GUID for a host name, whatever host was asked, a domain of the tenant's own
 * included (MSAL Android #2029); a tenant that was named by its GUID is that one.
 */
const isExternalIssuer = ({ host, pathname }: URL, { host: asked, kind, tenantId }: ResolvedAuthority): boolean => {
  const [tenant = ""] = host.split(".")
  const isAsked = isGuid(tenantId) ? tenant === tenantId : asked.endsWith(".ciamlogin.com")
  return (
    kind === "entra" &&
    isAsked &&
    isGuid(tenant) &&
    host === `${tenant}.ciamlogin.com` &&
    pathname === `/${tenant}/v2.0`
  )
}

const isIssuerOf = (authority: ResolvedAuthority, issuer: string): boolean => {
  if (authority.issuer !== undefined) return issuer === authority.issuer
  return Either.match(parseUrl("issuer", issuer), {
    onLeft: () => false,
    onRight: (url) => authority.trustedHosts.includes(url.host) || isExternalIssuer(url, authority)
  })
}

const requireUrls = (metadata: Metadata): Trusted<Metadata> =>
  Either.gen(function* () {
    yield* parseUrl("tokenEndpoint", metadata.tokenEndpoint)
    const others = ["authorizationEndpoint", "deviceAuthorizationEndpoint", "endSessionEndpoint", "jwksUri"] as const
    for (const name of others) {
      const endpoint = metadata[name]
      if (endpoint !== undefined) yield* parseUrl(name, endpoint)
    }
    return metadata
  })

/**
 * Metadata that speaks for the authority it was asked of, and leads no secret elsewhere.
 *
 * Sources: OpenID Connect Discovery 4.3; RFC 8414 3.3.
 *
 * @internal
 */
export const trusted = (authority: ResolvedAuthority, published: ProviderMetadata): Trusted<Metadata> => {
  if (!isIssuerOf(authority, published.issuer))
    return untrusted(
      `metadata of the issuer ${authority.issuer ?? authority.trustedHosts.join(" or ")}`,
      "Copy the issuer from the provider's own metadata, character by character."
    )
  return Either.flatMap(
    requireUrls({
      issuer: published.issuer,
      tokenEndpoint: published.token_endpoint,
      authorizationEndpoint: published.authorization_endpoint,
      deviceAuthorizationEndpoint: published.device_authorization_endpoint,
      endSessionEndpoint: published.end_session_endpoint,
      jwksUri: published.jwks_uri,
      isIssuerReturned: published.authorization_response_iss_parameter_supported
    }),
    (metadata) => {
      const { host } = new URL(metadata.tokenEndpoint)
      return authority.trustedHosts.includes(host)
        ? Either.right(metadata)
        : untrusted(
            `a token endpoint at ${authority.trustedHosts.join(" or ")}, not at ${host}`,
            "If it belongs to the provider, list it as one of the authority's endpointHosts."
          )
    }
  )
}

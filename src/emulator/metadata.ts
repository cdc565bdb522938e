/** The documents that a client reads before it asks: instance discovery, OpenID metadata, and the key set. */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Adfs from "./adfs.js"
import * as Answers from "./answers.js"
import { Asked } from "./asked.js"
import * as B2c from "./b2c.js"
import * as DeviceGrant from "./deviceGrant.js"
import { findTenant } from "./directory.js"
import * as Entra from "./entra.js"
import type { Authority } from "./realm.js"
import * as Refusals from "./refusals.js"
import type { World } from "./world.js"

type Answer = Effect.Effect<HttpServerResponse.HttpServerResponse, Answers.Refusal, Asked>

interface Cloud {
  readonly preferred_network: string
  readonly preferred_cache: string
  readonly aliases: ReadonlyArray<string>
}

const cloud = (network: string, cache: string, ...others: ReadonlyArray<string>): Cloud => ({
  preferred_network: network,
  preferred_cache: cache,
  aliases: [network, ...others]
})

// The table that MSAL.NET ships: src/client/Microsoft.Identity.Client/Instance/Discovery/KnownMetadataProvider.cs of
// https://github.com/AzureAD/microsoft-authentication-library-for-dotnet
const clouds: ReadonlyArray<Cloud> = [
  cloud(
    "login.microsoftonline.com",
    "login.windows.net",
    "login.windows.net",
    "login.microsoft.com",
    "sts.windows.net"
  ),
  cloud("login.partner.microsoftonline.cn", "login.partner.microsoftonline.cn", "login.chinacloudapi.cn"),
  cloud("login.microsoftonline.us", "login.microsoftonline.us", "login.usgovcloudapi.net"),
  cloud("login-us.microsoftonline.com", "login-us.microsoftonline.com")
]

const hostOf = (endpoint: string) => (URL.canParse(endpoint) ? new URL(endpoint).host : "")

/** Every host of the public clouds, and the one that the emulator was asked on. */
export const instanceDiscovery = (world: World): Answer =>
  Effect.gen(function* () {
    const { url } = yield* Asked
    const endpoint = url.searchParams.get("authorization_endpoint") ?? ""
    const host = hostOf(endpoint)
    const known = clouds.some(({ aliases }) => aliases.includes(url.host))
      ? clouds
      : [...clouds, cloud(url.host, url.host)]
    if (!known.some(({ aliases }) => aliases.includes(host))) return yield* Refusals.unknownInstance
    const tenant = new URL(endpoint).pathname.split("/")[1] ?? ""
    return yield* Answers.json(world, 200, {
      tenant_discovery_endpoint: `${url.origin}/${tenant}/v2.0/.well-known/openid-configuration`,
      "api-version": "1.1",
      metadata: known.map((cloud) => ({ ...cloud }))
    })
  })

/** The tenant of personal accounts (https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference). */
const consumers = "9188040d-6c67-4c5b-b112-36a304b66dad"

interface Named {
  /** How the tenant stands in endpoints. */
  readonly path: string
  /** How it stands in the issuer. */
  readonly issuer: string
}

const named = (world: World, name: string): Effect.Effect<Named, Answers.Refusal> => {
  const path = name.toLowerCase()
  if (path === "common" || path === "organizations") return Effect.succeed({ path, issuer: "{tenantid}" })
  if (path === "consumers") return Effect.succeed({ path, issuer: consumers })
  const tenant = findTenant(world.directory, name)
  return tenant === undefined
    ? Effect.fail(Refusals.unknownTenant(name, "invalid_tenant"))
    : Effect.succeed({ path: tenant.id, issuer: tenant.id })
}

const methods = ["client_secret_post", "private_key_jwt", "client_secret_basic", "self_signed_tls_client_auth"]

const responseModes = ["query", "fragment", "form_post"]

const algorithms = { id_token_signing_alg_values_supported: ["RS256"] }

/** https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc */
export const openidConfiguration = (world: World, tenantName: string): Answer =>
  Effect.gen(function* () {
    const { origin } = (yield* Asked).url
    const { path, issuer } = yield* named(world, tenantName)
    const endpoints = `${origin}/${path}/oauth2/v2.0`
    return yield* Answers.json(world, 200, {
      token_endpoint: `${endpoints}/token`,
      token_endpoint_auth_methods_supported: methods,
      jwks_uri: `${origin}/${path}/discovery/v2.0/keys`,
      response_modes_supported: responseModes,
      subject_types_supported: ["pairwise"],
      ...algorithms,
      response_types_supported: ["code", "id_token", "code id_token", "id_token token"],
      scopes_supported: ["openid", "profile", "email", "offline_access"],
      issuer: Entra.issuer(origin, issuer),
      request_uri_parameter_supported: false,
      authorization_endpoint: `${endpoints}/authorize`,
      device_authorization_endpoint: `${endpoints}/devicecode`,
      end_session_endpoint: `${endpoints}/logout`,
      claims_supported: ["sub", "iss", "aud", "exp", "iat", "tid", "ver"],
      cloud_instance_name: "microsoftonline.com"
    })
  })

/** Entra's keys name the issuer that they sign for, as a template where it is any tenant. */
export const keys = (world: World, tenantName: string): Answer =>
  Effect.gen(function* () {
    const { origin } = (yield* Asked).url
    const { issuer } = yield* named(world, tenantName)
    return yield* Answers.json(world, 200, { keys: [{ ...world.key.jwk, issuer: Entra.issuer(origin, issuer) }] })
  })

/** The metadata of v1.0 tokens: their issuer has a host of its own, whatever the origin. */
export const openidConfigurationV1 = (world: World, tenantName: string): Answer =>
  Effect.gen(function* () {
    const { origin } = (yield* Asked).url
    const { path, issuer } = yield* named(world, tenantName)
    return yield* Answers.json(world, 200, {
      issuer: `https://sts.windows.net/${issuer}/`,
      authorization_endpoint: `${origin}/${path}/oauth2/authorize`,
      token_endpoint: `${origin}/${path}/oauth2/token`,
      jwks_uri: `${origin}/${path}/discovery/keys`,
      response_modes_supported: responseModes,
      subject_types_supported: ["pairwise"],
      ...algorithms
    })
  })

/** Endpoints are below the policy, as the path names it (https://learn.microsoft.com/azure/active-directory-b2c/openid-connect). */
export const b2cConfiguration = (world: World, authority: Authority, path: string): Answer =>
  Effect.gen(function* () {
    const { origin } = (yield* Asked).url
    const { tenants, userFlow } = yield* authority.realm
    const endpoints = `${origin}/${path}/oauth2/v2.0`
    return yield* Answers.json(world, 200, {
      ...(userFlow === undefined ? undefined : { issuer: B2c.issuer(origin, tenants[0]?.id ?? "", userFlow) }),
      authorization_endpoint: `${endpoints}/authorize`,
      token_endpoint: `${endpoints}/token`,
      end_session_endpoint: `${endpoints}/logout`,
      jwks_uri: `${origin}/${path}/discovery/v2.0/keys`,
      response_modes_supported: responseModes,
      response_types_supported: ["code", "code id_token", "code token", "code id_token token", "id_token", "token"],
      scopes_supported: ["openid"],
      subject_types_supported: ["pairwise"],
      ...algorithms,
      token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic"],
      claims_supported: ["name", "sub", "idp", "tfp", "iss", "iat", "exp", "aud", "acr", "nonce", "auth_time"]
    })
  })

/** https://learn.microsoft.com/windows-server/identity/ad-fs/development/ad-fs-openid-connect-oauth-concepts */
export const adfsConfiguration = (world: World, authority: Authority): Answer =>
  Effect.gen(function* () {
    const { origin } = (yield* Asked).url
    yield* authority.realm
    return yield* Answers.json(world, 200, {
      issuer: Adfs.issuer(origin),
      authorization_endpoint: `${origin}/adfs/oauth2/authorize/`,
      token_endpoint: `${origin}/adfs/oauth2/token/`,
      device_authorization_endpoint: `${origin}/adfs/oauth2/devicecode`,
      jwks_uri: `${origin}/adfs/discovery/keys`,
      token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic", "private_key_jwt"],
      response_types_supported: [
        "code",
        "id_token",
        "code id_token",
        "id_token token",
        "code token",
        "code id_token token"
      ],
      response_modes_supported: responseModes,
      grant_types_supported: ["authorization_code", "refresh_token", "client_credentials", DeviceGrant.grantType],
      subject_types_supported: ["pairwise"],
      scopes_supported: ["allatclaims", "openid", "profile", "email", "user_impersonation"],
      ...algorithms,
      token_endpoint_auth_signing_alg_values_supported: ["RS256"],
      access_token_issuer: Adfs.accessTokenIssuer(origin),
      claims_supported: ["aud", "iss", "iat", "exp", "auth_time", "nonce", "sub", "upn", "unique_name", "sid"],
      end_session_endpoint: `${origin}/adfs/oauth2/logout`
    })
  })

/** Keys that name no issuer. */
export const plainKeys = (world: World, authority: Authority): Answer =>
  Effect.zipRight(authority.realm, Answers.json(world, 200, { keys: [world.key.jwk] }))

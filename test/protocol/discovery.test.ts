import { HttpClient } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either, Fiber, Redacted, TestClock } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as Authority from "../../src/core/Authority.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import * as Discovery from "../../src/protocol/discovery.js"
import * as Transport from "../../src/protocol/transport.js"
import { appToken, entraError } from "./bodies.js"
import * as Web from "./web.js"

const tenantId = "abcdef11-2222-3333-4444-55555555abcd"
const otherTenantId = "fedcba99-2222-3333-4444-55555555abcd"
const timeout = Duration.seconds(10)

const resolved = (authority: Authority.Authority) => Either.getOrThrow(Authority.resolve(authority))

const discover = (authority: Authority.Authority, replies: Readonly<Record<string, Web.Reply>>) =>
  Effect.gen(function* () {
    const web = Web.pages(replies)
    const discovery = yield* Discovery.make(Transport.make(web.client))
    const own = resolved(authority)
    return { web, metadata: discovery.metadata(own, timeout), tokenEndpoint: discovery.tokenEndpoint(own, timeout) }
  })

/** What an authority's metadata is taken for, when it says this. */
const judged = (authority: Authority.Authority, published: Readonly<Record<string, unknown>>) =>
  Effect.gen(function* () {
    const { metadata: url } = resolved(authority)
    assert(typeof url === "string")
    const { metadata } = yield* discover(authority, { [url]: Web.json(published) })
    return yield* Effect.either(metadata)
  }).pipe(Effect.scoped)

const issuer = "https://id.example/realm"
const provider = Authority.oidc({ issuer })
const metadataUrl = `${issuer}/.well-known/openid-configuration`
const published = {
  issuer,
  token_endpoint: "https://id.example/token",
  authorization_endpoint: "https://login.id.example/authorize",
  end_session_endpoint: "https://login.id.example/logout",
  jwks_uri: "https://keys.example/keys",
  authorization_response_iss_parameter_supported: true,
  scopes_supported: ["openid"]
}

const entraIssuer = (host: string, tenant = tenantId) => `https://${host}/${tenant}/v2.0`
const entraMetadata = (authority: Authority.Authority, issuedBy: string) => ({
  issuer: issuedBy,
  token_endpoint: resolved(authority).endpoints?.token
})

describe("the metadata of an OpenID provider", () => {
  it.scoped("is what it publishes, read once", () =>
    Effect.gen(function* () {
      const { metadata, tokenEndpoint, web } = yield* discover(provider, { [metadataUrl]: Web.json(published) })
      assert.deepStrictEqual(yield* metadata, {
        issuer,
        tokenEndpoint: published.token_endpoint,
        authorizationEndpoint: published.authorization_endpoint,
        deviceAuthorizationEndpoint: undefined,
        endSessionEndpoint: published.end_session_endpoint,
        jwksUri: published.jwks_uri,
        isIssuerReturned: true
      })
      assert.strictEqual(yield* tokenEndpoint, published.token_endpoint)
      assert.deepStrictEqual(web.urls(), [metadataUrl])
    })
  )

  it.effect.each<readonly [string, Partial<typeof published>]>([
    ["another's issuer", { issuer: "https://evil.example/realm" }],
    ["another realm's", { issuer: "https://id.example/other" }],
    ["its issuer with a slash", { issuer: `${issuer}/` }],
    ["its issuer in another case", { issuer: "https://ID.example/realm" }],
    ["a token endpoint on another host", { token_endpoint: "https://evil.example/token" }],
    ["a token endpoint on a host below it", { token_endpoint: "https://x.id.example/token" }],
    ["a token endpoint on another port", { token_endpoint: "https://id.example:8443/token" }],
    ["a token endpoint without TLS", { token_endpoint: "http://id.example/token" }],
    ["a token endpoint that is relative", { token_endpoint: "/token" }],
    ["a token endpoint with a password", { token_endpoint: "https://id.example@evil.example/token" }],
    ["keys without TLS", { jwks_uri: "http://id.example/keys" }],
    ["an authorization endpoint without TLS", { authorization_endpoint: "http://id.example/authorize" }],
    ["an authorization endpoint that is a script", { authorization_endpoint: "javascript:alert(1)" }],
    ["a sign-out without TLS", { end_session_endpoint: "http://id.example/logout" }]
  ])("is refused when it names %s", ([_, change]) =>
    Effect.gen(function* () {
      const result = yield* judged(provider, { ...published, ...change })
      assert.strictEqual(Either.getOrThrow(Either.flip(result))._tag, "ConfigurationError")
    })
  )

  it.effect("may lead to a host that is listed, and only there", () =>
    Effect.gen(function* () {
      const listing = Authority.oidc({ issuer, endpointHosts: ["tokens.example:8443"] })
      const at = (host: string) => judged(listing, { ...published, token_endpoint: `https://${host}/token` })
      assert.isTrue(Either.isRight(yield* at("tokens.example:8443")))
      assert.isTrue(Either.isRight(yield* at("id.example")))
      for (const host of ["tokens.example", "evil.example", "x.tokens.example:8443"])
        assert.isTrue(Either.isLeft(yield* at(host)), host)
    })
  )

  it.effect("may be without all that is no token endpoint", () =>
    Effect.gen(function* () {
      const { issuer, token_endpoint } = published
      const result = yield* judged(provider, { issuer, token_endpoint, jwks_uri: null, end_session_endpoint: 7 })
      assert.isUndefined(Either.getOrThrow(result).jwksUri)
    })
  )

  it.scoped("is asked of nobody where it was supplied", () =>
    Effect.gen(function* () {
      const custom = Authority.custom({ issuer, tokenEndpoint: "https://elsewhere.example/token" })
      const { metadata, tokenEndpoint, web } = yield* discover(custom, {})
      assert.strictEqual((yield* metadata).issuer, issuer)
      assert.strictEqual(yield* tokenEndpoint, "https://elsewhere.example/token")
      assert.lengthOf(web.asked, 0)
    })
  )

  it.scoped("that is not there is told with where it was looked for", () =>
    Effect.gen(function* () {
      const { metadata, tokenEndpoint } = yield* discover(provider, {})
      for (const failure of [yield* Effect.flip(metadata), yield* Effect.flip(tokenEndpoint)])
        assert.include(failure.message, metadataUrl)
    })
  )

  it.scoped("that lies somewhere else is not fetched from there", () =>
    Effect.gen(function* () {
      const { metadata, web } = yield* discover(provider, {
        [metadataUrl]: Web.text("", 301, { location: "https://evil.example/" }),
        "https://evil.example/": Web.json(published)
      })
      assert.strictEqual((yield* Effect.flip(metadata))._tag, "MalformedResponse")
      assert.deepStrictEqual(web.urls(), [metadataUrl])
    })
  )
})

describe("the issuer of an Entra tenant", () => {
  const entra = Authority.entra({ tenantId })

  it.effect.each(["login.microsoftonline.com", "sts.windows.net", "login.windows.net", "login.microsoft.com"])(
    "may be at any host of its cloud: %s",
    (host) =>
      Effect.gen(function* () {
        assert.isTrue(Either.isRight(yield* judged(entra, entraMetadata(entra, entraIssuer(host)))))
      })
  )

  it.effect.each([
    entraIssuer("evil.example"),
    entraIssuer("login.microsoftonline.com.evil.example"),
    entraIssuer("login.microsoftonline.us"),
    entraIssuer("login.microsoftonline.com").replace("https", "http"),
    `https://login.microsoftonline.com@evil.example/${tenantId}/v2.0`,
    "login.microsoftonline.com",
    "urn:login.microsoftonline.com"
  ])("is nobody else: %s", (other) =>
    Effect.gen(function* () {
      assert.isTrue(Either.isLeft(yield* judged(entra, entraMetadata(entra, other))))
    })
  )

  it.effect("may hold a place for the tenant", () =>
    Effect.gen(function* () {
      const common = Authority.entra({ tenantId: "common" })
      const result = yield* judged(
        common,
        entraMetadata(common, entraIssuer("login.microsoftonline.com", "{tenantid}"))
      )
      assert.include(Either.getOrThrow(result).issuer, "{tenantid}")
    })
  )
})

describe("the issuer of External ID", () => {
  const named = Authority.externalId({ tenant: "contoso" })
  const owned = Authority.externalId({ tenantId, host: "https://login.contoso.com" })
  const byId = Authority.externalId({ tenantId, host: "https://contoso.ciamlogin.com" })
  const external = (tenant: string, path = tenant) => `https://${tenant}.ciamlogin.com/${path}/v2.0`

  it.effect.each<readonly [string, Authority.Authority, string]>([
    ["its own host's", named, entraIssuer("contoso.ciamlogin.com")],
    ["its tenant's, when it was named", named, external(tenantId)],
    ["its tenant's, at a domain of its own", owned, external(tenantId)],
    ["its own domain's", owned, entraIssuer("login.contoso.com")],
    ["its tenant's, by its GUID", byId, external(tenantId)],
    ["its tenant's, asked at Entra's host", Authority.entra({ tenantId }), external(tenantId)]
  ])("may be %s", ([_, authority, issuedBy]) =>
    Effect.gen(function* () {
      assert.isTrue(Either.isRight(yield* judged(authority, entraMetadata(authority, issuedBy))))
    })
  )

  it.effect.each<readonly [string, Authority.Authority, string]>([
    ["another name's", named, entraIssuer("fabrikam.ciamlogin.com")],
    ["a GUID that only begins the host", named, `https://${tenantId}.evil.example/${tenantId}/v2.0`],
    ["a host that only ends like it", named, `https://${tenantId}.ciamlogin.com.evil.example/${tenantId}/v2.0`],
    ["a GUID below another", named, `https://x.${tenantId}.ciamlogin.com/${tenantId}/v2.0`],
    ["a GUID with a port", named, `https://${tenantId}.ciamlogin.com:8443/${tenantId}/v2.0`],
    ["two different GUIDs", named, external(tenantId, otherTenantId)],
    ["a GUID without TLS", named, external(tenantId).replace("https", "http")],
    ["a GUID in front of another host", named, `https://${tenantId}.ciamlogin.com@evil.example/${tenantId}/v2.0`],
    ["another tenant's, when its GUID is known", byId, external(otherTenantId)],
    ["another tenant's, at a domain of its own", owned, external(otherTenantId)],
    ["another provider's", provider, external(tenantId)],
    ["a policy's", Authority.b2c({ tenant: "contoso", policy: "p" }), external(tenantId)],
    [
      "a policy's, asked at its host",
      Authority.b2c({ tenant: "contoso", policy: "p", host: "https://contoso.ciamlogin.com" }),
      external(tenantId)
    ]
  ])("is not %s", ([_, authority, issuedBy]) =>
    Effect.gen(function* () {
      const token = resolved(authority).endpoints?.token ?? published.token_endpoint
      assert.isTrue(Either.isLeft(yield* judged(authority, { issuer: issuedBy, token_endpoint: token })))
    })
  )
})

describe("a tenant that does not exist", () => {
  it.scoped("is told as such", () =>
    Effect.gen(function* () {
      const entra = Authority.entra({ tenantId })
      const { metadata: url } = resolved(entra)
      const { metadata } = yield* discover(entra, {
        [String(url)]: Web.json(entraError("invalid_tenant", 90002), 400)
      })
      const failure = yield* Effect.flip(metadata)
      assert(failure._tag === "ConfigurationError")
      assert.strictEqual(failure.parameter, "tenantId")
    })
  )
})

describe("a secret, where the host is an unknown one", () => {
  const host = "login.closed.example"
  const authority = Authority.entra({ tenantId, host: `https://${host}` })
  const lookup = resolved(authority).instanceDiscovery ?? ""
  const tokenEndpoint = `https://${host}/${tenantId}/oauth2/v2.0/token`
  const found = Web.json({
    tenant_discovery_endpoint: `https://${host}/${tenantId}/v2.0/.well-known/openid-configuration`
  })

  const clientOf = (replies: Readonly<Record<string, Web.Reply>>, own = authority) =>
    Effect.gen(function* () {
      const web = Web.pages({ [tokenEndpoint]: Web.json(appToken), ...replies })
      const { app } = yield* ConfidentialClient.make({
        authority: own,
        clientId: "client",
        credential: ClientCredential.secret(Redacted.make("hunter2")),
        retryPolicy: { attempts: 2 }
      }).pipe(Effect.provide(TokenCache.layerMemory()), Effect.provideService(HttpClient.HttpClient, web.client))
      const api = app.forScopes("api://x/.default")
      const getToken = Effect.gen(function* () {
        const asking = yield* Effect.fork(Effect.either(api.getToken({ forceRefresh: true })))
        yield* TestClock.adjust("1 minute")
        return yield* Fiber.join(asking)
      })
      return { getToken, web }
    })

  it.scoped("is sent when the host was looked up, which is done once", () =>
    Effect.gen(function* () {
      const { getToken, web } = yield* clientOf({ [lookup]: found })
      yield* getToken
      assert.isTrue(Either.isRight(yield* getToken))
      assert.deepStrictEqual(
        web.asked.map(({ method, url }) => [method, url]),
        [
          ["GET", lookup],
          ["POST", tokenEndpoint],
          ["POST", tokenEndpoint]
        ]
      )
      assert.strictEqual(web.asked[1]?.form.get("client_secret"), "hunter2")
    })
  )

  it.scoped.each<readonly [string, Web.Reply, string]>([
    ["it is nobody's (400)", Web.json(entraError("invalid_instance", 50049), 400), "ConfigurationError"],
    ["it is nobody's (200)", Web.json(entraError("invalid_instance", 50049)), "ConfigurationError"],
    ["there is nobody to ask (404)", Web.notFound, "ConfigurationError"],
    ["nobody knows just now", Web.text("", 503), "AuthorityUnavailable"],
    ["the way there is closed", Effect.fail("ENOTFOUND"), "TransportError"],
    ["nobody answers", Effect.never, "TransportError"],
    ["the answer is elsewhere", Web.text("", 302, { location: "https://evil.example" }), "MalformedResponse"],
    ["the answer is a portal's", Web.text("<html>Sign in to the airport</html>"), "MalformedResponse"],
    ["the answer is another one", Web.json({ tenant_discovery_endpoint: "" }), "MalformedResponse"]
  ])("is never sent when %s", ([_, reply, tag]) =>
    Effect.gen(function* () {
      const { getToken, web } = yield* clientOf({ [lookup]: reply })
      const result = yield* getToken
      assert.strictEqual(Either.getOrThrow(Either.flip(result))._tag, tag)
      assert.isAbove(web.asked.length, 0)
      for (const { form, headers, method, url } of web.asked) {
        assert.deepStrictEqual([method, url], ["GET", lookup])
        assert.notInclude(JSON.stringify([url, headers, [...form]]), "hunter2")
      }
    })
  )

  it.scoped.each([
    [
      "a host that is trusted unasked",
      Authority.entra({ tenantId, host: `https://${host}`, instanceDiscovery: false })
    ],
    ["a known host", Authority.entra({ tenantId })],
    ["External ID", Authority.externalId({ tenantId, host: `https://${host}` })]
  ] as const)("is sent at once to %s", ([_, own]) =>
    Effect.gen(function* () {
      const endpoint = resolved(own).endpoints?.token ?? ""
      const { getToken, web } = yield* clientOf({ [endpoint]: Web.json(appToken) }, own)
      assert.isTrue(Either.isRight(yield* getToken))
      assert.deepStrictEqual(web.urls(), [endpoint])
    })
  )

  it.scoped("goes to no endpoint that a provider's metadata names elsewhere", () =>
    Effect.gen(function* () {
      const { getToken, web } = yield* clientOf(
        { [metadataUrl]: Web.json({ ...published, token_endpoint: "https://evil.example/token" }) },
        provider
      )
      assert.strictEqual(Either.getOrThrow(Either.flip(yield* getToken))._tag, "ConfigurationError")
      assert.deepStrictEqual(new Set(web.urls()), new Set([metadataUrl]))
    })
  )
})

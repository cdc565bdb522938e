import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck } from "effect"
import * as Authority from "../../src/core/Authority.js"
import type { ConfigurationError } from "../../src/core/TokenError.js"

const tenantId = "11111111-2222-3333-4444-555555555555"

const resolved = (authority: Authority.Authority, tenant?: string) =>
  Either.getOrThrow(Authority.resolve(authority, { tenantId: tenant }))

const refusal = <A>(result: Either.Either<A, ConfigurationError>) => {
  const { _tag, expected, isRetryable, message, parameter, remedy } = Either.getOrThrow(Either.flip(result))
  assert.strictEqual(_tag, "ConfigurationError")
  assert.isFalse(isRetryable)
  assert.isNotEmpty(expected)
  assert.isNotEmpty(remedy)
  assert.include(message, expected)
  assert.include(message, remedy)
  return parameter
}

const entra = (options: { readonly host?: string; readonly tenantId?: string }) =>
  Authority.entra({ tenantId, ...options })

const custom = (options: { readonly issuer?: string; readonly tokenEndpoint?: string }) =>
  Authority.custom({ issuer: "https://id.example", tokenEndpoint: "https://id.example/token", ...options })

/** MSAL.NET, KnownMetadataProvider. */
const hosts: ReadonlyArray<
  readonly [cloud: Authority.Cloud, host: string, cacheName: string, aliases: ReadonlyArray<string>]
> = [
  [
    "public",
    "login.microsoftonline.com",
    "login.windows.net",
    ["login.windows.net", "login.microsoft.com", "sts.windows.net"]
  ],
  ["china", "login.partner.microsoftonline.cn", "login.partner.microsoftonline.cn", ["login.chinacloudapi.cn"]],
  ["usGovernment", "login.microsoftonline.us", "login.microsoftonline.us", ["login.usgovcloudapi.net"]],
  ["usLegacy", "login-us.microsoftonline.com", "login-us.microsoftonline.com", []],
  ["germany", "login.microsoftonline.de", "login.microsoftonline.de", []],
  [
    "preproduction",
    "login.windows-ppe.net",
    "login.windows-ppe.net",
    ["sts.windows-ppe.net", "login.microsoft-ppe.com"]
  ],
  ["sovereignFrance", "login.sovcloud-identity.fr", "login.sovcloud-identity.fr", []],
  ["sovereignGermany", "login.sovcloud-identity.de", "login.sovcloud-identity.de", []],
  ["sovereignSingapore", "login.sovcloud-identity.sg", "login.sovcloud-identity.sg", []]
]

describe("a cloud of Entra", () => {
  it.each(hosts)("%s is asked at %s, and its aliases share a cache", (cloud, host, cacheName, aliases) => {
    const base = `https://${host}/${tenantId}`
    assert.deepStrictEqual(resolved(Authority.entra({ tenantId, cloud })), {
      kind: "entra",
      host,
      environment: cacheName,
      tenantId,
      policy: undefined,
      issuer: undefined,
      endpoints: {
        token: `${base}/oauth2/v2.0/token`,
        authorization: `${base}/oauth2/v2.0/authorize`,
        deviceAuthorization: `${base}/oauth2/v2.0/devicecode`,
        endSession: `${base}/oauth2/v2.0/logout`
      },
      metadata: `${base}/v2.0/.well-known/openid-configuration`,
      trustedHosts: [host, ...aliases],
      instanceDiscovery: undefined
    })
    for (const alias of aliases) {
      const named = resolved(entra({ host: `https://${alias}` }))
      assert.strictEqual(named.environment, cacheName)
      assert.strictEqual(named.host, alias, "a host that was named is the host that is asked")
    }
  })

  it("is the public one unless it is named", () => {
    assert.deepStrictEqual(entra({}), Authority.entra({ tenantId, cloud: "public" }))
  })

  it("does not share its cache with another", () => {
    assert.strictEqual(
      new Set(hosts.map(([cloud]) => resolved(Authority.entra({ tenantId, cloud })).environment)).size,
      9
    )
  })

  it("may be one that nobody has heard of, which then stands for itself", () => {
    const { endpoints, environment, host } = resolved(entra({ host: "https://login.contoso.example:8443/" }))
    assert.strictEqual(environment, "login.contoso.example:8443")
    assert.strictEqual(host, "login.contoso.example:8443")
    assert.strictEqual(endpoints?.token, `https://login.contoso.example:8443/${tenantId}/oauth2/v2.0/token`)
  })

  it("is the same in whatever case its host is written, with or without the port of https", () => {
    assert.deepStrictEqual(resolved(entra({ host: "HTTPS://Login.MicrosoftOnline.com:443" })), resolved(entra({})))
  })
})

describe("the host of an authority", () => {
  it.each(["http://localhost:8080", "http://127.0.0.1:8080", "http://127.8.9.1", "http://[::1]:8080"])(
    "may be asked over plain http where that can't leave the machine: %s",
    (host) => {
      assert.strictEqual(resolved(entra({ host })).endpoints?.token, `${host}/${tenantId}/oauth2/v2.0/token`)
    }
  )

  it.each([
    ["plain http", "http://login.microsoftonline.com"],
    ["plain http to a name that begins like loopback", "http://localhost.contoso.com"],
    ["plain http to a name that begins like a loopback address", "http://127.0.0.1.contoso.com"],
    ["another protocol", "ftp://login.microsoftonline.com"],
    ["a relative URL", "login.microsoftonline.com"],
    ["a path alone", "/contoso"],
    ["nothing", ""],
    ["a user", "https://user@login.microsoftonline.com"],
    ["a user and a password", "https://user:password@login.microsoftonline.com"],
    ["a fragment", "https://login.microsoftonline.com/#fragment"],
    ["a path", `https://login.microsoftonline.com/${tenantId}`],
    ["a query", "https://login.microsoftonline.com/?tenant=contoso"]
  ])("is refused when it has %s", (_, host) => {
    assert.strictEqual(refusal(Authority.resolve(entra({ host }))), "authority")
  })

  it("is not repeated in the error when it held a password", () => {
    const error = Either.getOrThrow(
      Either.flip(Authority.resolve(entra({ host: "https://user:hunter2@login.example" })))
    )
    assert.notInclude(JSON.stringify(error) + error.message, "hunter2")
  })
})

describe("a tenant", () => {
  it.prop("is a GUID in any case", [FastCheck.uuid(), FastCheck.boolean()], ([guid, upper]) => {
    assert.strictEqual(resolved(entra({ tenantId: upper ? guid.toUpperCase() : guid })).tenantId, guid)
  })

  it.each([
    "contoso.onmicrosoft.com",
    "Contoso.com",
    "a.b",
    "xn--mnchen-3ya.example",
    "common",
    "organizations",
    "consumers",
    "COMMON"
  ])("may be %s", (tenant) => {
    assert.strictEqual(resolved(entra({ tenantId: tenant })).tenantId, tenant.toLowerCase())
  })

  it.each([
    "",
    " ",
    "contoso",
    "contoso.",
    ".com",
    "-contoso.com",
    "contoso-.com",
    "con toso.com",
    "contoso.com/evil",
    "contoso.com?x=y",
    "contoso.com#x",
    "../contoso.com",
    "contoso..com",
    "contoso.com@evil.example",
    "contoso.com:443",
    "contoso.com\n",
    "contoso%2ecom",
    `${tenantId}/`,
    `{${tenantId}}`,
    `${"a".repeat(64)}.com`,
    `${"a.".repeat(130)}com`
  ])("is refused when it is %j", (tenant) => {
    assert.strictEqual(refusal(Authority.resolve(entra({ tenantId: tenant }))), "tenantId")
  })

  it.prop("never leads out of its place in the path", [FastCheck.string()], ([tenant]) => {
    const result = Authority.resolve(entra({ tenantId: tenant }))
    if (Either.isRight(result))
      assert.strictEqual(
        new URL(result.right.endpoints?.token ?? "").pathname,
        `/${tenant.toLowerCase()}/oauth2/v2.0/token`
      )
  })

  it("of one call is not the authority's", () => {
    const other = "contoso.onmicrosoft.com"
    assert.strictEqual(resolved(entra({}), other).tenantId, other)
    assert.strictEqual(refusal(Authority.resolve(entra({}), { tenantId: "nonsense" })), "tenantId")
  })
})

describe("requireTenant", () => {
  /** The tenant of all personal accounts. */
  const personal = "9188040d-6c67-4c5b-b112-36a304b66dad"

  it.each(["common", "organizations", "consumers", "Common", personal, personal.toUpperCase()])(
    "refuses %s, where an app is nowhere at home",
    (tenant) => {
      assert.strictEqual(refusal(Authority.requireTenant(resolved(entra({ tenantId: tenant })))), "tenantId")
    }
  )

  it("takes a GUID, a domain, and an authority that knows no tenants", () => {
    for (const authority of [entra({}), entra({ tenantId: "contoso.com" }), custom({})])
      assert.deepStrictEqual(Authority.requireTenant(resolved(authority)), Either.right(resolved(authority)))
  })
})

describe("a custom authority", () => {
  it("is asked at the endpoint that was pinned, and its issuer names its cache", () => {
    const issuer = "https://id.example/realms/one"
    const tokenEndpoint = "https://tokens.example:8443/one?kind=app"
    assert.deepStrictEqual<unknown>(resolved(custom({ issuer, tokenEndpoint })), {
      kind: "custom",
      host: "tokens.example:8443",
      environment: issuer,
      tenantId: "",
      policy: undefined,
      issuer,
      endpoints: undefined,
      metadata: { _tag: "Custom", issuer, tokenEndpoint },
      trustedHosts: [],
      instanceDiscovery: undefined
    })
  })

  const wrong = [
    "http://id.example",
    "id.example",
    "/token",
    "https://user:password@id.example",
    "https://id.example/#x"
  ]
  it.each(wrong)("is refused when its issuer or its endpoint is %s", (url) => {
    assert.strictEqual(refusal(Authority.resolve(custom({ issuer: url }))), "issuer")
    assert.strictEqual(refusal(Authority.resolve(custom({ tokenEndpoint: url }))), "tokenEndpoint")
  })

  it("may be on loopback over plain http", () => {
    const tokenEndpoint = "http://localhost:3000/token"
    assert.strictEqual(resolved(custom({ issuer: "http://localhost:3000", tokenEndpoint })).host, "localhost:3000")
  })

  it("has no tenant for a call to name", () => {
    assert.strictEqual(refusal(Authority.resolve(custom({}), { tenantId })), "tenantId")
  })
})

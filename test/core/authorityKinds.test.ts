import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck } from "effect"
import * as Authority from "../../src/core/Authority.js"
import { inRegion } from "../../src/core/resolvedAuthority.js"

const tenantId = "abcdef11-2222-3333-4444-55555555abcd"

const resolved = (authority: Authority.Authority) => Either.getOrThrow(Authority.resolve(authority))
const refused = (authority: Authority.Authority, options?: { readonly tenantId?: string }) =>
  Either.getOrThrow(Either.flip(Authority.resolve(authority, options))).parameter

const entra = (host: string, instanceDiscovery?: boolean) => Authority.entra({ tenantId, host, instanceDiscovery })

const endpointsAt = (base: string): Authority.Endpoints => ({
  token: `${base}/oauth2/v2.0/token`,
  authorization: `${base}/oauth2/v2.0/authorize`,
  endSession: `${base}/oauth2/v2.0/logout`
})

describe("a policy of B2C", () => {
  it("is asked at the tenant's own host, its name in lower case", () => {
    const base = "https://contoso.b2clogin.com/contoso.onmicrosoft.com/b2c_1_signin"
    assert.deepStrictEqual<unknown>(resolved(Authority.b2c({ tenant: "Contoso", policy: "B2C_1_SignIn" })), {
      kind: "b2c",
      host: "contoso.b2clogin.com",
      environment: "contoso.b2clogin.com/contoso.onmicrosoft.com/b2c_1_signin",
      tenantId: "contoso.onmicrosoft.com",
      policy: "b2c_1_signin",
      issuer: undefined,
      endpoints: endpointsAt(base),
      metadata: `${base}/v2.0/.well-known/openid-configuration`,
      trustedHosts: ["contoso.b2clogin.com"],
      instanceDiscovery: undefined
    })
  })

  it("may have a domain of the tenant's own, which alone is trusted then", () => {
    const b2c = resolved(Authority.b2c({ tenant: "contoso", policy: "B2C_1A_x", host: "https://login.contoso.com" }))
    assert.deepStrictEqual(b2c.endpoints, endpointsAt("https://login.contoso.com/contoso.onmicrosoft.com/b2c_1a_x"))
    assert.deepStrictEqual(b2c.trustedHosts, ["login.contoso.com"])
    assert.isUndefined(b2c.instanceDiscovery)
  })

  it.each(["", " ", "a b", "a/b", "../x", "a?b", "a#b", "a.b", "a%2fb", "é", "x\n", "p".repeat(129)])(
    "is refused when its name is %j",
    (policy) => {
      assert.strictEqual(refused(Authority.b2c({ tenant: "contoso", policy })), "policy")
    }
  )

  it("is refused without one", () => {
    const options: { tenant: string; policy?: string } = { tenant: "contoso" }
    assert.strictEqual(refused(Authority.b2c({ policy: "", ...options })), "policy")
  })

  it.each(["", "contoso.onmicrosoft.com", "a/b", "a.b", "-a", "a@b", "a:1", tenantId.repeat(2)])(
    "is refused when its tenant is %j",
    (tenant) => {
      assert.strictEqual(refused(Authority.b2c({ tenant, policy: "p" })), "tenant")
    }
  )

  const name = FastCheck.stringMatching(/^[A-Za-z0-9_-]{1,12}$/)

  it.prop("shares its environment with no other", [name, name], ([one, other]) => {
    const environment = (policy: string) => resolved(Authority.b2c({ tenant: "contoso", policy })).environment
    assert.strictEqual(environment(one) === environment(other), one.toLowerCase() === other.toLowerCase())
  })

  it("is not the Entra tenant of the same host", () => {
    const policy = resolved(Authority.b2c({ tenant: "contoso", policy: "p" }))
    const tenant = resolved(
      Authority.entra({ tenantId: "contoso.onmicrosoft.com", host: "https://contoso.b2clogin.com" })
    )
    assert.notStrictEqual(policy.environment, tenant.environment)
  })
})

describe("External ID", () => {
  it("is asked at its tenant's own host by the tenant's name, and speaks as Entra does", () => {
    const base = "https://contoso.ciamlogin.com/contoso.onmicrosoft.com"
    assert.deepStrictEqual<unknown>(resolved(Authority.externalId({ tenant: "Contoso" })), {
      kind: "entra",
      host: "contoso.ciamlogin.com",
      environment: "contoso.ciamlogin.com",
      tenantId: "contoso.onmicrosoft.com",
      policy: undefined,
      issuer: undefined,
      endpoints: { ...endpointsAt(base), deviceAuthorization: `${base}/oauth2/v2.0/devicecode` },
      metadata: `${base}/v2.0/.well-known/openid-configuration`,
      trustedHosts: ["contoso.ciamlogin.com"],
      instanceDiscovery: undefined
    })
  })

  it("may have a domain of the tenant's own, and is looked up nowhere", () => {
    const { endpoints, instanceDiscovery } = resolved(
      Authority.externalId({ tenantId: tenantId.toUpperCase(), host: "https://login.contoso.com" })
    )
    const base = `https://login.contoso.com/${tenantId}`
    assert.deepStrictEqual(endpoints, {
      ...endpointsAt(base),
      deviceAuthorization: `${base}/oauth2/v2.0/devicecode`
    })
    assert.isUndefined(instanceDiscovery)
  })

  it.each(["", "contoso.onmicrosoft.com", "a.b", "evil.example/", "evil.example#", "evil.example?", "a@evil.example/"])(
    "is refused when its tenant is %j",
    (tenant) => {
      assert.include(["authority", "tenant"], refused(Authority.externalId({ tenant })))
    }
  )

  it.prop("never leads to a host of another domain", [FastCheck.webUrl(), FastCheck.string()], ([url, text]) => {
    for (const tenant of [url, text, `${text}.${url}`, new URL(url).host, `${text}/`, `${text}@`, `${text}#`]) {
      const authority = Authority.resolve(Authority.externalId({ tenant }))
      if (Either.isRight(authority)) assert.match(authority.right.host, /^[a-z0-9-]+\.ciamlogin\.com$/)
    }
  })
})

describe("AD FS", () => {
  it("knows no tenants, and is its own issuer", () => {
    const issuer = "https://sts.contoso.com:8443/adfs"
    assert.deepStrictEqual<unknown>(resolved(Authority.adfs({ host: "https://STS.contoso.com:8443/" })), {
      kind: "adfs",
      host: "sts.contoso.com:8443",
      environment: issuer,
      tenantId: "",
      policy: undefined,
      issuer,
      endpoints: {
        token: `${issuer}/oauth2/token`,
        authorization: `${issuer}/oauth2/authorize`,
        deviceAuthorization: `${issuer}/oauth2/devicecode`,
        endSession: `${issuer}/oauth2/logout`
      },
      metadata: `${issuer}/.well-known/openid-configuration`,
      trustedHosts: ["sts.contoso.com:8443"],
      instanceDiscovery: undefined
    })
  })

  it.each(["https://sts.contoso.com/adfs", "https://sts.contoso.com/?x", "http://sts.contoso.com", "sts.contoso.com"])(
    "is refused when its host is %s",
    (host) => {
      assert.strictEqual(refused(Authority.adfs({ host })), "authority")
    }
  )
})

describe("an OpenID provider", () => {
  it.each([
    ["https://id.example", "https://id.example"],
    ["https://id.example/", "https://id.example"],
    ["https://id.example/realms/one", "https://id.example/realms/one"],
    ["https://id.example/realms/one/", "https://id.example/realms/one"]
  ])("publishes beneath its issuer, a last slash left out: %s", (issuer, base) => {
    assert.deepStrictEqual<unknown>(resolved(Authority.oidc({ issuer })), {
      kind: "custom",
      host: "id.example",
      environment: issuer,
      tenantId: "",
      policy: undefined,
      issuer,
      endpoints: undefined,
      metadata: `${base}/.well-known/openid-configuration`,
      trustedHosts: ["id.example"],
      instanceDiscovery: undefined
    })
  })

  it.each([
    "https://id.example?tenant=one",
    "https://id.example/?",
    "https://id.example/#",
    "https://id.example/#x",
    "http://id.example",
    "id.example",
    "",
    "https://user@id.example"
  ])("is refused when its issuer is %j", (issuer) => {
    assert.strictEqual(refused(Authority.oidc({ issuer })), "issuer")
  })

  it("is trusted at the hosts that are listed, in whatever case, with the port of https or without", () => {
    const endpointHosts = ["Tokens.Example", "tokens.example:8443", "other.example:443"]
    assert.deepStrictEqual(resolved(Authority.oidc({ issuer: "https://id.example", endpointHosts })).trustedHosts, [
      "id.example",
      "tokens.example",
      "tokens.example:8443",
      "other.example"
    ])
  })

  it.each(["", " ", "https://tokens.example", "tokens.example/", "tokens.example/x", "a@tokens.example", "*.example?"])(
    "is refused when a host that is listed is %j",
    (host) => {
      assert.strictEqual(
        refused(Authority.oidc({ issuer: "https://id.example", endpointHosts: [host] })),
        "endpointHosts"
      )
    }
  )
})

describe("a custom authority", () => {
  const metadata = { issuer: "https://id.example", tokenEndpoint: "https://id.example/token" }

  it.each(["authorizationEndpoint", "endSessionEndpoint", "jwksUri", "tokenEndpoint"] as const)(
    "is refused when its %s is no https URL",
    (name) => {
      for (const wrong of ["http://id.example/x", "/x", "", "javascript:alert(1)", "https://a:b@id.example/x"])
        assert.strictEqual(refused(Authority.custom({ ...metadata, [name]: wrong })), name)
      assert.isTrue(
        Either.isRight(Authority.resolve(Authority.custom({ ...metadata, [name]: "https://id.example/x" })))
      )
    }
  )
})

describe("a host of a cloud", () => {
  it.each([
    ["a region of the public cloud", "westus2.login.microsoft.com", "login.windows.net"],
    ["a region of the government's", "usgovvirginia.login.microsoftonline.us", "login.microsoftonline.us"],
    ["a region of China's", "chinaeast2.login.partner.microsoftonline.cn", "login.partner.microsoftonline.cn"]
  ])("is known, and shares its cloud's cache: %s", (_, host, environment) => {
    const authority = resolved(entra(`https://${host}`))
    assert.strictEqual(authority.environment, environment)
    assert.isUndefined(authority.instanceDiscovery)
    assert.include(authority.trustedHosts, host)
  })

  it.each([
    "evil.login.microsoft.com.example",
    "login.microsoft.com.example",
    "loginmicrosoft.com",
    "evillogin.microsoftonline.com",
    "login.microsoftonline.com.evil.example",
    "a.b.login.microsoft.com",
    "a-b.login.microsoft.com",
    "westus2.login.microsoftonline.com",
    "westus2.login.windows.net",
    "login.microsoftonline.com:8443",
    "login.microsoftonline.com."
  ])("is none when it only looks like one, and must be looked up: %s", (host) => {
    const { environment, instanceDiscovery, trustedHosts } = resolved(entra(`https://${host}`))
    assert.strictEqual(environment, host)
    assert.deepStrictEqual(trustedHosts, [host])
    const lookup = new URL(instanceDiscovery ?? "")
    assert.strictEqual(lookup.origin + lookup.pathname, "https://login.microsoftonline.com/common/discovery/instance")
    assert.strictEqual(lookup.searchParams.get("api-version"), "1.1")
    assert.strictEqual(
      lookup.searchParams.get("authorization_endpoint"),
      `https://${host}/${tenantId}/oauth2/v2.0/authorize`
    )
  })

  it.each(["http://localhost:8080", "https://localhost", "https://127.0.0.1:8443", "https://[::1]", "http://[::1]:1"])(
    "is not looked up on loopback: %s",
    (host) => {
      assert.isUndefined(resolved(entra(host)).instanceDiscovery)
    }
  )

  it("is trusted unasked where that is what was said", () => {
    assert.isUndefined(resolved(entra("https://login.closed.example", false)).instanceDiscovery)
    assert.isString(resolved(entra("https://login.closed.example", true)).instanceDiscovery)
  })
})

describe("the tenant of a call", () => {
  it.each<readonly [string, Authority.Authority]>([
    ["External ID", Authority.externalId({ tenant: "contoso" })],
    ["B2C", Authority.b2c({ tenant: "contoso", policy: "p" })],
    ["AD FS", Authority.adfs({ host: "https://sts.contoso.com" })],
    ["an OpenID provider", Authority.oidc({ issuer: "https://id.example" })],
    ["a custom one", Authority.custom({ issuer: "https://id.example", tokenEndpoint: "https://id.example/token" })]
  ])("is refused by %s", (_, authority) => {
    assert.strictEqual(refused(authority, { tenantId }), "tenantId")
    assert.isTrue(Either.isRight(Authority.resolve(authority, { tenantId: undefined })))
  })

  it("of an unknown host is what is looked up", () => {
    const authority = Either.getOrThrow(
      Authority.resolve(entra("https://login.closed.example"), { tenantId: "fabrikam.com" })
    )
    assert.include(authority.instanceDiscovery, encodeURIComponent("https://login.closed.example/fabrikam.com/"))
  })
})

describe("a region", () => {
  it.each([
    ["login.microsoftonline.com", "westus2.login.microsoft.com"],
    ["login.windows.net", "westus2.login.microsoft.com"],
    ["eastus.login.microsoft.com", "westus2.login.microsoft.com"],
    ["login.microsoftonline.us", "westus2.login.microsoftonline.us"],
    ["login.usgovcloudapi.net", "westus2.login.microsoftonline.us"],
    ["login.chinacloudapi.cn", "westus2.login.partner.microsoftonline.cn"]
  ])("of %s is asked at %s, and shares everything else with its cloud", (host, regional) => {
    const authority = resolved(entra(`https://${host}`))
    assert.deepStrictEqual(inRegion(authority, "westus2"), {
      ...authority,
      host: regional,
      endpoints: endpointsAt(`https://${regional}/${tenantId}`)
    })
    assert.strictEqual(resolved(entra(`https://${regional}`)).environment, authority.environment)
  })

  it.each<readonly [string, Authority.Authority]>([
    ["an unknown host", entra("https://login.closed.example")],
    ["External ID", Authority.externalId({ tenant: "contoso" })],
    ["B2C", Authority.b2c({ tenant: "contoso", policy: "p" })],
    ["another server", Authority.oidc({ issuer: "https://login.microsoftonline.com" })]
  ])("is nothing that %s has", (_, authority) => {
    assert.isUndefined(inRegion(resolved(authority), "westus2"))
  })
})

describe("what is no authority", () => {
  it("is a cloud that nobody knows, as a file or a flag may name it", () => {
    const authority = Authority.entra({ tenantId: "contoso.com", cloud: JSON.parse('"mars"') })
    const error = Either.getOrThrow(Either.flip(Authority.resolve(authority)))
    assert.strictEqual(error.parameter, "cloud")
    assert.include(error.expected, "usGovernment")
  })

  it("is B2C without a policy, as plain JavaScript may write it", () => {
    const authority = Authority.b2c({ tenant: "contoso", ...JSON.parse("{}") })
    assert.strictEqual(Either.getOrThrow(Either.flip(Authority.resolve(authority))).parameter, "policy")
  })

  it.each(["common", "organizations", "consumers"])("is External ID at %s", (tenantId) => {
    const authority = Authority.externalId({ tenantId, host: "https://login.contoso.example" })
    assert.strictEqual(Either.getOrThrow(Either.flip(Authority.resolve(authority))).parameter, "tenantId")
  })
})

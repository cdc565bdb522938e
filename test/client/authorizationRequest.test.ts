import { createHash } from "node:crypto"
import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck, Random, Redacted, Schema, TestClock } from "effect"
import { AuthCodeFlow, type AuthCodeUrlRequest } from "../../src/client/AuthorizationCode.js"
import * as AuthorizationRequest from "../../src/client/authorizationRequest.js"
import type { ClientFacts } from "../../src/client/principal.js"
import { codeChallenge, isSame, unguessable } from "../../src/client/random.js"
import * as Authority from "../../src/core/Authority.js"

const tenantId = "abcdef11-2222-3333-4444-55555555abcd"
const now = Date.UTC(2025, 5, 30, 12)

const facts: ClientFacts = {
  authority: Authority.entra({ tenantId }),
  clientId: "client id&x",
  capabilities: [],
  allowedTenants: undefined
}

const metadata: Authority.Metadata = {
  issuer: `https://login.microsoftonline.com/${tenantId}/v2.0`,
  tokenEndpoint: "https://login.microsoftonline.com/token"
}

const request: AuthCodeUrlRequest = { redirectUri: "https://app.example/callback?x=1", scopes: ["User.Read"] }

const begin = (
  change: Partial<AuthCodeUrlRequest> = {},
  client: Partial<ClientFacts> = {},
  published: Partial<Authority.Metadata> = {}
) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(now)
    return yield* AuthorizationRequest.make(
      { ...facts, ...client },
      () => Effect.succeed({ ...metadata, ...published }),
      { ...request, ...change }
    )
  })

const parametersOf = (url: URL) => {
  const names = [...url.searchParams.keys()]
  assert.strictEqual(names.length, new Set(names).size, "no parameter is repeated")
  return Object.fromEntries(url.searchParams)
}

/** What nobody can know in advance. */
const secretsOf = ({ codeVerifier, nonce, state }: AuthCodeFlow) => [codeVerifier, nonce, state].map(Redacted.value)

describe("an authorization request", () => {
  it.effect("is everything that Entra wants to know, and no more", () =>
    Effect.gen(function* () {
      const { flow, url } = yield* begin()
      assert.strictEqual(
        url.origin + url.pathname,
        `https://login.microsoftonline.com/${tenantId}/oauth2/v2.0/authorize`
      )
      assert.deepStrictEqual(parametersOf(url), {
        client_id: "client id&x",
        client_info: "1",
        response_type: "code",
        redirect_uri: request.redirectUri,
        scope: "openid User.Read profile offline_access",
        state: Redacted.value(flow.state),
        nonce: Redacted.value(flow.nonce),
        code_challenge: createHash("sha256").update(Redacted.value(flow.codeVerifier)).digest("base64url"),
        code_challenge_method: "S256"
      })
    })
  )

  it.effect("says what the program wants besides", () =>
    Effect.gen(function* () {
      const claims = '{"id_token":{"auth_time":{"essential":true}}}'
      const { flow, url } = yield* begin(
        {
          prompt: "select_account",
          loginHint: "ada@contoso.com",
          domainHint: "contoso.com",
          responseMode: "form_post",
          maxAge: 0,
          claims,
          parameters: { ui_locales: "de fr", resource: "https://api" }
        },
        { capabilities: ["cp1"] }
      )
      const { claims: merged = "", ...parameters } = parametersOf(url)
      assert.deepInclude(parameters, {
        prompt: "select_account",
        login_hint: "ada@contoso.com",
        domain_hint: "contoso.com",
        response_mode: "form_post",
        max_age: "0",
        ui_locales: "de fr",
        resource: "https://api"
      })
      assert.deepStrictEqual<unknown>(JSON.parse(merged), {
        access_token: { xms_cc: { values: ["cp1"] } },
        id_token: { auth_time: { essential: true } }
      })
      assert.deepInclude({ ...flow }, { claims, maxAge: 0 })
    })
  )

  it.effect("keeps what the response is held against", () =>
    Effect.gen(function* () {
      const { flow } = yield* begin({ tenantId: "fabrikam.com" }, {}, { isIssuerReturned: true })
      assert.deepInclude(
        { ...flow },
        {
          redirectUri: request.redirectUri,
          scopes: ["User.Read"],
          tenantId: "fabrikam.com",
          issuer: metadata.issuer,
          isIssuerReturned: true,
          startedAt: now
        }
      )
      assert.isFalse((yield* begin()).flow.isIssuerReturned)
    })
  )

  it.effect(
    "goes where the provider's metadata says, whose own parameters it keeps, and has the scopes that were named",
    () =>
      Effect.gen(function* () {
        const { url } = yield* begin(
          { scopes: ["api:read", "openid"] },
          { authority: Authority.oidc({ issuer: "https://id.example" }) },
          { authorizationEndpoint: "https://login.example/authorize?p=one&scope=evil" }
        )
        assert.strictEqual(url.origin, "https://login.example")
        const { client_info, p, scope } = parametersOf(url)
        assert.deepStrictEqual([client_info, p, scope], [undefined, "one", "openid api:read"])
      })
  )

  it.effect("of a tenant is asked there", () =>
    Effect.gen(function* () {
      const { url } = yield* begin({ tenantId: "Fabrikam.com" })
      assert.strictEqual(url.pathname, "/fabrikam.com/oauth2/v2.0/authorize")
    })
  )

  it.effect.each<readonly [string, Partial<AuthCodeUrlRequest>, Partial<ClientFacts>]>([
    ["redirectUri", { redirectUri: "" }, {}],
    ["redirectUri", { redirectUri: "/callback" }, {}],
    ["redirectUri", { redirectUri: "https://app.example/#x" }, {}],
    ["scopes", { scopes: [] }, {}],
    ["scopes", { scopes: ["a b"] }, {}],
    ["claims", { claims: "nonsense" }, {}],
    ["tenantId", { tenantId: "nonsense" }, {}],
    ["tenantId", { tenantId: "fabrikam.com" }, { allowedTenants: new Set(["contoso.com"]) }],
    ["allowedTenants", {}, { authority: Authority.entra({ tenantId: "organizations" }) }],
    ["allowedTenants", { tenantId: "common" }, {}],
    ["authority", {}, { authority: Authority.oidc({ issuer: "https://id.example" }) }],
    ["authority", {}, { authority: Authority.entra({ tenantId, host: "nonsense" }) }],
    ["maxAge", { maxAge: -1 }, {}],
    ["maxAge", { maxAge: Number.NaN }, {}],
    ["maxAge", { maxAge: 1.5 }, {}],
    ["maxAge", { maxAge: 1e21 }, {}],
    ["parameters", { parameters: { state: "mine" } }, {}],
    ["parameters", { parameters: { nonce: "mine" } }, {}],
    ["parameters", { parameters: { code_challenge: "mine" } }, {}],
    ["parameters", { parameters: { code_challenge_method: "plain" } }, {}],
    ["parameters", { parameters: { response_mode: "fragment" } }, {}],
    ["parameters", { parameters: { prompt: "admin_consent" } }, {}],
    ["parameters", { parameters: { redirect_uri: "https://evil.example" } }, {}],
    ["parameters", { parameters: { " ": "x" } }, {}]
  ])("is refused for its %s", ([parameter, change, client]) =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(begin(change, client))
      assert(failure._tag === "ConfigurationError")
      assert.strictEqual(failure.parameter, parameter)
    })
  )

  it.effect("may come from the users of any tenant where the program says so", () =>
    Effect.gen(function* () {
      const authority = Authority.entra({ tenantId: "organizations" })
      yield* begin({}, { authority, allowedTenants: "any" })
      yield* begin({}, { authority, allowedTenants: new Set([tenantId]) })
    })
  )
})

describe("what protects a sign-in", () => {
  it.effect("is drawn by the system anew each time, whatever Effect's Random gives", () =>
    Effect.gen(function* () {
      const all = yield* Effect.replicateEffect(Effect.withRandom(begin(), Random.make("same")), 100)
      const secrets = all.flatMap(({ flow }) => secretsOf(flow))
      assert.strictEqual(new Set(secrets).size, 300)
      for (const secret of secrets) assert.match(secret, /^[A-Za-z0-9_-]{43}$/)
    })
  )

  it.effect("varies in each of its bits", () =>
    Effect.gen(function* () {
      const drawn = yield* Effect.replicateEffect(unguessable, 200)
      const bytes = drawn.map((value) => Buffer.from(Redacted.value(value), "base64url"))
      for (let bit = 0; bit < 256; bit += 1) {
        const ones = bytes.filter((value) => ((value[bit >> 3] ?? 0) >> (bit & 7)) & 1).length
        assert.isAbove(ones, 40)
        assert.isBelow(ones, 160)
      }
    })
  )

  it.effect("is the example of RFC 7636, appendix B", () =>
    Effect.gen(function* () {
      const challenge = yield* codeChallenge(Redacted.make("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))
      assert.strictEqual(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
    })
  )

  it.effect("is in the URL as far as it must be, and printed nowhere", () =>
    Effect.gen(function* () {
      const { flow, url } = yield* begin()
      assert.notInclude(url.href, Redacted.value(flow.codeVerifier))
      for (const printed of [inspect(flow, { depth: 9 }), JSON.stringify({ ...flow }), String(flow)])
        for (const secret of secretsOf(flow)) assert.notInclude(printed, secret)
    })
  )

  it.effect("survives being kept as text", () =>
    Effect.gen(function* () {
      const { flow } = yield* begin({ claims: "{}", maxAge: 5, tenantId })
      const text = JSON.stringify(yield* Schema.encode(AuthCodeFlow)(flow))
      const kept = yield* Schema.decodeUnknown(AuthCodeFlow)(JSON.parse(text))
      assert.deepStrictEqual(secretsOf(kept), secretsOf(flow))
      assert.strictEqual(JSON.stringify(yield* Schema.encode(AuthCodeFlow)(kept)), text)
    })
  )
})

describe("isSame", () => {
  const text = FastCheck.oneof(
    FastCheck.string({ maxLength: 5, unit: FastCheck.constantFrom("a", "b", "\0") }),
    FastCheck.string()
  )

  it.prop("is what === is", [text, text], ([one, other]) => {
    assert.strictEqual(isSame(one, other), one === other)
    assert.isTrue(isSame(one, `${one}`))
    assert.isFalse(isSame(one, `${one}\0`))
    assert.isFalse(isSame(`${one}\0`, one))
    assert.strictEqual(isSame(one, one + other), other === "")
  })

  it("tells the empty text from others", () => {
    assert.isTrue(isSame("", ""))
    assert.isFalse(isSame("", "\0"))
    assert.isFalse(isSame("\0", ""))
    assert.isFalse(isSame("ab", "abab"))
    assert.isFalse(isSame("abab", "ab"))
  })
})

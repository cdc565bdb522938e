import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { fromResponse, homeAccountIdOf } from "../../src/core/Account.js"
import { jwtClaims } from "../../src/core/jwtClaims.js"

const base64 = (text: string) => Buffer.from(text).toString("base64url")
const jwt = (claims: unknown) =>
  `${base64('{"alg":"none"}')}.${base64(typeof claims === "string" ? claims : JSON.stringify(claims))}.c2ln`
const clientInfo = (uid: unknown, utid: unknown) => base64(JSON.stringify({ uid, utid }))

describe("what a JWT says", () => {
  it("is its payload, in any script", () => {
    assert.deepStrictEqual<unknown>(jwtClaims(jwt({ name: "Grüße 😀", n: 1 })), { name: "Grüße 😀", n: 1 })
  })

  it.each(["", ".", "..", "a.b", "a.b.c", "a.b.c.d.e", jwt("null"), jwt("[]"), jwt("1"), jwt("{"), `${jwt({})}.`])(
    "is nothing where it is none: %s",
    (text) => {
      assert.isUndefined(jwtClaims(text))
    }
  )

  it("is nothing where it is larger than any header", () => {
    assert.isDefined(jwtClaims(jwt({ x: "y".repeat(40_000) })))
    assert.isUndefined(jwtClaims(jwt({ x: "y".repeat(64 * 1024) })))
  })

  it("holds a claim of the name __proto__ as a claim", () => {
    const claims = jwtClaims(jwt('{"__proto__":{"sub":"victim"},"sub":"me"}'))
    assert.strictEqual(Object.getPrototypeOf(claims), Object.prototype)
    assert.strictEqual(claims?.sub, "me")
    assert.isUndefined(fromResponse({ clientInfo: undefined, idToken: jwt('{"__proto__":{"sub":"victim"}}') }))
  })

  it.prop("never throws", [FastCheck.string(), FastCheck.string(), FastCheck.json()], ([one, other, json]) => {
    for (const text of [one, `${one}.${other}.${one}`, jwt(one), jwt(json)]) {
      jwtClaims(text)
      homeAccountIdOf(text)
      homeAccountIdOf(base64(json))
      fromResponse({ clientInfo: text, idToken: text })
    }
  })
})

describe("an account", () => {
  const idToken = jwt({ oid: "o", sub: "s", tid: "t", preferred_username: "ada@contoso.com", upn: "u", name: "Ada" })

  it("is named by its home, and told of by its id token", () => {
    const account = fromResponse({ clientInfo: clientInfo("uid", "utid"), idToken })
    assert.deepInclude(account, {
      homeAccountId: "uid.utid",
      localAccountId: "o",
      tenantId: "t",
      username: "ada@contoso.com",
      name: "Ada"
    })
  })

  it.each([
    ["its object id, without client_info", undefined, { oid: "o", sub: "s" }, "o", "o"],
    ["its subject, elsewhere than at Entra", undefined, { sub: "s" }, "s", "s"],
    ["its home alone, without id token", clientInfo("uid", "utid"), undefined, "uid.utid", "uid"],
    ["its subject, when client_info has no utid", clientInfo("uid", ""), { sub: "s" }, "s", "s"],
    ["its subject, when client_info is too long", clientInfo("u".repeat(257), "t"), { sub: "s" }, "s", "s"],
    ["its subject, when client_info is nonsense", "%%%", { sub: "s" }, "s", "s"]
  ])("is named by %s", (_, info, claims, home, local) => {
    const account = fromResponse({ clientInfo: info, idToken: claims === undefined ? undefined : jwt(claims) })
    assert.deepStrictEqual([account?.homeAccountId, account?.localAccountId], [home, local])
  })

  it.each([undefined, "", "nonsense", jwt({}), jwt({ sub: "" }), jwt({ sub: 1 }), jwt({ oid: null })])(
    "is nobody where nothing names it: %s",
    (token) => {
      assert.isUndefined(fromResponse({ clientInfo: undefined, idToken: token }))
    }
  )

  it("shows nothing personal when it is printed", () => {
    const account = fromResponse({ clientInfo: clientInfo("uid", "utid"), idToken })
    for (const text of [JSON.stringify(account), String(account), inspect(account)]) {
      assert.include(text, "uid.utid")
      assert.notMatch(text, /ada/i)
    }
  })
})

import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck as fc, Redacted } from "effect"
import * as MsalDocument from "../../src/cache/msalDocument.js"
import { findToken, putToken, removeAppTokens, removeEndedTokens, removeToken } from "../../src/cache/msalTokens.js"
import { accounts, putUser, refreshToken, removeUser, retire } from "../../src/cache/msalUsers.js"
import { Account } from "../../src/core/Account.js"
import { documentOf, type Json, jsonOf, opened } from "./msalDocuments.js"
import { accessToken, anyDocument, home, now, ours, uid, utid } from "./msalEntities.js"

const app = { ...ours, tenantId: utid, homeAccountId: "", scopes: ["api://x/.default"] }
const ofUser = { ...app, homeAccountId: home }

const token = {
  accessToken: Redacted.make("the new token"),
  scopes: ["api://x/.default"],
  expiresAtMillis: now + 60_000,
  refreshAtMillis: undefined
}

const user = {
  ...ours,
  account: new Account({
    homeAccountId: home,
    localAccountId: uid,
    tenantId: utid,
    username: "ann@contoso.com",
    name: "Ann",
    idTokenClaims: {}
  }),
  authorityType: "MSSTS",
  refreshToken: Redacted.make("the new refresh token"),
  idToken: Redacted.make("the new id token")
} as const

type Change = (document: MsalDocument.Document) => MsalDocument.Document

const changes: Readonly<Record<string, Change>> = {
  putAppToken: (document) => putToken(document, app, token, now),
  putUserToken: (document) => putToken(document, ofUser, token, now),
  putTokenOnBehalf: (document) => putToken(document, { ...ofUser, assertionHash: "a hash" }, token, now),
  removeAppTokens: (document) => removeAppTokens(document, ours),
  removeEndedTokens: (document) => removeEndedTokens(document, ours, now),
  putUser: (document) => putUser(document, user),
  putFamilyUser: (document) => putUser(document, { ...user, familyId: "2" }),
  removeUser: (document) => removeUser(document, ofUser)
}

const isOurs = (section: string, value: unknown) => {
  const fields: Json = typeof value === "object" && value !== null ? { ...value } : {}
  if (section === "Account") return fields.home_account_id === home
  // What a family shares is its members' business too.
  const isShared = section === "RefreshToken" && fields.family_id !== undefined
  return isShared || fields.client_id === ours.clientId
}

/** The entries that are none of ours, in their order. */
const foreign = (json: Json) =>
  Object.entries(json).map(([name, content]) => {
    const isSection = typeof content === "object" && content !== null && !Array.isArray(content)
    return [name, isSection ? Object.entries(content).filter(([, value]) => !isOurs(name, value)) : content] as const
  })

describe("an MSAL document", () => {
  it.prop("is printed as it was parsed", [anyDocument], ([json]) => {
    assert.deepStrictEqual(jsonOf(documentOf(json)), json)
    assert.strictEqual(MsalDocument.print(documentOf(json)), JSON.stringify(json))
  })

  it.prop(
    "is parsed or refused, whatever the text",
    [fc.oneof(fc.string(), fc.json(), fc.fullUnicodeString())],
    ([text]) => {
      const parsed = MsalDocument.parse(text)
      if (Either.isLeft(parsed)) assert.sameMembers(Object.keys(parsed.left), ["reason"])
      else if (text.trim() !== "") assert.deepStrictEqual(jsonOf(parsed.right), JSON.parse(text))
    }
  )

  it.each(["", "  \n"])("is empty for %j", (text) => {
    assert.deepStrictEqual(Either.map(MsalDocument.parse(text), jsonOf), Either.right({}))
  })

  it.each<[string, MsalDocument.Malformed["reason"]]>([
    ["{", "json"],
    ["{}{}", "json"],
    ["secret", "json"],
    ["null", "shape"],
    ["[]", "shape"],
    ['"text"', "shape"],
    ['{"AccessToken":[]}', "shape"],
    ['{"Account":"text"}', "shape"],
    [`{"deep":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, "shape"],
    [`{"AccessToken":{"a":${'{"a":'.repeat(70)}1${"}".repeat(70)}}}`, "shape"]
  ])("is refused: %.40s", (text, reason) => {
    assert.deepStrictEqual(MsalDocument.parse(text), Either.left({ reason }))
  })

  it("is refused where it is larger than 64 MiB", () => {
    assert.deepStrictEqual(MsalDocument.parse(" ".repeat(64 * 1024 * 1024 + 1)), Either.left({ reason: "size" }))
  })

  it("may have null for a section", () => {
    const document = documentOf({ AccessToken: null, other: null })
    assert.isUndefined(findToken(document, app, now))
    assert.deepStrictEqual(jsonOf(removeAppTokens(document, ours)), { AccessToken: null, other: null })
    assert.strictEqual(opened(findToken(putToken(document, app, token, now), app, now)?.accessToken), "the new token")
  })

  it("of 10 MiB is read, changed and written", () => {
    const entities = Object.fromEntries(
      Array.from({ length: 6000 }, (_, index) => [
        `key-${index}`,
        { ...accessToken, client_id: `client-${index}`, secret: "x".repeat(1500) }
      ])
    )
    const text = JSON.stringify({ AccessToken: entities })
    assert.isAtLeast(text.length, 10 * 1024 * 1024)
    const document = putToken(documentOf({ AccessToken: entities }), app, token, now)
    assert.strictEqual(opened(findToken(document, app, now)?.accessToken), "the new token")
    assert.strictEqual(MsalDocument.print(removeAppTokens(document, ours)), text)
  })

  it("shows nothing of what it holds when it is printed by mistake", () => {
    const document = putUser(putToken(MsalDocument.empty, app, token, now), user)
    for (const text of [inspect(document, { depth: 9, showHidden: true }), JSON.stringify({ document }), `${document}`])
      assert.notMatch(text, /the new|ann|contoso/i)
    assert.deepStrictEqual(Object.keys(document), [])
  })
})

describe("a change of an MSAL document", () => {
  for (const [name, change] of Object.entries(changes)) {
    it.prop(
      `leaves what is not its own as it is, and changes nothing when it is made again: ${name}`,
      [anyDocument],
      ([json]) => {
        const document = documentOf(json)
        const once = change(document)
        assert.deepStrictEqual(jsonOf(document), json)
        const kept = new Map(foreign(jsonOf(once)))
        for (const [section, content] of foreign(json)) assert.deepStrictEqual(kept.get(section), content)
        assert.deepStrictEqual(jsonOf(change(once)), jsonOf(once))
      }
    )
  }

  it.prop("puts what is found, whatever else is there", [anyDocument, fc.boolean()], ([json, isApp]) => {
    const address = isApp ? app : ofUser
    const document = putToken(documentOf(json), address, token, now)
    assert.strictEqual(opened(findToken(document, address, now)?.accessToken), "the new token")
  })

  it.prop("puts a user who is listed, and a refresh token that is found", [anyDocument], ([json]) => {
    const document = putUser(documentOf(json), user)
    assert.include(
      accounts(document, ours).map(({ homeAccountId }) => homeAccountId),
      home
    )
    assert.strictEqual(opened(refreshToken(document, ofUser)), "the new refresh token")
  })

  it.prop("removes a user of whom nothing is left for the client", [anyDocument], ([json]) => {
    const document = removeUser(putUser(documentOf(json), user), ofUser)
    assert.isUndefined(refreshToken(document, ofUser))
    assert.isUndefined(findToken(document, ofUser, now))
    assert.notInclude(
      accounts(document, ours).map(({ homeAccountId }) => homeAccountId),
      home
    )
  })

  it.prop("that changes nothing gives the same document", [anyDocument], ([json]) => {
    const document = documentOf(json)
    const absent = Redacted.make("nobody's")
    assert.strictEqual(removeToken(document, absent), document)
    assert.strictEqual(retire(document, { ...ofUser, refreshToken: absent }), document)
    assert.strictEqual(removeAppTokens(document, { ...ours, clientId: "nobody" }), document)
    assert.strictEqual(removeUser(document, { ...ofUser, homeAccountId: "nobody" }), document)
  })

  it("takes __proto__ and constructor for the keys that they are", () => {
    const text = `{"__proto__":{"polluted":1},"AccessToken":{"__proto__":${JSON.stringify(accessToken)},"constructor":{"__proto__":{"secret":"s"},"x":1}}}`
    const document = Either.getOrThrow(MsalDocument.parse(text))
    assert.strictEqual(MsalDocument.print(document), text)
    assert.strictEqual(opened(findToken(document, app, now)?.accessToken), accessToken.secret)
    const ownFields = Object.keys(jsonOf(removeToken(document, Redacted.make(accessToken.secret))))
    assert.sameMembers(ownFields, ["__proto__", "AccessToken"])
    const after = MsalDocument.print(putToken(document, ofUser, token, now))
    assert.isTrue(after.startsWith(text.slice(0, -2)), after)
    assert.isUndefined((Object.prototype as unknown as Json).polluted)
    assert.include(Object.keys(jsonOf(putUser(document, user))), "__proto__")
  })
})

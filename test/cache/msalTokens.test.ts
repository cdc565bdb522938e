import { assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import * as MsalDocument from "../../src/cache/msalDocument.js"
import {
  findToken,
  type NewToken,
  putToken,
  removeAppTokens,
  removeEndedTokens,
  removeToken
} from "../../src/cache/msalTokens.js"
import { documentOf, type Json, opened, sectionOf } from "./msalDocuments.js"
import { accessToken, home, now, ours, refreshToken, seconds, utid } from "./msalEntities.js"

const app = { ...ours, tenantId: utid, homeAccountId: "", scopes: ["api://x/.default"] }

const holding = (...entities: ReadonlyArray<Json>) =>
  documentOf({ AccessToken: Object.fromEntries(entities.map((entity, index) => [`key ${index}`, entity])) })

const found = (entity: Json, address: typeof app & { readonly assertionHash?: string } = app) =>
  opened(findToken(holding(entity), address, now)?.accessToken)

const token = (text: string, change: Partial<NewToken> = {}): NewToken => ({
  accessToken: Redacted.make(text),
  scopes: app.scopes,
  expiresAtMillis: now + 3_600_000,
  refreshAtMillis: undefined,
  ...change
})

const written = (document: MsalDocument.Document) => Object.values(sectionOf(document, "AccessToken"))

describe("a token in an MSAL document is found", () => {
  it.each<[string, Json]>([
    ["by another name of its cloud, in any case", { ...accessToken, environment: "LOGIN.microsoftonline.com" }],
    ["in a realm of any case", { ...accessToken, realm: utid.toUpperCase() }],
    ["among more scopes, in any case", { ...accessToken, target: "API://x/.Default api://x/more" }],
    ["by numbers for its times", { ...accessToken, expires_on: Number(accessToken.expires_on), cached_at: 1 }],
    ["without a token type, as before there were others", { ...accessToken, token_type: undefined }],
    ["of AD FS, whose type is bearer", { ...accessToken, token_type: "bearer" }],
    ["of Python, where an app's account is null", { ...accessToken, home_account_id: null }],
    ["of .NET, where an app's account is missing", { ...accessToken, home_account_id: undefined }],
    ["with nothing in what would bind it", { ...accessToken, key_id: "", kid: null, additionalCacheKeyComponents: {} }],
    ["without the time when it was cached", { ...accessToken, cached_at: undefined }]
  ])("%s", (_, entity) => {
    assert.strictEqual(found(entity), accessToken.secret)
  })

  it.each<[string, Json]>([
    ["is another client's", { ...accessToken, client_id: "another" }],
    ["is another cloud's", { ...accessToken, environment: "login.microsoftonline.us" }],
    ["is another tenant's", { ...accessToken, realm: "another" }],
    ["is a user's", { ...accessToken, home_account_id: home }],
    ["was got on behalf of somebody", { ...accessToken, userAssertionHash: "a hash" }],
    ["was got on behalf of somebody, in .NET", { ...accessToken, user_assertion_hash: "a hash" }],
    ["is for other scopes", { ...accessToken, target: "api://y/.default" }],
    ["is for scopes that begin alike", { ...accessToken, target: "api://x/.default2" }],
    ["has ended", { ...accessToken, expires_on: seconds(now) }],
    ["is of another scheme", { ...accessToken, token_type: "pop" }],
    ["is bound to a scheme", { ...accessToken, credential_type: "AccessToken_With_AuthScheme" }],
    ["is bound to a key", { ...accessToken, key_id: "k" }],
    ["is bound to a key, in .NET", { ...accessToken, kid: "k" }],
    ["is bound to a claims request", { ...accessToken, requestedClaimsHash: "c" }],
    ["is bound to a path", { ...accessToken, additionalCacheKeyComponents: { fmi_path: "a" } }],
    ["is bound to a path, in .NET", { ...accessToken, credential_type: "atext", ext: { fmi_path: "a" } }],
    ["is bound to a resource", { ...accessToken, resource: "https://mcp.example" }]
  ])("not if it %s", (_, entity) => {
    assert.isUndefined(found(entity))
    const document = holding(entity, { ...accessToken, secret: "the right one" })
    assert.strictEqual(opened(findToken(document, app, now)?.accessToken), "the right one")
  })

  it.each(["environment", "client_id", "credential_type", "secret", "realm", "target", "expires_on"])(
    "not without a usable %s, which harms no other",
    (field) => {
      const unusable = [undefined, null, {}, [], true, "", field === "expires_on" ? "tomorrow" : 1, -1, 9e99]
      for (const value of unusable) {
        const entity = { ...accessToken, [field]: value }
        assert.isUndefined(found(entity))
        const document = holding(entity, { ...accessToken, secret: "the right one" })
        assert.strictEqual(opened(findToken(document, app, now)?.accessToken), "the right one")
      }
    }
  )

  it("not for the app, where whose it is can't be told", () => {
    for (const unusable of [1, {}, [], false]) assert.isUndefined(found({ ...accessToken, home_account_id: unusable }))
  })

  it("with its scopes and times", () => {
    const document = holding({ ...accessToken, target: "api://x/.default  more", refresh_on: seconds(now + 1000) })
    const { accessToken: secret, ...rest } = findToken(document, app, now) ?? {}
    assert.strictEqual(opened(secret), accessToken.secret)
    assert.deepStrictEqual(rest, {
      scopes: ["api://x/.default", "more"],
      cachedAtMillis: now - 60_000,
      expiresAtMillis: now + 3_600_000,
      refreshAtMillis: now + 1000
    })
  })

  it("that is for just these scopes first, then the one that lives longest", () => {
    const more = { ...accessToken, target: "api://x/.default api://x/more" }
    const later = { expires_on: seconds(now + 7_200_000) }
    const exact = { ...accessToken, target: "api://x/.default openid", secret: "exact" }
    assert.strictEqual(opened(findToken(holding({ ...more, ...later }, exact), app, now)?.accessToken), "exact")
    const long = { ...more, ...later, secret: "long" }
    assert.strictEqual(opened(findToken(holding(more, long), app, now)?.accessToken), "long")
  })

  it("not for no scopes; and without the scopes of OpenID Connect, unless those are all", () => {
    assert.isUndefined(found(accessToken, { ...app, scopes: [] }))
    const scopes = ["openid", "offline_access", ...app.scopes]
    assert.strictEqual(found(accessToken, { ...app, scopes }), accessToken.secret)
    const openId = { ...app, scopes: ["openid", "profile", "offline_access"] }
    assert.isUndefined(found(accessToken, openId))
    assert.strictEqual(found({ ...accessToken, target: "profile openid" }, openId), accessToken.secret)
  })

  it("on behalf of who bears the assertion, whatever account it is under", () => {
    const onBehalf = { ...app, assertionHash: "a hash" }
    for (const homeAccountId of [home, "", "a hash"]) {
      const entity = { ...accessToken, home_account_id: homeAccountId }
      for (const name of ["userAssertionHash", "user_assertion_hash"]) {
        assert.strictEqual(found({ ...entity, [name]: "a hash" }, onBehalf), accessToken.secret)
        assert.isUndefined(found({ ...entity, [name]: "A hash" }, onBehalf))
      }
      assert.isUndefined(found(entity, onBehalf))
    }
  })

  it("on behalf of nobody where two names tell two hashes, or none that is text", () => {
    const torn = { ...accessToken, userAssertionHash: "one", user_assertion_hash: "two" }
    for (const assertionHash of ["one", "two", ""]) assert.isUndefined(found(torn, { ...app, assertionHash }))
    assert.isUndefined(found(torn))
    for (const unusable of [1, {}, [], false])
      assert.isUndefined(found({ ...accessToken, userAssertionHash: unusable }))
    assert.strictEqual(
      found({ ...torn, user_assertion_hash: "one" }, { ...app, assertionHash: "one" }),
      accessToken.secret
    )
    assert.isUndefined(found(accessToken, { ...app, assertionHash: "" }))
  })
})

describe("a token is put into an MSAL document", () => {
  it("under msal-node's key, with its fields", () => {
    const document = putToken(
      MsalDocument.empty,
      { ...app, clientId: "Our-Client", homeAccountId: home, assertionHash: "a Hash" },
      token("new", { refreshAtMillis: now + 1_800_999 }),
      now
    )
    assert.deepStrictEqual(sectionOf(document, "AccessToken"), {
      [`${home}-login.windows.net-accesstoken-our-client-${utid}-api://x/.default-`]: {
        home_account_id: home,
        environment: "login.windows.net",
        credential_type: "AccessToken",
        client_id: "Our-Client",
        secret: "new",
        realm: utid,
        target: "api://x/.default",
        cached_at: seconds(now),
        expires_on: seconds(now + 3_600_000),
        extended_expires_on: seconds(now + 3_600_000),
        refresh_on: seconds(now + 1_800_000),
        token_type: "Bearer",
        userAssertionHash: "a Hash"
      }
    })
  })

  it("in the place of what its key held, whose unknown fields stay", () => {
    const [key = ""] = Object.keys(sectionOf(putToken(MsalDocument.empty, app, token("x"), now), "AccessToken"))
    const present = { ...accessToken, userAssertionHash: "h", refresh_on: "1", key_id: "k", last_seen: { by: ["us"] } }
    const document = documentOf({ AccessToken: { first: { a: 1 }, [key]: present, last: 1 } })
    const entries = Object.entries(sectionOf(putToken(document, app, token("new"), now), "AccessToken"))
    assert.deepStrictEqual(
      entries.map(([name]) => name),
      ["first", key, "last"]
    )
    const fields = entries[1]?.[1]
    assert.deepInclude(fields, { secret: "new", last_seen: { by: ["us"] } })
    for (const name of ["userAssertionHash", "refresh_on", "key_id"]) assert.notProperty(fields, name)
  })

  it("without the unknown fields of an account whose id differs in case", () => {
    const first = putToken(MsalDocument.empty, { ...app, homeAccountId: "sub" }, token("x"), now)
    const [key = ""] = Object.keys(sectionOf(first, "AccessToken"))
    const document = documentOf({ AccessToken: { [key]: { ...accessToken, home_account_id: "SUB", theirs: 1 } } })
    const [entity] = written(putToken(document, { ...app, homeAccountId: "sub" }, token("new"), now))
    assert.notProperty(entity, "theirs")
  })

  it("instead of those of the same account that share a scope, under whatever key and name of the cloud", () => {
    const more = { ...accessToken, target: "api://x/other API://X/.default", environment: "login.microsoftonline.com" }
    const document = putToken(holding(more), app, token("new"), now)
    assert.deepStrictEqual(
      written(document).map(({ secret }) => secret),
      ["new"]
    )
  })

  it("beside those of other accounts, realms, clients and scopes, and those that are bound", () => {
    const others = [
      { ...accessToken, home_account_id: home },
      { ...accessToken, realm: "another" },
      { ...accessToken, client_id: "another" },
      { ...accessToken, environment: "login.microsoftonline.us" },
      { ...accessToken, target: "openid api://y/.default" },
      { ...accessToken, key_id: "k" },
      { ...accessToken, token_type: "pop" },
      { ...accessToken, target: 1 }
    ]
    const document = putToken(holding(...others), { ...app, scopes: ["openid", ...app.scopes] }, token("new"), now)
    assert.deepStrictEqual(written(document).slice(0, -1), others)
    assert.lengthOf(written(document), others.length + 1)
  })

  it("for the session of a user that came last, where two are for the same scopes", () => {
    const one = { ...app, homeAccountId: home, assertionHash: "one" }
    const two = { ...one, assertionHash: "two" }
    const document = putToken(putToken(MsalDocument.empty, one, token("1"), now), two, token("2"), now)
    assert.isUndefined(findToken(document, one, now))
    assert.strictEqual(opened(findToken(document, two, now)?.accessToken), "2")
  })

  it("for each session where the account is not known", () => {
    const one = { ...app, assertionHash: "one" }
    const two = { ...app, assertionHash: "two" }
    const document = putToken(putToken(MsalDocument.empty, one, token("1"), now), two, token("2"), now)
    assert.strictEqual(opened(findToken(document, one, now)?.accessToken), "1")
    assert.strictEqual(opened(findToken(document, two, now)?.accessToken), "2")
    assert.isUndefined(findToken(document, app, now))
  })

  it("for what was granted, and .default if that was asked for", () => {
    const all = "https://graph.microsoft.com/.default"
    const scopes = [all, "offline_access"]
    const granted = ["https://graph.microsoft.com/User.Read"]
    const document = putToken(MsalDocument.empty, { ...app, scopes }, token("new", { scopes: granted }), now)
    assert.deepStrictEqual(findToken(document, { ...app, scopes }, now)?.scopes, [...granted, all])
    const asked = putToken(MsalDocument.empty, { ...app, scopes: ["a", "b"] }, token("new", { scopes: ["a"] }), now)
    assert.deepStrictEqual(findToken(asked, { ...app, scopes: ["a"] }, now)?.scopes, ["a"])
    const silent = putToken(MsalDocument.empty, { ...app, scopes: ["a", "b"] }, token("new", { scopes: [] }), now)
    assert.deepStrictEqual(findToken(silent, { ...app, scopes: ["b"] }, now)?.scopes, ["a", "b"])
  })

  it("not if it has ended, has no end, or is for nothing", () => {
    const document = holding(accessToken)
    for (const expiresAtMillis of [now, Number.NaN, Number.POSITIVE_INFINITY])
      assert.strictEqual(putToken(document, app, token("new", { expiresAtMillis }), now), document)
    assert.strictEqual(putToken(document, { ...app, scopes: [] }, token("new", { scopes: [] }), now), document)
  })
})

describe("a token is removed from an MSAL document", () => {
  it("by its value, wherever it is", () => {
    const document = holding(
      accessToken,
      { ...accessToken, client_id: "another", token_type: "pop" },
      { secret: "other" }
    )
    assert.deepStrictEqual(written(removeToken(document, Redacted.make(accessToken.secret))), [{ secret: "other" }])
  })

  it("with all of the app's own, and none of its users'", () => {
    const users = [
      { ...accessToken, home_account_id: home },
      { ...accessToken, userAssertionHash: "a hash" },
      { ...accessToken, client_id: "another" }
    ]
    const document = holding(accessToken, ...users, { ...accessToken, token_type: "pop", home_account_id: null })
    assert.deepStrictEqual(written(removeAppTokens(document, ours)), users)
  })

  it("with all of the client's that have ended, the extended life included", () => {
    const ended = { ...accessToken, expires_on: seconds(now), extended_expires_on: Number(seconds(now - 5)) }
    const kept = [
      accessToken,
      { ...ended, extended_expires_on: seconds(now + 1000) },
      { ...ended, client_id: "another" },
      { ...ended, expires_on: "never" }
    ]
    const document = documentOf({
      AccessToken: Object.fromEntries([ended, ...kept].map((entity, index) => [index, entity])),
      RefreshToken: { key: refreshToken }
    })
    const after = removeEndedTokens(document, ours, now)
    assert.deepStrictEqual(written(after), kept)
    assert.deepStrictEqual(sectionOf(after, "RefreshToken"), { key: refreshToken })
  })
})

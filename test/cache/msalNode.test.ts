import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Redacted } from "effect"
import { realmOf } from "../../src/cache/msalAccount.js"
import * as MsalDocument from "../../src/cache/msalDocument.js"
import { findToken, putToken, removeToken } from "../../src/cache/msalTokens.js"
import { accounts, type NewUser, putUser, refreshToken, removeUser } from "../../src/cache/msalUsers.js"
import { fromResponse } from "../../src/core/Account.js"
import { sha256 } from "../../src/core/digest.js"
import { EntraEmulator } from "../../src/emulator/EntraEmulator.js"
import { defaults, inProcess, publicOrigin } from "../emulator/helpers.js"
import { authorization, codeOf, entra, exchange, type Parameters, post, verifier } from "../emulator/people.js"
import { attempt, client, msal, present, publicAuthority } from "./msalClients.js"
import { opened, sectionOf } from "./msalDocuments.js"

const emulated = inProcess()

const app = {
  ...client,
  tenantId: defaults.tenantId,
  homeAccountId: "",
  scopes: [defaults.apiScope]
}

const alice = `${defaults.userObjectId}.${defaults.tenantId}`

const ofAlice = { ...app, homeAccountId: alice, scopes: [defaults.apiUserScope] }

/** A code redeemed by msal-node. */
const signIn = (
  { application }: Effect.Effect.Success<ReturnType<typeof msal>>,
  username: string = defaults.username,
  parameters: Parameters = authorization,
  base = entra()
) =>
  Effect.gen(function* () {
    const code = yield* codeOf(username, parameters, base)
    return present(
      yield* attempt(() =>
        application.acquireTokenByCode({
          code,
          codeVerifier: verifier,
          redirectUri: defaults.redirectUri,
          scopes: String(parameters.scope).split(" "),
          nonce: "the-nonce"
        })
      )
    )
  })

/** What a person comes with who signs in to us. */
const arrived = (username: string = defaults.username, parameters: Parameters = authorization, base = entra()) =>
  Effect.gen(function* () {
    const code = yield* codeOf(username, parameters, base)
    const { json } = yield* post({ ...exchange(code, parameters), client_info: "1" }, base)
    const text = (name: string) => (typeof json[name] === "string" ? json[name] : undefined)
    const account = fromResponse({ clientInfo: text("client_info"), idToken: text("id_token") })
    if (account === undefined) throw new Error("nobody came")
    const refresh = text("refresh_token")
    return {
      account,
      accessToken: Redacted.make(text("access_token") ?? ""),
      idToken: Redacted.make(text("id_token") ?? ""),
      refreshToken: refresh === undefined ? undefined : Redacted.make(refresh),
      scopes: (text("scope") ?? "").split(" ")
    }
  })

type Arrived = Effect.Effect.Success<ReturnType<typeof arrived>>

const userOf = (come: Arrived, change: Partial<NewUser> = {}): NewUser => ({
  ...client,
  account: come.account,
  authorityType: "MSSTS",
  idToken: come.idToken,
  refreshToken: come.refreshToken,
  ...change
})

const inAnHour = (token: { readonly accessToken: Redacted.Redacted; readonly scopes: ReadonlyArray<string> }) => ({
  accessToken: token.accessToken,
  scopes: token.scopes,
  expiresAtMillis: Date.now() + 3_600_000,
  refreshAtMillis: undefined
})

const made = (text: string, scopes: ReadonlyArray<string>) => inAnHour({ accessToken: Redacted.make(text), scopes })

/** A user and a token, as we write them. */
const written = (come: Arrived, change: Partial<NewUser> = {}) => {
  const { account } = come
  const user = userOf(come, change)
  const scopes = come.scopes.filter((scope) => scope.includes("/"))
  const address = { ...user, tenantId: realmOf(account) || "adfs", homeAccountId: account.homeAccountId, scopes }
  return putToken(putUser(MsalDocument.empty, user), address, inAnHour(come), Date.now())
}

describe("what msal-node writes is read here", () => {
  it.live("an app's token", () =>
    Effect.gen(function* () {
      const node = yield* msal()
      const result = present(
        yield* attempt(() => node.application.acquireTokenByClientCredential({ scopes: [defaults.apiScope] }))
      )
      const document = yield* node.written
      const found = findToken(document, app, Date.now())
      assert.strictEqual(opened(found?.accessToken), result.accessToken)
      assert.strictEqual(found?.expiresAtMillis, result.expiresOn?.getTime())
      assert.deepStrictEqual(found?.scopes, [defaults.apiScope])
      assert.isAtMost(Math.abs((found?.cachedAtMillis ?? 0) - Date.now()), 10_000)
    }).pipe(Effect.provide(emulated))
  )

  it.live("a user who signed in, with the id token's claims, the refresh token and the access token", () =>
    Effect.gen(function* () {
      const node = yield* msal()
      const result = yield* signIn(node)
      const document = yield* node.written
      const [account, ...others] = accounts(document, client)
      assert.lengthOf(others, 0)
      assert.deepInclude(account, {
        homeAccountId: alice,
        localAccountId: defaults.userObjectId,
        tenantId: defaults.tenantId,
        username: defaults.username,
        name: defaults.userDisplayName
      })
      assert.strictEqual(account?.idTokenClaims.oid, defaults.userObjectId)
      assert.strictEqual(opened(findToken(document, ofAlice, Date.now())?.accessToken), result.accessToken)
      const [entity] = Object.values(sectionOf(document, "RefreshToken"))
      assert.strictEqual(opened(refreshToken(document, ofAlice)), entity?.secret)
      assert.isString(entity?.secret)
    }).pipe(Effect.provide(emulated))
  )

  it.live("a token on behalf of a caller, by the assertion's hash alone", () =>
    Effect.gen(function* () {
      const node = yield* msal()
      const { userToken } = yield* EntraEmulator
      const assertion = Redacted.value(
        yield* userToken({ username: defaults.username, api: defaults.middleTierIdentifierUri, origin: publicOrigin })
      )
      const result = present(
        yield* attempt(() =>
          node.application.acquireTokenOnBehalfOf({ oboAssertion: assertion, scopes: [defaults.apiUserScope] })
        )
      )
      const document = yield* node.written
      const address = { ...app, scopes: [defaults.apiUserScope], assertionHash: yield* sha256(assertion) }
      assert.strictEqual(opened(findToken(document, address, Date.now())?.accessToken), result.accessToken)
      assert.isUndefined(findToken(document, { ...address, assertionHash: yield* sha256("other") }, Date.now()))
      assert.isUndefined(findToken(document, { ...ofAlice, scopes: [defaults.apiUserScope] }, Date.now()))
    }).pipe(Effect.provide(emulated))
  )
})

describe("what is written here, msal-node finds without asking", () => {
  it.live("an app's token", () =>
    Effect.gen(function* () {
      const token = made("the app's token", [defaults.apiScope])
      const node = yield* msal(putToken(MsalDocument.empty, app, token, Date.now()))
      const ask = attempt(() => node.application.acquireTokenByClientCredential({ scopes: [defaults.apiScope] }))
      const result = present(yield* ask)
      assert.deepStrictEqual([result.accessToken, result.fromCache], ["the app's token", true])
      assert.deepStrictEqual(node.posted, [])
    }).pipe(Effect.provide(emulated))
  )

  it.live("and replaces it where we look, without a second one", () =>
    Effect.gen(function* () {
      const token = made("the app's token", [defaults.apiScope])
      const node = yield* msal(putToken(MsalDocument.empty, app, token, Date.now()))
      const scopes = [defaults.apiScope]
      const { accessToken } = present(
        yield* attempt(() => node.application.acquireTokenByClientCredential({ scopes, skipCache: true }))
      )
      const document = yield* node.written
      assert.strictEqual(opened(findToken(document, app, Date.now())?.accessToken), accessToken)
      assert.lengthOf(Object.keys(sectionOf(document, "AccessToken")), 1)
    }).pipe(Effect.provide(emulated))
  )

  it.live("a user with a token, and the claims of the id token", () =>
    Effect.gen(function* () {
      const come = yield* arrived()
      const node = yield* msal(written(come))
      const [account, ...others] = yield* node.accounts
      assert.lengthOf(others, 0)
      assert.deepInclude(account, {
        homeAccountId: alice,
        localAccountId: defaults.userObjectId,
        environment: "login.windows.net",
        tenantId: defaults.tenantId,
        username: defaults.username,
        name: defaults.userDisplayName
      })
      assert.strictEqual(account?.idTokenClaims?.oid, defaults.userObjectId)
      if (account === undefined) return
      const ask = attempt(() => node.application.acquireTokenSilent({ account, scopes: [defaults.apiUserScope] }))
      const result = present(yield* ask)
      assert.strictEqual(result.accessToken, Redacted.value(come.accessToken))
      assert.deepStrictEqual([result.fromCache, result.uniqueId], [true, defaults.userObjectId])
      assert.deepStrictEqual(node.posted, [])
    }).pipe(Effect.provide(emulated))
  )

  it.live(
    "a user without an id token: the account, the cached token and the refresh token serve, the claims are missing",
    () =>
      Effect.gen(function* () {
        const come = yield* arrived()
        const node = yield* msal(written(come, { idToken: undefined }))
        const [account] = yield* node.accounts
        assert.deepInclude(account, { homeAccountId: alice, username: defaults.username, tenantId: defaults.tenantId })
        assert.isUndefined(account?.idTokenClaims)
        if (account === undefined) return
        const ask = (forceRefresh: boolean) =>
          attempt(() => node.application.acquireTokenSilent({ account, scopes: [defaults.apiUserScope], forceRefresh }))
        const cached = present(yield* ask(false))
        assert.strictEqual(cached.accessToken, Redacted.value(come.accessToken))
        assert.deepStrictEqual([cached.idToken, cached.uniqueId, cached.tenantId], ["", "", ""])
        assert.strictEqual(cached.account?.username, defaults.username)
        const renewed = present(yield* ask(true))
        assert.deepStrictEqual([renewed.fromCache, renewed.uniqueId], [false, defaults.userObjectId])
        assert.lengthOf(node.posted, 1)
        assert.strictEqual((yield* node.accounts)[0]?.idTokenClaims?.oid, defaults.userObjectId)
      }).pipe(Effect.provide(emulated))
  )

  it.live("a token on behalf of a caller, with an account and without", () =>
    Effect.gen(function* () {
      for (const homeAccountId of [alice, ""]) {
        const scopes = [defaults.apiUserScope]
        const address = { ...app, scopes, homeAccountId, assertionHash: yield* sha256("the assertion") }
        const document = putToken(MsalDocument.empty, address, made("the caller's", scopes), Date.now())
        const node = yield* msal(document)
        const ask = (oboAssertion: string) =>
          Effect.option(attempt(() => node.application.acquireTokenOnBehalfOf({ oboAssertion, scopes })))
        const result = present(Option.getOrNull(yield* ask("the assertion")))
        assert.deepInclude(result, { accessToken: "the caller's", fromCache: true })
        assert.deepStrictEqual(node.posted, [])
        assert.deepInclude(yield* ask("another assertion"), { _tag: "None" })
        assert.lengthOf(node.posted, 1)
        assert.strictEqual(opened(findToken(document, address, Date.now())?.accessToken), "the caller's")
      }
    }).pipe(Effect.provide(emulated))
  )

  it.live("a token on behalf of a caller without an account is not the app's own", () =>
    Effect.gen(function* () {
      const address = { ...app, assertionHash: yield* sha256("the assertion") }
      const token = made("the caller's", [defaults.apiScope])
      const document = putToken(MsalDocument.empty, address, token, Date.now())
      assert.isUndefined(findToken(document, app, Date.now()))
      const node = yield* msal(document)
      const ask = attempt(() => node.application.acquireTokenByClientCredential({ scopes: [defaults.apiScope] }))
      assert.isFalse(present(yield* ask).fromCache)
    }).pipe(Effect.provide(emulated))
  )
})

/** The accounts, the texts in the text parsed. */
const accountsOf = (document: MsalDocument.Document) =>
  Object.entries(sectionOf(document, "Account")).map(([key, { tenantProfiles, ...fields }]) => [
    key,
    { ...fields, tenantProfiles: Array.isArray(tenantProfiles) ? tenantProfiles.map((text) => JSON.parse(text)) : [] }
  ])

describe("with msal-node in one document", () => {
  it.live("a guest is one account in two tenants", () =>
    Effect.gen(function* () {
      const carol = `${defaults.otherUserObjectId}.${defaults.otherTenantId}`
      const atHome = yield* arrived(defaults.otherUsername, authorization, entra(defaults.otherTenantId))
      const asGuest = yield* arrived(defaults.otherUsername)
      assert.strictEqual(atHome.account.homeAccountId, carol)
      assert.strictEqual(asGuest.account.homeAccountId, carol)
      for (const order of [
        [atHome, asGuest],
        [asGuest, atHome]
      ]) {
        const document = order.reduce((before, come) => putUser(before, userOf(come)), MsalDocument.empty)
        assert.lengthOf(Object.keys(sectionOf(document, "Account")), 1)
        const node = yield* msal(document)
        const known = (yield* node.accounts).map(({ homeAccountId, localAccountId, tenantId }) => [
          homeAccountId,
          localAccountId,
          tenantId
        ])
        assert.sameDeepMembers(known, [
          [carol, defaults.otherUserObjectId, defaults.otherTenantId],
          [carol, defaults.guestObjectId, defaults.tenantId]
        ])
        const [account, ...others] = accounts(document, client)
        assert.lengthOf(others, 0)
        assert.deepInclude(account, { localAccountId: defaults.otherUserObjectId, tenantId: defaults.otherTenantId })
        const [guest] = accounts(document, client, defaults.tenantId)
        assert.deepInclude(guest, { localAccountId: defaults.guestObjectId, tenantId: defaults.tenantId })
      }
    }).pipe(Effect.provide(emulated))
  )

  it.live("two tokens of ours that share a scope never make it fail", () =>
    Effect.gen(function* () {
      const more = { ...app, scopes: [defaults.apiScope, "api://more/.default"] }
      const first = putToken(MsalDocument.empty, app, made("first", app.scopes), Date.now())
      const document = putToken(first, more, made("second", more.scopes), Date.now())
      const node = yield* msal(document)
      const ask = attempt(() => node.application.acquireTokenByClientCredential({ scopes: [defaults.apiScope] }))
      assert.strictEqual(present(yield* ask).accessToken, "second")
    }).pipe(Effect.provide(emulated))
  )

  for (const isKnown of [false, true]) {
    it.live(`its entries are replaced, field by field as it writes them (knownAuthorities: ${isKnown})`, () =>
      Effect.gen(function* () {
        const node = yield* msal(MsalDocument.empty, publicAuthority, isKnown)
        yield* signIn(node)
        const before = yield* node.written
        const come = yield* arrived()
        const scopes = findToken(before, ofAlice, Date.now())?.scopes ?? []
        const user = putUser(before, userOf(come))
        const after = putToken(user, { ...ofAlice, scopes }, { ...inAnHour(come), scopes }, Date.now())
        for (const section of ["Account", "IdToken", "AccessToken", "RefreshToken"] as const) {
          const [was, is] = [sectionOf(before, section), sectionOf(after, section)]
          if (!isKnown) assert.deepStrictEqual(Object.keys(is), Object.keys(was))
          const fieldsOf = (all: typeof is) => Object.values(all).map((entity) => Object.keys(entity).sort())
          assert.deepStrictEqual(fieldsOf(is), fieldsOf(was))
        }
        assert.deepStrictEqual(accountsOf(after), accountsOf(before))
        assert.strictEqual(opened(refreshToken(after, ofAlice)), opened(come.refreshToken))
        const again = yield* msal(after, publicAuthority, isKnown)
        const [account, ...others] = yield* again.accounts
        assert.lengthOf(others, 0)
        assert.strictEqual(account?.homeAccountId, alice)
      }).pipe(Effect.provide(emulated))
    )
  }

  it.live("a token and a user removed here are gone there", () =>
    Effect.gen(function* () {
      const come = yield* arrived()
      const document = written(come)
      assert.isUndefined(findToken(removeToken(document, come.accessToken), ofAlice, Date.now()))
      const node = yield* msal(removeUser(document, ofAlice))
      assert.deepStrictEqual(yield* node.accounts, [])
    }).pipe(Effect.provide(emulated))
  )
})

describe("other authorities, through both libraries", () => {
  const b2cPath = `${defaults.b2cDomain}/${defaults.b2cUserFlow}`
  const b2cOrigin = "https://contosob2c.b2clogin.com"
  const adfsOrigin = "https://sts.adatum.example"
  const authorities = {
    b2c: {
      authority: `${b2cOrigin}/${b2cPath}`,
      base: `${b2cOrigin}/${b2cPath}/oauth2/v2.0`,
      username: defaults.b2cUsername,
      scope: defaults.b2cScope,
      type: "MSSTS"
    },
    adfs: {
      authority: `${adfsOrigin}/adfs`,
      base: `${adfsOrigin}/adfs/oauth2`,
      username: defaults.adfsUsername,
      scope: defaults.adfsScope,
      type: "ADFS"
    }
  } as const
  for (const [name, { authority, base, scope, type, username }] of Object.entries(authorities)) {
    const parameters = { ...authorization, scope: `openid profile offline_access ${scope}` }
    const there = { ...client, environments: [new URL(authority).host] } as const

    it.live(`${name}: theirs here, and ours there`, () =>
      Effect.gen(function* () {
        const theirs = yield* msal(MsalDocument.empty, authority)
        const result = yield* signIn(theirs, username, parameters, base)
        const document = yield* theirs.written
        const [account] = accounts(document, there)
        assert.strictEqual(account?.homeAccountId, result.account?.homeAccountId)
        if (account === undefined) return
        const address = { ...there, ...account, tenantId: realmOf(account) || "adfs", scopes: [scope] }
        assert.strictEqual(opened(findToken(document, address, Date.now())?.accessToken), result.accessToken)

        const come = yield* arrived(username, parameters, base)
        const ours = yield* msal(written(come, { ...there, authorityType: type }), authority)
        const [known] = yield* ours.accounts
        assert.strictEqual(known?.homeAccountId, account.homeAccountId)
        assert.strictEqual(known?.tenantId, result.account?.tenantId)
        assert.strictEqual(known?.authorityType, result.account?.authorityType)
        if (known === undefined) return
        const silent = present(
          yield* attempt(() => ours.application.acquireTokenSilent({ account: known, scopes: [scope] }))
        )
        assert.strictEqual(silent.accessToken, Redacted.value(come.accessToken))
        assert.deepStrictEqual(ours.posted, [])
      }).pipe(Effect.provide(emulated))
    )
  }
})

import { assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import * as MsalDocument from "../../src/cache/msalDocument.js"
import { accounts, type NewUser, putUser, refreshToken, removeUser, retire } from "../../src/cache/msalUsers.js"
import { Account, type Fields } from "../../src/core/Account.js"
import { documentOf, type Json, jsonOf, opened, sectionOf } from "./msalDocuments.js"
import {
  accessToken,
  account,
  guestTenant,
  home,
  idToken,
  ours,
  refreshToken as refreshEntity,
  uid,
  utid
} from "./msalEntities.js"

const ann = { ...ours, homeAccountId: home }

const known: Fields = {
  homeAccountId: home,
  localAccountId: uid,
  tenantId: utid,
  username: "ann@contoso.com",
  name: "Ann",
  idTokenClaims: {}
}

const user = (change: Partial<NewUser> = {}, fields: Partial<Fields> = {}): NewUser => ({
  ...ours,
  account: new Account({ ...known, ...fields }),
  authorityType: "MSSTS",
  refreshToken: Redacted.make("new"),
  ...change
})

const plain = (all: ReadonlyArray<Account>): ReadonlyArray<Fields> => all.map((one) => ({ ...one }))

const holding = (sections: Readonly<Record<string, ReadonlyArray<Json>>>) =>
  documentOf(
    Object.fromEntries(
      Object.entries(sections).map(([section, entities]) => [
        section,
        Object.fromEntries(entities.map((entity, index) => [`key ${index}`, entity]))
      ])
    )
  )

const listed = (sections: Readonly<Record<string, ReadonlyArray<Json>>>, tenantId?: string) =>
  plain(accounts(holding(sections), ours, tenantId))

const profile = (tenantId: string, localAccountId: string) =>
  JSON.stringify({ tenantId, localAccountId, username: `${localAccountId}@there`, name: "Ann there" })

const family = { ...refreshEntity, client_id: "another", family_id: "1", secret: "the family's" }

const member = { client_id: ours.clientId, environment: "login.windows.net", family_id: "1" }

describe("the accounts of an MSAL document", () => {
  it.each<[string, string, Json]>([
    ["a refresh token", "RefreshToken", refreshEntity],
    ["an id token", "IdToken", idToken({ oid: uid, tid: utid, preferred_username: "ann@contoso.com", name: "Ann" })],
    ["an access token", "AccessToken", { ...accessToken, home_account_id: home }]
  ])("are those that the client has %s for", (_, section, credential) => {
    const all = listed({ Account: [account], [section]: [credential] })
    assert.deepStrictEqual(
      all.map((one) => ({ ...one, idTokenClaims: {} })),
      [known]
    )
    for (const change of [{ client_id: "another" }, { environment: "elsewhere" }, { home_account_id: "another" }])
      assert.deepStrictEqual(listed({ Account: [account], [section]: [{ ...credential, ...change }] }), [])
  })

  it("are those of the client's family too, if it is a member", () => {
    const sections = { Account: [account], RefreshToken: [family] }
    assert.deepStrictEqual(listed(sections), [])
    assert.deepStrictEqual(listed({ ...sections, AppMetadata: [member] }), [known])
    for (const change of [
      { client_id: "another" },
      { environment: "elsewhere" },
      { family_id: "" },
      { family_id: "2" }
    ])
      assert.deepStrictEqual(listed({ ...sections, AppMetadata: [{ ...member, ...change }] }), [])
  })

  it("are known by the client's id token best, with its claims", () => {
    const claims = { oid: "local", tid: utid, preferred_username: "ann@new.com", name: "Ann New", custom: 1 }
    assert.deepStrictEqual(listed({ Account: [account], IdToken: [idToken(claims)] }), [
      {
        homeAccountId: home,
        localAccountId: "local",
        tenantId: utid,
        username: "ann@new.com",
        name: "Ann New",
        idTokenClaims: claims
      }
    ])
  })

  it("are known in the tenant that is asked for, else at home, else elsewhere", () => {
    const profiles = [profile(guestTenant, "guest"), profile(utid, uid)]
    const sections = { Account: [{ ...account, tenantProfiles: profiles }], RefreshToken: [refreshEntity] }
    const localIds = (all: ReadonlyArray<Fields>) =>
      all.map(({ localAccountId, tenantId }) => [localAccountId, tenantId])
    assert.deepStrictEqual(localIds(listed(sections)), [[uid, utid]])
    assert.deepStrictEqual(localIds(listed(sections, guestTenant)), [["guest", guestTenant]])
    assert.deepStrictEqual(localIds(listed(sections, "nowhere")), [[uid, utid]])
    const guest = idToken({ oid: "guest", tid: guestTenant }, guestTenant)
    assert.deepStrictEqual(localIds(listed({ ...sections, IdToken: [guest] })), [[uid, utid]])
    const away = { ...account, realm: guestTenant, local_account_id: "guest" }
    assert.deepStrictEqual(localIds(listed({ ...sections, Account: [away] })), [["guest", guestTenant]])
  })

  it("are one each, where another MSAL wrote one for each tenant", () => {
    const away = { ...account, realm: guestTenant, local_account_id: "guest" }
    const sections = { Account: [away, account], RefreshToken: [refreshEntity] }
    assert.deepStrictEqual(listed(sections), [known])
    assert.strictEqual(listed(sections, guestTenant)[0]?.localAccountId, "guest")
  })

  it("are skipped where nothing usable is written of them, and others are not", () => {
    for (const field of ["home_account_id", "environment", "realm", "local_account_id"])
      for (const value of [undefined, null, 1, {}]) {
        const broken = { ...account, [field]: value }
        assert.deepStrictEqual(listed({ Account: [broken], RefreshToken: [refreshEntity] }), [])
        assert.deepStrictEqual(listed({ Account: [broken, account], RefreshToken: [refreshEntity] }), [known])
      }
  })

  it("are known by what is readable, be their id token or profiles what they may", () => {
    for (const tenantProfiles of [1, "x", [1], ["{"], ["null"], ['{"tenantId":1}'], { length: 1 }])
      for (const secret of ["", "no token", "a.b.c"]) {
        const sections = {
          Account: [{ ...account, tenantProfiles }],
          IdToken: [{ ...idToken({}), secret }],
          RefreshToken: [refreshEntity]
        }
        assert.deepStrictEqual(listed(sections), [known])
      }
  })

  it("have no name where none is written", () => {
    const [found] = listed({ Account: [{ ...account, username: "", name: null }], RefreshToken: [refreshEntity] })
    assert.deepStrictEqual([found?.username, found?.name], [undefined, undefined])
  })
})

describe("the refresh token in an MSAL document", () => {
  const found = (...entities: ReadonlyArray<Json>) =>
    opened(refreshToken(holding({ RefreshToken: entities, AppMetadata: [member] }), ann))

  it("is the client's own before its family's", () => {
    const mine = { ...family, client_id: ours.clientId, secret: "mine, for the family" }
    assert.strictEqual(found(family, mine, refreshEntity), refreshEntity.secret)
    assert.strictEqual(found(family, mine), "mine, for the family")
    assert.strictEqual(found(family), "the family's")
    assert.isUndefined(opened(refreshToken(holding({ RefreshToken: [family] }), ann)))
  })

  it.each<[string, Json]>([
    ["another account's", { home_account_id: "another" }],
    ["another client's", { client_id: "another" }],
    ["another cloud's", { environment: "login.microsoftonline.us" }],
    ["got on behalf of somebody", { user_assertion_hash: "a hash" }],
    ["empty", { secret: "" }],
    ["no text", { secret: 1 }]
  ])("is none that is %s", (_, change) => {
    assert.isUndefined(found({ ...refreshEntity, ...change }))
    assert.strictEqual(found({ ...refreshEntity, ...change }, { ...refreshEntity, secret: "right" }), "right")
  })
})

describe("a user is put into an MSAL document", () => {
  it("under msal-node's keys, with its fields", () => {
    const claims = { login_hint: "hint", upn: "ann@upn" }
    const entry = user(
      { idToken: Redacted.make("an id token"), clientInfo: Redacted.make("info"), familyId: "1" },
      { idTokenClaims: claims }
    )
    const common = { home_account_id: home, environment: "login.windows.net" }
    const { Account: written, ...rest } = jsonOf(putUser(MsalDocument.empty, entry))
    assert.deepStrictEqual(rest, {
      IdToken: {
        [`${home}-login.windows.net-idtoken-our-client-${utid}--`]: {
          ...common,
          credential_type: "IdToken",
          client_id: ours.clientId,
          secret: "an id token",
          realm: utid
        }
      },
      RefreshToken: {
        [`${home}-login.windows.net-refreshtoken-1---`]: {
          ...common,
          credential_type: "RefreshToken",
          client_id: ours.clientId,
          secret: "new",
          family_id: "1"
        }
      },
      AppMetadata: { "appmetadata-login.windows.net-our-client": member }
    })
    const [[key, { tenantProfiles, ...fields }] = ["", {}]] = Object.entries(written as Readonly<Record<string, Json>>)
    assert.strictEqual(key, `${home}-login.windows.net-${utid}`)
    assert.deepStrictEqual(fields, { ...account, client_info: "info" })
    assert.deepStrictEqual(Array.isArray(tenantProfiles) && tenantProfiles.map((text) => JSON.parse(text)), [
      {
        tenantId: utid,
        localAccountId: uid,
        username: "ann@contoso.com",
        name: "Ann",
        loginHint: "hint",
        upn: "ann@upn",
        isHomeTenant: true
      }
    ])
  })

  it("and read as the same account", () => {
    const document = putUser(MsalDocument.empty, user())
    assert.deepStrictEqual(plain(accounts(document, ours)), [known])
    assert.strictEqual(opened(refreshToken(document, ann)), "new")
  })

  it("whose refresh token stays where no new one came", () => {
    const document = putUser(putUser(MsalDocument.empty, user()), user({ refreshToken: undefined }))
    assert.strictEqual(opened(refreshToken(document, ann)), "new")
  })

  it("whose old refresh tokens go, under whatever key and name of the cloud, and no others", () => {
    const old = { ...refreshEntity, environment: "login.microsoftonline.com" }
    const others = [
      family,
      { ...refreshEntity, client_id: "another" },
      { ...refreshEntity, home_account_id: "another" },
      { ...refreshEntity, user_assertion_hash: "a hash" }
    ]
    const document = putUser(holding({ RefreshToken: [old, ...others] }), user())
    assert.deepStrictEqual(
      Object.values(sectionOf(document, "RefreshToken")).map(({ secret }) => secret),
      [...others.map(({ secret }) => secret), "new"]
    )
  })

  it("whose family's refresh token takes the place of the old one", () => {
    const document = putUser(holding({ RefreshToken: [family, refreshEntity] }), user({ familyId: "1" }))
    assert.strictEqual(opened(refreshToken(document, ann)), "new")
    assert.lengthOf(Object.keys(sectionOf(document, "RefreshToken")), 1)
    const sibling = { ...ann, clientId: "sibling" }
    const both = putUser(document, user({ clientId: "sibling", familyId: "1", refreshToken: undefined }))
    assert.strictEqual(opened(refreshToken(both, sibling)), "new")
  })

  it("as a guest, without a change of what is known at home", () => {
    const guest = user({}, { tenantId: guestTenant, localAccountId: "guest", username: "ann#ext#", name: "Guest" })
    const present = { ...account, custom: [1], tenantProfiles: [profile("third", "3"), "{", 7] }
    const key = `${home}-login.windows.net-${utid}`
    const entity = sectionOf(putUser(documentOf({ Account: { [key]: present } }), guest), "Account")[key]
    const { tenantProfiles, ...fields } = entity ?? {}
    const { tenantProfiles: before, ...was } = present
    assert.deepStrictEqual(fields, was)
    if (!Array.isArray(tenantProfiles)) return assert.fail("no profiles")
    assert.deepStrictEqual(tenantProfiles.slice(0, 3), before)
    assert.deepInclude(JSON.parse(tenantProfiles[3]), { tenantId: guestTenant, isHomeTenant: false, name: "Guest" })
  })

  it("as a guest, beside the home of an account from before there were profiles", () => {
    const key = `${home}-login.windows.net-${utid}`
    const guest = user({}, { tenantId: guestTenant, localAccountId: "guest" })
    const document = putUser(documentOf({ Account: { [key]: account } }), guest)
    assert.strictEqual(accounts(document, ours, utid)[0]?.localAccountId, uid)
    assert.strictEqual(accounts(document, ours, guestTenant)[0]?.localAccountId, "guest")
  })

  it("as a guest who was never at home here", () => {
    const guest = user({}, { tenantId: guestTenant, localAccountId: "guest" })
    const [entity] = Object.values(sectionOf(putUser(MsalDocument.empty, guest), "Account"))
    assert.deepInclude(entity, { realm: utid, local_account_id: uid })
    assert.deepInclude(plain(accounts(putUser(MsalDocument.empty, guest), ours))[0], {
      localAccountId: "guest",
      tenantId: guestTenant
    })
  })

  it("again, without a loss of names and of unknown fields", () => {
    const text = JSON.stringify({
      tenantId: utid,
      localAccountId: uid,
      username: "ann@contoso.com",
      nativeAccountId: "n"
    })
    const key = `${home}-login.windows.net-${utid}`
    const before = documentOf({
      Account: { [key]: { ...account, wam_account_ids: { a: "b" }, tenantProfiles: [text] } }
    })
    const entity = sectionOf(putUser(before, user({}, { username: undefined, name: undefined })), "Account")[key]
    assert.deepInclude(entity, { username: "ann@contoso.com", name: "Ann", wam_account_ids: { a: "b" } })
    assert.deepStrictEqual(JSON.parse(String(entity?.tenantProfiles)), { ...JSON.parse(text), isHomeTenant: true })
  })

  it("at home, where nobody told the tenant", () => {
    const document = putUser(MsalDocument.empty, user({}, { tenantId: "" }))
    assert.deepStrictEqual(plain(accounts(document, ours)), [known])
  })

  it("of an authority without tenants: by the policy, or by nothing", () => {
    const document = (idTokenClaims: Json) =>
      putUser(
        MsalDocument.empty,
        user({ authorityType: "Generic" }, { homeAccountId: "Sub", localAccountId: "Sub", tenantId: "", idTokenClaims })
      )
    for (const [claims, realm] of [
      [{ tfp: "b2c_1_a" }, "b2c_1_a"],
      [{ acr: "b2c_1_b" }, "b2c_1_b"],
      [{}, ""]
    ] as const) {
      const [[key, entity] = ["", {}]] = Object.entries(sectionOf(document(claims), "Account"))
      assert.strictEqual(key, `sub-login.windows.net-${realm}`)
      assert.deepInclude(entity, { realm, local_account_id: "Sub", authority_type: "Generic" })
    }
  })
})

it("a document of many users is listed in a moment", () => {
  const ids = Array.from({ length: 5000 }, (_, index) => ({ home_account_id: `user ${index}` }))
  const document = holding({
    Account: ids.map((id) => ({ ...account, ...id })),
    RefreshToken: ids.map((id) => ({ ...refreshEntity, ...id }))
  })
  const start = performance.now()
  assert.lengthOf(accounts(document, ours), 5000)
  assert.isBelow(performance.now() - start, 2000)
})

describe("a user in an MSAL document", () => {
  const others = { ...refreshEntity, client_id: "another", secret: "other" }
  const everything = {
    Account: [account],
    IdToken: [idToken({ oid: uid })],
    AccessToken: [{ ...accessToken, home_account_id: home, token_type: "pop" }, accessToken],
    RefreshToken: [refreshEntity]
  }

  it("loses a refresh token that has been retired, and keeps the one that replaced it", () => {
    const document = putUser(MsalDocument.empty, user())
    assert.strictEqual(retire(document, { ...ann, refreshToken: Redacted.make("old") }), document)
    const retired = retire(document, { ...ann, refreshToken: Redacted.make("new") })
    assert.isUndefined(refreshToken(retired, ann))
    assert.lengthOf(Object.keys(sectionOf(retired, "Account")), 1)
    assert.strictEqual(
      retire(document, { ...ann, homeAccountId: "another", refreshToken: Redacted.make("new") }),
      document
    )
  })

  it("is removed with all that the client has of them", () => {
    const document = removeUser(holding(everything), ann)
    assert.deepStrictEqual(jsonOf(document), {
      Account: {},
      IdToken: {},
      AccessToken: { "key 1": accessToken },
      RefreshToken: {}
    })
  })

  it("is removed for the client alone, while others have something of them", () => {
    const document = removeUser(holding({ ...everything, RefreshToken: [others, refreshEntity] }), ann)
    assert.deepStrictEqual(Object.values(sectionOf(document, "RefreshToken")), [others])
    assert.deepStrictEqual(Object.values(sectionOf(document, "Account")), [account])
    assert.deepStrictEqual(accounts(document, ours), [])
    assert.lengthOf(accounts(document, { ...ours, clientId: "another" }), 1)
  })

  it("is removed with what the client's family shares", () => {
    const sections = { ...everything, RefreshToken: [family], AppMetadata: [member] }
    assert.deepStrictEqual(accounts(removeUser(holding(sections), ann), ours), [])
    assert.deepStrictEqual(sectionOf(removeUser(holding(sections), ann), "AppMetadata"), { "key 0": member })
  })
})

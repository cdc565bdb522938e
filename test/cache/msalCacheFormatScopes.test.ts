import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as Authority from "../../src/core/Authority.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import { defaults } from "../support/emulated.js"
import {
  accountsOfMsal,
  alice,
  asking,
  entitiesOf,
  type Msal,
  msal,
  Origin,
  ours,
  ownHost,
  publicCloud,
  signInMsal,
  signInOurs,
  silentlyMsal,
  unasked
} from "./msalCacheFormatClients.js"
import { sharedFile } from "./msalCacheFormatFiles.js"
import { lockingPlugin } from "./msalCacheFormatPlugins.js"
import { attempt, present } from "./msalClients.js"

const both = [defaults.apiUserScope, defaults.unconsentedApiUserScope]
const [read = "", write = ""] = both

/** The application may read and write. */
const directory: EntraEmulator.Directory = {
  ...EntraEmulator.defaultDirectory,
  tenants: EntraEmulator.defaultDirectory.tenants.map((tenant) => ({
    ...tenant,
    apps: tenant.apps.map((app) => ({
      ...app,
      consent: { ...app.consent, [defaults.apiIdentifierUri]: ["Tasks.Read", "Tasks.Write"] }
    }))
  }))
}

const silentlyBoth = (application: Msal) =>
  Effect.gen(function* () {
    const [account] = yield* accountsOfMsal(application)
    if (account === undefined) return yield* Effect.fail("msal-node knows nobody")
    return present(yield* attempt(() => application.acquireTokenSilent({ account, scopes: both })))
  })

const silent = (...scopes: ReadonlyArray<string>) => ({ account: { homeAccountId: alice }, scopes })

describe("several scopes of one resource, with one file", () => {
  it.scopedLive("a token of msal-node's that was granted more serves us for each", () =>
    Effect.gen(function* () {
      const shared = yield* sharedFile
      const node = yield* shared.msal()
      yield* signInMsal(node)
      const { accessToken } = yield* silentlyBoth(node)
      for (const scopes of [[read], [write], [write, read]]) {
        const client = yield* shared.ours()
        const token = yield* unasked(client.acquireTokenSilent(silent(...scopes)))
        assert.strictEqual(Redacted.value(token.accessToken), accessToken)
      }
    }).pipe(Effect.provide(publicCloud({ directory })))
  )

  it.scopedLive("a token of ours that was granted more serves msal-node for each, and there is one of it", () =>
    Effect.gen(function* () {
      const shared = yield* sharedFile
      const node = yield* shared.msal()
      yield* signInMsal(node)
      const client = yield* shared.ours()
      const token = yield* client.acquireTokenSilent({ ...silent(read, write), forceRefresh: true })
      for (const scope of both)
        assert.strictEqual(
          (yield* unasked(silentlyMsal(node, alice, scope))).accessToken,
          Redacted.value(token.accessToken)
        )
      assert.strictEqual((yield* unasked(silentlyBoth(node))).accessToken, Redacted.value(token.accessToken))
      assert.lengthOf(entitiesOf(yield* shared.text, "AccessToken"), 1)
    }).pipe(Effect.provide(publicCloud({ directory })))
  )
})

describe("a user flow of Azure AD B2C, with one file", () => {
  const home = `${defaults.b2cUserObjectId}-${defaults.b2cUserFlow}.${defaults.b2cTenantId}`
  const person = { username: defaults.b2cUsername, scope: defaults.b2cScope }
  const request = { account: { homeAccountId: home }, scopes: defaults.b2cScope }

  const together = Effect.gen(function* () {
    const shared = yield* sharedFile
    const authority = Authority.b2c({
      tenant: defaults.b2cDomain.replace(".onmicrosoft.com", ""),
      policy: defaults.b2cUserFlow,
      host: yield* Origin
    })
    return {
      ...shared,
      client: ours(shared.layer(), { authority }),
      node: yield* msal(lockingPlugin(shared.path), "", `${defaults.b2cDomain}/${defaults.b2cUserFlow}`)
    }
  })

  it.scopedLive("who signs in with us is signed in with msal-node, and renewed by it", () =>
    Effect.gen(function* () {
      const shared = yield* together
      const { account, token } = yield* signInOurs(yield* shared.client, person)
      assert.strictEqual(account.homeAccountId, home)
      const found = yield* unasked(silentlyMsal(shared.node, home, defaults.b2cScope))
      assert.strictEqual(found.accessToken, Redacted.value(token.accessToken))
      yield* shared.age
      assert.lengthOf((yield* asking(silentlyMsal(shared.node, home, defaults.b2cScope))).sent, 1)
      yield* shared.age
      assert.lengthOf((yield* asking((yield* shared.client).acquireTokenSilent(request))).sent, 1)
      assert.lengthOf(entitiesOf(yield* shared.text, "RefreshToken"), 1)
      assert.lengthOf(entitiesOf(yield* shared.text, "Account"), 1)
    }).pipe(Effect.provide(ownHost()))
  )

  it.scopedLive("who signs in with msal-node is signed in with us, and renewed by us", () =>
    Effect.gen(function* () {
      const shared = yield* together
      const { accessToken } = yield* signInMsal(shared.node, person)
      const client = yield* shared.client
      assert.lengthOf(yield* client.getAccounts({ session: "" }), 1)
      const token = yield* unasked(client.acquireTokenSilent(request))
      assert.strictEqual(Redacted.value(token.accessToken), accessToken)
      yield* shared.age
      assert.lengthOf((yield* asking((yield* shared.client).acquireTokenSilent(request))).sent, 1)
      yield* unasked(silentlyMsal(shared.node, home, defaults.b2cScope))
      assert.lengthOf(entitiesOf(yield* shared.text, "RefreshToken"), 1)
      assert.lengthOf(entitiesOf(yield* shared.text, "Account"), 1)
    }).pipe(Effect.provide(ownHost()))
  )
})

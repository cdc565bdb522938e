import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { defaults } from "../support/emulated.js"
import { shiftedClock } from "../support/shiftedClock.js"
import {
  accountsOfMsal,
  alice,
  appMsal,
  asking,
  bob,
  entitiesOf,
  type Msal,
  publicCloud,
  signInMsal,
  signInOurs,
  silentlyMsal,
  unasked,
  worlds
} from "./msalCacheFormatClients.js"
import { sharedFile } from "./msalCacheFormatFiles.js"

const idsOf = (accounts: ReadonlyArray<{ readonly homeAccountId: string }>) =>
  accounts.map(({ homeAccountId }) => homeAccountId)

const silent = (homeAccountId: string) => ({ account: { homeAccountId }, scopes: defaults.apiUserScope })

const signOutOfMsal = (application: Msal, homeAccountId: string) =>
  Effect.gen(function* () {
    const account = (yield* accountsOfMsal(application)).find((known) => known.homeAccountId === homeAccountId)
    assert.isDefined(account)
    if (account !== undefined) yield* Effect.promise(() => application.getTokenCache().removeAccount(account))
  })

const twoPeople = Effect.gen(function* () {
  const shared = yield* sharedFile
  const client = yield* shared.ours()
  const node = yield* shared.msal()
  yield* signInOurs(client)
  yield* signInMsal(node, { username: defaults.secondUsername })
  return { ...shared, client, node }
})

type Together = Effect.Effect.Success<typeof twoPeople>

for (const [name, world] of Object.entries(worlds)) {
  describe(`who signs out, with one file, at ${name}`, () => {
    it.scopedLive("of msal-node, is not listed by us any more, and has no token within a minute", () => {
      const { clock, pass } = shiftedClock()
      return Effect.gen(function* () {
        const { client, node } = yield* twoPeople
        for (const account of [alice, bob]) yield* unasked(client.acquireTokenSilent(silent(account)))
        yield* signOutOfMsal(node, alice)
        assert.deepStrictEqual(idsOf(yield* client.getAccounts({ session: "" })), [bob])
        pass("61 seconds")
        const { sent, value } = yield* asking(Effect.flip(client.acquireTokenSilent(silent(alice))))
        assert.deepInclude(value, { _tag: "InteractionRequired", error: "login_required" })
        assert.lengthOf(sent, 0)
        yield* unasked(client.acquireTokenSilent(silent(bob)))
      }).pipe(Effect.withClock(clock), Effect.provide(world()))
    })

    it.scopedLive("of us, is not known to msal-node any more when it reads anew", () =>
      Effect.gen(function* () {
        const { client, msal, node, text } = yield* twoPeople
        yield* silentlyMsal(node, alice)
        assert.isTrue(yield* client.removeAccount({ account: { homeAccountId: alice } }))
        assert.notInclude(yield* text, alice)
        assert.deepStrictEqual(idsOf(yield* accountsOfMsal(yield* msal())), [bob])
        yield* unasked(silentlyMsal(node, bob))
        assert.deepStrictEqual(idsOf(yield* accountsOfMsal(node)), [bob])
        assert.isFalse(yield* client.removeAccount({ account: { homeAccountId: alice } }))
      }).pipe(Effect.provide(world()))
    )
  })
}

describe("with one file", () => {
  it.scopedLive("our removal of somebody whom msal-node signed in tells that there was somebody", () =>
    Effect.gen(function* () {
      const { client, text } = yield* twoPeople
      assert.isTrue(yield* client.removeAccount({ account: { homeAccountId: bob } }))
      assert.notInclude(yield* text, bob)
    }).pipe(Effect.provide(publicCloud()))
  )

  it.scopedLive("msal-node can't ask for a token of an account in hand that we have removed", () =>
    Effect.gen(function* () {
      const { client, node } = yield* twoPeople
      const account = (yield* accountsOfMsal(node)).find(({ homeAccountId }) => homeAccountId === alice)
      assert.isDefined(account)
      if (account === undefined) return
      yield* client.removeAccount({ account })
      const scopes = [defaults.apiUserScope]
      const asked = yield* asking(Effect.exit(Effect.tryPromise(() => node.acquireTokenSilent({ account, scopes }))))
      assert.strictEqual(asked.value._tag, "Failure")
      assert.lengthOf(asked.sent, 0)
    }).pipe(Effect.provide(publicCloud()))
  )

  it.scopedLive("whoever signs in again with msal-node after a sign-out is signed in with us", () => {
    const { clock, pass } = shiftedClock()
    return Effect.gen(function* () {
      const { client, node } = yield* twoPeople
      yield* signOutOfMsal(node, alice)
      yield* signInMsal(node)
      pass("61 seconds")
      yield* unasked(client.acquireTokenSilent(silent(alice)))
    }).pipe(Effect.withClock(clock), Effect.provide(publicCloud()))
  })

  it.scopedLive("whoever signs in again with us after a sign-out is signed in with msal-node", () =>
    Effect.gen(function* () {
      const { client, node } = yield* twoPeople
      yield* client.removeAccount({ account: { homeAccountId: alice } })
      yield* signInOurs(client)
      yield* unasked(silentlyMsal(node, alice))
    }).pipe(Effect.provide(publicCloud()))
  )

  // It adds what it reads to its memory and writes all of that, unless `acquireTokenSilent` has emptied it before.
  for (const [name, remove] of [
    ["we have", ({ client }: Together) => client.removeAccount({ account: { homeAccountId: alice } })],
    ["another msal-node has", ({ msal }: Together) => Effect.flatMap(msal(), (other) => signOutOfMsal(other, alice))]
  ] as const)
    it.scopedLive(`msal-node writes back whom ${name} removed, if it writes before it reads anew`, () =>
      Effect.gen(function* () {
        const together = yield* twoPeople
        yield* remove(together)
        assert.notInclude(yield* together.text, alice)
        yield* appMsal(together.node)
        assert.include(yield* together.text, alice)
        assert.include(idsOf(yield* together.client.getAccounts({ session: "" })), alice)
      }).pipe(Effect.provide(publicCloud()))
    )

  it.scopedLive(
    "the app's tokens that we remove are gone for msal-node when it reads anew, those of users are not",
    () =>
      Effect.gen(function* () {
        const { client, node, text } = yield* twoPeople
        yield* appMsal(node)
        yield* client.acquireTokenByClientCredential({ scopes: defaults.otherApiScope })
        yield* client.acquireTokenByClientCredential({ scopes: defaults.apiScope, tenantId: defaults.otherTenantId })
        assert.lengthOf(entitiesOf(yield* text, "AccessToken"), 5)
        yield* client.removeTokensForClient
        assert.lengthOf(entitiesOf(yield* text, "AccessToken"), 2)
        yield* unasked(silentlyMsal(node, bob))
        for (const scope of [defaults.apiScope, defaults.otherApiScope])
          assert.lengthOf((yield* asking(appMsal(node, scope))).sent, 1)
        const seen = yield* asking(
          client.acquireTokenByClientCredential({ scopes: defaults.apiScope, tenantId: defaults.otherTenantId })
        )
        assert.lengthOf(seen.sent, 1)
      }).pipe(Effect.provide(publicCloud()))
  )
})

import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { defaults } from "../support/emulated.js"
import { callerToken } from "../support/people.js"
import {
  accountsOfMsal,
  alice,
  appMsal,
  asking,
  bob,
  carol,
  entitiesOf,
  msal,
  Origin,
  onBehalfMsal,
  signInMsal,
  signInOurs,
  silentlyMsal,
  unasked,
  worlds
} from "./msalCacheFormatClients.js"
import { sharedFile } from "./msalCacheFormatFiles.js"

const silentRequest = (homeAccountId: string, scope: string = defaults.apiUserScope) => ({
  account: { homeAccountId },
  scopes: [scope]
})

const people = [
  [defaults.username, alice],
  [defaults.secondUsername, bob],
  [defaults.otherUsername, carol]
] as const

for (const [name, world] of Object.entries(worlds)) {
  describe(`one file with msal-node, at ${name}`, () => {
    it.scopedLive("the app's tokens that we win, it serves without asking", () =>
      Effect.gen(function* () {
        const shared = yield* sharedFile
        const client = yield* shared.ours()
        const node = yield* shared.msal()
        for (const scope of [defaults.apiScope, defaults.otherApiScope]) {
          const token = yield* client.acquireTokenByClientCredential({ scopes: scope })
          const result = yield* unasked(appMsal(node, scope))
          assert.deepStrictEqual([result.accessToken, result.fromCache], [Redacted.value(token.accessToken), true])
          assert.strictEqual(result.expiresOn?.getTime(), Math.floor((token.expiresAtMillis ?? 0) / 1000) * 1000)
        }
      }).pipe(Effect.provide(world()))
    )

    it.scopedLive("the app's tokens that it wins, we serve without asking", () =>
      Effect.gen(function* () {
        const shared = yield* sharedFile
        const node = yield* shared.msal()
        const client = yield* shared.ours()
        for (const scope of [defaults.apiScope, defaults.otherApiScope]) {
          const result = yield* appMsal(node, scope)
          const token = yield* unasked(client.acquireTokenByClientCredential({ scopes: scope }))
          assert.deepStrictEqual([Redacted.value(token.accessToken), token.source], [result.accessToken, "cache"])
          assert.strictEqual(token.expiresAtMillis, result.expiresOn?.getTime())
        }
      }).pipe(Effect.provide(world()))
    )

    it.scopedLive("whoever signs in with us is signed in there", () =>
      Effect.gen(function* () {
        const shared = yield* sharedFile
        const client = yield* shared.ours()
        const node = yield* shared.msal()
        const tokens = new Map<string, string>()
        for (const [username] of people) {
          const { account, token } = yield* signInOurs(client, { username })
          tokens.set(account.homeAccountId, Redacted.value(token.accessToken))
        }
        const known = yield* accountsOfMsal(node)
        assert.sameMembers(
          known.map(({ homeAccountId }) => homeAccountId),
          [...tokens.keys()]
        )
        assert.sameMembers(
          known.map(({ username }) => username),
          people.map(([username]) => username)
        )
        for (const [homeAccountId, token] of tokens) {
          const result = yield* unasked(silentlyMsal(node, homeAccountId))
          assert.deepStrictEqual([result.accessToken, result.fromCache], [token, true])
        }
      }).pipe(Effect.provide(world()))
    )

    it.scopedLive("whoever signs in there is signed in with us", () =>
      Effect.gen(function* () {
        const shared = yield* sharedFile
        const node = yield* shared.msal()
        const client = yield* shared.ours()
        const tokens = new Map<string, string>()
        for (const [username] of people) {
          const { accessToken, account } = yield* signInMsal(node, { username })
          tokens.set(account?.homeAccountId ?? "", accessToken)
        }
        const known = yield* client.getAccounts({ session: "" })
        assert.sameMembers(
          known.map(({ homeAccountId }) => homeAccountId),
          [...tokens.keys()]
        )
        assert.sameMembers(
          known.map(({ username }) => username),
          people.map(([username]) => username)
        )
        for (const account of known) {
          const token = yield* unasked(client.acquireTokenSilent({ account, scopes: defaults.apiUserScope }))
          assert.strictEqual(Redacted.value(token.accessToken), tokens.get(account.homeAccountId))
        }
      }).pipe(Effect.provide(world()))
    )

    it.scopedLive("an access token that is over is renewed by the refresh token that the other has written", () =>
      Effect.gen(function* () {
        const shared = yield* sharedFile
        const grants = ({ sent }: { readonly sent: ReadonlyArray<Readonly<Record<string, string>>> }) =>
          sent.map(({ grant_type }) => grant_type)
        const newest = Effect.map(shared.text, (text) => entitiesOf(text, "RefreshToken").map(({ secret }) => secret))
        yield* signInOurs(yield* shared.ours())
        const [byUs, ...none] = yield* newest
        yield* shared.age
        const node = yield* shared.msal()
        assert.deepStrictEqual(grants(yield* asking(silentlyMsal(node, alice))), ["refresh_token"])
        const [byMsal, ...others] = yield* newest
        yield* shared.age
        const client = yield* shared.ours()
        const renewed = yield* asking(client.acquireTokenSilent(silentRequest(alice)))
        assert.deepStrictEqual(grants(renewed), ["refresh_token"])
        yield* shared.age
        assert.deepStrictEqual(grants(yield* asking(silentlyMsal(node, alice))), ["refresh_token"])
        assert.deepStrictEqual([none, others], [[], []])
        assert.strictEqual(new Set([byUs, byMsal, ...(yield* newest)]).size, 3)
        assert.lengthOf(entitiesOf(yield* shared.text, "Account"), 1)
      }).pipe(Effect.provide(world({ refreshTokens: "rotating" })))
    )

    it.scopedLive("several resources of one user are served by each, whoever won them", () =>
      Effect.gen(function* () {
        const shared = yield* sharedFile
        const client = yield* shared.ours()
        yield* signInOurs(client)
        const node = yield* shared.msal()
        const files = yield* silentlyMsal(node, alice, defaults.otherApiUserScope)
        assert.isFalse(files.fromCache)
        const graph = yield* client.acquireTokenSilent(silentRequest(alice, defaults.graphUserScope))
        assert.strictEqual(
          Redacted.value(
            (yield* unasked(client.acquireTokenSilent(silentRequest(alice, defaults.otherApiUserScope)))).accessToken
          ),
          files.accessToken
        )
        assert.strictEqual(
          (yield* unasked(silentlyMsal(node, alice, defaults.graphUserScope))).accessToken,
          Redacted.value(graph.accessToken)
        )
        assert.lengthOf(entitiesOf(yield* shared.text, "AccessToken"), 3)
      }).pipe(Effect.provide(world()))
    )

    it.scopedLive("on behalf of a caller: what we win it finds in the file's text", () =>
      Effect.gen(function* () {
        const shared = yield* sharedFile
        const client = yield* shared.ours()
        const assertion = yield* callerToken({ origin: yield* Origin })
        const token = yield* client.acquireTokenOnBehalfOf({ assertion, scopes: defaults.apiUserScope })
        const node = yield* msal(undefined, yield* shared.text)
        const result = yield* unasked(onBehalfMsal(node, assertion))
        assert.deepStrictEqual([result.accessToken, result.fromCache], [Redacted.value(token.accessToken), true])
        const { sent } = yield* asking(onBehalfMsal(node, yield* callerToken({ origin: yield* Origin })))
        assert.lengthOf(sent, 1)
      }).pipe(Effect.provide(world()))
    )

    it.scopedLive("on behalf of a caller: what it wins we find in the file", () =>
      Effect.gen(function* () {
        const shared = yield* sharedFile
        const node = yield* shared.msal()
        const assertion = yield* callerToken({ origin: yield* Origin })
        const result = yield* onBehalfMsal(node, assertion)
        const client = yield* shared.ours()
        const scopes = defaults.apiUserScope
        const token = yield* unasked(client.acquireTokenOnBehalfOf({ assertion, scopes }))
        assert.strictEqual(Redacted.value(token.accessToken), result.accessToken)
        const other = yield* callerToken({ origin: yield* Origin, username: defaults.otherUsername })
        const { sent } = yield* asking(client.acquireTokenOnBehalfOf({ assertion: other, scopes }))
        assert.lengthOf(sent, 1)
      }).pipe(Effect.provide(world()))
    )
  })
}

import { FileSystem, KeyValueStore } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as TokenCacheFile from "../../src/cache/TokenCacheFile.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as IdTokenVerifier from "../../src/client/IdTokenVerifier.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import { defaults, options, tokenRequests } from "../support/emulated.js"
import * as People from "../support/people.js"
import { namesIn, newFolder } from "./fileFolders.js"

const key = (byte: number) => Redacted.make(Buffer.alloc(32, byte).toString("base64"))

/** A program of its own, as far as its memory goes: what it shares with others is the cache's store. */
const program = <E, R>(cache: Layer.Layer<TokenCache.TokenCache, E, R>) =>
  Effect.map(
    Layer.build(Layer.provideMerge(ConfidentialClient.layer(options), Layer.fresh(cache))),
    Context.get(ConfidentialClient.ConfidentialClient)
  )

const emulated = IdTokenVerifier.layer.pipe(
  Layer.provideMerge(EntraEmulator.layerHttpClient),
  Layer.provideMerge(EntraEmulator.layer()),
  Layer.merge(NodeContext.layer)
)

const signIn = (client: ConfidentialClient.ConfidentialClientService) =>
  Effect.gen(function* () {
    const { flow, url } = yield* client.getAuthCodeUrl(People.request)
    return yield* client.acquireTokenByCode({ flow, response: yield* People.visit(url) })
  })

describe("programs that share a folder", () => {
  it.scopedLive("find each other's tokens and users, and each other's sign-outs", () =>
    Effect.gen(function* () {
      const directory = yield* newFolder
      const cache = TokenCacheFile.layer({ directory })
      const one = yield* program(cache)
      const { account } = yield* signIn(one)
      yield* one.app.forScopes(defaults.apiScope).getToken()
      const { length } = yield* Effect.map(EntraEmulator.EntraEmulator, ({ requests }) => requests).pipe(Effect.flatten)
      const two = yield* program(cache)
      const token = yield* two.app.forScopes(defaults.apiScope).getToken()
      const silent = yield* two.acquireTokenSilent({ account, scopes: defaults.apiUserScope })
      assert.deepStrictEqual([token.source, silent.source], ["cache", "cache"])
      const after = yield* Effect.map(EntraEmulator.EntraEmulator, ({ requests }) => requests).pipe(Effect.flatten)
      assert.strictEqual(after.length, length)
      assert.strictEqual((yield* two.getAccounts({ session: "" })).length, 1)
      yield* two.removeAccount({ account })
      assert.deepStrictEqual(yield* one.getAccounts({ session: "" }), [])
      const again = yield* program(cache)
      assert.strictEqual(
        (yield* Effect.flip(again.acquireTokenSilent({ account, scopes: defaults.apiUserScope })))._tag,
        "InteractionRequired"
      )
    }).pipe(Effect.provide(emulated))
  )

  it.scopedLive("ask once, however many start at once", () =>
    Effect.gen(function* () {
      const cache = TokenCacheFile.layer({ directory: yield* newFolder })
      const before = yield* tokenRequests
      const clients = yield* Effect.all(Array.from({ length: 5 }, () => program(cache)))
      const tokens = yield* Effect.forEach(clients, ({ app }) => app.forScopes(defaults.apiScope).getToken(), {
        concurrency: "unbounded"
      })
      assert.strictEqual(new Set(tokens.map(({ accessToken }) => Redacted.value(accessToken))).size, 1)
      assert.strictEqual((yield* tokenRequests).length - before.length, 1)
    }).pipe(Effect.provide(emulated))
  )

  it.scopedLive("write nothing that tells of users or tokens where they have a key", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* newFolder
      const encryption = { keys: [{ id: "one", key: key(1) }], indexKey: key(2) } as const
      const client = yield* program(TokenCacheFile.layer({ directory, encryption }))
      const { account, token } = yield* signIn(client)
      const names = yield* namesIn(directory)
      assert.isAtLeast(names.length, 4)
      const files = yield* Effect.forEach(names, (name) => fs.readFileString(`${directory}/${name}`))
      const hidden = [Redacted.value(token.accessToken), defaults.clientId, account.homeAccountId, defaults.username]
      for (const secret of hidden) for (const text of [...names, ...files]) assert.notInclude(text, secret)
    }).pipe(Effect.provide(emulated))
  )
})

it.scopedLive("a KeyValueStore of files is a store, too", () =>
  Effect.gen(function* () {
    const store = KeyValueStore.layerFileSystem(yield* newFolder)
    const cache = Layer.provide(TokenCache.layerKeyValueStore(), store)
    const one = yield* program(cache)
    const { account } = yield* signIn(one)
    const two = yield* program(cache)
    assert.strictEqual((yield* two.acquireTokenSilent({ account, scopes: defaults.apiUserScope })).source, "cache")
  }).pipe(Effect.provide(emulated))
)

it.scopedLive("a folder that can't be one is told at once", () =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(Layer.build(TokenCacheFile.layer({ directory: "/dev/null/tokens" })))
    assert.strictEqual(error.parameter, "directory")
  }).pipe(Effect.provide(NodeContext.layer))
)

import { writeSync } from "node:fs"
import { NodeContext } from "@effect/platform-node"
import { Array as Arr, Effect, Layer } from "effect"
import * as MsalCacheFormat from "../../src/cache/MsalCacheFormat.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import { appMsal, msal, ours, publicCloud, signInMsal, signInOurs } from "./msalCacheFormatClients.js"
import { lockingPlugin, publishedPlugin } from "./msalCacheFormatPlugins.js"

/*
 * Wins tokens and writes them to one file, `ours|locking|published <path> <number> <rounds>`: in each round one of the app,
 * and one of somebody who signs in. Tells for what, and for whom.
 */
const [task = "", path = "", number = "", rounds = "0"] = process.argv.slice(2)

const guid = (first: string, index: number) => `${first}${number}-0000-4000-8000-${`${index}`.padStart(12, "0")}`
const apis = Arr.makeBy(Number(rounds), (index) => guid("a000000", index))
const people = Arr.makeBy(Number(rounds), (index) => ({
  objectId: guid("b000000", index),
  username: `person${number}-${index}@${EntraEmulator.defaults.domain}`,
  displayName: `Person ${index}`
}))

const [home, ...elsewhere] = EntraEmulator.defaultDirectory.tenants
const directory: EntraEmulator.Directory = {
  tenants:
    home === undefined
      ? []
      : [
          {
            ...home,
            apis: [...home.apis, ...apis.map((appId) => ({ identifierUri: `api://${appId}`, appId }))],
            users: people
          },
          ...elsewhere
        ]
}

const scopeOf = (appId: string) => `api://${appId}/.default`

const byUs = Effect.gen(function* () {
  const file = MsalCacheFormat.layerFile({ path, timeout: "30 seconds" })
  const client = yield* ours(Layer.provide(file, NodeContext.layer))
  return {
    app: (scopes: string) => client.acquireTokenByClientCredential({ scopes }),
    user: (username: string) => Effect.map(signInOurs(client, { username }), ({ account }) => account.homeAccountId)
  }
})

const byMsal = Effect.gen(function* () {
  const node = yield* msal(task === "locking" ? lockingPlugin(path) : publishedPlugin(path))
  return {
    app: (scope: string) => appMsal(node, scope),
    user: (username: string) =>
      Effect.map(signInMsal(node, { username }), ({ account }) => account?.homeAccountId ?? "")
  }
})

const program = Effect.gen(function* () {
  const { app, user } = task === "ours" ? yield* byUs : yield* byMsal
  for (const [index, appId] of apis.entries()) {
    yield* app(scopeOf(appId))
    writeSync(1, `${scopeOf(appId)}\n`)
    writeSync(1, `${yield* user(people[index]?.username ?? "")}\n`)
  }
}).pipe(Effect.scoped, Effect.provide(publicCloud({ directory })))

Effect.runPromise(program).catch((error: unknown) => {
  writeSync(2, String(error))
  process.exitCode = 1
})

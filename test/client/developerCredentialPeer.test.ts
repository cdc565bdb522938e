import { AzureCliCredential, AzureDeveloperCliCredential } from "@azure/identity"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as DeveloperCredential from "../../src/client/DeveloperCredential.js"
import { makeTools, scope, surroundings } from "./developerCredentialTools.js"

const tenantId = "5a7e6c1b-0000-4000-8000-000000000001"
const expires = Math.floor(Date.now() / 1000) + 3600
const stdout = JSON.stringify({
  accessToken: "a.b.c",
  token: "a.b.c",
  expires_on: expires,
  expiresOn: new Date(expires * 1000).toISOString()
})

/** The peer starts what is on this process's own PATH. */
const onPath = (folder: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const path = process.env.PATH
      process.env.PATH = `${folder}:${path}`
      return path
    }),
    (path) =>
      Effect.sync(() => {
        process.env.PATH = path
      })
  )

/** What both are asked for, and how each asks. */
const pairs = [
  ["az", "without a tenant", new AzureCliCredential(), DeveloperCredential.azureCli()],
  ["az", "in a tenant", new AzureCliCredential({ tenantId }), DeveloperCredential.azureCli({ tenantId })],
  [
    "az",
    "in a subscription",
    new AzureCliCredential({ subscription: "Pay As You Go" }),
    DeveloperCredential.azureCli({ subscription: "Pay As You Go" })
  ],
  ["azd", "without a tenant", new AzureDeveloperCliCredential(), DeveloperCredential.azureDeveloperCli()],
  [
    "azd",
    "in a tenant",
    new AzureDeveloperCliCredential({ tenantId }),
    DeveloperCredential.azureDeveloperCli({ tenantId })
  ]
] as const

describe("a tool can't tell the library from @azure/identity", () => {
  for (const [name, what, peer, ours] of pairs)
    it.scopedLive(`${name}, ${what}`, () =>
      Effect.gen(function* () {
        const tools = yield* makeTools
        tools.replies(name, { stdout })
        yield* onPath(tools.folder)
        const theirs = yield* Effect.promise(() => peer.getToken(scope))
        const theirArgs = tools.args(name)
        const provider = yield* ours.pipe(Effect.provide(surroundings(tools)))
        const token = yield* provider.forScopes(scope).getToken()
        assert.deepStrictEqual(tools.args(name), theirArgs)
        assert.strictEqual(tools.starts(name), 2)
        assert.strictEqual(Redacted.value(token.accessToken), theirs.token)
        assert.strictEqual(token.expiresAtMillis, theirs.expiresOnTimestamp)
      })
    )
})

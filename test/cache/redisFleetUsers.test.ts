import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { Redis as Ioredis } from "ioredis"
import type * as TokenCache from "../../src/cache/TokenCache.js"
import type { TokenRequest } from "../../src/core/TokenProvider.js"
import * as Fault from "../../src/emulator/Fault.js"
import * as Redis from "../support/redis.js"
import {
  apiIds,
  authority,
  defaults,
  eventually,
  type Replica,
  replica,
  signIn,
  textOf,
  usernames
} from "./redisFleet.js"

/** So long that a busy machine does not play an outage. */
const patient = { timeout: "5 seconds" } as const

const fleet = (options: TokenCache.StoreOptions = {}) =>
  Effect.gen(function* () {
    const [redis, entra] = yield* Effect.all([Redis.start(), authority()])
    const connected = replica(entra.origin, () => new Ioredis(redis.url), { ...patient, ...options })
    const [one, two] = yield* Effect.all([connected, connected])
    return { entra, one, redis, two }
  })

const accounts = ({ client, within }: Replica) => within(client.getAccounts({ session: "" }))

describe("two replicas before a Redis", () => {
  it.scopedLive("know a user who has signed in at one of them, and drop one who is removed", () =>
    Effect.gen(function* () {
      const { entra, one, two } = yield* fleet()
      const { account, token } = yield* signIn(one, entra)
      const before = yield* entra.count
      const request = { account, scopes: [defaults.apiUserScope] }
      const silently = ({ client, within }: Replica) => within(client.acquireTokenSilent(request))
      assert.isTrue(textOf(yield* silently(two)) === textOf(token))
      assert.strictEqual(yield* entra.count, before)
      yield* two.within(two.client.acquireTokenSilent({ ...request, scopes: [defaults.otherApiUserScope] }))
      assert.strictEqual(yield* entra.count, before + 1)
      assert.lengthOf(yield* accounts(two), 1)

      assert.isTrue(yield* one.within(one.client.removeAccount({ account })))
      assert.deepStrictEqual(yield* accounts(two), [])
      two.pass("60 seconds")
      for (const scope of [defaults.apiUserScope, defaults.otherApiUserScope]) {
        const failure = yield* Effect.flip(two.within(two.client.acquireTokenSilent({ account, scopes: [scope] })))
        assert.strictEqual(failure._tag, "InteractionRequired")
      }
      assert.strictEqual(yield* entra.count, before + 1)
    })
  )

  it.scopedLive("list everybody of whom many sign in at once", () =>
    Effect.gen(function* () {
      const { entra, one, two } = yield* fleet()
      const flows = yield* Effect.forEach(usernames, (username, index) =>
        Effect.gen(function* () {
          const at = index % 2 === 0 ? one : two
          const { redirectUri } = defaults
          const { flow, url } = yield* at.within(
            at.client.getAuthCodeUrl({ redirectUri, scopes: [defaults.apiUserScope] })
          )
          yield* entra.emulator.signIn(username)
          const { headers } = yield* Effect.promise(() => fetch(url, { redirect: "manual" }))
          const response = new URL(headers.get("location") ?? "").searchParams
          return at.within(at.client.acquireTokenByCode({ flow, response }))
        })
      )
      const all = yield* Effect.all(flows, { concurrency: "unbounded" })
      const names = all.map(({ account }) => account.homeAccountId)
      // What could not be written at once is tried again every 2 seconds.
      yield* Effect.timeoutOption(
        eventually(accounts(two), (listed) => listed.length === names.length),
        "6 seconds"
      )
      for (const each of [one, two]) {
        const listed = new Set((yield* accounts(each)).map(({ homeAccountId }) => homeAccountId))
        const missing = names.filter((name) => !listed.has(name))
        assert.deepStrictEqual({ listed: listed.size, missing: missing.length }, { listed: names.length, missing: 0 })
      }
      assert.deepStrictEqual([...one.lines, ...two.lines], [])
    })
  )

  it.scopedLive("that many tokens of one app are refused at once do not take their Redis for broken", () =>
    Effect.gen(function* () {
      const { one, two } = yield* fleet()
      const sources = [one, two].flatMap(({ client, within }) =>
        apiIds.map((id) => {
          const source = client.app.forScopes(`api://${id}/.default`)
          return { get: within(source.getToken()), source, within }
        })
      )
      const tokens = yield* Effect.forEach(sources, ({ get }) => get, { concurrency: 8 })
      yield* Effect.all(
        sources.map(({ source, within }, index) => {
          const [rejected] = tokens.slice(index)
          return within(source.getToken({ rejected }))
        }),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual([...one.lines, ...two.lines], [])
    })
  )

  it.scopedLive("serve a rejected token nowhere, and replace it once, however many were refused with it", () =>
    Effect.gen(function* () {
      const { entra, one, two } = yield* fleet()
      const ask = ({ client, within }: Replica, request?: TokenRequest) =>
        within(client.app.forScopes(defaults.apiScope).getToken(request))
      const first = yield* ask(one)
      assert.isTrue(textOf(yield* ask(two)) === textOf(first))
      assert.strictEqual(yield* entra.count, 1)
      yield* entra.emulator.script([Fault.delay("300 millis")])
      const replaced = yield* Effect.all(
        [one, two].flatMap((each) => Array.from({ length: 20 }, () => ask(each, { rejected: first }))),
        { concurrency: "unbounded" }
      )
      const [second = ""] = replaced.map(textOf)
      assert.isTrue(second !== textOf(first))
      assert.strictEqual(new Set(replaced.map(textOf)).size, 1)
      assert.strictEqual(yield* entra.count, 2)

      const [fresh] = replaced
      if (fresh === undefined) return assert.fail("no token")
      const third = yield* ask(one, { rejected: fresh })
      two.pass("60 seconds")
      assert.isTrue(textOf(yield* ask(two)) === textOf(third))
      assert.strictEqual(yield* entra.count, 3)
    })
  )

  it.scopedLive("leave nothing in it that tells of anybody, where it is encrypted", () =>
    Effect.gen(function* () {
      const key = (fill: number) => Redacted.make(btoa(String.fromCharCode(...new Uint8Array(32).fill(fill))))
      const { entra, one, redis, two } = yield* fleet({
        encryption: { keys: [{ id: "one", key: key(1) }], indexKey: key(2) }
      })
      const { account, token } = yield* signIn(one, entra)
      const app = yield* one.within(one.client.app.forScopes(defaults.apiScope).getToken())
      const next = yield* one.within(one.client.app.forScopes(defaults.apiScope).getToken({ rejected: app }))
      const found = yield* two.within(two.client.acquireTokenSilent({ account, scopes: [defaults.apiUserScope] }))
      assert.isTrue(textOf(found) === textOf(token), "it is there for who has the key")
      const user = yield* one.cache.statistics
      assert.strictEqual(user.users, 1)

      const names = (yield* redis.cli("--scan")).split("\n")
      assert.isAtLeast(names.length, 6)
      const values = yield* Effect.forEach(names, (name) => redis.cli("get", name))
      const dump = [...names, ...values].join("\n").toLowerCase()
      const secrets = [
        ...[token, app, next].flatMap((each) => textOf(each).split(".")),
        ...account.homeAccountId.split("."),
        account.username ?? "",
        account.name ?? "",
        defaults.clientId,
        defaults.tenantId,
        defaults.apiIdentifierUri,
        "tasks.read",
        "127.0.0.1",
        "emulator"
      ]
      for (const secret of secrets) {
        assert.isAbove(secret.length, 5)
        assert.notInclude(dump, secret.toLowerCase())
        assert.notInclude(dump, btoa(secret).replaceAll("=", "").toLowerCase())
      }
    })
  )
})

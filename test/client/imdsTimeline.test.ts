import { HttpClient, HttpClientError } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, TestClock } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import { Machine } from "../../src/client/Machine.js"
import * as ManagedIdentity from "../../src/client/ManagedIdentity.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as Fault from "../../src/emulator/Fault.js"
import { defaults, identityOn, identityRequests, layer, paced } from "./identities.js"

const { resource } = defaults.managedIdentity

const answered = (status: number) =>
  Fault.respond({ status, body: { error: "unknown", error_description: "updating" } })
const times = (count: number, status: number) => Array.from({ length: count }, () => answered(status))

/** When the requests were that wanted a token, in seconds since the first. */
const moments = Effect.map(identityRequests, (requests) => {
  const all = requests.filter(({ headers }) => headers.metadata === "true").map(({ at }) => at.epochMillis)
  return all.map((at) => (at - (all[0] ?? 0)) / 1000)
})

const play = (faults: ReadonlyArray<Fault.Fault>) =>
  Effect.gen(function* () {
    const { acquireToken } = yield* identityOn("imds")
    const emulator = yield* EntraEmulator.EntraEmulator
    yield* emulator.scriptIdentity(faults)
    const result = yield* paced(Effect.either(acquireToken({ resource })), 180)
    return { result, moments: yield* moments, left: yield* emulator.pendingIdentityFaults }
  })

const gaps = (all: ReadonlyArray<number>) => all.slice(1).map((at, index) => at - (all[index] ?? 0))

describe("the metadata service of a virtual machine", () => {
  it.scoped("may be updated for 70 seconds (410): it is asked every ten seconds, and has the token in the end", () =>
    Effect.gen(function* () {
      const { moments, result } = yield* play(times(7, 410))
      assert.strictEqual(result._tag, "Right")
      assert.strictEqual(moments.length, 8)
      for (const gap of gaps(moments)) assert.isTrue(gap >= 10 && gap <= 11, `${gap} s`)
      assert.isAtLeast(moments.at(-1) ?? 0, 70)
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("which is the end of patience", () =>
    Effect.gen(function* () {
      const { left, result } = yield* play(times(9, 410))
      assert.deepInclude(result, { _tag: "Left" })
      assert.strictEqual(left, 1)
      if (result._tag === "Left") assert.deepInclude(result.left, { _tag: "AuthorityUnavailable", status: 410 })
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("may not be ready (404): it is asked with a growing backoff", () =>
    Effect.gen(function* () {
      const { moments, result } = yield* play(times(7, 404))
      assert.strictEqual(result._tag, "Right")
      gaps(moments).forEach((gap, index) => {
        assert.isAtMost(gap, Math.min(8, 2 ** index) + 0.001)
      })
      assert.isAtMost(moments.at(-1) ?? 0, 39)
    }).pipe(Effect.provide(layer()))
  )

  it.scoped.each([500, 502, 503, 504])("may fail (%s): it is left alone for a second at least", (status) =>
    Effect.gen(function* () {
      const { moments, result } = yield* play(times(3, status))
      assert.strictEqual(result._tag, "Right")
      for (const gap of gaps(moments)) assert.isAtLeast(gap, 1)
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("may throttle (429): by its Retry-After, else with a growing backoff", () =>
    Effect.gen(function* () {
      const { moments, result } = yield* play([Fault.throttled("7"), Fault.throttled(undefined)])
      assert.strictEqual(result._tag, "Right")
      const [first = 0, second = 0] = gaps(moments)
      assert.isTrue(first >= 7 && first <= 7.7, `${first} s`)
      assert.isAtMost(second, 2)
    }).pipe(Effect.provide(layer()))
  )

  it.scoped.each([400, 401, 403, 405])("may refuse (%s): it is asked once", (status) =>
    Effect.gen(function* () {
      const { left, moments, result } = yield* play(times(3, status))
      assert.strictEqual(result._tag, "Left")
      assert.strictEqual(moments.length, 1)
      assert.strictEqual(left, 2)
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("is updated for everybody: who asks for another API meanwhile waits too, and gets a token", () =>
    Effect.gen(function* () {
      const { acquireToken } = yield* identityOn("imds")
      const emulator = yield* EntraEmulator.EntraEmulator
      yield* emulator.scriptIdentity(times(4, 410))
      const one = yield* Effect.fork(acquireToken({ resource }))
      yield* paced(Effect.sleep("5 seconds"), 6)
      const other = yield* paced(acquireToken({ resource: defaults.otherApiIdentifierUri }), 120)
      assert.strictEqual(other.source, "identity_provider")
      assert.strictEqual((yield* paced(Fiber.join(one), 60)).source, "identity_provider")
    }).pipe(Effect.provide(layer()))
  )
})

describe("where there is no metadata service", () => {
  const nobody = (hangs: boolean) =>
    HttpClient.make((request) =>
      hangs
        ? Effect.never
        : new HttpClientError.RequestError({
            request,
            reason: "Transport",
            cause: Object.assign(new Error("connect EHOSTUNREACH"), { code: "EHOSTUNREACH" })
          })
    )

  const elsewhere = (hangs: boolean) =>
    Layer.merge(
      TokenCache.layerMemory(),
      Layer.succeed(Machine, {
        isWindows: false,
        systemFolder: "/",
        direct: nobody(hangs),
        pinned: () => Effect.succeed(nobody(hangs)),
        hasArcAgent: Effect.succeed(false),
        arcKey: () => Effect.dieMessage("no agent")
      })
    )

  const timed = (options: ManagedIdentity.Options) =>
    Effect.gen(function* () {
      const { acquireToken } = yield* ManagedIdentity.make(options)
      const start = yield* Clock.currentTimeMillis
      const fiber = yield* Effect.fork(Effect.flip(acquireToken({ resource })))
      yield* TestClock.adjust("1 second")
      const isOver = (yield* Fiber.poll(fiber))._tag === "Some"
      yield* TestClock.adjust("2 minutes")
      return { failure: yield* Fiber.join(fiber), isOver, start }
    })

  it.scoped.each([true, false])("that is told within a second (hanging: %s)", (hangs) =>
    Effect.gen(function* () {
      const { failure, isOver } = yield* timed({})
      assert.isTrue(isOver)
      assert.deepInclude(failure, { _tag: "CredentialUnavailable" })
      assert.isFalse(failure.isRetryable)
      assert.include(failure.message, "169.254.169.254")
    }).pipe(Effect.provide(elsewhere(hangs)))
  )

  it.scoped("who does not look first waits for it as for any service", () =>
    Effect.gen(function* () {
      const { failure, isOver } = yield* timed({ probe: false })
      assert.isFalse(isOver)
      assert.deepInclude(failure, { _tag: "TransportError", reason: "timeout" })
    }).pipe(Effect.provide(elsewhere(true)))
  )
})

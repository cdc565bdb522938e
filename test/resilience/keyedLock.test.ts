import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber } from "effect"
import * as KeyedLock from "../../src/resilience/keyedLock.js"

const settle = Effect.repeatN(Effect.yieldNow(), 50)

/** Tells how many are inside at once, and in which order they came. */
const room = () => {
  const entered: Array<number> = []
  let inside = 0
  let most = 0
  const stay = (id: number) =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        entered.push(id)
        inside += 1
        most = Math.max(most, inside)
      }),
      () => Effect.repeatN(Effect.yieldNow(), 3),
      () =>
        Effect.sync(() => {
          inside -= 1
        })
    )
  return { entered, most: () => most, stay }
}

describe("a lock for each key", () => {
  it.effect("lets one in at a time, in the order in which they came", () =>
    Effect.gen(function* () {
      const lock = KeyedLock.make()
      const { entered, most, stay } = room()
      const ids = Array.from({ length: 100 }, (_, index) => index)
      yield* Effect.forEach(ids, (id) => lock("key", stay(id)), { concurrency: "unbounded" })
      assert.strictEqual(most(), 1)
      assert.deepStrictEqual(entered, ids)
    })
  )

  it.effect("keeps nobody from another key", () =>
    Effect.gen(function* () {
      const lock = KeyedLock.make()
      const gate = yield* Deferred.make<void>()
      const first = yield* Effect.fork(lock("one", Deferred.await(gate)))
      yield* settle
      assert.strictEqual(yield* lock("other", Effect.succeed("in")), "in")
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(first)
    })
  )

  it.effect("opens after a failure, a defect and an interruption", () =>
    Effect.gen(function* () {
      const lock = KeyedLock.make()
      assert.deepStrictEqual(yield* Effect.exit(lock("key", Effect.fail("refused"))), Exit.fail("refused"))
      assert.deepStrictEqual(yield* Effect.exit(lock("key", Effect.die("bug"))), Exit.die("bug"))
      const stuck = yield* Effect.fork(lock("key", Effect.never))
      yield* settle
      yield* Fiber.interrupt(stuck)
      assert.strictEqual(yield* lock("key", Effect.succeed("in")), "in")
    })
  )

  it.effect("lets who waits go away, and the next one in", () =>
    Effect.gen(function* () {
      const lock = KeyedLock.make()
      const gate = yield* Deferred.make<void>()
      let ran = false
      const holder = yield* Effect.fork(lock("key", Deferred.await(gate)))
      yield* settle
      const impatient = yield* Effect.fork(
        lock(
          "key",
          Effect.sync(() => {
            ran = true
          })
        )
      )
      const next = yield* Effect.fork(lock("key", Effect.succeed("in")))
      yield* settle
      yield* Fiber.interrupt(impatient)
      assert.isNull(next.unsafePoll(), "the key is still held by whoever came first")
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Fiber.join(next), "in")
      yield* Fiber.join(holder)
      assert.isFalse(ran)
    })
  )

  it.effect("holds whoever comes between two that hand it over", () =>
    Effect.gen(function* () {
      const lock = KeyedLock.make()
      const { most, stay } = room()
      const comes = (id: number) => Effect.zipRight(Effect.repeatN(Effect.yieldNow(), id % 7), lock("key", stay(id)))
      yield* Effect.forEach(
        Array.from({ length: 300 }, (_, index) => index),
        comes,
        { concurrency: "unbounded" }
      )
      assert.strictEqual(most(), 1)
    })
  )
})

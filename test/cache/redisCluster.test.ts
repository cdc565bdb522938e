import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either, Exit, Option, Schedule, Scope } from "effect"
import * as Redis from "../support/redis.js"
import { clusterClients, storeOf, uncaught } from "./redisClients.js"

const minute = Duration.minutes(1)
const none = Option.none<string>()
const tags = ["alice", "bob", "carol", "dave", "erin", "frank"]

const eventually = <A, E>(work: Effect.Effect<A, E>): Effect.Effect<A> =>
  work.pipe(
    Effect.timeout("1 second"),
    Effect.retry(Schedule.spaced("50 millis")),
    Effect.timeout("15 seconds"),
    Effect.orDie
  )

describe.each(clusterClients)("a store in a cluster through $name", ({ connect }) => {
  it.scopedLive("does everything, wherever a key is", () =>
    Effect.gen(function* () {
      const { nodes } = yield* Redis.cluster()
      const store = yield* storeOf(() => connect(nodes.map(({ port }) => port)))
      for (const tag of tags) {
        const key = `token:{${tag}}:one`
        assert.isTrue(yield* eventually(store.compareAndSet(key, none, "one", minute)))
        assert.isFalse(yield* store.compareAndSet(key, none, "two", minute))
        assert.isFalse(yield* store.compareAndSet(key, Option.some("two"), "three", minute))
        assert.isTrue(yield* store.compareAndSet(key, Option.some("one"), "two", minute))
        assert.strictEqual(Option.getOrUndefined(yield* store.get(key)), "two")
        yield* store.set(key, "three", minute)
        assert.strictEqual(Option.getOrUndefined(yield* store.get(key)), "three")
        yield* store.remove(key)
        assert.isTrue(Option.isNone(yield* store.get(key)))
      }
    })
  )

  it.scopedLive("keeps together what has one hash tag, and spreads the rest", () =>
    Effect.gen(function* () {
      const { nodes } = yield* Redis.cluster()
      const [first] = nodes
      const store = yield* storeOf(() => connect(nodes.map(({ port }) => port)))
      yield* eventually(store.get("ready"))
      for (const tag of tags) for (const kind of ["a", "b", "c"]) yield* store.set(`${kind}:{${tag}}`, kind, minute)
      const slotOf = (key: string) => first?.cli("cluster", "keyslot", `entra:${key}`) ?? Effect.succeed("")
      for (const tag of tags) {
        const slots = yield* Effect.forEach(["a", "b", "c"], (kind) => slotOf(`${kind}:{${tag}}`))
        assert.strictEqual(new Set(slots).size, 1)
      }
      const sizes = yield* Effect.forEach(nodes, (node) => Effect.map(node.cli("dbsize"), Number))
      assert.deepStrictEqual(
        sizes.map((size) => size % 3),
        [0, 0, 0]
      )
      assert.isAbove(sizes.filter((size) => size > 0).length, 1)
    })
  )

  it.scopedLive("goes on trying where no node can be reached, and works as soon as they can", () =>
    Effect.gen(function* () {
      const errors = yield* uncaught
      const { nodes } = yield* Redis.cluster()
      yield* Effect.forEach(nodes, (node) => node.stop)
      const store = yield* storeOf(() => connect(nodes.map(({ port }) => port)))
      const outcome = yield* Effect.timeoutOption(Effect.either(store.get("key")), "1 second")
      assert.isTrue(Option.isNone(outcome) || Either.isLeft(outcome.value))
      yield* Effect.forEach(nodes, (node) => node.restart)
      assert.isTrue(Option.isNone(yield* eventually(store.get("key"))))
      assert.deepStrictEqual(errors, [])
    })
  )

  it.scopedLive("is left at once when its scope closes, whether its nodes serve, hang, or are not there", () =>
    Effect.gen(function* () {
      const errors = yield* uncaught
      const { nodes } = yield* Redis.cluster()
      const on = (prepare: (node: Redis.RedisServer) => Effect.Effect<void>) =>
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const store = yield* Scope.extend(
            storeOf(() => connect(nodes.map(({ port }) => port))),
            scope
          )
          yield* Effect.timeoutOption(Effect.either(store.get("key")), "500 millis")
          yield* Effect.forEach(nodes, prepare)
          yield* Effect.forkAll(tags.map((tag) => Effect.either(store.get(`{${tag}}`))))
          yield* Effect.sleep("20 millis")
          const [took] = yield* Effect.timed(Scope.close(scope, Exit.void))
          assert.isBelow(Duration.toMillis(took), 1000)
        })
      yield* on(() => Effect.void)
      yield* on((node) => node.pause)
      yield* on(() => Effect.void)
      yield* Effect.forEach(nodes, (node) => node.resume)
      yield* on((node) => node.stop)
      yield* on(() => Effect.void)
      assert.deepStrictEqual(errors, [])
    })
  )
})

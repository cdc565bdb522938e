import { Effect, Fiber, type Scope } from "effect"
import { Cluster, Redis } from "ioredis"
import { createClient, createClientPool, createCluster } from "redis"
import type { RedisClient } from "../../src/cache/redisClient.js"
import * as RedisStore from "../../src/cache/redisStore.js"

/** The ways of reaching one server, each as its own documentation tells, without a cast. */
export const clients: ReadonlyArray<{ readonly name: string; readonly connect: (url: string) => RedisClient }> = [
  { name: "ioredis", connect: (url) => new Redis(url) },
  { name: "node-redis", connect: (url) => createClient({ url }) },
  { name: "node-redis, pooled", connect: (url) => createClientPool({ url }) }
]

export const clusterClients: ReadonlyArray<{
  readonly name: string
  readonly connect: (ports: ReadonlyArray<number>) => RedisClient
}> = [
  { name: "ioredis", connect: (ports) => new Cluster(ports.map((port) => ({ host: "127.0.0.1", port }))) },
  {
    name: "node-redis",
    connect: (ports) => createCluster({ rootNodes: ports.map((port) => ({ url: `redis://127.0.0.1:${port}` })) })
  }
]

/** A store with a connection of its own. */
export const storeOf = (
  client: () => RedisClient,
  prefix?: string
): Effect.Effect<RedisStore.RedisStore, never, Scope.Scope> => Effect.orDie(RedisStore.make({ client, prefix }))

/** What nobody has caught while the scope was open. */
export const uncaught: Effect.Effect<ReadonlyArray<unknown>, never, Scope.Scope> = Effect.gen(function* () {
  const all: Array<unknown> = []
  const keep = (error: unknown) => {
    all.push(error)
  }
  for (const event of ["unhandledRejection", "uncaughtException"]) {
    process.on(event, keep)
    yield* Effect.addFinalizer(() => Effect.sync(() => process.off(event, keep)))
  }
  return all
})

/** Whether it is still under way after so many milliseconds. It is interrupted then, and that has to be at once. */
export const pends = <A, E>(work: Effect.Effect<A, E>, millis: number): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(work)
    yield* Effect.sleep(millis)
    const isPending = fiber.unsafePoll() === null
    yield* Effect.timeoutFail(Fiber.interrupt(fiber), {
      duration: "500 millis",
      onTimeout: () => new Error("it can't be interrupted")
    }).pipe(Effect.orDie)
    return isPending
  })

import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, Effect } from "effect"
import * as Redis from "../support/redis.js"
import { clusterClients } from "./redisClients.js"
import { authority, type Kind, keysOf, replica, textOf } from "./redisFleet.js"

const kinds: ReadonlyArray<Kind> = ["scopes", "tenants"]

describe.each(clusterClients)("two replicas before a cluster, through $name,", ({ connect }) => {
  it.scopedLive.each(kinds)("ask once for each of 10 %s, however many fibers of theirs want them all at once", (kind) =>
    Effect.gen(function* () {
      const [{ nodes }, entra] = yield* Effect.all([Redis.cluster(), authority()])
      const ports = nodes.map(({ port }) => port)
      const fleet = yield* Effect.replicateEffect(
        replica(entra.origin, () => connect(ports), { timeout: "10 seconds" }),
        2
      )
      const answers = yield* Effect.all(
        fleet.flatMap(({ client, within }) =>
          Array.from({ length: 20 }, () =>
            within(
              Effect.all(
                Arr.take(keysOf[kind](client.app), 10).map((key) => key.getToken()),
                { concurrency: "unbounded" }
              )
            )
          )
        ),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        fleet.flatMap(({ lines }) => lines),
        []
      )
      assert.strictEqual(new Set(answers.flat().map(textOf)).size, 10)
      assert.strictEqual(yield* entra.count, 10)
      const sizes = yield* Effect.forEach(nodes, (node) => Effect.map(node.cli("dbsize"), Number))
      assert.isAbove(sizes.filter((size) => size > 0).length, kind === "tenants" ? 1 : 0)
    })
  )
})

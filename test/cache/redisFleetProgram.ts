import { Clock, Duration, Effect, Either } from "effect"
import { Redis } from "ioredis"
import { createClient } from "redis"
import { obey, setting } from "../server/processesPort.js"
import { type Kind, keysOf, replica } from "./redisFleet.js"

const kind: Kind = setting("KIND") === "tenants" ? "tenants" : "scopes"
const url = setting("REDIS")
const connect = () => (setting("CLIENT") === "ioredis" ? new Redis(url) : createClient({ url }))

/** One server of a fleet, as a process of its own: tells what came of it, and never a token. */
obey(
  Effect.gen(function* () {
    const { client, lines, within } = yield* replica(setting("AUTHORITY"), connect, {
      lease: Duration.seconds(Number(setting("LEASE"))),
      timeout: Duration.seconds(Number(setting("TIMEOUT")))
    })
    const keys = keysOf[kind](client.app)
    const [first] = keys
    return {
      /** So many fibers that each ask for all keys, at the moment that is named: how many answers of which kind there were. */
      storm: (argument) => {
        const [fibers = 0, at = 0] = argument.split("@").map(Number)
        const each = Effect.all(
          keys.map((key) => Effect.either(key.getToken())),
          { concurrency: "unbounded" }
        )
        return within(
          Effect.gen(function* () {
            yield* Effect.sleep(Duration.millis(Math.max(0, at - (yield* Clock.currentTimeMillis))))
            const answers = yield* Effect.all(
              Array.from({ length: fibers }, () => each),
              { concurrency: "unbounded" }
            )
            const results = answers.flat()
            return { tokens: results.filter(Either.isRight).length, asked: results.length, lines }
          })
        )
      },
      one: () =>
        within(
          first === undefined
            ? Effect.dieMessage("no key")
            : Effect.map(Effect.timed(first.getToken()), ([took, { source }]) => ({
                took: Duration.toMillis(took),
                source
              }))
        )
    }
  })
)

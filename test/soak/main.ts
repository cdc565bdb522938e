import { parseArgs } from "node:util"
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads"
import { Effect } from "effect"
import { type Server, troubled } from "./server.js"
import { soak } from "./soak.js"

/** The server in a thread of its own, so that this thread's heap, timers and sockets are the client's alone. */
const inAnotherThread = (seed: string): Server =>
  Effect.gen(function* () {
    const worker = yield* Effect.acquireRelease(
      Effect.sync(() => new Worker(new URL(import.meta.url), { workerData: seed })),
      (worker) => Effect.promise(() => worker.terminate())
    )
    return yield* Effect.async<string>((resume) => {
      worker.once("error", (error) => resume(Effect.die(error)))
      worker.once("message", (origin: string) => resume(Effect.succeed(origin)))
    })
  })

const serve = troubled(String(workerData)).pipe(
  Effect.tap((origin) => Effect.sync(() => parentPort?.postMessage(origin))),
  Effect.zipRight(Effect.never),
  Effect.scoped
)

const main = Effect.gen(function* () {
  const { values } = parseArgs({ options: { seconds: { type: "string" }, seed: { type: "string" } } })
  const seconds = Number(values.seconds ?? 60)
  if (!(seconds >= 1 && seconds <= 600)) return yield* Effect.dieMessage("--seconds takes a number from 1 to 600")
  const seed = values.seed ?? String(Date.now())
  console.log(`200 fibers for ${seconds} s, seed ${seed} (--seed repeats the draws; sockets have a mind of their own)`)
  if (globalThis.gc === undefined) console.log("without node --expose-gc the heap is not measured")
  const warmUpSeconds = globalThis.gc === undefined ? 0 : Math.max(2, Math.min(5, seconds / 4))
  const checks = yield* soak({ seconds, seed, warmUpSeconds, server: inAnotherThread(seed) })
  for (const { holds, what } of checks) console.log(`${holds ? "ok  " : "FAIL"}  ${what}`)
  if (checks.some(({ holds }) => !holds)) process.exitCode = 1
})

await Effect.runPromise(isMainThread ? main : serve)

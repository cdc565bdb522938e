import { Context, Effect, Layer, Random, type Scope } from "effect"
import { EntraEmulator, type Service } from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import * as Fault from "../../src/emulator/Fault.js"

/** Where the authority listens. */
export type Server = Effect.Effect<string, never, Scope.Scope>

/** The last 10 s of a token are never served: these are served for 3 s, and renewed after 1 s. */
const emulated = { tokenLifetime: "13 seconds", refreshIn: "1 second" } as const

const faults: ReadonlyArray<Fault.Fault> = [
  Fault.respond({ status: 429, headers: { "retry-after-ms": "20" } }),
  Fault.respond({ status: 429, headers: { "x-ms-retry-after-ms": "60" } }),
  Fault.throttled(undefined),
  Fault.throttled("1"),
  Fault.respond({ status: 408 }),
  Fault.respond({ status: 500 }),
  Fault.html(502),
  Fault.unavailable(),
  Fault.respond({ status: 503, headers: { "retry-after-ms": "30" } }),
  Fault.reset("beforeHeaders"),
  Fault.reset("midBody"),
  Fault.reset("afterBody"),
  Fault.truncated,
  Fault.html(200),
  Fault.redirect("http://127.0.0.1:9/token"),
  Fault.hang,
  Fault.delay("100 millis"),
  Fault.delay("20 millis", Fault.reset("midBody")),
  Fault.respond({ status: 400, body: { error: "invalid_scope" } }),
  Fault.respond({ status: 401, body: { error: "invalid_client" } })
]

/** One fault after the other, with healthy answers between them, all the time. */
const inject = (emulator: Service) =>
  Effect.gen(function* () {
    yield* Effect.sleep(yield* Random.nextIntBetween(1, 40))
    if ((yield* emulator.pendingFaults) === 0) yield* emulator.script([yield* Random.choice(faults)])
  }).pipe(Effect.orDie, Effect.forever)

/** The emulator in this thread, in trouble all the time. */
export const troubled = (seed: string): Server =>
  Effect.gen(function* () {
    const context = yield* Effect.orDie(Layer.build(EntraEmulatorNode.layer(emulated)))
    const emulator = Context.get(context, EntraEmulator)
    yield* Effect.forkScoped(Effect.withRandom(inject(emulator), Random.make(`faults ${seed}`)))
    return Context.get(context, EntraEmulatorNode.Address).origin
  })

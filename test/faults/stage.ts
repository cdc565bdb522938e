import { HttpClient, type HttpClientRequest } from "@effect/platform"
import {
  Chunk,
  Clock,
  Context,
  Effect,
  type Exit,
  type Fiber,
  Layer,
  Random,
  type Scope,
  Supervisor,
  TestClock,
  TestContext
} from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import type { Fault } from "../../src/emulator/Fault.js"
import * as Wire from "./wire.js"

/** Answers a request, with a fault or without. */
export class Stage extends Context.Tag("test/faults/Stage")<
  Stage,
  { readonly answer: Wire.Answer; readonly emulator: EntraEmulator.Service }
>() {}

/**
 * The emulator in this process; its key takes long to make, so that many plays share it, each with its own faults: it is
 * told the next fault and given the request in one step.
 */
export const layer = (options?: EntraEmulator.Options): Layer.Layer<Stage> =>
  Layer.effect(
    Stage,
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator.EntraEmulator
      const client = yield* HttpClient.HttpClient
      const oneAtATime = (yield* Effect.makeSemaphore(1)).withPermits(1)
      const script = ({ url }: HttpClientRequest.HttpClientRequest, fault: Fault) =>
        Wire.isIdentity(new URL(url)) ? emulator.scriptIdentity([fault]) : emulator.script([fault])
      return {
        emulator,
        answer: (request, fault) =>
          oneAtATime(
            Effect.zipRight(fault === undefined ? Effect.void : script(request, fault), client.execute(request))
          )
      }
    })
  ).pipe(Layer.provide(EntraEmulator.layerHttpClient), Layer.provide(EntraEmulator.layer(options)))

/** Counts the fibers that were started beneath it and have not ended. */
export class Census extends Supervisor.AbstractSupervisor<number> {
  readonly living = new Set<Fiber.RuntimeFiber<unknown, unknown>>()
  override get value() {
    return Effect.sync(() => this.living.size)
  }
  override onStart<A, E, R>(
    _context: Context.Context<R>,
    _effect: Effect.Effect<A, E, R>,
    _parent: unknown,
    fiber: Fiber.RuntimeFiber<A, E>
  ) {
    this.living.add(fiber)
  }
  override onEnd<A, E>(_exit: Exit.Exit<A, E>, fiber: Fiber.RuntimeFiber<A, E>) {
    this.living.delete(fiber)
  }
}

/** One play: a wire, an empty cache, a census of the client's fibers, and a clock that stands until it is driven. */
export interface Play {
  readonly wire: Wire.Wire
  readonly cache: TokenCache.TokenCacheService
  readonly census: Census
  /** Makes a client on this wire. */
  readonly cast: <A, E>(
    make: Effect.Effect<A, E, HttpClient.HttpClient | TokenCache.TokenCache | Scope.Scope>
  ) => Effect.Effect<A, E, Scope.Scope>
  /** Runs an effect, with the clock driven on from one event to the next until it has ended. */
  readonly drive: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Lets this much time pass, from one event to the next. */
  readonly pass: (millis: number) => Effect.Effect<void>
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const timer = () => new Promise<void>((resolve) => setTimeout(resolve, 0))

let hashing = 0
const digest = crypto.subtle.digest.bind(crypto.subtle)

/** Hashes are made beside the event loop: the clock must stand for them too. */
crypto.subtle.digest = async (algorithm, data) => {
  hashing += 1
  try {
    return await digest(algorithm, data)
  } finally {
    hashing -= 1
  }
}

/** Waits, in real time, until all that can happen at this moment of the clock has happened. */
const settled = async (wire: Wire.Wire): Promise<void> => {
  do {
    await timer()
    await turn()
  } while (wire.busy() > 0 || hashing > 0)
  await turn()
}

const nextEvent = Effect.map(Effect.zip(TestClock.sleeps(), Clock.currentTimeMillis), ([sleeps, now]) =>
  Math.min(...Chunk.filter(sleeps, (at) => at > now))
)

/** The next event, unless the limit comes before it. */
const step = (limit: number) => Effect.flatMap(nextEvent, (at) => TestClock.setTime(Math.min(at, limit)))

const makePlay = Effect.gen(function* () {
  const wire = Wire.make((yield* Stage).answer)
  const cache = yield* Effect.orDie(TokenCache.makeMemory())
  const census = new Census()
  const settle = Effect.promise(() => settled(wire))

  const driven = <A, E>(fiber: Fiber.RuntimeFiber<A, E>): Effect.Effect<A, E> =>
    Effect.gen(function* () {
      for (;;) {
        yield* settle
        const exit = fiber.unsafePoll()
        if (exit !== null) return yield* exit
        const at = yield* nextEvent
        if (!Number.isFinite(at)) return yield* Effect.dieMessage("everyone waits, and nobody for the clock")
        yield* TestClock.setTime(at)
      }
    })

  const passed = (end: number): Effect.Effect<void> =>
    Effect.gen(function* () {
      yield* settle
      while ((yield* Clock.currentTimeMillis) < end) {
        yield* step(end)
        yield* settle
      }
    })

  const play: Play = {
    wire,
    cache,
    census,
    cast: (make) =>
      make.pipe(
        Effect.supervised(census),
        Effect.provideService(HttpClient.HttpClient, wire.client),
        Effect.provideService(TokenCache.TokenCache, cache)
      ),
    drive: (effect) => Effect.flatMap(Effect.fork(effect), driven),
    pass: (millis) => Effect.flatMap(Clock.currentTimeMillis, (now) => passed(now + millis))
  }
  return play
})

/** Plays a scene under a `TestClock` of its own, with this randomness. */
export const perform = <A, E>(
  scene: (play: Play) => Effect.Effect<A, E, Scope.Scope>,
  random: Random.Random = Random.make("faults")
): Effect.Effect<A, E, Stage> =>
  Effect.flatMap(makePlay, scene).pipe(
    Effect.scoped,
    Effect.withRandom(random),
    Effect.provide(TestContext.TestContext)
  )

import { Clock, Effect, type Scope } from "effect"
import type { TokenSource } from "../../src/core/TokenProvider.js"
import * as Fault from "../../src/emulator/Fault.js"
import { type Play, perform } from "./stage.js"
import type { Trouble } from "./wire.js"

export const second = 1000
export const minute = 60 * second
export const hour = 60 * minute

/** A story: a scene, played under a clock of its own. */
export const story = (scene: (play: Play) => Effect.Effect<void, unknown, Scope.Scope>) => () => perform(scene)

/** Stories wait for the clock most of the time: they are told side by side. */
export const together = { concurrent: true }

export const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.zip(Effect.either(effect), Clock.currentTimeMillis)

export const crowd = (callers: number, source: TokenSource<{ readonly _tag: string }>) =>
  Effect.replicateEffect(timed(source.getToken()), callers, { concurrency: "unbounded" })

/** The first requests, as many as told, meet this trouble. */
export const first =
  (count: number, trouble: Trouble) =>
  (request: number): Trouble | undefined =>
    request <= count ? trouble : undefined

export const always = (trouble: Trouble) => () => trouble
export const never = () => undefined

/** After these nobody knows whether the server has taken the request. */
export const lost: ReadonlyArray<readonly [string, Trouble]> = [
  ["reset before the answer", Fault.reset("beforeHeaders")],
  ["cut off in the answer", Fault.reset("midBody")],
  ["never answered", Fault.hang],
  ["answered with half of it", Fault.truncated],
  ["answered by a gateway", Fault.html(502)]
]

import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { Screen, type ScreenService } from "./screen.js"

/** One thing that the library did, as its debug log tells. */
export interface Moment {
  /** Milliseconds since the start. */
  readonly at: number
  readonly event: string
  readonly host: string
  readonly result?: string
  readonly status?: number
  readonly waitMillis?: number
}

export interface Timeline {
  /** Runs a program with its token exchanges shown on the screen as they happen. */
  readonly show: <A, E, R>(program: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  readonly moments: Effect.Effect<ReadonlyArray<Moment>>
}

const annotation = (annotations: HashMap.HashMap<string, unknown>, name: string): unknown =>
  Option.getOrUndefined(HashMap.get(annotations, name))

const toMoment = (options: Logger.Logger.Options<unknown>, start: number): Moment | undefined => {
  const { annotations, date, message } = options
  if (annotation(annotations, "package") !== "effect-entra") return undefined
  const [result, status, waitMillis] = ["entra.result", "http.response.status_code", "entra.wait_ms"].map((name) =>
    annotation(annotations, name)
  )
  return {
    at: date.getTime() - start,
    event: Array.isArray(message) ? String(message[0]) : String(message),
    host: String(annotation(annotations, "server.address") ?? ""),
    ...(typeof result === "string" && { result }),
    ...(typeof status === "number" && { status }),
    ...(typeof waitMillis === "number" && { waitMillis })
  }
}

const seconds = (millis: number): string => `${(millis / 1000).toFixed(1)} s`

const describe = (moment: Moment): string => {
  if (moment.waitMillis !== undefined) return `waiting ${seconds(moment.waitMillis)} before the next attempt`
  if (moment.result === undefined) return `${moment.event} ${moment.host}`
  const status = moment.status === undefined ? "" : ` (HTTP ${moment.status})`
  return `${moment.event}: ${moment.result}${status}`
}

const line = (moment: Moment): string => `${String(moment.at).padStart(7)} ms  ${describe(moment)}`

/** What is under way, with the time that it has taken, or the wait that is left. */
const progress = (moment: Moment, elapsed: number): string =>
  moment.waitMillis === undefined
    ? `${line(moment)} ... ${seconds(elapsed)}`
    : `${line(moment)} ... ${seconds(Math.max(0, moment.waitMillis - elapsed))} left`

const tick = Duration.millis(100)
const rewrite = (text: string): string => `\r\u001b[2K${text}`

const showProgress = (screen: ScreenService, moment: Moment, elapsed = 0): Effect.Effect<never> =>
  screen
    .note(rewrite(progress(moment, elapsed)))
    .pipe(
      Effect.zipRight(Effect.sleep(tick)),
      Effect.zipRight(Effect.suspend(() => showProgress(screen, moment, elapsed + Duration.toMillis(tick))))
    )

/** Shows moments for ever; on a terminal, what is under way is kept up to date until the next one comes. */
const render = (screen: ScreenService, queue: Queue.Dequeue<Moment>): Effect.Effect<never> => {
  const finish = (moment: Moment) => screen.note(`${line(moment)}\n`)
  const follow = (moment: Moment): Effect.Effect<Moment> =>
    screen.isInteractive && moment.result === undefined
      ? Effect.raceFirst(Queue.take(queue), showProgress(screen, moment)).pipe(
          Effect.zipLeft(Effect.zipRight(screen.note(rewrite("")), finish(moment)))
        )
      : Effect.zipRight(finish(moment), Queue.take(queue))
  const loop = (moment: Moment): Effect.Effect<never> =>
    Effect.flatMap(follow(moment), (next) => Effect.suspend(() => loop(next)))
  return Effect.flatMap(Queue.take(queue), loop)
}

/** Collects what the library logs, in place of the default logger; shows it unless told to be quiet. */
export const make = (options: { readonly quiet: boolean }): Effect.Effect<Timeline, never, Screen | Scope.Scope> =>
  Effect.gen(function* () {
    const screen = yield* Screen
    const start = (yield* Effect.clock).unsafeCurrentTimeMillis()
    const queue = yield* Queue.unbounded<Moment>()
    const moments: Array<Moment> = []
    const logger = Logger.make((entry) => {
      const moment = toMoment(entry, start)
      if (moment === undefined) return
      moments.push(moment)
      queue.unsafeOffer(moment)
    })
    const drain = Effect.flatMap(Queue.takeAll(queue), (rest) =>
      Effect.forEach(rest, (moment) => screen.note(`${line(moment)}\n`), { discard: true })
    )
    return {
      moments: Effect.sync(() => [...moments]),
      show: (program) =>
        Effect.gen(function* () {
          if (!options.quiet) {
            yield* Effect.addFinalizer(() => drain)
            yield* Effect.forkScoped(render(screen, queue))
          }
          return yield* Logger.withMinimumLogLevel(
            Effect.locally(program, FiberRef.currentLoggers, HashSet.make(logger)),
            LogLevel.Debug
          )
        }).pipe(Effect.scoped)
    }
  })

import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { BoundedMap } from "./boundedMap.js"
import { monotonicMillis } from "./monotonic.js"
import * as Settings from "./settings.js"

/** When a host counts as down. */
export interface CircuitBreaker {
  /** Of the outcomes within this time, */
  readonly window: Duration.Duration
  /** of which there must be so many, */
  readonly outcomes: number
  /** this share or more had no answer or 502, 503, 504, */
  readonly share: number
  /** and they came from so many different keys (a connection that was not made is the host's alone). */
  readonly keys: number
  /** Then nothing is sent for this long; after it, one exchange may try. */
  readonly pause: Duration.Duration
}

export interface CircuitBreakerOptions {
  readonly window?: Duration.DurationInput | undefined
  readonly outcomes?: number | undefined
  readonly share?: number | undefined
  readonly keys?: number | undefined
  readonly pause?: Duration.DurationInput | undefined
}

/** @internal */
export const parse = (options: CircuitBreakerOptions = {}): Settings.Setting<CircuitBreaker> =>
  Either.all({
    window: Settings.duration("breaker.window", options.window ?? "30 seconds"),
    outcomes: Settings.count("breaker.outcomes", options.outcomes ?? 10),
    share: Settings.share("breaker.share", options.share ?? 0.5),
    keys: Settings.count("breaker.keys", options.keys ?? 3),
    pause: Settings.duration("breaker.pause", options.pause ?? "30 seconds")
  })

export type CircuitState = "closed" | "open" | "half-open"

/** How an exchange with a host ended. */
export interface HostOutcome {
  readonly key: string
  /** `unconnected`: the host was not reached at all; `down`: no answer, or one that says so. */
  readonly result: "answered" | "down" | "unconnected"
}

interface Circuit {
  state: CircuitState
  /** While open: when an exchange may try. */
  retryAt: number
  readonly outcomes: Array<HostOutcome & { readonly at: number }>
}

/** @internal */
export interface CircuitBreakers {
  /** Lets an exchange through (0), or tells for how many milliseconds nothing is to be sent. */
  readonly admit: (host: string) => Effect.Effect<number>
  readonly record: (host: string, outcome: HostOutcome) => Effect.Effect<void>
  /** An admitted exchange ended without an outcome that tells about the host. */
  readonly release: (host: string) => Effect.Effect<void>
  readonly states: Effect.Effect<Readonly<Record<string, CircuitState>>>
}

const hosts = 1000
const longestHistory = 1000

const isDown = ({ result }: HostOutcome): boolean => result !== "answered"

const tripsBy = (settings: CircuitBreaker, outcomes: ReadonlyArray<HostOutcome>): boolean => {
  const down = outcomes.filter(isDown)
  if (outcomes.length < settings.outcomes || down.length < outcomes.length * settings.share) return false
  return (
    down.every(({ result }) => result === "unconnected") || new Set(down.map(({ key }) => key)).size >= settings.keys
  )
}

/**
 * One circuit for each host. While it is open nothing is sent, so that a host that is down is not asked by everyone, and
 * nobody waits for it.
 *
 * @internal
 */
export const make = (
  settings: CircuitBreaker,
  onChange: (host: string, state: CircuitState) => void
): CircuitBreakers => {
  const circuits = new BoundedMap<Circuit>(hosts)
  const pause = Duration.toMillis(settings.pause)
  const window = Duration.toMillis(settings.window)

  const circuitOf = (host: string): Circuit => {
    const known = circuits.get(host)
    if (known !== undefined) return known
    const circuit: Circuit = { state: "closed", retryAt: 0, outcomes: [] }
    circuits.set(host, circuit)
    return circuit
  }
  const turn = (host: string, circuit: Circuit, state: CircuitState) => {
    if (circuit.state === state) return
    circuit.state = state
    onChange(host, state)
  }
  const open = (host: string, circuit: Circuit, now: number) => {
    circuit.retryAt = now + pause
    circuit.outcomes.length = 0
    turn(host, circuit, "open")
  }
  const observe = (circuit: Circuit, outcome: HostOutcome, now: number) => {
    const { outcomes } = circuit
    outcomes.push({ ...outcome, at: now })
    const first = outcomes.findIndex(({ at }) => at > now - window)
    outcomes.splice(0, Math.max(first, outcomes.length - longestHistory))
  }

  return {
    admit: (host) =>
      Effect.map(monotonicMillis, (now) => {
        const circuit = circuits.get(host)
        if (circuit === undefined || circuit.state === "closed") return 0
        // Half-open: somebody is trying, and tells within the longest time that an attempt can take.
        if (now < circuit.retryAt) return circuit.retryAt - now
        circuit.retryAt = now + pause
        turn(host, circuit, "half-open")
        return 0
      }),
    record: (host, outcome) =>
      Effect.map(monotonicMillis, (now) => {
        const circuit = circuitOf(host)
        // What was sent before the circuit opened comes too late to tell anything.
        if (circuit.state === "open") return
        if (circuit.state === "half-open") {
          if (isDown(outcome)) open(host, circuit, now)
          else turn(host, circuit, "closed")
          return
        }
        observe(circuit, outcome, now)
        if (isDown(outcome) && tripsBy(settings, circuit.outcomes)) open(host, circuit, now)
      }),
    release: (host) =>
      Effect.sync(() => {
        const circuit = circuits.get(host)
        if (circuit?.state === "half-open") circuit.retryAt = 0
      }),
    states: Effect.sync(() => Object.fromEntries([...circuits].map(([host, { state }]) => [host, state])))
  }
}

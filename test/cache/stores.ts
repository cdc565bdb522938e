import { Clock, Duration, Effect, Option } from "effect"
import { StoreError, type TokenStore } from "../../src/cache/TokenStore.js"

interface Kept {
  readonly value: string
  readonly endsAt: number
}

/** A store in a map, whose faults are set by the test. */
export interface WatchedStore {
  readonly store: TokenStore
  /** The same without leases. */
  readonly plain: TokenStore
  readonly entries: Map<string, Kept>
  /** What it was asked, the operation and the key. */
  readonly asked: Array<string>
  state: "well" | "failing" | "hanging"
  /** How long an answer takes. */
  delay: Duration.DurationInput
}

export const watchedStore = (): WatchedStore => {
  const entries = new Map<string, Kept>()
  const asked: Array<string> = []

  const step = <A>(operation: StoreError["operation"], key: string, what: (now: number) => A) =>
    Effect.gen(function* () {
      asked.push(`${operation} ${key}`)
      if (watched.state === "hanging") return yield* Effect.never
      if (!Duration.equals(watched.delay, Duration.zero)) yield* Effect.sleep(watched.delay)
      if (watched.state === "failing")
        return yield* new StoreError({ operation, reason: "failed", code: "ECONNREFUSED" })
      return what(yield* Clock.currentTimeMillis)
    })

  const present = (key: string, now: number): string | undefined => {
    const kept = entries.get(key)
    if (kept !== undefined && kept.endsAt > now) return kept.value
    entries.delete(key)
    return undefined
  }

  const put = (key: string, value: string, ttl: Duration.Duration, now: number) => {
    entries.set(key, { value, endsAt: now + Duration.toMillis(ttl) })
  }

  const plain: TokenStore = {
    get: (key) => step("get", key, (now) => Option.fromNullable(present(key, now))),
    set: (key, value, ttl) => step("set", key, (now) => put(key, value, ttl, now)),
    remove: (key) => step("remove", key, () => void entries.delete(key))
  }
  const store: TokenStore = {
    ...plain,
    compareAndSet: (key, expected, next, ttl) =>
      step("compareAndSet", key, (now) => {
        const isExpected = present(key, now) === Option.getOrUndefined(expected)
        if (isExpected) put(key, next, ttl, now)
        return isExpected
      })
  }
  const watched: WatchedStore = { store, plain, entries, asked, state: "well", delay: Duration.zero }
  return watched
}

import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { unreadableEntries } from "../core/TokenMetrics.js"
import * as Seldom from "./seldom.js"
import type { Unreadable } from "./TokenEncryption.js"

/**
 * What is said of entries that can't be read: each is counted, and each reason has a line a minute.
 *
 * @internal
 */
export const make = (): ((why: Unreadable) => Effect.Effect<void>) => {
  const lines = new Map<Unreadable["reason"], ReturnType<typeof Seldom.make>>()
  return (why) =>
    Effect.suspend(() => {
      Metric.tagged(unreadableEntries, "reason", why.reason).unsafeUpdate(1, [])
      const seldom = lines.get(why.reason) ?? Seldom.make()
      lines.set(why.reason, seldom)
      return seldom(Effect.logWarning(`${why.message}. It counts as absent`, why))
    })
}

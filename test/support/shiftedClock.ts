import { Clock, Duration, Effect } from "effect"

/** Time as it is, and what a test adds to it. */
export const shiftedClock = () => {
  const real = Clock.make()
  let offset = 0
  const clock: Clock.Clock = {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: () => real.unsafeCurrentTimeMillis() + offset,
    unsafeCurrentTimeNanos: () => real.unsafeCurrentTimeNanos() + BigInt(offset) * 1_000_000n,
    currentTimeMillis: Effect.map(real.currentTimeMillis, (now) => now + offset),
    currentTimeNanos: Effect.map(real.currentTimeNanos, (now) => now + BigInt(offset) * 1_000_000n),
    sleep: (duration) => real.sleep(duration)
  }
  const pass = (time: Duration.DurationInput) => {
    offset += Duration.toMillis(time)
  }
  return { clock, pass }
}

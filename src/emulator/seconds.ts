/** Lengths of time as tokens and answers have them: whole seconds. */
import * as Duration from "effect/Duration"

export const seconds = (duration: Duration.Duration): number => Math.floor(Duration.toSeconds(duration))

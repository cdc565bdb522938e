import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { TokenError } from "../core/TokenError.js"
import { answerTo } from "./answer.js"
import type { Asked } from "./CallerError.js"
import type { CallerError } from "./callerFailures.js"

/** How a request comes to fail. */
export interface Refuse {
  readonly fail: (error: CallerError) => Effect.Effect<never, CallerError>
  readonly refuse: (error: TokenError, asked?: Asked) => Effect.Effect<never, CallerError>
}

/** What a caller is told of is in its own hands; of the rest whoever runs the server has to know. */
const tell = (error: TokenError, answer: CallerError): Effect.Effect<void> => {
  const text = `A caller was answered ${answer._tag} (${answer.reason}): ${error.message}`
  const isOurs = answer._tag === "Unavailable" && answer.reason === "server_error"
  return Effect.annotateLogs(isOurs ? Effect.logError(text) : Effect.logDebug(text), "package", "effect-entra")
}

/**
 * Refusals, each of which is noted: the answer's headers follow from the last one.
 *
 * @internal
 */
export const make = (note: (error: CallerError) => void, isChallenged: boolean): Refuse => {
  const fail = (error: CallerError) =>
    Effect.suspend(() => {
      note(error)
      return Effect.fail(error)
    })
  return {
    fail,
    refuse: (error, asked) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const answer = answerTo(error, { ...asked, isChallenged, now })
        return Effect.zipRight(tell(error, answer), fail(answer))
      })
  }
}

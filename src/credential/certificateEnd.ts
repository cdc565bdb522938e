import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { certificateEnds } from "../core/TokenMetrics.js"
import { endOf } from "./x509.js"

/** How long before its end a certificate is announced. */
const notice = "30 days"

const warn = (end: DateTime.Utc, now: DateTime.Utc, thumbprint: string) =>
  Effect.annotateLogs(
    Effect.logWarning(
      DateTime.greaterThan(end, now) ? "the client's certificate is at its end" : "the client's certificate has ended"
    ),
    {
      package: "effect-entra",
      "entra.certificate_end": DateTime.formatIso(end),
      "entra.certificate_thumbprint": thumbprint
    }
  )

/**
 * Sets the metric of a certificate's end, and warns of one that is near or past. It is no error: the authority decides.
 *
 * @internal
 */
export const announceEnd = (certificate: Uint8Array, thumbprint: string): Effect.Effect<void> =>
  Effect.gen(function* () {
    const end = endOf(certificate)
    if (end === undefined) return
    const seconds = Math.floor(end.epochMillis / 1000)
    yield* Metric.set(Metric.tagged(certificateEnds, "certificate", thumbprint), seconds)
    const now = yield* DateTime.now
    if (DateTime.lessThan(end, DateTime.addDuration(now, notice))) yield* warn(end, now, thumbprint)
  })

import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { CredentialUnavailable } from "../core/TokenError.js"
import type { Outcome } from "../protocol/classify.js"
import type { GetRequest } from "../protocol/transport.js"
import type { MachineService } from "./Machine.js"

/** `Basic realm=PATH`, with quotes or without: the agent writes a path, not a quoted-string. */
const basicRealm = /^\s*Basic\s+realm="?([^"]+)"?\s*$/i

const keyFileOf = (outcome: Outcome): string | undefined =>
  outcome._tag === "NoAnswer" || outcome.status !== 401
    ? undefined
    : basicRealm.exec(outcome.headers["www-authenticate"] ?? "")?.[1]?.trim()

/**
 * Azure Arc's agent has who asks prove that they may read its files: it names one in its challenge, and wants what is in it.
 *
 * Source: Microsoft, Authenticate against Azure resources with Azure Arc-enabled servers.
 *
 * @internal
 */
export const answerChallenge = (
  machine: Pick<MachineService, "arcKey">,
  send: (headers: GetRequest["headers"]) => Effect.Effect<Outcome>
): Effect.Effect<Outcome, CredentialUnavailable> =>
  Effect.flatMap(send({}), (outcome) => {
    const path = keyFileOf(outcome)
    if (path === undefined) return Effect.succeed(outcome)
    return Effect.flatMap(machine.arcKey(path), (key) =>
      send({ authorization: Redacted.make(`Basic ${Redacted.value(key)}`) })
    )
  })

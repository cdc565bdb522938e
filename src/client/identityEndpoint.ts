import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { AccessToken } from "../core/AccessToken.js"
import { sha256Hex } from "../core/digest.js"
import type { Outcome } from "../protocol/classify.js"
import { classifyIdentity } from "../protocol/identityAnswer.js"
import { observed } from "../protocol/observed.js"
import type { GetRequest, Transport } from "../protocol/transport.js"
import { answerChallenge } from "./arcChallenge.js"
import { countdown } from "./countdown.js"
import { identityRequest } from "./identityRequest.js"
import { type Detected, manners } from "./identitySource.js"
import * as ImdsProbe from "./imdsProbe.js"
import type { LocalAsking, LocalIdentity, LocalTarget } from "./localProvider.js"
import type { MachineService } from "./Machine.js"
import type { UserAssigned } from "./userAssigned.js"

type Headers = GetRequest["headers"]

/** What a managed identity is asked for. */
export interface IdentityTarget extends LocalTarget {
  readonly resource: string
}

const hashOf = (token: AccessToken | undefined): Effect.Effect<string | undefined> =>
  token === undefined ? Effect.succeed(undefined) : sha256Hex(Redacted.value(token.accessToken))

/**
 * Asks a managed identity's source for tokens.
 *
 * @internal
 */
export const make = (options: {
  readonly capabilities: ReadonlyArray<string>
  readonly detected: Detected
  readonly identity: UserAssigned | undefined
  /** Whether it is looked first if somebody is there. */
  readonly isProbed: boolean
  readonly machine: MachineService
  readonly transport: Transport
}): LocalIdentity<IdentityTarget>["ask"] => {
  const { capabilities, detected, identity, isProbed, machine, transport } = options
  const { endpoint, source } = detected
  const { method, mustEcho, passing, takesRevocation } = manners[source]
  const { host } = endpoint
  const probe = isProbed ? ImdsProbe.make(transport, endpoint) : () => Effect.void

  const requestFor = ({ correlationId, replaced, target }: LocalAsking<IdentityTarget>) =>
    Effect.map(hashOf(takesRevocation ? replaced : undefined), (revoked) =>
      identityRequest(detected, { resource: target.resource, identity, capabilities, revoked, correlationId })
    )

  return (asking) =>
    Effect.gen(function* () {
      const timeLeft = yield* countdown(host, asking.timeout)
      yield* probe(asking.timeout)
      const request = yield* requestFor(asking)
      const send = (more: Headers): Effect.Effect<Outcome> =>
        Effect.flatMap(timeLeft, (timeout) => {
          const headers = { ...request.headers, ...more }
          return request.method === "GET"
            ? transport.get({ ...request, headers, timeout })
            : transport.post({ ...request, headers, timeout })
        }).pipe(Effect.catchAll((failure): Effect.Effect<Outcome> => Effect.succeed({ _tag: "NoAnswer", failure })))
      return yield* observed(
        { method, host, grant: "managed_identity", correlationId: asking.correlationId, brings: "token" },
        source === "azureArc" ? answerChallenge(machine, send) : send({}),
        (outcome, now) => classifyIdentity(outcome, { passing, identity, mustEcho }, now)
      )
    })
}

import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { CredentialUnavailable } from "../core/TokenError.js"
import type { Transport } from "../protocol/transport.js"

const patience = Duration.seconds(1)

/**
 * Looks whether a machine has an Instance Metadata Service, until it has answered once: a request without the header that it
 * wants is refused at once, and whoever has none waits for a second.
 *
 * @internal
 */
export const make = (
  transport: Transport,
  endpoint: URL
): ((timeout: Duration.Duration) => Effect.Effect<void, CredentialUnavailable>) => {
  let isThere = false
  return (timeout) =>
    Effect.suspend(() => {
      if (isThere) return Effect.void
      const { host, href } = endpoint
      const look = transport.get({ url: href, host, headers: {}, timeout: Duration.min(timeout, patience) })
      return Effect.flatMap(look, (outcome) => {
        isThere = outcome._tag !== "NoAnswer"
        return isThere
          ? Effect.void
          : new CredentialUnavailable({
              credential: "managed identity",
              reason: `nothing answers at ${host}, where a virtual machine of Azure has its metadata service`,
              remedy: "Run it on an Azure host with a managed identity, or use another credential."
            })
      })
    })
}

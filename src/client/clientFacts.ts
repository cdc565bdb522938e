import * as Either from "effect/Either"
import type { Authority } from "../core/Authority.js"
import { isGuid } from "../core/guid.js"
import { ConfigurationError } from "../core/TokenError.js"
import type { ClientFacts } from "./principal.js"

type Tenants = ReadonlyArray<string> | "any" | undefined

const requireClientId = (clientId: string): Either.Either<void, ConfigurationError> =>
  clientId.trim().length > 0
    ? Either.void
    : Either.left(
        new ConfigurationError({
          parameter: "clientId",
          expected: "the application (client) id of the app registration",
          remedy: "Copy it from the registration's overview."
        })
      )

/** As GUIDs, for that is what tokens say. */
const requireTenantIds = (tenants: Tenants = []): Either.Either<void, ConfigurationError> =>
  typeof tenants === "string" || tenants.every(isGuid)
    ? Either.void
    : Either.left(
        new ConfigurationError({
          parameter: "allowedTenants",
          expected: "the GUIDs of tenants",
          remedy: "Copy the tenant id from each one's overview; a domain is not what its tokens name."
        })
      )

/**
 * What a client's options say of it, checked.
 *
 * @internal
 */
export const factsOf = (options: {
  readonly authority: Authority
  readonly clientId: string
  readonly clientCapabilities?: ReadonlyArray<string> | undefined
  readonly allowedTenants?: Tenants
}): Either.Either<ClientFacts, ConfigurationError> =>
  Either.gen(function* () {
    const { allowedTenants, authority, clientCapabilities = [], clientId } = options
    yield* requireClientId(clientId)
    yield* requireTenantIds(allowedTenants)
    return {
      authority,
      clientId,
      capabilities: clientCapabilities,
      allowedTenants:
        typeof allowedTenants === "string" || allowedTenants === undefined
          ? allowedTenants
          : new Set(allowedTenants.map((tenant) => tenant.toLowerCase()))
    }
  })

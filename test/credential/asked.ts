import { Duration, Effect } from "effect"
import type * as ClientCredential from "../../src/credential/ClientCredential.js"
import { assertionOf } from "./openssl.js"

const endpoint = "https://login.example/tenant/oauth2/v2.0/token"

/** A request to a tenant of Entra. */
export const authentication: ClientCredential.Authentication = {
  clientId: "00001111-aaaa-2222-bbbb-3333cccc4444",
  tenantId: "aaaabbbb-0000-cccc-1111-dddd2222eeee",
  authority: "entra",
  tokenEndpoint: endpoint,
  audience: endpoint,
  capabilities: [],
  claims: undefined,
  correlationId: "01234567-89ab-4cde-8f01-23456789abcd",
  timeout: Duration.seconds(10)
}

/** The assertion that a credential gives for a request. */
export const ask =
  (change: Partial<ClientCredential.Authentication> = {}) =>
  ({ authenticate }: ClientCredential.PreparedCredential) =>
    Effect.map(authenticate({ ...authentication, ...change }, Effect.succeed), assertionOf)

/** A request to any other server. */
export const elsewhere = { authority: "custom", audience: "https://issuer.example" } as const

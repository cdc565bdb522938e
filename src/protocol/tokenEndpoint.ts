import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { ResolvedAuthority } from "../core/Authority.js"
import { sku } from "../core/sku.js"
import { type CommonFailure, classifyAs } from "./classify.js"
import type { Grant } from "./grants.js"
import { observed } from "./observed.js"
import type { Form, Transport } from "./transport.js"
import { type Body, DeviceAuthorization, readBody, reader, type TokenResponse } from "./wire.js"

/** One request to a token endpoint. */
export interface TokenExchange<out E> {
  readonly authority: Pick<ResolvedAuthority, "kind" | "host">
  /** Where the authority takes it. */
  readonly tokenEndpoint: string
  readonly grant: Grant<E>
  readonly form: Form
  readonly correlationId: string
  readonly timeout: Duration.Duration
  /** Whose request it is, as Entra's backup service wants to know it (`X-AnchorMailbox`). */
  readonly anchor?: string | undefined
}

/** Entra's own headers; other servers are not sent what they did not ask for. */
const headersOf = ({ anchor, authority, correlationId }: TokenExchange<unknown>): Readonly<Record<string, string>> => ({
  accept: "application/json",
  ...(authority.kind === "entra" && {
    "client-request-id": correlationId,
    "return-client-request-id": "true",
    "x-client-sku": sku.name,
    "x-client-ver": sku.version,
    // Without it Entra answers loops in older shapes (MSAL.NET, ThrottleCommon).
    "x-ms-lib-capability": "retry-after, h429",
    ...(anchor !== undefined && { "x-anchormailbox": anchor })
  })
})

const exchangeAs =
  <A>(read: (body: string) => Body<A>, brings: string) =>
  <E extends { readonly _tag: string }>(
    transport: Transport,
    request: TokenExchange<E>
  ): Effect.Effect<A, CommonFailure | E> => {
    const { authority, correlationId, form, grant, timeout, tokenEndpoint } = request
    const { host, kind } = authority
    return observed(
      { method: "POST", host, grant: grant.name, correlationId, brings },
      transport.post({ url: tokenEndpoint, host, headers: headersOf(request), form, timeout }),
      (outcome, now) => classifyAs(read)(outcome, { grant, authority: kind, now })
    )
  }

/**
 * Sends one request and tells what its answer means.
 *
 * @internal
 */
export const exchange: <E extends { readonly _tag: string }>(
  transport: Transport,
  request: TokenExchange<E>
) => Effect.Effect<TokenResponse, CommonFailure | E> = exchangeAs(readBody, "token")

/**
 * Asks for a device's code (RFC 8628 3.1), at the endpoint for that.
 *
 * @internal
 */
export const authorizeDevice: <E extends { readonly _tag: string }>(
  transport: Transport,
  request: TokenExchange<E>
) => Effect.Effect<DeviceAuthorization, CommonFailure | E> = exchangeAs(
  reader(DeviceAuthorization, "device_code"),
  "device code"
)

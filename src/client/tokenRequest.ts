import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { ResolvedAuthority } from "../core/Authority.js"
import type { ExchangeError } from "../core/TokenError.js"
import type { PreparedCredential } from "../credential/ClientCredential.js"
import type { Discovery } from "../protocol/discovery.js"
import type { Grant } from "../protocol/grants.js"
import { exchange } from "../protocol/tokenEndpoint.js"
import type { Form, Transport } from "../protocol/transport.js"
import type { TokenResponse } from "../protocol/wire.js"
import { countdown } from "./countdown.js"

/** What one client asks a token endpoint. */
export interface TokenRequest<out E> {
  readonly authority: ResolvedAuthority
  readonly grant: Grant<E>
  /** The parameters of the grant. */
  readonly parameters: Form
  readonly claims: string | undefined
  readonly correlationId: string
  readonly timeout: Duration.Duration
  /** Whose request it is, as Entra's backup service wants to know it (`X-AnchorMailbox`). */
  readonly anchor?: string | undefined
}

/** Sends one request as the client that it is. */
export type Ask = <E extends { readonly _tag: string }>(
  request: TokenRequest<E>
) => Effect.Effect<TokenResponse, E | ExchangeError>

/** Whom an assertion is made for: the token endpoint where Microsoft says so, else the issuer (RFC 7523bis). */
const audienceOf = ({ issuer, kind }: ResolvedAuthority, tokenEndpoint: string): string =>
  kind === "custom" ? (issuer ?? tokenEndpoint) : tokenEndpoint

/**
 * Finds the endpoint, proves who the client is, and asks.
 *
 * @internal
 */
export const make =
  (client: {
    readonly clientId: string
    readonly capabilities: ReadonlyArray<string>
    readonly credential: PreparedCredential
    readonly discovery: Discovery
    readonly transport: Transport
  }): Ask =>
  (request) =>
    Effect.gen(function* () {
      const { authority, claims, correlationId } = request
      const { capabilities, clientId, credential, discovery, transport } = client
      const timeLeft = yield* countdown(authority.host, request.timeout)
      const tokenEndpoint = yield* discovery.tokenEndpoint(authority, request.timeout)
      const authentication = {
        clientId,
        authority: authority.kind,
        tenantId: authority.tenantId,
        tokenEndpoint,
        audience: audienceOf(authority, tokenEndpoint),
        capabilities,
        claims,
        correlationId,
        timeout: yield* timeLeft
      }
      return yield* credential.authenticate(authentication, (proof) =>
        Effect.flatMap(timeLeft, (timeout) =>
          exchange(transport, {
            ...request,
            timeout,
            tokenEndpoint,
            form: { ...request.parameters, client_id: clientId, ...(claims !== undefined && { claims }), ...proof }
          })
        )
      )
    })

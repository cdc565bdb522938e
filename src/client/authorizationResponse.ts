import * as Redacted from "effect/Redacted"
import type { AuthorizationResponseReason } from "../core/TokenError.js"
import { issuerFor } from "../protocol/issuers.js"
import type { AuthCodeFlow, AuthorizationCodeRequest } from "./AuthorizationCode.js"
import { isSame } from "./random.js"

/** How long a sign-in may take (milliseconds). */
export const flowLifetime = 600_000

/** The parameters of a redirect. */
export type Parameters = Readonly<Record<string, string | undefined>>

/**
 * A parameter that is given twice is none (RFC 6749 3.1).
 *
 * @internal
 */
export const parametersOf = (response: AuthorizationCodeRequest["response"]): Parameters => {
  const parameters: Record<string, string | undefined> = Object.create(null)
  const entries = response instanceof URLSearchParams ? response : Object.entries(response)
  for (const [name, value] of entries)
    parameters[name] = typeof value !== "string" || name in parameters ? undefined : value
  return parameters
}

const isFromIssuer = (flow: AuthCodeFlow, { iss }: Parameters): boolean => {
  if (iss === undefined) return !flow.isIssuerReturned
  const tenant = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i.exec(iss)?.[0]
  return iss === issuerFor(flow.issuer, tenant)
}

/**
 * What is wrong with a response before anything is sent; `state` first, for what is not ours is nobody's to explain.
 *
 * @internal
 */
export const wrongIn = (
  flow: AuthCodeFlow,
  parameters: Parameters,
  now: number
): AuthorizationResponseReason | undefined => {
  if (!isSame(Redacted.value(flow.state), parameters.state ?? "")) return "state"
  if (!isFromIssuer(flow, parameters)) return "issuer"
  return now >= flow.startedAt && now - flow.startedAt <= flowLifetime ? undefined : "expired"
}

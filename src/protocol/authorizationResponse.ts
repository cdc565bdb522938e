import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Kind } from "../core/Authority.js"
import {
  AuthorityUnavailable,
  AuthorizationDeclined,
  type InteractionRequired,
  type InvalidClient,
  type InvalidGrant,
  type RequestRejected
} from "../core/TokenError.js"
import { diagnose } from "./diagnosis.js"
import { authorizationCode } from "./grants.js"
import { ErrorResponse } from "./wire.js"

/** Why the user comes back without a code. */
export type AuthorizationFailure =
  | AuthorizationDeclined
  | AuthorityUnavailable
  | InteractionRequired
  | InvalidClient
  | InvalidGrant
  | RequestRejected

const decodeError = Schema.decodeUnknownOption(ErrorResponse)

const transient: ReadonlySet<string> = new Set(["server_error", "temporarily_unavailable"])

/**
 * What an error redirect means (RFC 6749 4.1.2.1, OpenID Connect Core 3.1.2.6); nothing where it is none that can be read.
 *
 * @internal
 */
export const authorizationFailure = (
  parameters: Readonly<Record<string, string | undefined>>,
  kind: Kind
): AuthorizationFailure | undefined => {
  const response = Option.getOrUndefined(
    decodeError({ ...parameters, suberror: parameters.suberror ?? parameters.error_subcode })
  )
  if (response === undefined) return undefined
  const { claims, error, suberror } = response
  const diagnosis = diagnose(response, kind)
  const refusal = { error, suberror, status: undefined, ...diagnosis }
  if (transient.has(error)) return new AuthorityUnavailable({ error, ...diagnosis })
  return error === "access_denied"
    ? new AuthorizationDeclined(refusal)
    : authorizationCode.refuse(refusal, { claims, isEntra: kind === "entra" })
}

import type { ResolvedAuthority } from "../core/Authority.js"
import {
  AuthorizationDeclined,
  Classification,
  DeviceCodeExpired,
  InteractionRequired,
  InvalidClient,
  InvalidGrant,
  RequestRejected
} from "../core/TokenError.js"
import type { Diagnosis } from "./diagnosis.js"

/** What every refusal's error holds. */
export interface Refusal extends Diagnosis {
  readonly error: string
  readonly suberror: string | undefined
  readonly status: number | undefined
}

/** What else decides. */
export interface RefusalContext {
  readonly claims: string | undefined
  /** Entra refines `error` by `suberror` and `claims`; elsewhere they mean nothing. */
  readonly isEntra: boolean
}

/**
 * A grant, and what it means when the authority refuses it.
 *
 * @internal
 */
export interface Grant<out E> {
  readonly name: string
  readonly refuse: (refusal: Refusal, context: RefusalContext) => E
  /** Whether asking uses up what is asked with, so that asking twice can lose it. */
  readonly consumes: (authority: ResolvedAuthority["kind"]) => boolean
}

/** An app has no user, so what only a user could mend is a matter of its registration. */
const refuseApp = (refusal: Refusal, { claims }: RefusalContext): InvalidClient | RequestRejected =>
  refusal.error === "invalid_client" ? new InvalidClient(refusal) : new RequestRejected({ ...refusal, claims })

/** Errors of OpenID Connect Core 3.1.2.6, which Entra gives at the token endpoint too. */
const interactionErrors: ReadonlySet<string> = new Set([
  "interaction_required",
  "login_required",
  "consent_required",
  "account_selection_required"
])

const isClassification = (suberror: string | undefined): suberror is Classification =>
  suberror !== "none" && Classification.literals.some((literal) => literal === suberror)

const needsInteraction = ({ error, suberror }: Refusal, { claims, isEntra }: RefusalContext): boolean =>
  interactionErrors.has(error) ||
  (isEntra && error === "invalid_grant" && (claims !== undefined || isClassification(suberror)))

const classificationOf = ({ error, suberror }: Refusal, { isEntra }: RefusalContext): Classification => {
  if (isEntra && isClassification(suberror)) return suberror
  return error === "consent_required" ? error : "none"
}

const refuseUser = (
  refusal: Refusal,
  context: RefusalContext
): InvalidClient | InvalidGrant | InteractionRequired | RequestRejected => {
  if (needsInteraction(refusal, context))
    return new InteractionRequired({
      ...refusal,
      classification: classificationOf(refusal, context),
      claims: context.claims
    })
  return refusal.error === "invalid_grant" ? new InvalidGrant(refusal) : refuseApp(refusal, context)
}

/** RFC 8628 3.5, and Entra's own names for the same. */
const refuseDeviceCode = (refusal: Refusal, context: RefusalContext) => {
  switch (refusal.error) {
    case "expired_token":
    case "code_expired":
      return new DeviceCodeExpired(refusal)
    case "access_denied":
    case "authorization_declined":
      return new AuthorizationDeclined(refusal)
    case "bad_verification_code":
      return new InvalidGrant(refusal)
    default:
      return refuseUser(refusal, context)
  }
}

const never = () => false
const always = () => true

/** @internal */
export const clientCredentials = {
  name: "client_credentials",
  refuse: refuseApp,
  consumes: never
} as const satisfies Grant<unknown>

/** @internal */
export const authorizationCode = {
  name: "authorization_code",
  refuse: refuseUser,
  consumes: always
} as const satisfies Grant<unknown>

/**
 * Entra leaves old refresh tokens alive; where they rotate, one that is offered twice can revoke the whole grant.
 *
 * @internal
 */
export const refreshToken = {
  name: "refresh_token",
  refuse: refuseUser,
  consumes: (authority) => authority !== "entra"
} as const satisfies Grant<unknown>

/** @internal */
export const onBehalfOf = {
  name: "on_behalf_of",
  refuse: refuseUser,
  consumes: never
} as const satisfies Grant<unknown>

/**
 * The request for a device's code: nobody has taken part yet.
 *
 * @internal
 */
export const deviceAuthorization = {
  name: "device_authorization",
  refuse: refuseApp,
  consumes: never
} as const satisfies Grant<unknown>

/** @internal */
export const deviceCode = {
  name: "device_code",
  refuse: refuseDeviceCode,
  consumes: never
} as const satisfies Grant<unknown>

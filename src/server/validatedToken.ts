import * as Effect from "effect/Effect"
import { isGuid } from "../core/guid.js"
import { InvalidToken, type InvalidTokenReason } from "../core/TokenError.js"
import { isOfAnotherPolicy } from "../protocol/policyClaim.js"
import { strings, textOf } from "./callerClaims.js"
import { Forbidden } from "./callerFailures.js"
import type { ValidatedToken } from "./validator.js"
import type { Settings } from "./validatorSettings.js"

type Claims = Readonly<Record<string, unknown>>

const invalid = (reason: InvalidTokenReason): Effect.Effect<never, InvalidToken> =>
  new InvalidToken({ token: "access token", reason })

/** Without prototype, so that no claim can be taken for what an object has by nature; nor can one be its prototype. */
const plain = (payload: Claims): Claims => {
  const claims: Record<string, unknown> = Object.create(null)
  for (const [name, value] of Object.entries(payload)) if (name !== "__proto__") claims[name] = value
  return claims
}

/** Entra's tokens name their client by version, so that an id token, which names none, is not taken for one of them. */
const clientOf = ({ appid, azp, client_id, ver }: Claims, { authority }: Settings): string | undefined => {
  if (authority.kind === "entra") return textOf(ver === "1.0" ? appid : azp)
  return textOf(client_id) ?? textOf(azp) ?? textOf(appid)
}

/** RFC 9068 2.2.3 calls `scope` what Entra and AD FS call `scp`. */
const scopesOf = ({ scope, scp }: Claims, { authority }: Settings): ReadonlyArray<string> =>
  strings(authority.kind === "custom" ? (scp ?? scope) : scp).flatMap((text) =>
    text.split(" ").filter((name) => name !== "")
  )

interface Identity {
  readonly tenantId: string
  readonly objectId: string
}

const identityOf = ({ oid, sub, tid }: Claims, { authority }: Settings): Identity | undefined => {
  const isEntra = authority.kind === "entra"
  const tenantId = textOf(tid) ?? (isEntra ? undefined : authority.tenantId)
  const objectId = textOf(oid) ?? (isEntra ? undefined : textOf(sub))
  if (tenantId === undefined || objectId === undefined) return undefined
  return isEntra && !isGuid(objectId) ? undefined : { tenantId: tenantId.toLowerCase(), objectId }
}

/** An app is its own subject; `idtyp` tells, where the API asked for that claim. */
const isSelf = ({ client_id, idtyp, oid, sub }: Claims): boolean =>
  idtyp === "app" || (idtyp === undefined && textOf(sub) !== undefined && (sub === oid || sub === client_id))

const appRefusal = ({ appRoles }: Settings, roles: ReadonlyArray<string>): Forbidden | undefined => {
  if (appRoles === undefined) return new Forbidden({ reason: "user_required" })
  return appRoles.some((role) => roles.includes(role))
    ? undefined
    : new Forbidden({ reason: "insufficient_scope", scope: appRoles.join(" ") })
}

/**
 * What a token tells whose signature, issuer, audience and times hold, if the rest does.
 *
 * @internal
 */
export const readValidated = (
  settings: Settings,
  payload: Claims
): Effect.Effect<ValidatedToken, InvalidToken | Forbidden> => {
  const claims = plain(payload)
  const { cnf, exp } = claims
  const { clients, tenants } = settings
  const clientId = clientOf(claims, settings)
  const identity = identityOf(claims, settings)
  const scopes = scopesOf(claims, settings)
  const roles = strings(claims.roles)
  if (clientId === undefined || identity === undefined || typeof exp !== "number") return invalid("malformed")
  // It is bound to a key of its client (RFC 7800 3.1, RFC 9449 7.2): as a Bearer token nobody has proven to have that.
  if (cnf !== undefined) return invalid("bound")
  if (isOfAnotherPolicy(claims, settings.authority)) return invalid("policy")
  if (tenants !== undefined && !tenants.has(identity.tenantId)) return invalid("tenant")
  if (clients !== undefined && !clients.has(clientId.toLowerCase())) return invalid("authorizedParty")
  const isApp = isSelf(claims)
  if (!isApp && scopes.length === 0) return invalid("malformed")
  const refusal = isApp ? appRefusal(settings, roles) : undefined
  return refusal === undefined
    ? Effect.succeed({ ...identity, clientId, isApp, scopes, roles, expiresAtMillis: exp * 1000, claims })
    : Effect.fail(refusal)
}

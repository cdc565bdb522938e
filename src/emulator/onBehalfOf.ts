/**
 * `grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer`
 * (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow).
 */
import * as Effect from "effect/Effect"
import type { Checked, Refusal } from "./answers.js"
import { Asked } from "./asked.js"
import type { Members } from "./chance.js"
import * as ClaimsRequest from "./claimsRequest.js"
import * as ClientProof from "./clientProof.js"
import { type App, same, type Tenant } from "./directory.js"
import * as Entra from "./entra.js"
import { parse } from "./jwt.js"
import type { Grant } from "./memory.js"
import { required } from "./parameters.js"
import type { Realm } from "./realm.js"
import * as Refusals from "./refusals.js"
import * as UserTokens from "./userTokens.js"
import type { World } from "./world.js"

export const grantType = "urn:ietf:params:oauth:grant-type:jwt-bearer"

type Claims = Readonly<Record<string, unknown>>

/** An access token for the application that asks: by its client id, or by the URI of an API with that id. */
const isFor = (tenant: Tenant, app: App, audience: string) =>
  same(audience, app.clientId) ||
  tenant.apis.some(({ appId, identifierUri }) => same(appId, app.clientId) && same(identifierUri, audience))

const check = (world: World, tenant: Tenant, app: App, assertion: string): Checked<Claims> =>
  Effect.gen(function* () {
    const claims = parse(assertion)?.claims
    if (claims === undefined) return yield* Refusals.malformedToken
    if (!(yield* world.key.hasSigned(assertion))) return yield* Refusals.assertionSignature
    const now = yield* world.now
    const expires = Number(claims.exp) * 1000
    if (!(expires > now)) return yield* Refusals.assertionExpired(now, expires)
    // Of our own tokens, only an id token has neither.
    if (claims.idtyp !== "app" && claims.scp === undefined) return yield* Refusals.idTokenAsAssertion
    const audience = String(claims.aud)
    if (!isFor(tenant, app, audience)) {
      return yield* Refusals.assertionAudience(audience, app.clientId, app.displayName)
    }
    if (claims.tid !== tenant.id) return yield* Refusals.assertionTenant
    if (claims.idtyp === "app") return yield* Refusals.appOnlyAssertion(String(claims.azp))
    return claims
  })

/** What is granted on behalf of a person comes of the sign-in that the assertion came of. */
const grantOf = (
  world: World,
  app: App,
  tenant: Tenant,
  claims: Claims,
  scope: string,
  now: number
): Checked<Grant> => {
  const before = world.memory.accessTokens.get(String(claims.uti))?.grant
  return before === undefined
    ? Effect.fail(Refusals.assertionSignature)
    : Effect.succeed({
        ...before,
        realm: "entra",
        clientId: app.clientId,
        tenantId: tenant.id,
        scope,
        issuedAt: now
      })
}

export const answer = (world: World, authority: Checked<Realm>): Effect.Effect<Members, Refusal, Asked> =>
  Effect.gen(function* () {
    const { form } = yield* Asked
    const realm = yield* authority
    if (!realm.manners.knowsOnBehalfOf) return yield* Refusals.unsupportedGrant(grantType)
    const tenant = yield* Entra.tenantOf(realm)
    const { app, proof } = yield* ClientProof.caller(world, realm)
    if (proof === "0") return yield* Refusals.noCredential
    const use = yield* required(form, "requested_token_use")
    if (use !== "on_behalf_of") return yield* Refusals.malformed
    const assertion = yield* required(form, "assertion")
    const scope = yield* required(form, "scope")
    const claims = yield* check(world, tenant, app, assertion)
    const grant = yield* grantOf(world, app, tenant, claims, scope, yield* world.now)
    const { user } = yield* UserTokens.personOf(realm, grant, app)
    return yield* UserTokens.issue(world, {
      realm,
      tenant,
      app,
      user,
      grant,
      proof,
      scope,
      claims: yield* ClaimsRequest.parse(form),
      policyError: "interaction_required",
      nonce: undefined,
      wantsAuthTime: false,
      refresh: "whenAsked"
    })
  })

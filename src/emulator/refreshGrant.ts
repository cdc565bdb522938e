/** `grant_type=refresh_token` (https://learn.microsoft.com/entra/identity-platform/refresh-tokens). */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Checked, Refusal } from "./answers.js"
import { Asked } from "./asked.js"
import type { Members } from "./chance.js"
import * as ClaimsRequest from "./claimsRequest.js"
import * as ClientProof from "./clientProof.js"
import { type App, findApi, same, type Tenant } from "./directory.js"
import type { RefreshToken } from "./memory.js"
import { required } from "./parameters.js"
import type { Manners, Realm } from "./realm.js"
import * as Refusals from "./refusals.js"
import * as UserTokens from "./userTokens.js"
import type { World } from "./world.js"

const usable = (token: RefreshToken, realm: Realm, app: App, now: number): Checked<void> => {
  const { grant, issuedAt } = token
  if (grant.realm !== realm.key) return Effect.fail(Refusals.codeOfOtherTenant)
  if (!same(grant.clientId, app.clientId)) {
    if (token.family === undefined) return Effect.fail(Refusals.unusableGrant)
    if (app.inFamily !== true) return Effect.fail(Refusals.notOfFamily)
  }
  return now - issuedAt >= Duration.toMillis(realm.manners.refreshLifetime)
    ? Effect.fail(Refusals.refreshTokenExpired(issuedAt))
    : Effect.void
}

/** Its URI names an application's own API at a sign-in, but no longer in a refresh. */
const forItself = (tenant: Tenant, app: App, scope: string): Checked<void> => {
  const isOwn = (part: string) => {
    const resource = part.slice(0, part.lastIndexOf("/"))
    return !same(resource, app.clientId) && same(findApi(tenant, resource)?.appId ?? "", app.clientId)
  }
  return scope.split(" ").some(isOwn)
    ? Effect.fail(Refusals.tokenForItself(app.clientId, app.displayName))
    : Effect.void
}

const howRefreshed = (world: World, { refreshing }: Manners): Manners["refreshing"] =>
  refreshing === "multi" ? world.refreshTokens : refreshing

export const answer = (world: World, authority: Checked<Realm>): Effect.Effect<Members, Refusal, Asked> =>
  Effect.gen(function* () {
    const { form } = yield* Asked
    const realm = yield* authority
    const refreshing = howRefreshed(world, realm.manners)
    const { app: caller, proof } = yield* ClientProof.caller(world, realm)
    const token = world.memory.refreshTokens.get(yield* required(form, "refresh_token"))
    if (token === undefined) return yield* Refusals.malformedGrant
    const now = yield* world.now
    yield* usable(token, realm, caller, now)
    if (refreshing === "rotating" && token.isUsed) {
      // Who else has it? RFC 9700 4.14.2: nobody keeps what came of it.
      token.grant.revokedAt ??= now
      return yield* Refusals.unusableGrant
    }
    const { tenant, user, app } = yield* UserTokens.personOf(realm, token.grant, caller)
    const scope = form.get("scope") || token.grant.scope
    if (realm.key === "entra") yield* forItself(tenant, app, scope)
    const members = yield* UserTokens.issue(world, {
      realm,
      tenant,
      app,
      user,
      // Another application of the family goes on with a grant of its own.
      grant: same(token.grant.clientId, app.clientId) ? token.grant : { ...token.grant, clientId: app.clientId },
      proof,
      scope,
      claims: yield* ClaimsRequest.parse(form),
      policyError: "invalid_grant",
      nonce: undefined,
      wantsAuthTime: false,
      refresh: refreshing === "kept" ? "never" : "always"
    })
    token.isUsed = true
    return members
  })

/** A person's tokens, made once it is settled who gets what. */
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import type { Checked, Refusal } from "./answers.js"
import { Asked } from "./asked.js"
import type { Members } from "./chance.js"
import * as Chance from "./chance.js"
import { type ClaimsRequest, isOlder } from "./claimsRequest.js"
import * as ClientProof from "./clientProof.js"
import * as ConditionalAccess from "./conditionalAccess.js"
import * as Consents from "./consents.js"
import * as ContinuousAccess from "./continuousAccess.js"
import * as Delegated from "./delegated.js"
import { type App, homeOf, type Tenant, type User } from "./directory.js"
import * as Locations from "./locations.js"
import type { Grant } from "./memory.js"
import type { Proof, Realm, UserFacts } from "./realm.js"
import * as Refusals from "./refusals.js"
import { seconds } from "./seconds.js"
import type { World } from "./world.js"

/**
 * The pairwise identifier of a person for one application
 * (https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference).
 */
export const pairwise = (user: User, audience: string): Effect.Effect<string> =>
  Effect.map(
    Effect.promise(() =>
      crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${user.objectId} ${audience}`.toLowerCase()))
    ),
    (digest) => Encoding.encodeBase64Url(new Uint8Array(digest))
  )

/** Who gets tokens, by which sign-in, and for which of the scopes that the request named. */
export interface Order {
  readonly realm: Realm
  readonly tenant: Tenant
  readonly app: App
  readonly user: User
  readonly grant: Grant
  readonly proof: Proof
  readonly scope: string
  readonly claims: ClaimsRequest
  readonly policyError: Refusals.PolicyError
  readonly nonce: string | undefined
  readonly wantsAuthTime: boolean
  /** A refresh token comes along: always with a refresh, else for `offline_access`. */
  readonly refresh: "always" | "whenAsked" | "never"
}

/** Of on-behalf-of: it can tell the person's own application what to ask for, and has said that it knows how. */
const passesClaimsUp = ({ policyError, claims }: Order) =>
  policyError === "interaction_required" &&
  (claims.notBefore !== undefined || ContinuousAccess.isCapable(claims.capabilities))

const usable = (world: World, order: Order): Checked<void> => {
  const { grant, user, claims, policyError } = order
  if (world.memory.disabled.has(user.username.toLowerCase())) return Effect.fail(Refusals.userDisabled)
  if (grant.revokedAt !== undefined) {
    return passesClaimsUp(order)
      ? Effect.fail(Refusals.newerSignInRequired(grant.revokedAt, policyError))
      : Effect.fail(Refusals.grantRevoked(grant.issuedAt, grant.revokedAt))
  }
  return claims.notBefore !== undefined && isOlder(claims, grant.authTime)
    ? Effect.fail(Refusals.newerSignInRequired(claims.notBefore, policyError))
    : Effect.void
}

/** As the answers of applications of the family say: https://github.com/secureworks/family-of-client-ids-research */
const familyOf = ({ app, realm }: Order) => (app.inFamily === true && realm.key === "entra" ? "1" : undefined)

const newRefreshToken = (world: World, order: Order) =>
  Effect.gen(function* () {
    const { grant } = order
    const value = `1.${yield* Chance.opaque}`
    const family = familyOf(order)
    world.memory.refreshTokens.set(value, { grant, family, issuedAt: yield* world.now, isUsed: false })
    return value
  })

const encode = (members: Members | undefined) =>
  members === undefined ? undefined : Encoding.encodeBase64Url(JSON.stringify(members))

/** Order and case of what was granted are not promised. */
const spoken = (world: World, scope: ReadonlyArray<string>) =>
  world.varies ? Effect.map(Chance.shuffled(scope), (shuffled) => shuffled.join(" ")) : Effect.succeed(scope.join(" "))

const factsOf = (world: World, { realm, tenant, app, user, grant, proof }: Order, identity: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { url } = yield* Asked
    const now = Math.floor((yield* world.now) / 1000)
    const facts: Omit<UserFacts, "subject"> = {
      origin: url.origin,
      realm,
      tenant,
      app,
      proof,
      now,
      expires: now + seconds(world.tokenLifetime),
      uti: yield* Chance.uti,
      user,
      home: homeOf(world.directory, tenant, user),
      proofs: grant.proofs,
      authTime: Math.floor(grant.authTime / 1000),
      identity
    }
    return facts
  })

/** The members of an answer, or why there are none: the account, consent, then Conditional Access. */
export const issue = (world: World, order: Order): Effect.Effect<Members, Refusal, Asked> =>
  Effect.gen(function* () {
    const { realm, tenant, app, user, grant, claims } = order
    const { manners } = realm
    const { form } = yield* Asked
    yield* usable(world, order)
    const delegated = yield* Delegated.parse(tenant, app, order.scope)
    const { identity } = delegated
    const settled = yield* Consents.settle(world, { tenant, app, user }, delegated, manners.defaultApi(tenant))
    const { api } = settled
    if (api !== undefined)
      yield* ConditionalAccess.demand(world, api, { user, app }, grant.proofs, claims, order.policyError)
    const facts = yield* factsOf(world, order, identity)
    const { expiresIn, refreshIn } = ContinuousAccess.lifetime(world, api, claims.capabilities, "person")
    const accessToken =
      api === undefined
        ? undefined
        : yield* world.key.sign(
            manners.accessClaims({
              ...facts,
              expires: facts.now + expiresIn,
              api,
              granted: settled.granted,
              capabilities: claims.capabilities,
              subject: yield* pairwise(user, api.appId)
            })
          )
    const { address } = Locations.of(world.memory, user.username)
    world.memory.accessTokens.set(facts.uti, { grant, address })
    const own: UserFacts = { ...facts, subject: yield* pairwise(user, app.clientId) }
    const idFacts = { ...own, uti: yield* Chance.uti, nonce: order.nonce, wantsAuthTime: order.wantsAuthTime }
    const refreshes =
      order.refresh === "always" || (order.refresh === "whenAsked" && identity.includes("offline_access"))
    return manners.members({
      accessToken,
      api,
      scope: yield* spoken(world, settled.scope),
      idToken: identity.includes("openid") ? yield* world.key.sign(manners.idClaims(idFacts)) : undefined,
      refreshToken: refreshes ? yield* newRefreshToken(world, order) : undefined,
      clientInfo: form.get("client_info") === "1" ? encode(manners.clientInfo(own)) : undefined,
      family: refreshes ? familyOf(order) : undefined,
      refreshIn,
      now: facts.now,
      expiresIn
    })
  })

/** Who a grant was given by, where it is used now. */
export const personOf = (realm: Realm, grant: Grant, app: App) =>
  Effect.gen(function* () {
    const tenant = realm.global === undefined ? realm.tenants[0] : realm.tenants.find(({ id }) => id === grant.tenantId)
    const user = tenant?.users?.find(({ username }) => username.toLowerCase() === grant.username.toLowerCase())
    if (tenant === undefined || user === undefined) return yield* Refusals.notInTenant(tenant?.id ?? "")
    return { tenant, user, app: yield* ClientProof.appNamed(tenant, app.clientId) }
  })

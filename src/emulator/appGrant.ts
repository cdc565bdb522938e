/** `grant_type=client_credentials`: a token for an application itself. */
import * as Effect from "effect/Effect"
import type { Checked, Refusal } from "./answers.js"
import { Asked } from "./asked.js"
import type { Members } from "./chance.js"
import * as Chance from "./chance.js"
import * as ClaimsRequest from "./claimsRequest.js"
import * as ClientProof from "./clientProof.js"
import * as ContinuousAccess from "./continuousAccess.js"
import { type Api, findApi, type Tenant } from "./directory.js"
import * as Entra from "./entra.js"
import { required } from "./parameters.js"
import type { Realm } from "./realm.js"
import * as Refusals from "./refusals.js"
import type { World } from "./world.js"

const suffix = "/.default"

const isResource = (name: string) => URL.canParse(name) || /^[0-9a-f-]{36}$/i.test(name)

/** One resource, by its `/.default` (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow). */
const apiScoped = (tenant: Tenant, scope: string): Checked<Api> => {
  const scopes = [...new Set(scope.split(" ").filter((part) => part !== ""))]
  const resources = scopes.map((part) => (part.endsWith(suffix) ? part.slice(0, -suffix.length) : undefined))
  const [resource] = resources
  if (scopes.length === 0) return Effect.fail(Refusals.badScope(scope))
  if (resource === undefined || resources.includes(undefined)) return Effect.fail(Refusals.notDefaultScope(scope))
  if (resources.length > 1) return Effect.fail(Refusals.twoResources(scope))
  if (!isResource(resource)) return Effect.fail(Refusals.badScope(scope))
  const api = findApi(tenant, resource)
  return api === undefined ? Effect.fail(Refusals.unknownResource(resource, tenant.id)) : Effect.succeed(api)
}

/** No `scope` for an application's token. The order of the checks is not documented. */
export const answer = (world: World, authority: Checked<Realm>): Effect.Effect<Members, Refusal, Asked> =>
  Effect.gen(function* () {
    const { form, request, url } = yield* Asked
    const realm = yield* authority
    const tenant = yield* Entra.tenantOf(realm)
    const credentials = yield* ClientProof.credentialsOf(form, request.headers.authorization)
    const scope = yield* required(form, "scope")
    const app = yield* ClientProof.appNamed(tenant, credentials.clientId)
    const proof = yield* ClientProof.prove(world, realm, app, credentials.secret)
    if (proof === "0") return yield* Refusals.noCredential
    const api = yield* apiScoped(tenant, scope)
    const { capabilities } = yield* ClaimsRequest.parse(form)
    const now = Math.floor((yield* world.now) / 1000)
    const { expiresIn, refreshIn } = ContinuousAccess.lifetime(world, api, capabilities, "app")
    const uti = yield* Chance.uti
    const facts = {
      origin: url.origin,
      realm,
      tenant,
      app,
      proof,
      now,
      expires: now + expiresIn,
      uti,
      api,
      capabilities
    }
    world.memory.appTokens.set(uti, { clientId: app.clientId, revokedAt: undefined })
    return realm.manners.members({
      accessToken: yield* world.key.sign(realm.manners.appClaims(facts)),
      api,
      scope: undefined,
      idToken: undefined,
      refreshToken: undefined,
      clientInfo: undefined,
      family: undefined,
      refreshIn,
      now,
      expiresIn
    })
  })

/** `GET|POST .../authorize`: signs a person in, asks for consent, and sends a code to the application. */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Answers from "./answers.js"
import { Asked } from "./asked.js"
import * as AuthorizationRequest from "./authorizationRequest.js"
import * as Browser from "./browser.js"
import * as Chance from "./chance.js"
import { homeOf } from "./directory.js"
import * as Memory from "./memory.js"
import * as Pages from "./pages.js"
import type { Authority } from "./realm.js"
import * as Redirect from "./redirect.js"
import * as Refusals from "./refusals.js"
import * as SigningIn from "./signingIn.js"
import type { World } from "./world.js"

type Response = HttpServerResponse.HttpServerResponse

interface Request extends AuthorizationRequest.Trusted, AuthorizationRequest.Wanted, SigningIn.Request {}

const codeLifetime = 10 * 60_000

/** A code, for the application to exchange. */
const grant = (request: Request, { person, session }: SigningIn.SignedIn) =>
  Effect.gen(function* () {
    const { world, realm, app, target, scope, challenge, nonce, wantsAuthTime, wantsClientInfo } = request
    const { tenant, user } = person
    const now = yield* world.now
    const code = `1.${yield* Chance.opaque}`
    world.memory.codes.set(code, {
      grant: Memory.newGrant(session, { realm: realm.key, clientId: app.clientId, tenantId: tenant.id, scope, now }),
      redirectUri: target.redirectUri,
      challenge,
      nonce,
      wantsAuthTime,
      expiresAt: now + codeLifetime,
      isUsed: false
    })
    const home = homeOf(world.directory, tenant, user)
    const clientInfo = JSON.stringify({ uid: home.objectId, utid: home.tenantId })
    const isEntra = realm.key === "entra"
    return Redirect.to(target, [
      ["code", code],
      ["client_info", wantsClientInfo && isEntra ? Encoding.encodeBase64Url(clientInfo) : undefined],
      ["session_state", isEntra ? yield* Chance.guid : undefined]
    ])
  })

const run = (request: Request): SigningIn.Step<Response> =>
  Effect.gen(function* () {
    const signedIn = yield* SigningIn.run(request)
    return Browser.withCookie(yield* grant(request, signedIn), signedIn.id)
  })

const page = (world: World, authority: Authority, refusal: Answers.Refusal) =>
  Effect.map(Answers.describe(world, authority.manners.refusal(refusal)), (description) =>
    Pages.error(400, description)
  )

export const answer = (world: World, authority: Authority): Effect.Effect<Response, never, Asked> =>
  Effect.gen(function* () {
    const facts = yield* Asked
    if (facts.tooLarge) return yield* Refusals.tooLarge
    const realm = yield* authority.realm
    const parameters = AuthorizationRequest.parametersOf(facts)
    const trusted = yield* AuthorizationRequest.trust(realm, parameters)
    const place = {
      action: `${facts.url.pathname}?${parameters}`,
      fields: [],
      leadsTo: trusted.target.redirectUri
    }
    return yield* AuthorizationRequest.want(parameters).pipe(
      Effect.flatMap((wanted) => run({ ...trusted, ...wanted, world, realm, place })),
      Effect.catchTag("Refusal", (refusal) =>
        Redirect.refuse(world, trusted.target, authority.manners.refusal(refusal))
      )
    )
  }).pipe(
    Effect.catchTags({
      Ask: (ask) => Effect.succeed(ask.page),
      Tell: ({ refusal }) => page(world, authority, refusal),
      Refusal: (refusal) => page(world, authority, refusal)
    })
  )

/** The last stop of a sign-out (https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#send-a-sign-out-request). */
export const signOut = (world: World, authority: Authority): Effect.Effect<Response, never, Asked> =>
  Effect.gen(function* () {
    const facts = yield* Asked
    const realm = yield* authority.realm
    Browser.end(world, facts)
    const parameters = AuthorizationRequest.parametersOf(facts)
    const redirectUri = parameters.get("post_logout_redirect_uri") ?? ""
    const apps = realm.tenants.flatMap((tenant) => tenant.apps)
    if (!apps.some((app) => Redirect.isRegistered(app, redirectUri))) return Pages.signedOut
    return Redirect.to({ redirectUri, mode: "query", state: parameters.get("state") ?? undefined }, [])
  }).pipe(Effect.catchTag("Refusal", (refusal) => page(world, authority, refusal)))

/** `GET|POST .../authorize`: signs a person in, asks for consent, and sends a code to the application. */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"
import * as Answers from "./answers.js"
import { Asked } from "./asked.js"
import * as AuthorizationRequest from "./authorizationRequest.js"
import * as Browser from "./browser.js"
import * as Chance from "./chance.js"
import * as ClaimsRequest from "./claimsRequest.js"
import { appNamed } from "./clientProof.js"
import * as ConditionalAccess from "./conditionalAccess.js"
import * as Consents from "./consents.js"
import * as Delegated from "./delegated.js"
import { findUser, homeOf, members, same, type Tenant, type User } from "./directory.js"
import type { Session } from "./memory.js"
import * as Pages from "./pages.js"
import type { Authority, Realm } from "./realm.js"
import * as Redirect from "./redirect.js"
import * as Refusals from "./refusals.js"
import type { World } from "./world.js"

type Response = HttpServerResponse.HttpServerResponse

/** A page in place of the answer: the person has to do something first. */
class Ask extends Data.TaggedError("Ask")<{ readonly page: Response }> {}

/** A refusal for the person, not for the application. */
class Tell extends Data.TaggedError("Tell")<{ readonly refusal: Answers.Refusal }> {}

interface Request extends AuthorizationRequest.Trusted, AuthorizationRequest.Wanted {
  readonly world: World
  readonly realm: Realm
  /** Where forms of pages go: this request again. */
  readonly action: string
}

interface Person {
  readonly tenant: Tenant
  readonly user: User
}

type Step<A> = Effect.Effect<A, Answers.Refusal | Ask | Tell, Asked>

/** Guests are known to the tenant that they visit; at the endpoints for everybody people are at home. */
const find = ({ tenants, global }: Realm, username: string): Person | undefined => {
  for (const tenant of tenants) {
    const user = findUser(tenant, username)
    if (user !== undefined && (global === undefined || members(tenant).includes(user))) return { tenant, user }
  }
}

const everybody = ({ tenants, global }: Realm): ReadonlyArray<User> =>
  tenants.flatMap((tenant) => (global === undefined ? (tenant.users ?? []) : members(tenant)))

/** The picker, whoever is hinted at first. */
const pick = ({ realm, action, loginHint = "" }: Request, message?: string) => {
  const users = everybody(realm)
  const hinted = (user: User) => same(user.username, loginHint)
  return new Ask({
    page: Pages.picker(action, [...users.filter(hinted), ...users.filter((user) => !hinted(user))], message)
  })
}

/** Who answered the picker, or had no need to. */
const signIn = (request: Request): Step<Session> =>
  Effect.gen(function* () {
    const { world, prompt, loginHint } = request
    const facts = yield* Asked
    const now = yield* world.now
    const login = facts.form.get("login")
    if (login !== null) {
      const user = find(request.realm, login)?.user
      if (user === undefined) return yield* pick(request, `AADSTS50034: There is no account ${login} here.`)
      if (user.password !== undefined && Redacted.value(user.password) !== facts.form.get("passwd")) {
        return yield* pick(request, "AADSTS50126: The user name or password is incorrect.")
      }
      return { username: user.username, authTime: now, proofs: new Set() }
    }
    const session = Browser.sessionOf(world, facts)
    if (session === undefined) return yield* prompt === "none" ? Refusals.noSession : pick(request)
    if (loginHint !== undefined && find(request.realm, loginHint) !== undefined && !same(session.username, loginHint)) {
      return yield* prompt === "none" ? Refusals.noSession : pick(request)
    }
    const isTooOld = ClaimsRequest.isOlder(request.claims, session.authTime)
    if (isTooOld && prompt === "none") return yield* Refusals.noSession
    const isAnew = isTooOld || prompt === "login" || prompt === "select_account"
    if (!isAnew || Browser.isContinued(world, facts)) return session
    return world.memory.robot === undefined ? yield* pick(request) : { ...session, authTime: now }
  })

/** Said to the application when it wanted no page to be shown, and else to the person. */
const tell = ({ prompt }: Request, refusal: Answers.Refusal): Answers.Refusal | Tell =>
  prompt === "none" ? refusal : new Tell({ refusal })

/** The account here, if it may sign in. */
const admit = (request: Request, { username }: Session): Step<Person> =>
  Effect.gen(function* () {
    const { realm, world, prompt } = request
    const person = find(realm, username)
    if (person === undefined) {
      if (prompt === "none") return yield* Refusals.sessionOfAnother
      return yield* new Tell({ refusal: Refusals.notInTenant(realm.tenants[0]?.id ?? "") })
    }
    if (world.memory.disabled.has(username.toLowerCase())) return yield* tell(request, Refusals.userDisabled)
    return person
  })

/** OpenID Connect has a word of its own for a consent that no page may ask for. */
const consentNeeded = ({ app }: Request) =>
  new Answers.Refusal({ ...Refusals.consentRequired(app.clientId, app.displayName), error: "consent_required" })

const agree = (
  request: Request,
  who: Consents.Consenting,
  delegated: Delegated.Delegated,
  session: string
): Step<void> =>
  Effect.gen(function* () {
    const { world, realm, prompt, action } = request
    const { form } = yield* Asked
    const missing = Consents.missing(world, who, delegated)
    const isAsked = missing.length > 0 || (prompt === "consent" && realm.manners.asksConsent)
    if (!isAsked) return
    if (prompt === "none") return yield* consentNeeded(request)
    if (!realm.manners.asksConsent) return yield* Refusals.consentRequired(who.app.clientId, who.app.displayName)
    if (form.get("decision") !== "accept" && world.memory.robot === undefined) {
      const shown = missing.length > 0 ? missing : delegated.resources
      return yield* new Ask({
        page: Browser.withCookie(Pages.consent(action, session, who.app.displayName, shown), session)
      })
    }
    Consents.accept(world, who, missing)
  })

/** What the sign-in has proven: with a person in front of the page, everything that is demanded. */
const prove = (
  { world, claims, prompt }: Request,
  { tenant, user }: Person,
  session: Session,
  delegated: Delegated.Delegated
): Session => {
  const apis = delegated.resources.map(({ api }) => api)
  const more = prompt === "none" ? [] : ConditionalAccess.interactively(world, tenant, apis, claims)
  return { ...session, proofs: new Set([...session.proofs, ...ConditionalAccess.always(user), ...more]) }
}

const codeLifetime = 10 * 60_000

/** A code, for the application to exchange. */
const grant = (request: Request, { tenant, user }: Person, { username, proofs, authTime }: Session) =>
  Effect.gen(function* () {
    const { world, realm, app, target, scope, challenge, nonce, wantsAuthTime, wantsClientInfo } = request
    const now = yield* world.now
    const code = `1.${yield* Chance.opaque}`
    world.memory.codes.set(code, {
      grant: {
        realm: realm.key,
        clientId: app.clientId,
        tenantId: tenant.id,
        username,
        proofs,
        scope,
        authTime,
        issuedAt: now,
        revokedAt: undefined
      },
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

const run = (request: Request): Step<Response> =>
  Effect.gen(function* () {
    const { world, realm, prompt } = request
    const facts = yield* Asked
    if (facts.form.get("decision") === "cancel") return yield* Refusals.consentDeclined
    const session = yield* signIn(request)
    const person = yield* admit(request, session)
    const { tenant, user } = person
    const app = yield* appNamed(tenant, request.app.clientId)
    const delegated = yield* Delegated.parse(tenant, app, request.scope)
    const proven = prove(request, person, session, delegated)
    const id = yield* Browser.keep(world, facts, proven)
    yield* agree(request, { tenant, app, user }, delegated, id)
    for (const { api } of delegated.resources) {
      yield* Effect.mapError(ConditionalAccess.admit(world, api, user), (refusal) => tell(request, refusal))
      if (prompt === "none") {
        yield* ConditionalAccess.demand(world, api, user, proven.proofs, request.claims, "interaction_required")
      }
    }
    const response = yield* grant({ ...request, realm }, person, proven)
    return Browser.withCookie(response, id)
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
    const action = `${facts.url.pathname}?${parameters}`
    return yield* AuthorizationRequest.want(parameters).pipe(
      Effect.flatMap((wanted) => run({ ...trusted, ...wanted, world, realm, action })),
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

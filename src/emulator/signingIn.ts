/**
 * A person at a browser, from the account picker to consent: the same for `/authorize` and for devices. Who was put at
 * every browser by a test answers at once.
 */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Answers from "./answers.js"
import { Asked } from "./asked.js"
import * as Browser from "./browser.js"
import * as ClaimsRequest from "./claimsRequest.js"
import { appNamed } from "./clientProof.js"
import * as ConditionalAccess from "./conditionalAccess.js"
import * as Consents from "./consents.js"
import * as Delegated from "./delegated.js"
import { type App, findUser, members, same, type Tenant, type User } from "./directory.js"
import type { Session } from "./memory.js"
import * as Pages from "./pages.js"
import type { Realm } from "./realm.js"
import * as Refusals from "./refusals.js"
import type { World } from "./world.js"

type Response = HttpServerResponse.HttpServerResponse

/** A page in place of the answer: the person has to do something first. */
export class Ask extends Data.TaggedError("Ask")<{ readonly page: Response }> {}

/** A refusal for the person, not for the application. */
export class Tell extends Data.TaggedError("Tell")<{ readonly refusal: Answers.Refusal }> {}

/** What somebody is to sign in for. */
export interface Request {
  readonly world: World
  readonly realm: Realm
  readonly app: App
  readonly scope: string
  readonly prompt: "login" | "none" | "consent" | "select_account" | undefined
  readonly loginHint: string | undefined
  readonly claims: ClaimsRequest.ClaimsRequest
  /** Where the forms of the pages go: this request again. */
  readonly place: Pages.Place
}

export interface Person {
  readonly tenant: Tenant
  readonly user: User
}

/** Who has signed in and consented. */
export interface SignedIn {
  readonly person: Person
  readonly session: Session
  /** Of the session, for the cookie. */
  readonly id: string
}

export type Step<A> = Effect.Effect<A, Answers.Refusal | Ask | Tell, Asked>

/** Guests are known to the tenant that they visit; at the endpoints for everybody people are at home. */
export const find = ({ tenants, global }: Realm, username: string): Person | undefined => {
  for (const tenant of tenants) {
    const user = findUser(tenant, username)
    if (user !== undefined && (global === undefined || members(tenant).includes(user))) return { tenant, user }
  }
}

const everybody = ({ tenants, global }: Realm): ReadonlyArray<User> =>
  tenants.flatMap((tenant) => (global === undefined ? (tenant.users ?? []) : members(tenant)))

/** A page with forms, which bring along that they were shown in this browser, and its session if there is one. */
export const show = (
  { world, place }: Pick<Request, "world" | "place">,
  page: (place: Pages.Place, code: string) => Response,
  session?: string
): Effect.Effect<never, Ask, Asked> =>
  Effect.gen(function* () {
    const visit = yield* Browser.visit(world, yield* Asked)
    const own = [["canary", visit.canary], ...(session === undefined ? [] : [["session", session] as const])] as const
    const shown = Browser.withVisit(page({ ...place, fields: [...place.fields, ...own] }, visit.code), visit)
    return yield* new Ask({ page: session === undefined ? shown : Browser.withCookie(shown, session) })
  })

/** The picker, whoever is hinted at first. */
const pick = (request: Request, message?: string): Step<never> => {
  const { realm, loginHint = "" } = request
  const users = everybody(realm)
  const hinted = (user: User) => same(user.username, loginHint)
  const ordered = [...users.filter(hinted), ...users.filter((user) => !hinted(user))]
  return show(request, (place) => Pages.picker(place, ordered, message))
}

const told = ({ code, text }: Answers.Refusal) => `AADSTS${code}: ${text}`

/** The account that was picked, once its password is right. */
const check = (request: Request, login: string): Step<User> =>
  Effect.gen(function* () {
    const { form } = yield* Asked
    const user = find(request.realm, login)?.user
    if (user === undefined) return yield* pick(request, `AADSTS50034: There is no account ${login} here.`)
    if (user.password === undefined) return user
    const isPicked = form.get("step") === "password"
    if (isPicked) return yield* show(request, (place) => Pages.password(place, user, undefined))
    if (Redacted.value(user.password) === form.get("passwd")) return user
    return yield* show(request, (place) => Pages.password(place, user, told(Refusals.wrongPassword)))
  })

/** Who answered the picker, or had no need to. */
const authenticate = (request: Request): Step<Session> =>
  Effect.gen(function* () {
    const { world, prompt, loginHint } = request
    const facts = yield* Asked
    const now = yield* world.now
    const login = facts.form.get("login")
    if (login !== null) {
      const { username } = yield* check(request, login)
      return { username, authTime: now, proofs: new Set() }
    }
    if (facts.form.get("step") === "account") return yield* pick(request)
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
export const tell = ({ prompt }: Pick<Request, "prompt">, refusal: Answers.Refusal): Answers.Refusal | Tell =>
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

/** What a page can ask a person for; whether a device is compliant shows without one. */
const isAskedFor = (proof: string) => proof !== "compliantDevice"

const approve = (request: Request, { user }: Person, session: string): Step<void> =>
  Effect.gen(function* () {
    const facts = yield* Asked
    const answer = facts.form.get("mfa")
    if (answer === "approve") return
    if (answer === "decline") return yield* Refusals.secondFactorDeclined
    const given = facts.form.get("otc")
    const { code } = yield* Browser.visit(request.world, facts)
    if (given?.trim() === code) return
    const message = given === null ? undefined : "That is not the code that is shown. Try again."
    return yield* show(request, (place, shown) => Pages.approve(place, user, shown, message), session)
  })

/** What the sign-in has proven: with a person in front of the page, everything that is demanded. */
const prove = (request: Request, { app, person, delegated, session }: Signing, askPerson: Step<void>): Step<Session> =>
  Effect.gen(function* () {
    const { world, claims, prompt } = request
    const { tenant, user } = person
    const before = new Set([...session.proofs, ...ConditionalAccess.always(user)])
    if (prompt === "none") return { ...session, proofs: before }
    const apis = delegated.resources.map(({ api }) => api)
    const demanded = ConditionalAccess.interactively(world, tenant, { user, app }, apis, claims)
    const isMissing = demanded.some((proof) => isAskedFor(proof) && !before.has(proof))
    if (isMissing && world.memory.robot === undefined) yield* askPerson
    return { ...session, proofs: new Set([...before, ...demanded]) }
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
    const { world, realm, prompt } = request
    const { form } = yield* Asked
    const missing = Consents.missing(world, who, delegated)
    const isAsked = missing.length > 0 || (prompt === "consent" && realm.manners.asksConsent)
    if (!isAsked) return
    if (prompt === "none") return yield* consentNeeded(request)
    if (!realm.manners.asksConsent) return yield* Refusals.consentRequired(who.app.clientId, who.app.displayName)
    const reserved = Consents.reserved(missing)
    if (reserved.length > 0) {
      const message = told(Refusals.administratorConsentRequired)
      const { displayName } = who.app
      return yield* show(request, (place) => Pages.administratorNeeded(place, displayName, reserved, message), session)
    }
    if (form.get("decision") !== "accept" && world.memory.robot === undefined) {
      const shown = missing.length > 0 ? missing : delegated.resources
      return yield* show(request, (place) => Pages.consent(place, who.app.displayName, shown), session)
    }
    Consents.accept(world, who, missing)
  })

interface Signing {
  readonly person: Person
  /** As the person's tenant knows it. */
  readonly app: App
  readonly delegated: Delegated.Delegated
  readonly session: Session
}

/**
 * Whether a page was answered that this browser was shown. A cancel may come from elsewhere: it only leads back to the
 * application, with what anybody could send there.
 */
const isOurs = (world: World): Step<void> =>
  Effect.gen(function* () {
    const facts = yield* Asked
    const isAnswer = ["login", "step", "decision", "mfa", "otc"].some((name) => facts.form.has(name))
    const isCancel = facts.form.get("decision") === "cancel"
    if (isAnswer && !isCancel && !Browser.isGenuine(world, facts))
      return yield* new Tell({ refusal: Refusals.notFromHere })
  })

/** All of it, page after page. */
export const run = (request: Request): Step<SignedIn> =>
  Effect.gen(function* () {
    const { world, prompt, claims } = request
    const facts = yield* Asked
    yield* isOurs(world)
    if (facts.form.get("decision") === "cancel") return yield* Refusals.consentDeclined
    const session = yield* authenticate(request)
    const person = yield* admit(request, session)
    const { tenant, user } = person
    const app = yield* appNamed(tenant, request.app.clientId)
    const delegated = yield* Delegated.parse(tenant, app, request.scope)
    const id = yield* Browser.keep(world, facts, session)
    const proven = yield* prove(request, { person, app, delegated, session }, approve(request, person, id))
    Browser.replace(world, id, proven)
    yield* agree(request, { tenant, app, user }, delegated, id)
    for (const { api } of delegated.resources) {
      yield* Effect.mapError(ConditionalAccess.admit(world, api, user), (refusal) => tell(request, refusal))
      if (prompt === "none") {
        const who = { user, app }
        yield* ConditionalAccess.demand(world, api, who, proven.proofs, claims, "interaction_required")
      }
    }
    return { person, session: proven, id }
  })

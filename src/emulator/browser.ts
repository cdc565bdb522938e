/** Who sits at the browser: a session by cookie, or the robot that a test has put there. */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Response from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type { Facts } from "./asked.js"
import * as Chance from "./chance.js"
import type { Session, Visit } from "./memory.js"
import type { World } from "./world.js"

/** Entra's name for it. */
const cookieName = "ESTSAUTH"

const idOf = ({ request, form }: Facts) => form.get("session") ?? request.cookies[cookieName] ?? ""

export const sessionOf = (world: World, facts: Facts): Session | undefined =>
  world.memory.robot ?? world.memory.sessions.get(idOf(facts))

/** Whether a page that was just answered brought the session along. */
export const isContinued = (world: World, { form }: Facts): boolean =>
  world.memory.sessions.get(form.get("session") ?? "") !== undefined

/** Keeps a session under the id that it has, or a new one. */
export const keep = (world: World, facts: Facts, session: Session): Effect.Effect<string> =>
  Effect.gen(function* () {
    if (world.memory.robot !== undefined) world.memory.robot = session
    const before = idOf(facts)
    const id = world.memory.sessions.get(before) === undefined ? yield* Chance.opaque : before
    world.memory.sessions.set(id, session)
    return id
  })

/** The same session, which has proven more. */
export const replace = (world: World, id: string, session: Session): void => {
  if (world.memory.robot !== undefined) world.memory.robot = session
  world.memory.sessions.set(id, session)
}

const attributes = { path: "/", httpOnly: true, sameSite: "lax" } as const

export const withCookie = (response: HttpServerResponse.HttpServerResponse, id: string) =>
  Response.unsafeSetCookie(response, cookieName, id, attributes)

/** Entra's name for the cookie of a browser in which nobody needs to be signed in yet. */
const visitCookieName = "esctx"

const visitOf = (world: World, { request }: Facts) => world.memory.visits.get(request.cookies[visitCookieName] ?? "")

/** What the forms of this browser's pages have to bring along, and its second factor: as before, or made now. */
export const visit = (world: World, facts: Facts): Effect.Effect<Visit> =>
  Effect.gen(function* () {
    const before = visitOf(world, facts)
    if (before !== undefined) return before
    const made = { id: yield* Chance.opaque, canary: yield* Chance.opaque, code: yield* Chance.digits(6) }
    world.memory.visits.set(made.id, made)
    return made
  })

export const withVisit = (response: HttpServerResponse.HttpServerResponse, { id }: Visit) =>
  Response.unsafeSetCookie(response, visitCookieName, id, attributes)

/**
 * Whether a page of ours was answered, and in the browser that it was shown in. A program that drives a form without its
 * page has neither cookies nor the headers that a browser can't leave out: nobody's session is there to be misused.
 */
export const isGenuine = (world: World, facts: Facts): boolean => {
  const { headers } = facts.request
  const isBrowser = ["cookie", "origin", "sec-fetch-site"].some((name) => headers[name] !== undefined)
  return !isBrowser || (facts.form.has("canary") && facts.form.get("canary") === visitOf(world, facts)?.canary)
}

export const end = (world: World, facts: Facts): void => {
  world.memory.robot = undefined
  const gone = world.memory.sessions.get(idOf(facts))
  world.memory.sessions.removeIf((session) => session === gone)
}

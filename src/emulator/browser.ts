/** Who sits at the browser: a session by cookie, or the robot that a test has put there. */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Response from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type { Facts } from "./asked.js"
import * as Chance from "./chance.js"
import type { Session } from "./memory.js"
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

export const withCookie = (response: HttpServerResponse.HttpServerResponse, id: string) =>
  Response.setHeader(response, "set-cookie", `${cookieName}=${id}; Path=/; HttpOnly; SameSite=Lax`)

export const end = (world: World, facts: Facts): void => {
  world.memory.robot = undefined
  const gone = world.memory.sessions.get(idOf(facts))
  world.memory.sessions.removeIf((session) => session === gone)
}

/**
 * The inspector at `/`: a page that shows the directory and the line of requests, and whose buttons make things go wrong.
 * What it asks itself is not recorded.
 */
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import type { Json } from "./Fault.js"
import * as Actions from "./inspectorActions.js"
import * as Guard from "./inspectorGuard.js"
import * as Log from "./inspectorLog.js"
import * as Page from "./inspectorPage.js"
import * as State from "./inspectorState.js"
import type { World } from "./world.js"

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse

export interface Inspector {
  /** The answer to a request for the inspector, undefined for any other. */
  readonly answer: (request: Request) => Effect.Effect<Response, never, HttpServerRequest.HttpServerRequest> | undefined
  readonly observe: Log.Log["observe"]
}

/** Above any form of the page. */
const maxBodySize = 16 * 1024

const headers = {
  "cache-control": "no-store",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff"
}

const json = (value: Json, status = 200): Response =>
  HttpServerResponse.text(JSON.stringify(value), { status, contentType: "application/json; charset=utf-8", headers })

const refused = (status: number, error: string): Response => json({ error }, status)

const foreign = refused(403, "Only the emulator's own page and programs of this machine may ask for this.")

const pathOf = ({ url }: Request): string => url.split(/[?#]/)[0] ?? ""

/** By any other name the emulator is an authority, which has nothing at `/`. */
const isOwn = (request: Request): boolean => {
  const path = pathOf(request)
  return path === "/" ? Guard.isHere(request) : path === "/inspector" || path.startsWith("/inspector/")
}

const readable = (answer: Effect.Effect<Response, never, HttpServerRequest.HttpServerRequest>) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    Guard.mayRead(request) ? answer : Effect.succeed(foreign)
  )

const unreadable = new Actions.Declined({ reason: "The body is too large, or no JSON." })

/** The fields of an action, of JSON or of a form. */
const inputOf = (request: Request): Effect.Effect<unknown, Actions.Declined> => {
  // Answered, where to read it would end in a broken connection.
  if (Number(request.headers["content-length"] ?? 0) > maxBodySize) return unreadable
  return request.text.pipe(
    HttpIncomingMessage.withMaxBodySize(Option.some(maxBodySize)),
    Effect.flatMap((text) =>
      Effect.try((): unknown =>
        (request.headers["content-type"] ?? "").startsWith("application/json")
          ? JSON.parse(text)
          : Object.fromEntries(new URLSearchParams(text))
      )
    ),
    Effect.mapError(() => unreadable)
  )
}

const act = (world: World, token: string) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    if (!Guard.mayAct(request, token)) return foreign
    const { name = "" } = yield* HttpRouter.params
    const action = Actions.all.get(name)
    if (action === undefined) return refused(404, "There is no such action.")
    return yield* Effect.flatMap(inputOf(request), (input) => action(world, input)).pipe(
      Effect.as(json({ done: true })),
      Effect.catchTag("Declined", ({ reason }) => Effect.succeed(refused(400, reason)))
    )
  })

/** Whole and not below zero; anything else asks for everything. */
const afterOf = (request: Request): number => {
  const after = new URLSearchParams(request.url.slice(pathOf(request).length)).get("after") ?? ""
  return /^\d{1,15}$/.test(after) ? Number(after) : 0
}

const randomHex = (bytes: number) => Encoding.encodeHex(crypto.getRandomValues(new Uint8Array(bytes)))

export const make = (world: World): Effect.Effect<Inspector> =>
  Effect.gen(function* () {
    const token = randomHex(32)
    /** By which the page knows that the emulator was started anew. */
    const instance = randomHex(8)
    const page = yield* Page.make(token)
    const log = Log.make(world)
    const state = Effect.map(State.of(world), (it) => json({ instance, ...it }))
    const requests = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
      Effect.map(log.since(afterOf(request)), ({ revision, requests }) => json({ instance, next: revision, requests }))
    )
    const app = yield* HttpRouter.toHttpApp(
      HttpRouter.empty.pipe(
        HttpRouter.get("/", page),
        HttpRouter.get("/inspector/state", readable(state)),
        HttpRouter.get("/inspector/requests", readable(requests)),
        HttpRouter.post("/inspector/actions/:name", act(world, token))
      )
    )
    const answer = Effect.catchTag(app, "RouteNotFound", () => Effect.succeed(refused(404, "There is nothing here.")))
    return { answer: (request) => (isOwn(request) ? answer : undefined), observe: log.observe }
  })

/** Plays a scripted fault in place of the normal answer. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Answers from "./answers.js"
import { Asked } from "./asked.js"
import { Connection, unable } from "./connection.js"
import type { Fault, ResetAt, Respond } from "./Fault.js"
import type { FaultQueue } from "./faultQueue.js"
import * as Refusals from "./refusals.js"
import type { World } from "./world.js"

type Answer = Effect.Effect<HttpServerResponse.HttpServerResponse, never, Asked>

const respond = ({ status, body, headers }: Respond) => {
  if (body === undefined) return HttpServerResponse.empty({ status, headers })
  return typeof body === "string"
    ? HttpServerResponse.text(body, {
        status,
        headers: { "content-type": "text/plain; charset=utf-8", ...lower(headers) }
      })
    : HttpServerResponse.text(JSON.stringify(body), {
        status,
        headers: { "content-type": "application/json; charset=utf-8", ...lower(headers) }
      })
}

/** So that a given content-type replaces ours, however it is written. */
const lower = (headers: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

const truncate = (response: HttpServerResponse.HttpServerResponse) => {
  const bytes = Answers.bytesOf(response)
  return HttpServerResponse.uint8Array(bytes.slice(0, Math.ceil(bytes.length / 2)), {
    status: response.status,
    headers: response.headers
  })
}

const reset = (world: World, at: ResetAt, normal: Answer): Answer =>
  Effect.gen(function* () {
    const { entry, request } = yield* Asked
    const { cut } = yield* Connection
    const response = yield* Answers.dated(world, yield* normal)
    if (cut === undefined) return unable
    // Now, since who waits for the connection to break may look before this fiber has come back.
    entry.status = response.status
    entry.lost = at === "beforeHeaders"
    return yield* cut(at, response, request)
  })

/** The normal answer is made when it is due: after a delay, by the clock of that moment. */
const play = (world: World, fault: Fault, normal: Answer): Answer => {
  switch (fault._tag) {
    case "Respond":
      return Effect.sync(() => respond(fault))
    case "Unavailable":
      return Answers.refuse(world, Refusals.busy(fault.retryAfter))
    case "Truncated":
      return Effect.map(normal, truncate)
    case "Reset":
      return reset(world, fault.at, normal)
    case "Hang":
      return Effect.never
    case "Delay":
      return Effect.zipRight(
        Effect.sleep(fault.duration),
        fault.then === undefined ? normal : play(world, fault.then, normal)
      )
  }
}

/** The fault that a delay leads to. */
const finalTag = (fault: Fault): Fault["_tag"] =>
  fault._tag === "Delay" && fault.then !== undefined ? finalTag(fault.then) : fault._tag

/** The next fault of a queue, noted in the record, or else the normal answer. */
export const playNext = (world: World, queue: FaultQueue, normal: Answer): Answer =>
  Effect.gen(function* () {
    const { entry } = yield* Asked
    const fault = yield* queue.next
    if (fault === undefined) return yield* normal
    entry.fault = finalTag(fault)
    return yield* play(world, fault, normal)
  })

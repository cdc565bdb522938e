/** An `HttpApp` can only answer; who holds the connection can also break it. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { ResetAt } from "./Fault.js"

/** Plays a reset in place of the answer that would have been given. */
export type Cut = (
  at: ResetAt,
  response: HttpServerResponse.HttpServerResponse,
  request: HttpServerRequest.HttpServerRequest
) => Effect.Effect<HttpServerResponse.HttpServerResponse>

/** What is answered in place of a reset by a host that can't. */
export const unable = HttpServerResponse.text(
  "This host answers requests but does not own their connections: a reset needs EntraEmulatorNode, or " +
    "EntraEmulator.layerHttpClient in a process.",
  { status: 501 }
)

/** What the host of the app can do to a connection; an ordinary server can do nothing. */
export class Connection extends Context.Reference<Connection>()("effect-entra/emulator/Connection", {
  defaultValue: (): { readonly cut: Cut | undefined } => ({ cut: undefined })
}) {}

/**
 * Serves callers of `@effect/rpc`, and acts on their behalf. A module of its own, for it needs that package.
 *
 * @since 0.1.0
 */
import * as RpcMiddleware from "@effect/rpc/RpcMiddleware"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ConfidentialClient } from "../client/ConfidentialClient.js"
import { Caller } from "./Caller.js"
import { CallerError } from "./callerFailures.js"
import * as Callers from "./callers.js"
import type { Options } from "./OnBehalfOf.js"
import type { TokenValidator } from "./validator.js"

/**
 * For rpcs: `.middleware(OnBehalfOfRpc)` provides `Caller` to their handlers, and fails with a `CallerError`. An rpc whose handler
 * passes on what `Caller` fails with declares it as its own `error` too.
 *
 * The token is in the `authorization` header of the rpc, or of the HTTP request that brought it. An rpc's failure is no HTTP
 * status, so that clients find the challenge in `Unauthorized`'s `claims`.
 *
 * @since 0.1.0
 * @category tags
 */
export class OnBehalfOfRpc extends RpcMiddleware.Tag<OnBehalfOfRpc>()("effect-entra/OnBehalfOfRpc", {
  failure: CallerError,
  provides: Caller
}) {}

/**
 * The middleware for a program's layers.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<OnBehalfOfRpc, never, ConfidentialClient | TokenValidator> =>
  Layer.effect(
    OnBehalfOfRpc,
    Effect.map(Callers.make(options), ({ identify }) => OnBehalfOfRpc.of(({ headers }) => identify(headers, () => {})))
  )

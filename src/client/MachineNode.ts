/**
 * The machine as Node, Bun and Deno show it.
 *
 * Needs the optional peer `@effect/platform-node`.
 *
 * @since 0.1.0
 */
import { access } from "node:fs/promises"
import * as Net from "node:net"
import * as Tls from "node:tls"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { readArcKey } from "./arcKeyNode.js"
import { Machine, type MachineService } from "./Machine.js"
import { type MachinePlaces, placesOf } from "./machinePlaces.js"
import * as PinnedClient from "./pinnedClientNode.js"

/**
 * Agents of its own, for those that all the program shares may have been given a proxy; with connections of their own too, for
 * Deno gives a proxy of the environment to any agent. Five seconds are Node's own default.
 */
const makeDirect = Effect.flatMap(NodeHttpClient.makeAgent({ keepAlive: true, timeout: 5000 }), (agents) => {
  Object.assign(agents.http, { createConnection: (options: Net.NetConnectOpts) => Net.connect(options) })
  Object.assign(agents.https, { createConnection: (options: Tls.ConnectionOptions) => Tls.connect(options) })
  return Effect.provideService(NodeHttpClient.make, NodeHttpClient.HttpAgent, agents)
})

/**
 * The machine with its places elsewhere, for tests.
 *
 * @internal
 */
export const make = (places: MachinePlaces): Effect.Effect<MachineService, never, Scope.Scope> =>
  Effect.zipWith(makeDirect, PinnedClient.make, (direct, pinned) => ({
    isWindows: places.isWindows,
    systemFolder: places.systemFolder,
    direct,
    pinned,
    hasArcAgent: Effect.isSuccess(Effect.tryPromise(() => access(places.arcAgent))),
    arcKey: (path) => readArcKey(places, path)
  }))

/**
 * The machine that the program runs on. Its connections are closed with the layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Machine> = Layer.scoped(
  Machine,
  Effect.suspend(() => make(placesOf(process.platform, process.env)))
)

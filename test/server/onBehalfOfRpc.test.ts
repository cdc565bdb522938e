import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Rpc from "@effect/rpc/Rpc"
import * as RpcClient from "@effect/rpc/RpcClient"
import * as RpcGroup from "@effect/rpc/RpcGroup"
import * as RpcSerialization from "@effect/rpc/RpcSerialization"
import * as RpcServer from "@effect/rpc/RpcServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { Caller } from "../../src/server/Caller.js"
import { CallerError, Unauthorized } from "../../src/server/CallerError.js"
import * as OnBehalfOfRpc from "../../src/server/OnBehalfOfRpc.js"
import { capable, defaults, makeServer } from "./calls.js"

class Rpcs extends RpcGroup.make(
  Rpc.make("whoAmI", { success: Schema.String }),
  Rpc.make("token", { success: Schema.String, error: CallerError, payload: { scope: Schema.String } }),
  Rpc.make("stepUp", { success: Schema.String, error: CallerError })
).middleware(OnBehalfOfRpc.OnBehalfOfRpc) {}

const handlers = Rpcs.toLayer({
  whoAmI: () => Effect.map(Caller, ({ objectId }) => objectId),
  token: ({ scope }) =>
    Effect.flatMap(Caller, ({ tokens }) => Effect.map(tokens.forScopes(scope).getToken(), ({ source }) => source)),
  stepUp: () => Effect.flatMap(Caller, (caller) => Effect.as(caller.requireAuthenticationContext("c1"), "stepped"))
})

const server = HttpLayerRouter.serve(
  RpcServer.layerHttpRouter({ group: Rpcs, path: "/rpc", protocol: "http" }).pipe(
    Layer.provide([handlers, RpcSerialization.layerJson])
  ),
  { disableListenLog: true }
).pipe(Layer.provide(OnBehalfOfRpc.layer()))

const client = (origin: string, authorization: string | undefined) =>
  Effect.map(
    Layer.build(
      RpcClient.layerProtocolHttp({
        url: `${origin}/rpc`,
        transformClient: HttpClient.mapRequest((request) =>
          authorization === undefined ? request : HttpClientRequest.setHeader(request, "authorization", authorization)
        )
      }).pipe(Layer.provide([NodeHttpClient.layerUndici, RpcSerialization.layerJson]))
    ),
    (protocol) => Effect.provide(RpcClient.make(Rpcs), protocol)
  ).pipe(Effect.flatten)

describe("rpcs", () => {
  it.scopedLive("know their caller, and act for it", () =>
    Effect.gen(function* () {
      const { origin, tokenOf } = yield* makeServer({ server })
      const { stepUp, token, whoAmI } = yield* client(origin, `Bearer ${yield* tokenOf(capable)}`)
      assert.strictEqual(yield* whoAmI(), defaults.userObjectId)
      assert.strictEqual(yield* token({ scope: defaults.apiUserScope }), "identity_provider")
      assert.strictEqual(yield* token({ scope: defaults.apiUserScope }), "cache")
      const refused = yield* Effect.flip(token({ scope: defaults.unconsentedApiUserScope }))
      assert.deepInclude({ ...refused }, { reason: "consent_required", scope: defaults.unconsentedApiUserScope })
      const challenged = yield* Effect.flip(stepUp())
      assert.instanceOf(challenged, Unauthorized)
      assert.deepInclude(
        { ...challenged },
        { reason: "insufficient_claims", claims: '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}' }
      )
    })
  )

  it.scopedLive.each([
    [undefined, "no_token"],
    ["Basic dXNlcjpwYXNz", "no_token"],
    ["Bearer x.y.z", "invalid_token"]
  ] as const)("refuse %s: %s", ([authorization, reason]) =>
    Effect.gen(function* () {
      const { origin } = yield* makeServer({ server })
      const { whoAmI } = yield* client(origin, authorization)
      const refused = yield* Effect.flip(whoAmI())
      assert.instanceOf(refused, Unauthorized)
      assert.strictEqual(refused.reason, reason)
    })
  )
})

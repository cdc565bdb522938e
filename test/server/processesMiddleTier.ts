import { createServer } from "node:http"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpServer from "@effect/platform/HttpServer"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as Authority from "../../src/core/Authority.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import { defaults } from "../../src/emulator/EntraEmulator.js"
import { withBearer } from "../../src/http/BearerHttpClient.js"
import { Caller } from "../../src/server/Caller.js"
import * as OnBehalfOf from "../../src/server/OnBehalfOf.js"
import * as TokenValidator from "../../src/server/TokenValidator.js"
import { MiddleTier } from "./processesApi.js"
import { obey, setting } from "./processesPort.js"

const host = setting("AUTHORITY_HOST")
const authority = Authority.entra({ tenantId: defaults.tenantId, host })
const decode = Schema.decodeUnknown(Schema.Struct({ oid: Schema.String }))

const tasks = Effect.gen(function* () {
  const caller = yield* Caller
  yield* caller.requireScope("access_as_user")
  const source = caller.tokens.forScopes(defaults.apiUserScope)
  const api = withBearer(source, { origins: [host] })(yield* HttpClient.HttpClient)
  const response = yield* api.get(`${host}${defaults.apiPath}`)
  return yield* decode(yield* response.json)
}).pipe(
  Effect.catchTags({
    ClaimsChallengeRequired: (error) => Effect.flatMap(Caller, (caller) => caller.refuse(error)),
    ConfigurationError: (error) => Effect.flatMap(Caller, (caller) => caller.refuse(error)),
    RequestError: Effect.die,
    ResponseError: Effect.die,
    ParseError: Effect.die
  })
)

const handlers = HttpApiBuilder.group(MiddleTier, "tasks", (group) => group.handle("read", () => tasks))

const onBehalfOf = OnBehalfOf.layer().pipe(
  Layer.provide([
    ConfidentialClient.layer({
      authority,
      clientId: defaults.clientId,
      credential: ClientCredential.secret(defaults.clientSecret),
      clientCapabilities: ["cp1"]
    }).pipe(Layer.provide(TokenCache.layerMemory())),
    TokenValidator.layer({ authority, audience: defaults.clientId })
  ])
)

obey(
  Effect.gen(function* () {
    const listening = yield* Layer.build(NodeHttpServer.layer(() => createServer(), { host: "127.0.0.1", port: 0 }))
    const { address } = Context.get(listening, HttpServer.HttpServer)
    yield* HttpApiBuilder.serve().pipe(
      Layer.provide(HttpApiBuilder.api(MiddleTier).pipe(Layer.provide(handlers))),
      Layer.provide(onBehalfOf),
      Layer.provide([NodeHttpClient.layerUndici, Layer.succeedContext(listening)]),
      Layer.build
    )
    return {
      origin: () => Effect.succeed(`http://127.0.0.1:${address._tag === "TcpAddress" ? address.port : 0}`)
    }
  })
)

import { createServer } from "node:http"
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as Authority from "../../src/core/Authority.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import { withBearer } from "../../src/http/BearerHttpClient.js"
import { type AuthenticationContext, Caller } from "../../src/server/Caller.js"
import * as OnBehalfOf from "../../src/server/OnBehalfOf.js"
import * as TokenValidator from "../../src/server/TokenValidator.js"

export const { defaults } = EntraEmulator

/** What a request's URL asks of the server. */
const Wish = Schema.Struct({
  scope: Schema.optional(Schema.String),
  context: Schema.optional(Schema.String),
  url: Schema.optional(Schema.String)
})

const isContext = (text: string): text is AuthenticationContext => /^c/.test(text)

/** Gets a token, or calls an API with it, as the caller; each failure is the caller's to know. */
const work = ({ context, scope, url }: typeof Wish.Type) =>
  Effect.gen(function* () {
    const caller = yield* Caller
    if (context !== undefined && isContext(context)) yield* caller.requireAuthenticationContext(context)
    if (scope === undefined) return `${caller.tenantId}.${caller.objectId} by ${caller.clientId}`
    const source = caller.tokens.forScopes(scope)
    if (url === undefined) return (yield* source.getToken()).source
    const api = withBearer(source, { origins: [new URL(url).origin] })(yield* HttpClient.HttpClient)
    const response = yield* api.get(url)
    return `${response.status}`
  }).pipe(
    Effect.catchTags({
      ClaimsChallengeRequired: (error) => Effect.flatMap(Caller, (caller) => caller.refuse(error)),
      ConfigurationError: (error) => Effect.flatMap(Caller, (caller) => caller.refuse(error)),
      RequestError: Effect.die,
      ResponseError: Effect.die
    })
  )

const own = Effect.flatMap(Caller, ({ requireRole, requireScope, roles, scopes }) =>
  Effect.as(Effect.zipRight(requireScope("Tasks.Own", "Tasks.All"), requireRole("Owner")), `${scopes} ${roles}`)
)

export class Api extends HttpApi.make("api").add(
  HttpApiGroup.make("work")
    .add(HttpApiEndpoint.get("do", "/do").setUrlParams(Wish).addSuccess(Schema.String))
    .add(HttpApiEndpoint.get("own", "/own").addSuccess(Schema.String))
    .add(HttpApiEndpoint.get("caught", "/caught").addSuccess(Schema.String))
    .middleware(OnBehalfOf.OnBehalfOf)
) {}

const handlers = HttpApiBuilder.group(Api, "work", (group) =>
  group
    .handle("do", ({ urlParams }) => work(urlParams))
    .handle("own", () => own)
    .handle("caught", () => Effect.catchAll(own, () => Effect.succeed("caught")))
)

const json = <E, R>(answer: Effect.Effect<string, E, R>) =>
  Effect.map(answer, (body) => HttpServerResponse.unsafeJson(body))

const wished = Effect.map(HttpServerRequest.HttpServerRequest, ({ url }) =>
  Object.fromEntries(new URL(url, "http://localhost").searchParams)
)

const done = json(Effect.flatMap(wished, work))

const app = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
  url.startsWith("/own") ? json(own) : done
)

const routes = Layer.mergeAll(
  HttpLayerRouter.add("GET", "/do", done),
  HttpLayerRouter.add("GET", "/own", json(own)),
  HttpLayerRouter.add("GET", "/free", HttpServerResponse.text("for all"))
)

/** The same work, built in every way that there is. */
const servers = {
  HttpApi: (options?: OnBehalfOf.Options) =>
    HttpApiBuilder.serve().pipe(
      Layer.provide(HttpApiBuilder.api(Api).pipe(Layer.provide(handlers))),
      Layer.provide(OnBehalfOf.layer(options))
    ),
  "HttpApi in a router": (options?: OnBehalfOf.Options) =>
    HttpLayerRouter.serve(
      HttpLayerRouter.addHttpApi(Api).pipe(
        Layer.provide(handlers),
        Layer.provide(OnBehalfOf.layer(options)),
        Layer.provide(HttpServer.layerContext)
      ),
      { disableListenLog: true }
    ),
  HttpLayerRouter: (options?: OnBehalfOf.Options) =>
    HttpLayerRouter.serve(routes.pipe(Layer.provide(OnBehalfOf.router(options).layer)), { disableListenLog: true }),
  HttpApp: (options?: OnBehalfOf.Options) => HttpServer.serve(OnBehalfOf.httpApp(options)(app))
}

export type Style = keyof typeof servers
export const styles = [
  "HttpApi",
  "HttpApi in a router",
  "HttpLayerRouter",
  "HttpApp"
] as const satisfies ReadonlyArray<Style>

export interface Change {
  readonly style?: Style
  /** Another server than these. */
  readonly server?: Layer.Layer<
    never,
    never,
    ConfidentialClient.ConfidentialClient | HttpServer.HttpServer | TokenValidator.TokenValidator
  >
  readonly callers?: OnBehalfOf.Options
  readonly validator?: Partial<TokenValidator.Options>
  readonly client?: Partial<ConfidentialClient.Options>
}

/** An answer, as it came over HTTP. */
export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: Readonly<Record<string, unknown>>
}

export const get = (url: string, headers: Readonly<Record<string, string>> = {}): Effect.Effect<Answered> =>
  Effect.promise(async () => {
    const response = await fetch(url, { headers })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: text.startsWith("{") ? JSON.parse(text) : {}
    }
  })

/** All that is logged and traced beneath it. */
const witness = () => {
  const lines: Array<string> = []
  const logger = Logger.make((options) => void lines.push(Logger.logfmtLogger.log(options)))
  const layer = Layer.merge(Logger.replace(Logger.defaultLogger, logger), Logger.minimumLogLevel(LogLevel.All))
  return { layer, seen: () => lines.join("\n") }
}

const listen = Effect.map(
  Layer.build(NodeHttpServer.layer(() => createServer(), { host: "127.0.0.1", port: 0 })),
  (context) => {
    const { address } = Context.get(context, HttpServer.HttpServer)
    return { context, origin: `http://127.0.0.1:${address._tag === "TcpAddress" ? address.port : 0}` }
  }
)

export type TokenOptions = Partial<EntraEmulator.UserTokenOptions>

/** A server that acts on behalf of its callers, and its authority, each on a port of its own. */
export const makeServer = ({ callers, client, style = "HttpApi", validator, ...change }: Change = {}) =>
  Effect.gen(function* () {
    const { layer: witnesses, seen } = witness()
    const emulated = yield* Layer.build(EntraEmulatorNode.layer())
    const host = Context.get(emulated, EntraEmulatorNode.Address).origin
    const emulator = Context.get(emulated, EntraEmulator.EntraEmulator)
    const authority = Authority.entra({ tenantId: defaults.tenantId, host })
    const { context, origin } = yield* listen
    const server = change.server ?? servers[style](callers)
    yield* server.pipe(
      Layer.provide(
        ConfidentialClient.layer({
          authority,
          clientId: defaults.clientId,
          credential: ClientCredential.secret(defaults.clientSecret),
          clientCapabilities: ["cp1"],
          retryPolicy: { attempts: 1 },
          ...client
        }).pipe(Layer.provide(TokenCache.layerMemory()))
      ),
      Layer.provide(TokenValidator.layer({ authority, audience: defaults.clientId, ...validator })),
      Layer.provide([NodeHttpClient.layerUndici, Layer.succeedContext(context), witnesses]),
      Layer.build
    )
    const tokenOf = (options: TokenOptions = {}) =>
      Effect.map(
        emulator.userToken({
          username: defaults.username,
          api: defaults.middleTierIdentifierUri,
          origin: host,
          ...options
        }),
        Redacted.value
      )
    return {
      emulator,
      host,
      origin,
      seen,
      tokenOf,
      get: (path: string, authorization?: string) =>
        get(`${origin}${path}`, authorization === undefined ? {} : { authorization }),
      /** As a caller with such a token. */
      call: (path: string, options?: TokenOptions) =>
        Effect.flatMap(tokenOf(options), (token) => get(`${origin}${path}`, { authorization: `Bearer ${token}` }))
    }
  }).pipe(Effect.orDie)

export type Server = Effect.Effect.Success<ReturnType<typeof makeServer>>

/** Of a client that answers claims challenges. */
export const capable: TokenOptions = { claims: { xms_cc: ["CP1"] } }

/** The path that gets a token for a scope. */
export const token = (scope: string) => `/do?scope=${encodeURIComponent(scope)}`

import { createServer } from "node:http"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as IdTokenVerifier from "../../src/client/IdTokenVerifier.js"
import * as Authority from "../../src/core/Authority.js"
import { InteractionRequired } from "../../src/core/TokenError.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import * as WebSession from "../../src/server/WebSession.js"
import * as WebSignIn from "../../src/server/WebSignIn.js"
import { shiftedClock } from "../support/shiftedClock.js"
import { Browser } from "./browser.js"

export const { defaults } = EntraEmulator

export const appOrigin = "https://app.example"
export const redirectUri = `${appOrigin}/auth/callback`
export const signedOutUri = `${appOrigin}/signed-out`
export const key = Redacted.make("a secret of more than 32 bytes, for tests alone")

const directory: EntraEmulator.Directory = {
  ...EntraEmulator.defaultDirectory,
  tenants: EntraEmulator.defaultDirectory.tenants.map((tenant) => ({
    ...tenant,
    apps: tenant.apps.map((app) => ({ ...app, redirectUris: [...(app.redirectUris ?? []), redirectUri, signedOutUri] }))
  }))
}

const me = Effect.map(WebSignIn.SignedInUser, ({ account, session }) =>
  HttpServerResponse.unsafeJson({ username: account.username, session })
)

/** Fails as the token does. */
const api = (scope: string) =>
  Effect.gen(function* () {
    const { account, tokens } = yield* WebSignIn.SignedInUser
    const token = yield* tokens.forScopes(scope).getToken()
    return HttpServerResponse.unsafeJson({ username: account.username, source: token.source })
  })

/** Answers where the token fails. */
const form = Effect.flatMap(WebSignIn.SignedInUser, ({ tokens }) =>
  tokens.forScopes(defaults.otherApiUserScope).getToken()
).pipe(
  Effect.as(HttpServerResponse.text("done", { headers: { "cache-control": "private" } })),
  Effect.catchTag("InteractionRequired", (error) => WebSignIn.challenge(error, { returnTo: "/me?from=form" }))
)

const insatiable = new InteractionRequired({
  error: "interaction_required",
  classification: "none",
  errorCodes: [],
  claims: '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
})

const pages = Layer.mergeAll(
  HttpLayerRouter.add("GET", "/me", me),
  HttpLayerRouter.add("POST", "/me", me),
  HttpLayerRouter.add("GET", "/api", api(defaults.apiUserScope)),
  HttpLayerRouter.add("GET", "/other-api", api(defaults.otherApiUserScope)),
  HttpLayerRouter.add("GET", "/unconsented-api", api(defaults.unconsentedApiUserScope)),
  HttpLayerRouter.add("POST", "/form", form),
  HttpLayerRouter.add("GET", "/insatiable", insatiable)
).pipe(Layer.provide(WebSignIn.required.layer))

const witness = () => {
  const lines: Array<string> = []
  const logger = Logger.make((options) => void lines.push(Logger.logfmtLogger.log(options)))
  const tracer = Tracer.make({
    span: (name, parent, context, links, startTime, kind) => {
      const attributes = new Map<string, unknown>()
      const end = () => void lines.push(`${name} ${JSON.stringify([...attributes])}`)
      return {
        _tag: "Span",
        name,
        spanId: "span",
        traceId: "trace",
        parent,
        context,
        status: { _tag: "Started", startTime },
        attributes,
        links,
        sampled: true,
        kind,
        end,
        attribute: (key, value) => void attributes.set(key, value),
        event: (event) => void lines.push(event),
        addLinks: () => {}
      }
    },
    context: (f) => f()
  })
  const layer = Layer.mergeAll(
    Logger.replace(Logger.defaultLogger, logger),
    Logger.minimumLogLevel(LogLevel.All),
    Layer.setTracer(tracer)
  )
  return { layer, seen: () => lines.join("\n") }
}

export interface Change {
  readonly options?: Partial<WebSignIn.Options>
  readonly cookies?: Partial<WebSession.CookieOptions>
  readonly sessions?: Layer.Layer<WebSession.WebSession>
  readonly cache?: Layer.Layer<TokenCache.TokenCache>
  /** What the client is made to do otherwise. */
  readonly client?: Partial<ConfidentialClient.ConfidentialClientService>
  /** Reached by plain http, at its own port. */
  readonly isLocal?: boolean
}

/** A site and its authority, each on a port of its own. */
export interface Site {
  readonly emulator: EntraEmulator.Service
  readonly client: ConfidentialClient.ConfidentialClientService
  readonly origin: string
  /** Another browser, in which nobody has been yet. */
  readonly browser: () => Browser
  /** Puts the app's clock forward. */
  readonly pass: (time: Duration.DurationInput) => void
  /** The refresh tokens that the app has kept. */
  readonly refreshTokens: ReadonlyArray<string>
  /** All that the app has logged and traced. */
  readonly seen: () => string
  /** The client of another replica, whose memory is its own. */
  readonly replica: Effect.Effect<ConfidentialClient.ConfidentialClientService, never, Scope.Scope>
  /** Browsers that are there go on with a process that has other options. */
  readonly restart: (change: Change) => Effect.Effect<void, never, Scope.Scope>
}

const listening = Effect.map(
  Layer.build(NodeHttpServer.layer(() => createServer(), { host: "127.0.0.1", port: 0 })),
  (context) => {
    const { address } = Context.get(context, HttpServer.HttpServer)
    return { context, port: address._tag === "TcpAddress" ? address.port : 0 }
  }
)

export const makeSite = (change: Change = {}): Effect.Effect<Site, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { clock, pass } = shiftedClock()
    const { layer: witnesses, seen } = witness()
    const authority = yield* Layer.build(EntraEmulatorNode.layer({ directory }))
    const host = Context.get(authority, EntraEmulatorNode.Address).origin
    const refreshTokens: Array<string> = []
    const watched = Layer.map(Layer.fresh(change.cache ?? TokenCache.layerMemory()), (context) => {
      const cache = Context.get(context, TokenCache.TokenCache)
      const modifyUser: TokenCache.TokenCacheService["modifyUser"] = (partition, sequence, next) =>
        cache.modifyUser(partition, sequence, (known) => {
          const user = next(known)
          if (user?.refreshToken !== undefined) refreshTokens.push(Redacted.value(user.refreshToken))
          return user
        })
      return Context.make(TokenCache.TokenCache, { ...cache, modifyUser })
    })
    const built = ConfidentialClient.layer({
      authority: Authority.entra({ tenantId: defaults.tenantId, host }),
      clientId: defaults.clientId,
      credential: ClientCredential.secret(defaults.clientSecret)
    }).pipe(
      Layer.provide(watched),
      Layer.merge(IdTokenVerifier.layer),
      Layer.provide([NodeHttpClient.layerUndici, witnesses]),
      Layer.build
    )
    const clientContext = yield* built
    const hosts = new Map<string, string>()

    const start = ({ client, cookies, isLocal = false, options, sessions }: Change) =>
      Effect.gen(function* () {
        const own = Context.get(clientContext, ConfidentialClient.ConfidentialClient)
        const { context, port } = yield* listening
        const origin = isLocal ? `http://localhost:${port}` : appOrigin
        hosts.set(new URL(origin).host, `127.0.0.1:${port}`)
        const signIn = WebSignIn.layer({
          redirectUri: `${origin}/auth/callback`,
          scopes: defaults.apiUserScope,
          postLogoutRedirectUri: signedOutUri,
          ...options
        }).pipe(
          Layer.provide(sessions ?? WebSession.layerCookie({ keys: key, ...cookies })),
          Layer.provide(Layer.succeed(ConfidentialClient.ConfidentialClient, { ...own, ...client })),
          Layer.provide(Layer.succeedContext(clientContext))
        )
        const app = Layer.mergeAll(
          WebSignIn.routes,
          pages,
          HttpLayerRouter.add("GET", "/", HttpServerResponse.text("home")),
          HttpLayerRouter.add("GET", "/signed-out", HttpServerResponse.text("bye"))
        ).pipe(Layer.provide(signIn))
        yield* HttpLayerRouter.serve(app, { middleware: Effect.withClock(clock) }).pipe(
          Layer.provide([Layer.succeedContext(context), witnesses]),
          Layer.build
        )
        return origin
      })

    return {
      emulator: Context.get(authority, EntraEmulator.EntraEmulator),
      client: Context.get(clientContext, ConfidentialClient.ConfidentialClient),
      origin: yield* start(change),
      browser: () => new Browser(hosts),
      replica: Effect.orDie(Effect.map(built, Context.get(ConfidentialClient.ConfidentialClient))),
      pass,
      refreshTokens,
      seen,
      restart: (next: Change) => Effect.asVoid(Effect.orDie(start(next)))
    }
  }).pipe(Effect.orDie)

/** A site at which a person has signed in. */
export const signedInSite = (change: Change = {}) =>
  Effect.gen(function* () {
    const site = yield* makeSite(change)
    yield* site.emulator.signIn(defaults.username)
    const browser = site.browser()
    const arrival = yield* browser.visit(`${site.origin}/me`)
    return { ...site, browser, arrival, newBrowser: site.browser }
  })

/**
 * Entra ID on loopback, for tests and demos: metadata, client credentials, an API that checks tokens, and faults on
 * demand. It shares no code with the client of this package, so that the two can't share a mistake. Its tokens are signed
 * with a key that is made at start, and carry the claim `emulator`.
 *
 * Each behaviour names the document or the recorded body that it copies. No document was found for these:
 * - the order of the checks, and which credential wins when a form and an Authorization header hold one each (here: the
 *   header);
 * - the status (400) and `error` (`invalid_request`) of AADSTS9001023, 50059, 900561 and of malformed `claims`,
 *   and the `error` (`invalid_scope`) of 700022;
 * - which code refuses client credentials at /common and /consumers (here 9001023, by its text) and at /organizations
 *   (here 50059, seen for client credentials without a tenant);
 * - client credentials without a credential: 7000218, which documents name; bodies of 2019 have 7000216
 *   (https://github.com/MicrosoftDocs/azure-docs/issues/30777);
 * - a body above the limit: 413 with AADSTS9002313;
 * - `WWW-Authenticate: Basic` on every `invalid_client` (RFC 6749 5.2 wants it for who used that header);
 * - `iat`, `nbf` and `exp`: here the moment of issue and the lifetime; the body of a throttled answer, only known not to
 *   be JSON; the reasons that the API gives beside a missing header;
 * - `xms_cc`: real tokens have it only for APIs that ask for this optional claim, here every API does.
 *
 * And of client assertions, for these:
 * - the order of their checks; a secret and an assertion in one request (refused with 9002313, since RFC 6749 2.3 allows
 *   one method); an assertion without its type (900144, by its text);
 * - other audiences than the endpoint as it was asked: a page of the Azure SDK names an audience under the tenant too,
 *   that looks like the issuer (refused with 700023); an array with this endpoint alone (50027, as for one with two);
 * - the five minutes that clocks may differ; `exp` missing, or a time that no clock shows (50027);
 * - `iss` or `sub` missing (50027); the `error` (`invalid_client`) of 50048, 700021 and 70025, and that 700021 is for an
 *   assertion that another application signed for itself; the `error` (`invalid_request`) of 50027;
 * - an algorithm other than RS256 and PS256: 5002730, recorded with an algorithm that did not fit the key; that an issuer
 *   may sign with PS256 (documents promise RS256 alone); that `typ`, `jti` and `iat` are not looked at;
 * - a signature that is wrong: 700027, with the reason that bodies of 50013 give, for issuers too; 7000272 when the
 *   issuer's token names another `kid` than its registered key, and in its text the word for that key;
 * - which of two thumbprints wins (here SHA-256); an issuer's token with several audiences (50027); the text of 7002138.
 *
 * No document says that Entra refuses a `jti` that it has seen: here a replayed assertion is accepted.
 *
 * Not emulated: certificates in an assertion (`x5c`, which has no effect), the dates of a certificate, users, managed
 * identities.
 *
 * @since 0.1.0
 */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Answers from "./answers.js"
import * as Incoming from "./asked.js"
import * as AssertionKeys from "./assertionKeys.js"
import { type Directory, defaultDirectory } from "./directory.js"
import type { Fault } from "./Fault.js"
import * as InProcess from "./inProcess.js"
import * as Metadata from "./metadata.js"
import * as ProtectedApi from "./protectedApi.js"
import * as Recorder from "./recorder.js"
import * as SigningKey from "./signingKey.js"
import * as TokenEndpoint from "./tokenEndpoint.js"
import * as World from "./world.js"

export {
  type Api,
  type App,
  type Certificate,
  type Directory,
  defaultDirectory,
  defaults,
  type FederatedCredential,
  type Secret,
  type Tenant
} from "./directory.js"
export type { RecordedAssertion } from "./jwt.js"
export type { RecordedRequest } from "./recorder.js"

/**
 * How an emulator differs from the plain one: its directory, the lifetime of its tokens (3599 s), a `refresh_in` to send,
 * and a `seed` which makes it vary what Entra varies (member order, numbers as strings, absent optional members, spaces
 * for CRLF), the same way in each run.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly directory?: Directory | undefined
  readonly tokenLifetime?: Duration.DurationInput | undefined
  readonly refreshIn?: Duration.DurationInput | undefined
  readonly seed?: string | undefined
}

/**
 * A running emulator.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** Everything as one app: provide it with any `HttpServer`. */
  readonly app: HttpApp.Default
  /** Appends to the faults which the next answers of the token endpoint play, one each. */
  readonly script: (faults: ReadonlyArray<Fault>) => Effect.Effect<void>
  /** How many scripted faults have not been played. */
  readonly pendingFaults: Effect.Effect<number>
  /** The last 10 000 requests, oldest first, secrets masked. */
  readonly requests: Effect.Effect<ReadonlyArray<Recorder.RecordedRequest>>
  /** Sets how far the emulator's clock is from ours: ahead unless told `behind`. */
  readonly skew: (by: Duration.DurationInput, direction?: "ahead" | "behind") => Effect.Effect<void>
}

/**
 * The emulator as a service.
 *
 * @since 0.1.0
 * @category tags
 */
export class EntraEmulator extends Context.Tag("effect-entra/EntraEmulator")<EntraEmulator, Service>() {}

const routerOf = (world: World.World) => {
  const named = (name: string) => Effect.map(HttpRouter.params, (params) => params[name] ?? "")
  return HttpRouter.empty.pipe(
    HttpRouter.get("/common/discovery/instance", Metadata.instanceDiscovery(world)),
    HttpRouter.get(
      "/:tenant/v2.0/.well-known/openid-configuration",
      Effect.flatMap(named("tenant"), (tenant) => Metadata.openidConfiguration(world, tenant))
    ),
    HttpRouter.get(
      "/:tenant/discovery/v2.0/keys",
      Effect.flatMap(named("tenant"), (tenant) => Metadata.keys(world, tenant))
    ),
    HttpRouter.all(
      "/:tenant/oauth2/v2.0/token",
      Effect.flatMap(named("tenant"), (tenant) => TokenEndpoint.answer(world, tenant))
    ),
    HttpRouter.get(
      "/api/:appId",
      Effect.flatMap(named("appId"), (appId) => ProtectedApi.answer(world, appId))
    )
  )
}

/** Reads and records the request, answers it, and dates the answer. */
const appOf = (world: World.World, recorder: Recorder.Recorder): Effect.Effect<HttpApp.Default> =>
  Effect.map(HttpRouter.toHttpApp(routerOf(world)), (router) =>
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const facts = yield* Incoming.read(request)
      const now = yield* world.now
      const { url, form } = facts
      const entry = yield* recorder.begin({ now, method: request.method, url, headers: request.headers, form })
      const response = yield* router.pipe(
        Effect.catchTags({
          Refusal: (refusal) => Answers.refuse(world, refusal),
          RouteNotFound: () => Effect.succeed(HttpServerResponse.empty({ status: 404 }))
        }),
        Effect.provideService(Incoming.Asked, { ...facts, entry })
      )
      entry.status = response.status
      return yield* Answers.dated(world, response)
    })
  )

/**
 * Makes an emulator with a fresh key; dies of a directory with a certificate or key that can't be used.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<Service> =>
  Effect.gen(function* () {
    const { directory = defaultDirectory, tokenLifetime = "3599 seconds", refreshIn, seed } = options
    const world = World.make({
      directory,
      key: yield* SigningKey.make,
      assertionKeys: yield* AssertionKeys.make(directory),
      tokenLifetime: Duration.decode(tokenLifetime),
      refreshIn: refreshIn === undefined ? undefined : Duration.decode(refreshIn),
      varies: seed !== undefined
    })
    const recorder = Recorder.make()
    const app = yield* appOf(world, recorder)
    return {
      app: seed === undefined ? app : Effect.withRandom(app, Random.make(seed)),
      script: world.script,
      pendingFaults: world.pendingFaults,
      requests: recorder.all,
      skew: (by, direction = "ahead") =>
        world.skew(direction === "ahead" ? Duration.toMillis(by) : -Duration.toMillis(by))
    }
  })

/**
 * An emulator as a layer; bind it to a constant, two layers are two emulators.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<EntraEmulator> => Layer.effect(EntraEmulator, make(options))

/**
 * An `HttpClient` whose every request, whatever its host, is answered by the emulator in the caller's fiber: delays pass
 * with `TestClock`, redirects are not followed, and resets fail as they do over a socket, with a cause whose `code` is
 * `ECONNRESET`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHttpClient: Layer.Layer<HttpClient.HttpClient, never, EntraEmulator> = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(EntraEmulator, (emulator) => InProcess.make(emulator.app))
)

/**
 * The emulator on the `HttpServer` that is provided; resets are answered with 501 there, they need `EntraEmulatorNode`.
 *
 * @since 0.1.0
 * @category layers
 */
export const serve: Layer.Layer<never, never, EntraEmulator | HttpServer.HttpServer> = Layer.unwrapEffect(
  Effect.map(EntraEmulator, (emulator) => HttpServer.serve(emulator.app))
)

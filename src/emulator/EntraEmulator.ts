/**
 * Entra ID on loopback, for tests and demos: metadata, client credentials, people who sign in, on-behalf-of, Conditional
 * Access, APIs that check tokens again and again, and faults on demand; and below their own paths Azure AD B2C, AD FS and
 * the endpoints for managed identities of all kinds of hosts. At `/` a page shows who there is and what is asked, and has
 * buttons for what may go wrong.
 * It shares no code with the client of this package, so that the two can't share a mistake. Its tokens are signed with a
 * key that is made at start, and carry the claim `emulator`.
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
 * And of people at `/authorize`, for these:
 * - the order of the checks; that a redirect URI may be left out where an application has one alone; 501491 for other
 *   characters than PKCE's in a challenge; the `error` of 70007, 90023, 50149, 501491; that a malformed request other
 *   than for its client or redirect URI is always told to the application; the status (400) of error pages;
 * - that 53003, 50057 and 50020 are told to the person and not the application, unless with `prompt=none`, and their
 *   `error` there; 16000 for an account of another tenant; `consent_required` (the word of OpenID Connect) there;
 * - `error_subcode` and the description of a cancel, which were seen apart; `suberror` and `claims` in a redirect;
 * - that `max_age` and `claims` bring `auth_time`, and that an old session is not refused for it; that `domain_hint`,
 *   `id_token_hint` and `logout_hint` change nothing; the name of the session's cookie, and that it does not end;
 * - that one sign-in satisfies every policy of the APIs asked for, and every one that `claims` names; that one second
 *   factor is asked for all of them, and none for a compliant device, which every browser is; 500121 with `access_denied`
 *   for who declines it (Entra stays on its page); 90094 on a page, and which permissions need an administrator;
 * - the pages: their order and fields, the texts but those of 50126, 65004 and a code that is not recognized; that forms
 *   are refused with 165000 (its text is shortened) unless the browser that was shown them sends them, but for a cancel.
 *
 * And of devices, for these:
 * - the path of the page where codes are typed, and that it asks whether to sign in before it asks who; that a code has
 *   nine consonants (seen with digits too); that the robot of `signIn` answers a browser there, but types no code;
 * - that a scope is looked at when the person signs in, unless it has no resource or no name; that an application's
 *   credential is looked at with each poll before anything else (7000218), and that one which has a secret gets tokens;
 * - `slow_down`, which Entra's page does not list: it is off unless `deviceSlowDown` says so, its code (70016) is made up;
 * - the codes of `authorization_declined` (65004) and `bad_verification_code` (70018), and that the latter is for another
 *   application's code too; 54005 for a code that has served;
 * - AD FS: its path, and that all is as at Entra but the codes, of which none is known.
 *
 * And of people's tokens, for these:
 * - 70000 for another application's code or refresh token; 401 for 500112; 50148 for a verifier without a challenge;
 *   28000 and its `error`; 50020 and its `error` for a refresh at a tenant that does not know the person; the `suberror`
 *   `bad_token` of 50173 (recorded for 700082); 65001 for a scope in a refresh that the API no longer has;
 * - `scope` of an answer: here as the request wrote its resource, with all names that were consented to, and without
 *   `offline_access`; that a request for no API gets a token for Graph with the scopes of OpenID Connect in `scp`;
 * - `sub`: pairwise, computed in another way; which claims an access token has beyond the documented;
 * - of on-behalf-of: the order of the checks; 50013 for another tenant's assertion and its text; 9002313 for another
 *   `requested_token_use`; that a revoked or disabled person's assertion is refused (50173, 50057);
 * - of the family: that 700007, recorded alone, has the `suberror` that libraries look for; that the new refresh token is
 *   of the application that asked, and of the family too; that consent is each application's own;
 * - of Conditional Access: 53000's `suberror` (`additional_action`) and that it has `claims`; `claims` with `acrs` when a
 *   request asks for an authentication context that its sign-in has not satisfied; policies for applications without
 *   people (here none holds); that a policy is looked at for codes too;
 * - what `rotating` refresh tokens answer: Entra has none (70000, then 50173).
 *
 * And of continuous access evaluation, for these:
 * - that `nbf` in a challenge is the moment of the revocation or of the move, and the form with `client_id` and
 *   `insufficient_claims` for a move (recorded with `invalid_token` and a description); the order of several reasons; the
 *   empty body; that a token which comes back to its address is good again; that a delegated token is not looked at when
 *   its application is revoked;
 * - what the token endpoint makes of `nbf`: here the sign-in must not be older, to the second, unless `xms_rp_ipaddr`
 *   stands beside it, whose value is not looked at; a value that is no time is passed over; that client credentials
 *   always serve; that `/authorize` wants a new sign-in for it (50058 with `prompt=none`);
 * - 50133 with `basic_action` and `claims` for a sign-in that is too old, and with on-behalf-of for a revoked one if the
 *   request has `nbf` or declares cp1 (else 50173); that on-behalf-of sees the person's address, not the middle tier's;
 * - lifetimes: documents say "up to"; `refresh_in` as half of it.
 *
 * And of the other authorities, for these:
 * - B2C: `error` and status beside its codes, and which code fits the fault (all but 90085, 90080, 90086 and 90091 are
 *   chosen by their text from its table); that a refresh token which is used twice ends its grant; two weeks for one;
 *   `claims_supported`; numbers where its pages show strings; 404 for an unknown policy;
 * - AD FS: every text but that of 9612, and the codes 9223, 9224, 9602, 9604, 9605, 9622, 7065 (from memory; 9720 and
 *   that a wrong verifier spends the code were measured by a third party); `aud` and `iss` of its access tokens, and
 *   that `upn` and `sub` are in them; that a code always brings a refresh token, for eight hours; which thumbprint and
 *   algorithm its assertions need;
 * - External ID: that all but the issuer's host is as at Entra. The first version's endpoints are named and absent.
 *
 * And of managed identities, for these:
 * - the order of the checks; which version a host takes beyond those that are documented; several names of an identity in
 *   one request (here all have to be of one); several resources (refused as if there were none); that the client id of the
 *   system's own identity serves like any other;
 * - how long a host hands out the same token (here half of its life, per host, identity, resource and capabilities);
 *   `iat` (real ones lie five minutes back); that tokens are of the second version, and `aud` the API's application id;
 * - the text for X-Forwarded-For and for missing parameters; 405 and its bodies; the members of `/metadata/instance` but
 *   `location`; IMDS says `bad_request_102` in its table of errors, and has been seen to say other things;
 * - App Service: 400 without and 401 with a wrong secret, their texts and those for a missing resource and a wrong
 *   version; that `token_sha256_to_refresh` and `xms_cc` have the same meaning in every version from 2019-08-01 on, which
 *   a design of MSAL.NET foresees (for Service Fabric too); other hosts ignore both;
 * - Azure Machine Learning: every error, and `client_id`; Cloud Shell: every error but `AudienceNotSupported`. The real
 *   one is said to ignore the name of an identity, and gives the person's own token: here it is the system's identity;
 * - Azure Arc: the body of its 401, and that a wrong key brings a new challenge; which members confirm an identity is
 *   taken from MSAL Node;
 * - Service Fabric: that `principalId` chooses an identity that the application has, and that other names are ignored.
 *
 * Not emulated: certificates in an assertion (`x5c`, which has no effect), the dates of a certificate, personal
 * accounts, "stay signed in", passwords that change or expire, registration of a second factor, implicit and hybrid flows, single-page applications (`Origin`), on-behalf-of at AD FS, sign-in
 * frequency, the second version of managed identities (proof of possession); of continuous access evaluation the
 * minutes until an API has heard of an event, the policies of places that an API knows by itself, the token of one hour
 * for who is at two addresses at once, and an application that was disabled or moved.
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
import * as Encoding from "effect/Encoding"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as Redacted from "effect/Redacted"
import * as Answers from "./answers.js"
import * as ArcKeys from "./arcKeys.js"
import * as Incoming from "./asked.js"
import * as AssertionKeys from "./assertionKeys.js"
import * as Consents from "./consents.js"
import { defaultDirectory } from "./defaultDirectory.js"
import * as Devices from "./devices.js"
import type { Directory, Policy } from "./directory.js"
import * as Events from "./events.js"
import type { Fault } from "./Fault.js"
import * as FaultQueue from "./faultQueue.js"
import * as IdentityEnvironment from "./identityEnvironment.js"
import * as InProcess from "./inProcess.js"
import * as Inspector from "./inspector.js"
import * as Recorder from "./recorder.js"
import * as Routes from "./routes.js"
import * as SigningKey from "./signingKey.js"
import * as UserToken from "./userToken.js"
import * as World from "./world.js"

export { type ArcKeyFiles, ArcKeyNotWritten } from "./arcKeys.js"
export { defaultDirectory, defaults } from "./defaultDirectory.js"
export type {
  Api,
  App,
  Certificate,
  Directory,
  Farm,
  FederatedCredential,
  Machine,
  ManagedIdentity,
  Policy,
  Requirement,
  Secret,
  Tenant,
  User,
  UserFlow
} from "./directory.js"
export type { ManagedIdentityHost } from "./identityEnvironment.js"
export type { RecordedAssertion } from "./jwt.js"
export type { RecordedRequest } from "./recorder.js"
export type { UserTokenOptions } from "./userToken.js"

/**
 * How an emulator differs from the plain one: its directory, the lifetime of its tokens (3599 s), a `refresh_in` to send,
 * and a `seed` which makes it vary what Entra varies (member order, numbers as strings, absent optional members, spaces
 * for CRLF, order and case of scopes), the same way in each run. Refresh tokens of Entra stay alive when they are used
 * (`multi`); `rotating` ones, as other servers have them, end the whole grant when they are used twice. A device has
 * `deviceCodeLifetime` (15 minutes) to be signed in and polls each `deviceCodeInterval` (5 s); with `deviceSlowDown` it is
 * told `slow_down` when it polls faster.
 *
 * Where the client declares cp1 and the API has `cae`, tokens live for `caeTokenLifetime` whatever `tokenLifetime` says
 * (28 hours, an application's own 24), and `refresh_in` is half of that. Those of managed identities live for
 * `identityTokenLifetime` (24 hours). `arcKeyFiles` says where the keys of Azure Arc are written (nowhere: `arcKeys` of the
 * service has them).
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly directory?: Directory | undefined
  readonly tokenLifetime?: Duration.DurationInput | undefined
  readonly caeTokenLifetime?: Duration.DurationInput | undefined
  readonly refreshIn?: Duration.DurationInput | undefined
  readonly identityTokenLifetime?: Duration.DurationInput | undefined
  readonly arcKeyFiles?: ArcKeys.ArcKeyFiles | undefined
  readonly refreshTokens?: "multi" | "rotating" | undefined
  readonly deviceCodeLifetime?: Duration.DurationInput | undefined
  readonly deviceCodeInterval?: Duration.DurationInput | undefined
  readonly deviceSlowDown?: boolean | undefined
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
  /** How many of them have not been played. */
  readonly pendingFaults: Effect.Effect<number>
  /** Appends to the faults which the next answers of the APIs play, whichever is called. */
  readonly scriptApi: (faults: ReadonlyArray<Fault>) => Effect.Effect<void>
  /** How many of those have not been played. */
  readonly pendingApiFaults: Effect.Effect<number>
  /**
   * Appends to the faults which the next answers of the endpoints for managed identities play, whichever is asked. Each of
   * the two requests that Azure Arc needs is one; one without its `Metadata` header, where that is needed, plays none, so
   * that a client may look whether somebody is there.
   */
  readonly scriptIdentity: (faults: ReadonlyArray<Fault>) => Effect.Effect<void>
  /** How many of those have not been played. */
  readonly pendingIdentityFaults: Effect.Effect<number>
  /**
   * From now on and for so long, the token endpoint, all APIs, or all endpoints for managed identities answer nothing but
   * 503, with a Retry-After that names the end; scripted faults wait meanwhile. Another outage takes its place, and one of
   * zero ends it.
   */
  readonly downFor: (duration: Duration.DurationInput, endpoint?: FaultQueue.Endpoint) => Effect.Effect<void>
  /**
   * The environment variables of a host, below the emulator's origin; the secret in them is made anew at each start.
   * Service Fabric wants the SHA-1 `thumbprint` of the server's certificate, in hex: without it, one that no certificate
   * has.
   */
  readonly managedIdentityEnvironment: (
    host: IdentityEnvironment.ManagedIdentityHost,
    origin: string,
    options?: { readonly thumbprint?: string | undefined }
  ) => Record<string, string>
  /** The keys of Azure Arc that have not served, by the path of the file that a challenge has named. */
  readonly arcKeys: Effect.Effect<ReadonlyMap<string, Redacted.Redacted>>
  /** The last 10 000 requests to whatever endpoint, the APIs' too, oldest first, secrets masked. */
  readonly requests: Effect.Effect<ReadonlyArray<Recorder.RecordedRequest>>
  /** Sets how far the emulator's clock is from ours: ahead unless told `behind`. */
  readonly skew: (by: Duration.DurationInput, direction?: "ahead" | "behind") => Effect.Effect<void>
  /**
   * Puts a person at every browser who signs in and consents at once, whatever `/authorize` asks, until it is told
   * `undefined`: then, as at first, pages ask who is there. Dies of a user whom the directory does not have.
   */
  readonly signIn: (username: string | undefined) => Effect.Effect<void>
  /**
   * Answers a device by the code that it shows, as a person does at the page where codes are typed: signs in, gives what is
   * asked for and consents, or declines. Dies of a code that no device waits with, and of a user who may not sign in. The
   * person of `signIn` answers no device.
   */
  readonly answerDevice: (userCode: string, answer: { readonly username: string } | "decline") => Effect.Effect<void>
  /** A person's access token for an API, or with `kind` a token that is none; dies of what the directory does not have. */
  readonly userToken: (options: UserToken.UserTokenOptions) => Effect.Effect<Redacted.Redacted>
  /**
   * Ends every code, refresh token, assertion and session that a person has until now. From then on APIs with `cae`
   * challenge the person's access tokens that show cp1; others live until they expire.
   */
  readonly revoke: (username: string) => Effect.Effect<void>
  /**
   * The same for the access tokens that an application or a managed identity got for itself; dies of one that the directory
   * does not have.
   */
  readonly revokeApp: (clientId: string) => Effect.Effect<void>
  /** Disables an account: no sign-in, no exchange, and its access tokens are challenged as after `revoke`. */
  readonly disable: (username: string) => Effect.Effect<void>
  /**
   * Moves a person to another address (192.0.2.1 at first): APIs with `cae` challenge the access tokens with cp1 that were
   * issued elsewhere, and policies with `addresses` decide over new ones. Dies of a user whom the directory does not have.
   */
  readonly moveTo: (username: string, address: string) => Effect.Effect<void>
  /** Takes back what an application was granted for an API (identifier URI or application id), by anybody. */
  readonly withdrawConsent: (clientId: string, api: string) => Effect.Effect<void>
  /**
   * Lets an administrator consent for everybody: gives an application these permissions of an API, by their names
   * (`Tasks.Write`), beside what it has.
   */
  readonly grantConsent: (clientId: string, api: string, scopes: ReadonlyArray<string>) => Effect.Effect<void>
  /** Puts other Conditional Access policies on an API (by its application id), from the next request on. */
  readonly setPolicies: (appId: string, policies: ReadonlyArray<Policy>) => Effect.Effect<void>
  /**
   * Demands a second factor of a person (by the username) or for an API (identifier URI or application id), or no longer,
   * from the next request on; tokens that were won without it are not renewed. Dies of what the directory does not have.
   */
  readonly requireMfa: (whom: string, isRequired?: boolean) => Effect.Effect<void>
}

/**
 * The emulator as a service.
 *
 * @since 0.1.0
 * @category tags
 */
export class EntraEmulator extends Context.Tag("effect-entra/EntraEmulator")<EntraEmulator, Service>() {}

/** Reads and records the request, answers it, and dates the answer. */
const appOf = (
  world: World.World,
  recorder: Recorder.Recorder,
  inspector: Inspector.Inspector
): Effect.Effect<HttpApp.Default> =>
  Effect.map(HttpRouter.toHttpApp(Routes.make(world)), (router) =>
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const inspected = inspector.answer(request)
      if (inspected !== undefined) return yield* inspected
      const facts = yield* Incoming.read(request)
      const now = yield* world.now
      const { url, form } = facts
      const entry = yield* recorder.begin({ now, method: request.method, url, headers: request.headers, form })
      const answer = router.pipe(
        Effect.catchTags({
          Refusal: (refusal) => Answers.refuse(world, refusal),
          RouteNotFound: () => Effect.succeed(HttpServerResponse.empty({ status: 404 }))
        }),
        Effect.provideService(Incoming.Asked, { ...facts, entry }),
        Effect.tap(({ status }) => {
          entry.status = status
        })
      )
      return yield* Answers.dated(world, yield* inspector.observe(facts, entry, answer))
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
    const {
      directory = defaultDirectory,
      tokenLifetime = "3599 seconds",
      caeTokenLifetime,
      refreshIn,
      identityTokenLifetime = "24 hours",
      arcKeyFiles = ArcKeys.inMemory,
      refreshTokens = "multi",
      deviceCodeLifetime = "15 minutes",
      deviceCodeInterval = "5 seconds",
      deviceSlowDown = false,
      seed
    } = options
    const world = World.make({
      directory,
      key: yield* SigningKey.make,
      assertionKeys: yield* AssertionKeys.make(directory),
      tokenLifetime: Duration.decode(tokenLifetime),
      caeTokenLifetime: caeTokenLifetime === undefined ? undefined : Duration.decode(caeTokenLifetime),
      refreshIn: refreshIn === undefined ? undefined : Duration.decode(refreshIn),
      identityTokenLifetime: Duration.decode(identityTokenLifetime),
      identitySecret: Encoding.encodeHex(crypto.getRandomValues(new Uint8Array(16))).toUpperCase(),
      arcKeyFiles,
      refreshTokens,
      deviceCodeLifetime: Duration.decode(deviceCodeLifetime),
      deviceCodeInterval: Duration.decode(deviceCodeInterval),
      deviceSlowDown,
      varies: seed !== undefined
    })
    const recorder = Recorder.make()
    const app = yield* appOf(world, recorder, yield* Inspector.make(world))
    return {
      app: seed === undefined ? app : Effect.withRandom(app, Random.make(seed)),
      script: world.faults.script,
      pendingFaults: world.faults.pending,
      scriptApi: world.apiFaults.script,
      pendingApiFaults: world.apiFaults.pending,
      scriptIdentity: world.identityFaults.script,
      pendingIdentityFaults: world.identityFaults.pending,
      downFor: (duration, endpoint = "token") => FaultQueue.of(world, endpoint).downFor(duration),
      managedIdentityEnvironment: (host, origin, { thumbprint } = {}) =>
        IdentityEnvironment.of(world, host, origin, thumbprint),
      arcKeys: Effect.sync(() => new Map(world.memory.arcKeys)),
      requests: recorder.all,
      skew: (by, direction = "ahead") =>
        world.skew(direction === "ahead" ? Duration.toMillis(by) : -Duration.toMillis(by)),
      signIn: (username) => Events.signIn(world, username),
      answerDevice: (userCode, answer) => Devices.answer(world, userCode, answer),
      requireMfa: (whom, isRequired = true) => Events.requireMfa(world, whom, isRequired),
      userToken: (options) => UserToken.make(world, options),
      revoke: (username) => Events.revoke(world, username),
      revokeApp: (clientId) => Events.revokeApp(world, clientId),
      disable: (username) => Events.disable(world, username),
      moveTo: (username, address) => Events.moveTo(world, username, address),
      withdrawConsent: (clientId, api) => Effect.sync(() => Consents.withdraw(world, clientId, api)),
      grantConsent: (clientId, api, scopes) => Effect.sync(() => Consents.grant(world, clientId, api, scopes)),
      setPolicies: (appId, policies) => Effect.sync(() => void world.memory.policies.set(appId.toLowerCase(), policies))
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

import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Config from "effect/Config"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as BrowserNode from "../client/BrowserNode.js"
import type { DeviceCode } from "../client/DeviceCode.js"
import * as IdTokenVerifier from "../client/IdTokenVerifier.js"
import * as LoopbackServerNode from "../client/LoopbackServerNode.js"
import * as PublicClient from "../client/PublicClient.js"
import { printable } from "../core/prose.js"
import { clientOptions } from "./clientFlags.js"
import { failure } from "./failure.js"
import * as Home from "./home.js"
import { layerClient, withClientConfig } from "./person.js"
import { Screen, type ScreenService } from "./screen.js"

const clock = (left: Duration.Duration): string => {
  const seconds = Math.max(0, Math.ceil(Duration.toSeconds(left)))
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`
}

/** One line, written over each second. */
const countdown = ({ note }: ScreenService, { expiresOn }: DeviceCode) =>
  Effect.gen(function* () {
    const now = yield* DateTime.now
    yield* note(`\r  the code is good for ${clock(DateTime.distanceDuration(now, expiresOn))} `)
    yield* Effect.sleep("1 second")
  }).pipe(Effect.forever, Effect.ensuring(note("\r\u001b[K")))

/** Shows the code; on a terminal it is told how long it is good, until the sign-in has ended. */
const prompt = (screen: ScreenService) => (code: DeviceCode) =>
  Effect.gen(function* () {
    yield* screen.note(`${printable(code.message)}\n`)
    if (screen.isInteractive) yield* Effect.forkScoped(countdown(screen, code))
  })

const flags = {
  ...clientOptions,
  scope: Options.text("scope").pipe(
    Options.withDescription("What to consent to, such as https://graph.microsoft.com/User.Read; may be repeated"),
    Options.repeated
  ),
  device: Options.boolean("device").pipe(
    Options.withDescription("Show a code to type into a browser elsewhere, as over SSH")
  ),
  json: Options.boolean("json").pipe(Options.withDescription("Print one JSON document"))
}

type Flags = Command.Command.ParseConfig<typeof flags>

const basic = ["User.Read"]

const signIn = (wanted: Flags) =>
  Effect.gen(function* () {
    const screen = yield* Screen
    const client = yield* PublicClient.PublicClient
    const scopes = wanted.scope.length === 0 ? basic : wanted.scope
    const byDevice = client.acquireTokenByDeviceCode({ scopes, prompt: prompt(screen) })
    if (wanted.device) return yield* byDevice
    const byBrowser = Effect.zipRight(
      screen.note("Sign in in the browser that opens.\n"),
      client.acquireTokenInteractive({ scopes, prompt: "select_account" })
    )
    return yield* Effect.catchTag(byBrowser, "CredentialUnavailable", ({ reason }) =>
      Effect.zipRight(screen.note(`No browser here: ${printable(reason)}.\n`), byDevice)
    )
  }).pipe(Effect.scoped)

const rememberClient = Effect.flatMap(
  Config.all({
    clientId: Config.string("AZURE_CLIENT_ID"),
    tenantId: Config.option(Config.string("AZURE_TENANT_ID")),
    authorityHost: Config.option(Config.string("AZURE_AUTHORITY_HOST"))
  }),
  ({ authorityHost, clientId, tenantId }) =>
    Home.remember({
      clientId,
      tenantId: Option.getOrUndefined(tenantId),
      authorityHost: Option.getOrUndefined(authorityHost)
    })
)

const run = (wanted: Flags) =>
  withClientConfig(
    wanted,
    Effect.gen(function* () {
      const screen = yield* Screen
      const { account } = yield* signIn(wanted)
      yield* rememberClient
      const { homeAccountId, tenantId, username } = account
      yield* screen.result(
        wanted.json
          ? JSON.stringify({ account: { homeAccountId, tenantId, username } })
          : `Signed in as ${printable(username ?? homeAccountId)}, tenant ${printable(tenantId)}`
      )
    }).pipe(
      Effect.provide(
        Layer.mergeAll(BrowserNode.layer, LoopbackServerNode.layer, IdTokenVerifier.layer).pipe(
          Layer.provideMerge(layerClient)
        )
      )
    )
  ).pipe(Effect.catchAll((error) => failure(wanted.json, error)))

export const loginCommand = Command.make("login", flags, run).pipe(
  Command.withDescription("Sign in, by the browser of this machine or by a code typed into another one")
)

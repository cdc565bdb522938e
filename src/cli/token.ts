import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Prompt from "@effect/cli/Prompt"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TokenCache from "../cache/TokenCache.js"
import * as ConfidentialClient from "../client/ConfidentialClient.js"
import * as PublicClient from "../client/PublicClient.js"
import type { AccessToken } from "../core/AccessToken.js"
import { printable } from "../core/prose.js"
import * as EntraEmulatorNode from "../emulator/EntraEmulatorNode.js"
import { accountOption } from "./accounts.js"
import { clientConfig, clientOptions } from "./clientFlags.js"
import { type Demo, runDemo } from "./demo.js"
import { failure } from "./failure.js"
import { accountNamed, layerClient, withClientConfig } from "./person.js"
import { errorLines, reportToken, tokenLines } from "./report.js"
import { Screen } from "./screen.js"
import * as Timeline from "./timeline.js"

const options = {
  ...clientOptions,
  account: accountOption,
  secretFile: Options.file("secret-file", { exists: "yes" }).pipe(
    Options.withDescription("A file that holds the client secret, instead of AZURE_CLIENT_SECRET"),
    Options.optional
  ),
  scope: Options.text("scope").pipe(
    Options.withDescription("What the token is for, such as https://graph.microsoft.com/.default; may be repeated"),
    Options.repeated
  ),
  emulator: Options.boolean("emulator").pipe(
    Options.withDescription("Show everything against an emulator of Entra ID on loopback; needs nothing else")
  ),
  printToken: Options.boolean("print-token").pipe(Options.withDescription("Print the token itself, and nothing else")),
  json: Options.boolean("json").pipe(Options.withDescription("Print one JSON document, with the timeline"))
}

type Flags = Command.Command.ParseConfig<typeof options>

const readSecret = (path: string) =>
  Effect.map(
    Effect.flatMap(FileSystem.FileSystem, (fs) => fs.readFileString(path)),
    (content) => content.trim()
  )

const isMissing = (config: Config.Config<unknown>) => Effect.map(Effect.option(config), Option.isNone)

/** From the file, the environment, or the person at the terminal; never from a flag, which everybody on the machine sees. */
const secretOf = (flags: Flags) =>
  Effect.gen(function* () {
    if (Option.isSome(flags.secretFile)) return Option.some(yield* readSecret(flags.secretFile.value))
    const { isInteractive } = yield* Screen
    if (!isInteractive || !(yield* isMissing(Config.string("AZURE_CLIENT_SECRET")))) return Option.none<string>()
    return Option.some(Redacted.value(yield* Prompt.password({ message: "Client secret" })))
  })

const acquireForApp = (flags: Flags) =>
  Effect.gen(function* () {
    const provider = yield* clientConfig(flags, { given: { AZURE_CLIENT_SECRET: yield* secretOf(flags) } })
    return yield* Effect.flatMap(ConfidentialClient.ConfidentialClient, ({ app }) =>
      app.forScopes(flags.scope).getToken()
    ).pipe(
      Effect.provide(Layer.provide(ConfidentialClient.layerConfig(), TokenCache.layerMemory())),
      Effect.withConfigProvider(provider)
    )
  })

/** Silently: who is not signed in any more has to sign in again. */
const acquireForAccount = (flags: Flags) =>
  withClientConfig(
    flags,
    Effect.gen(function* () {
      const client = yield* PublicClient.PublicClient
      const account = yield* accountNamed(client, flags.account)
      return yield* client.acquireTokenSilent({ account, scopes: flags.scope })
    }).pipe(Effect.provide(layerClient))
  )

const acquire = (flags: Flags) =>
  Effect.if(Option.isSome(flags.account), {
    onTrue: () => acquireForAccount(flags),
    onFalse: () => acquireForApp(flags)
  })

const show = (flags: Flags, moments: ReadonlyArray<Timeline.Moment>, json: object, lines: ReadonlyArray<string>) =>
  Effect.flatMap(Screen, (screen) =>
    flags.json
      ? screen.result(JSON.stringify({ ...json, timeline: moments }))
      : Effect.forEach(lines, screen.result, { discard: true })
  )

const showToken = (flags: Flags, token: AccessToken, moments: ReadonlyArray<Timeline.Moment>) => {
  const value = flags.printToken ? Redacted.value(token.accessToken) : undefined
  const report = reportToken(token)
  return show(flags, moments, { token: report, accessToken: value }, value === undefined ? tokenLines(report) : [value])
}

const showDemo = (flags: Flags, demo: Demo, moments: ReadonlyArray<Timeline.Moment>) => {
  const { api, refusal, second } = demo
  if (flags.printToken) return showToken(flags, demo.token, moments)
  const token = reportToken(demo.token)
  return show(flags, moments, { token, second, api, refusal }, [
    ...tokenLines(token),
    "",
    `asked again      from ${second.source}, in ${second.micros.toFixed(0)} µs`,
    `API call         HTTP ${api.status} ${printable(api.body)}`,
    "",
    "and with a wrong secret:",
    ...errorLines(refusal)
  ])
}

const run = (flags: Flags) =>
  Effect.gen(function* () {
    const timeline = yield* Timeline.make({ quiet: flags.json })
    if (flags.emulator) {
      const demo = yield* timeline.show(Effect.provide(runDemo, EntraEmulatorNode.layer()))
      return yield* showDemo(flags, demo, yield* timeline.moments)
    }
    const token = yield* timeline.show(acquire(flags))
    yield* showToken(flags, token, yield* timeline.moments)
  }).pipe(
    Effect.provide(NodeHttpClient.layerUndici),
    Effect.scoped,
    Effect.catchAll((error) => failure(flags.json, error))
  )

export const tokenCommand = Command.make("token", options, run).pipe(
  Command.withDescription(
    "Acquire the token of an app, or of somebody who is signed in (--account), and show what is in it"
  )
)

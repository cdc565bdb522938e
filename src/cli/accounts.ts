import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as PublicClient from "../client/PublicClient.js"
import type { Account } from "../core/Account.js"
import { printable } from "../core/prose.js"
import { clientOptions } from "./clientFlags.js"
import { failure } from "./failure.js"
import { accountNamed, layerClient, withClientConfig } from "./person.js"
import { Screen } from "./screen.js"

const json = Options.boolean("json").pipe(Options.withDescription("Print one JSON document"))

export const accountOption = Options.text("account").pipe(
  Options.withDescription("Who, by the user name; needed where several are signed in"),
  Options.optional
)

const shown = ({ homeAccountId, name, tenantId, username }: Account) => ({ username, name, tenantId, homeAccountId })

const line = ({ homeAccountId, name, tenantId, username }: Account): string =>
  printable([username ?? homeAccountId, name, `tenant ${tenantId}`].filter((part) => part !== undefined).join("  "))

export const accountsCommand = Command.make("accounts", { ...clientOptions, json }, (flags) =>
  withClientConfig(
    flags,
    Effect.gen(function* () {
      const screen = yield* Screen
      const accounts = yield* Effect.flatMap(PublicClient.PublicClient, ({ getAccounts }) => getAccounts)
      if (flags.json) return yield* screen.result(JSON.stringify(accounts.map(shown)))
      if (accounts.length === 0) return yield* screen.note("Nobody is signed in. Sign in: effect-entra login\n")
      yield* Effect.forEach(accounts.map(line), screen.result, { discard: true })
    }).pipe(Effect.provide(layerClient))
  ).pipe(Effect.catchAll((error) => failure(flags.json, error)))
).pipe(Command.withDescription("Show who is signed in"))

export const logoutCommand = Command.make("logout", { ...clientOptions, account: accountOption, json }, (flags) =>
  withClientConfig(
    flags,
    Effect.gen(function* () {
      const screen = yield* Screen
      const client = yield* PublicClient.PublicClient
      const account = yield* accountNamed(client, flags.account)
      yield* client.removeAccount(account)
      const url = yield* client.getLogoutUrl({ logoutHint: account.username })
      if (flags.json) return yield* screen.result(JSON.stringify({ account: shown(account), signOutUrl: url.href }))
      yield* screen.result(`Forgot ${line(account)}`)
      yield* screen.note(`A browser stays signed in until it visits ${url.href}\n`)
    }).pipe(Effect.provide(layerClient))
  ).pipe(Effect.catchAll((error) => failure(flags.json, error)))
).pipe(Command.withDescription("Forget somebody who is signed in, with all tokens"))

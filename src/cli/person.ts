import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { variable } from "../client/environment.js"
import * as PublicClient from "../client/PublicClient.js"
import type { Account } from "../core/Account.js"
import { ConfigurationError } from "../core/TokenError.js"
import { type ClientFlags, clientConfig } from "./clientFlags.js"
import * as Home from "./home.js"

/** What was remembered of this client: that of another is no help. */
const rememberedFor = (flags: ClientFlags) =>
  Effect.gen(function* () {
    const wanted = Option.getOrUndefined(flags.clientId) ?? (yield* variable("AZURE_CLIENT_ID"))
    const known = Option.filter(yield* Home.remembered, ({ clientId }) => wanted === undefined || wanted === clientId)
    return {
      AZURE_CLIENT_ID: Option.map(known, ({ clientId }) => clientId),
      AZURE_TENANT_ID: Option.flatMapNullable(known, ({ tenantId }) => tenantId),
      AZURE_AUTHORITY_HOST: Option.flatMapNullable(known, ({ authorityHost }) => authorityHost)
    }
  })

/** The settings of the flags and the environment, else of who signed in last. */
export const withClientConfig = <A, E, R>(flags: ClientFlags, effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(rememberedFor(flags), (remembered) =>
    Effect.flatMap(clientConfig(flags, { remembered }), (provider) => Effect.withConfigProvider(effect, provider))
  )

/** The client that people sign in to, over the cache that outlives the process. */
export const layerClient = PublicClient.layerConfig().pipe(
  Layer.provide(Home.layerCache),
  Layer.provideMerge(NodeHttpClient.layerUndici)
)

/** How a person is named: by the user name, or the home account id. */
const isNamed = (name: string) => (account: Account) =>
  [account.username, account.homeAccountId].some((known) => known?.toLowerCase() === name.toLowerCase())

const noAccount = (known: ReadonlyArray<Account>) =>
  new ConfigurationError({
    parameter: "account",
    expected:
      known.length === 0
        ? "somebody who is signed in; nobody is"
        : `one of ${known.map(({ homeAccountId, username }) => username ?? homeAccountId).join(", ")}`,
    remedy: "Sign in: effect-entra login."
  })

/** The account that a name means; without one, the only one there is. */
export const accountNamed = (
  client: PublicClient.PublicClientService,
  name: Option.Option<string>
): Effect.Effect<Account, ConfigurationError> =>
  Effect.flatMap(client.getAccounts, (all) => {
    const [first, ...others] = Option.match(name, { onNone: () => all, onSome: (it) => all.filter(isNamed(it)) })
    return first === undefined || others.length > 0 ? noAccount(all) : Effect.succeed(first)
  })

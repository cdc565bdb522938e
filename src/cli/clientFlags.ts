import * as Options from "@effect/cli/Options"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** Which client, of which tenant, in which cloud. */
export const clientOptions = {
  tenant: Options.text("tenant").pipe(Options.withDescription("Overrides AZURE_TENANT_ID"), Options.optional),
  clientId: Options.text("client-id").pipe(Options.withDescription("Overrides AZURE_CLIENT_ID"), Options.optional),
  authorityHost: Options.text("authority-host").pipe(
    Options.withDescription("Overrides AZURE_AUTHORITY_HOST"),
    Options.optional
  )
}

export interface ClientFlags {
  readonly tenant: Option.Option<string>
  readonly clientId: Option.Option<string>
  readonly authorityHost: Option.Option<string>
}

type Values = Readonly<Record<string, Option.Option<string>>>

const providerOf = (values: Values) =>
  ConfigProvider.fromMap(
    new Map(
      Object.entries(values).flatMap(([name, value]) => (Option.isSome(value) ? [[name, value.value] as const] : []))
    )
  )

/** What was given here before what the environment holds, and what was remembered after both. */
export const clientConfig = (
  { authorityHost, clientId, tenant }: ClientFlags,
  { given = {}, remembered = {} }: { readonly given?: Values; readonly remembered?: Values } = {}
): Effect.Effect<ConfigProvider.ConfigProvider> =>
  Effect.configProviderWith((environment) =>
    Effect.succeed(
      providerOf({
        AZURE_TENANT_ID: tenant,
        AZURE_CLIENT_ID: clientId,
        AZURE_AUTHORITY_HOST: authorityHost,
        ...given
      }).pipe(
        ConfigProvider.orElse(() => environment),
        ConfigProvider.orElse(() => providerOf(remembered))
      )
    )
  )

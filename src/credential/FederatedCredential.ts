/**
 * Another identity provider's token as a client's credential (workload identity federation): no secret to keep.
 *
 * @since 0.1.0
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { CredentialUnavailable } from "../core/TokenError.js"
import type { TokenProvider } from "../core/TokenProvider.js"
import * as ClientCredential from "./ClientCredential.js"

/** No token comes near this; a file that does is another file. */
const largestFile = FileSystem.MiB(1)

const unavailable = (reason: string) => new CredentialUnavailable({ credential: "federated token file", reason })

const readToken = (fs: FileSystem.FileSystem, path: string) =>
  Effect.gen(function* () {
    const { size } = yield* fs.stat(path)
    if (size > largestFile) return yield* unavailable("the file is larger than 1 MiB")
    const token = (yield* fs.readFileString(path)).trim()
    return token.length === 0 ? yield* unavailable("the file is empty") : Redacted.make(token)
  }).pipe(Effect.catchTags({ SystemError: unreadable, BadArgument: unreadable }))

const unreadable = (error: { readonly _tag: string; readonly reason?: string }) =>
  unavailable(`the file can't be read (${error.reason ?? error._tag})`)

/**
 * The token in a file that someone else renews, such as `AZURE_FEDERATED_TOKEN_FILE` in Kubernetes: read for each request
 * that is really sent, for it changes.
 *
 * Source: Microsoft Entra Workload ID.
 *
 * @since 0.1.0
 * @category constructors
 */
export const tokenFile = (
  path: string
): Effect.Effect<ClientCredential.ClientCredential, never, FileSystem.FileSystem> =>
  Effect.map(FileSystem.FileSystem, (fs) => ({
    prepare: Effect.succeed(
      ClientCredential.constant(path, (authentication) =>
        Effect.map(ClientCredential.inTime(authentication)(readToken(fs, path)), ClientCredential.assertionParameters)
      )
    )
  }))

/**
 * The audience of tokens that Entra's public cloud takes as an app's credential.
 *
 * @since 0.1.0
 * @category constants
 */
export const publicAudience = "api://AzureADTokenExchange"

/**
 * Another identity's token as the app's credential, such as a managed identity's. Other clouds have other audiences, which
 * the federated credential of the app registration names.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromTokenProvider = <E>(
  provider: TokenProvider<E>,
  options?: { readonly audience?: string | undefined }
): ClientCredential.ClientCredential => {
  const source = provider.forScopes(`${options?.audience ?? publicAudience}/.default`)
  return ClientCredential.assertion(() => Effect.map(source.getToken(), ({ accessToken }) => accessToken))
}

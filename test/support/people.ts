import { HttpClient } from "@effect/platform"
import { Effect, Layer, type Redacted } from "effect"
import type { AuthCodeUrlRequest } from "../../src/client/AuthorizationCode.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as IdTokenVerifier from "../../src/client/IdTokenVerifier.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import { defaults, layer as emulated } from "./emulated.js"

/** As `emulated.layer`, for programs in which people sign in. */
export const layer = (...options: Parameters<typeof emulated>) =>
  IdTokenVerifier.layer.pipe(Layer.provideMerge(emulated(...options)))

export const client = ConfidentialClient.ConfidentialClient

export const request = {
  redirectUri: defaults.redirectUri,
  scopes: [defaults.apiUserScope]
} as const satisfies AuthCodeUrlRequest

/** Sends a browser there whose user is signed in, and gives what it comes back with. */
export const visit = (url: URL, username: string | undefined = defaults.username) =>
  Effect.gen(function* () {
    const { signIn } = yield* EntraEmulator.EntraEmulator
    yield* signIn(username)
    const browser = HttpClient.withTracerDisabledWhen(yield* HttpClient.HttpClient, () => true)
    const { headers } = yield* Effect.orDie(browser.get(url))
    return new URL(headers.location ?? "").searchParams
  })

/** A whole sign-in. */
export const signIn = (
  change: Partial<AuthCodeUrlRequest> = {},
  { session, username }: { readonly session?: string; readonly username?: string } = {}
) =>
  Effect.gen(function* () {
    const { acquireTokenByCode, getAuthCodeUrl } = yield* client
    const { flow, url } = yield* getAuthCodeUrl({ ...request, ...change })
    const response = yield* visit(url, username)
    return yield* acquireTokenByCode({ flow, response, session })
  })

/** The access token that a caller's client got for the app's own API. */
export const callerToken = (
  options: Partial<EntraEmulator.UserTokenOptions> = {}
): Effect.Effect<Redacted.Redacted, never, EntraEmulator.EntraEmulator> =>
  Effect.flatMap(EntraEmulator.EntraEmulator, ({ userToken }) =>
    userToken({ username: defaults.username, api: defaults.middleTierIdentifierUri, ...options })
  )

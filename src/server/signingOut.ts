import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ExchangeError } from "../core/TokenError.js"
import { isFromHere } from "./browserRequest.js"
import { bare, redirect, show } from "./page.js"
import type { Session } from "./session.js"
import { type Answer, type Parts, signInLink, tell } from "./signingIn.js"

/**
 * Forgets who was signed in, with all their tokens, and has the authority do so too
 * (OpenID Connect RP-Initiated Logout 2).
 *
 * @internal
 */
export const make = ({ client, sessions, settings }: Parts): Answer => {
  const { postLogoutRedirectUri, site } = settings

  /** The id token's optional claim `login_hint`, by which Entra ends the right session without asking. */
  const forget = ({ homeAccountId, id }: Session) =>
    Effect.gen(function* () {
      const accounts = yield* client.getAccounts({ session: id })
      const account = accounts.find((each) => each.homeAccountId === homeAccountId)
      yield* client.removeAccount({ account: { homeAccountId }, session: id })
      const hint = account?.idTokenClaims.login_hint
      return typeof hint === "string" ? hint : undefined
    })

  const onlyHere = (failure: ExchangeError) =>
    failure._tag === "ConfigurationError"
      ? redirect(postLogoutRedirectUri ?? "/")
      : show({
          status: 200,
          title: "You are signed out of this app",
          text: "The service that you signed in with could not be reached: you may still be signed in there.",
          link: signInLink(settings)
        })

  return Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    if (!isFromHere(request, settings.origin)) return bare(403)
    const session = yield* sessions.current(site)
    const logoutHint = Option.isSome(session) ? yield* forget(session.value) : undefined
    const answer = yield* Effect.match(client.getLogoutUrl({ postLogoutRedirectUri, logoutHint }), {
      onFailure: onlyHere,
      onSuccess: redirect
    })
    return yield* sessions.close(answer, site)
  }).pipe(Effect.catchAll(tell(settings)))
}

/**
 * The parameters of a request to sign somebody in
 * (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow).
 */
import * as Effect from "effect/Effect"
import type { Checked } from "./answers.js"
import type { Facts } from "./asked.js"
import * as ClaimsRequest from "./claimsRequest.js"
import { appOf } from "./clientProof.js"
import type { App } from "./directory.js"
import type { Challenge } from "./memory.js"
import { onceEach, optional, required } from "./parameters.js"
import type { Realm } from "./realm.js"
import * as Redirect from "./redirect.js"
import * as Refusals from "./refusals.js"

/** What the pages send besides. */
const answers = ["login", "passwd", "step", "session", "decision", "mfa", "otc", "canary"]

/** From the query, or from a form (OpenID Connect Core 3.1.2.1). */
export const parametersOf = ({ url, form }: Facts): URLSearchParams =>
  new URLSearchParams([...url.searchParams, ...[...form].filter(([name]) => !answers.includes(name))])

/** From here on an application can be told what is wrong. */
export interface Trusted {
  readonly app: App
  readonly target: Redirect.Target
}

const redirectUriOf = (app: App, asked: string | undefined): Checked<string> => {
  const [first, ...more] = app.redirectUris ?? []
  if (first === undefined) return Effect.fail(Refusals.noRedirectUri)
  if (asked === undefined) {
    return more.length === 0 ? Effect.succeed(first) : Effect.fail(Refusals.missingParameter("redirect_uri"))
  }
  return Redirect.isRegistered(app, asked)
    ? Effect.succeed(asked)
    : Effect.fail(Refusals.unknownRedirectUri(asked, app.clientId))
}

export const trust = (realm: Realm, parameters: URLSearchParams): Checked<Trusted> =>
  Effect.gen(function* () {
    yield* onceEach(parameters)
    const clientId = yield* required(parameters, "client_id")
    const app = yield* appOf(realm, clientId)
    const redirectUri = yield* redirectUriOf(app, optional(parameters, "redirect_uri"))
    const mode = Redirect.modes.find((each) => each === optional(parameters, "response_mode")) ?? "query"
    return { app, target: { redirectUri, mode, state: parameters.get("state") ?? undefined } }
  })

type Prompt = "login" | "none" | "consent" | "select_account"

const prompts: ReadonlyArray<Prompt> = ["login", "none", "consent", "select_account"]

export interface Wanted {
  readonly scope: string
  readonly prompt: Prompt | undefined
  readonly loginHint: string | undefined
  readonly claims: ClaimsRequest.ClaimsRequest
  readonly challenge: Challenge | undefined
  readonly nonce: string | undefined
  readonly wantsAuthTime: boolean
  readonly wantsClientInfo: boolean
}

/** Entra takes `plain` too, and takes it to be meant when no method is named. */
const challengeOf = (parameters: URLSearchParams): Checked<Challenge | undefined> =>
  Effect.gen(function* () {
    const value = optional(parameters, "code_challenge")
    const method = optional(parameters, "code_challenge_method")
    if (value === undefined) {
      return method === undefined ? undefined : yield* Refusals.missingParameter("code_challenge")
    }
    if (method !== undefined && method !== "S256" && method !== "plain") return yield* Refusals.unknownChallengeMethod
    if (!/^[A-Za-z0-9\-._~]{43,128}$/.test(value)) return yield* Refusals.challengeSize
    return { method: method ?? "plain", value }
  })

export const want = (parameters: URLSearchParams): Checked<Wanted> =>
  Effect.gen(function* () {
    const type = yield* required(parameters, "response_type")
    if (type !== "code") return yield* Refusals.unsupportedResponseType(type)
    const mode = optional(parameters, "response_mode")
    if (mode !== undefined && !Redirect.modes.some((each) => each === mode)) {
      return yield* Refusals.unsupportedResponseMode(mode)
    }
    const scope = yield* required(parameters, "scope")
    const asked = optional(parameters, "prompt")
    const prompt = prompts.find((each) => each === asked)
    if (asked !== undefined && prompt === undefined) return yield* Refusals.unsupportedPrompt(asked)
    const claims = yield* ClaimsRequest.parse(parameters)
    return {
      scope,
      prompt,
      loginHint: optional(parameters, "login_hint"),
      claims,
      challenge: yield* challengeOf(parameters),
      nonce: optional(parameters, "nonce"),
      wantsAuthTime: claims.wantsAuthTime || optional(parameters, "max_age") !== undefined,
      wantsClientInfo: optional(parameters, "client_info") === "1"
    }
  })

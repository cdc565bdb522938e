import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { flowLifetime } from "../client/authorizationResponse.js"
import { ConfigurationError } from "../core/TokenError.js"
import { digestOf } from "./digest.js"
import * as Seal from "./seal.js"
import { PendingSignIn, Session, type Site, type WebSessionService, WebSessionUnavailable } from "./session.js"
import type { CookieOptions } from "./WebSession.js"

type Response = HttpServerResponse.HttpServerResponse

/** Characters that all sign-ins under way may take: browsers keep 4096 bytes a cookie, servers read 8 kB of a header. */
const room = 3800

const decodeSession = Schema.decodeUnknownOption(Session)
const encodeSession = Schema.encodeSync(Session)
const decodePending = Schema.decodeUnknownOption(PendingSignIn)
const encodePending = Schema.encodeSync(PendingSignIn)

const wrongName = new ConfigurationError({
  parameter: "name",
  expected: "letters, digits, - and _, 32 of them at most",
  remedy: "Leave it out, or give one without spaces and dots."
})

const wrongLifetime = new ConfigurationError({
  parameter: "lifetime",
  expected: "a finite time of at least a minute",
  remedy: "Leave it out for 8 hours."
})

const tooLarge = new WebSessionUnavailable({
  reason: "the sign-in takes more than a cookie holds; ask for fewer scopes, or keep sessions elsewhere"
})

const write = (
  response: Response,
  name: string,
  value: string,
  site: Site,
  maxAge: Duration.Duration,
  isOpen = false
) =>
  HttpServerResponse.unsafeSetCookie(response, name, value, {
    path: "/",
    httpOnly: true,
    secure: site.isSecure,
    sameSite: isOpen && site.isPosted ? "none" : "lax",
    maxAge
  })

/** A sign-in as its cookie holds it. */
interface Kept {
  readonly name: string
  readonly size: number
  readonly startedAt: number
}

/** Those that have to go, so that another of this size finds room. */
const overdue = (kept: ReadonlyArray<Kept>, size: number): ReadonlyArray<Kept> => {
  const newestFirst = kept.toSorted((one, other) => other.startedAt - one.startedAt)
  let taken = size
  return newestFirst.filter((each) => {
    taken += each.size
    return taken > room
  })
}

/**
 * @internal
 */
export const make = ({
  keys,
  lifetime = "8 hours",
  name = "entra"
}: CookieOptions): Effect.Effect<WebSessionService, ConfigurationError> =>
  Effect.gen(function* () {
    if (!/^[\w-]{1,32}$/.test(name)) return yield* wrongName
    const sessionLifetime = Duration.decode(lifetime)
    if (!Duration.isFinite(sessionLifetime) || Duration.lessThan(sessionLifetime, Duration.minutes(1)))
      return yield* wrongLifetime
    const secrets = Redacted.isRedacted(keys) ? ([keys] as const) : keys
    const sessions = yield* Seal.make(secrets, `effect-entra/WebSession/session/${name}`)
    const signIns = yield* Seal.make(secrets, `effect-entra/WebSession/sign-in/${name}`)

    const sessionName = ({ isSecure }: Site) => `${isSecure ? "__Host-" : ""}${name}-session`
    const signInPrefix = ({ isSecure }: Site) => `${isSecure ? "__Host-" : ""}${name}-sign-in.`
    const signInName = (state: string, site: Site) =>
      Effect.map(digestOf(state), (digest) => `${signInPrefix(site)}${digest}`)

    const cookies = Effect.map(HttpServerRequest.HttpServerRequest, (request) => request.cookies)

    const read = <A>(seal: Seal.Seal, value: string | undefined, decode: (content: unknown) => Option.Option<A>) =>
      value === undefined ? Effect.succeedNone : Effect.map(seal.open(value), Option.flatMap(decode))

    const keptOf = ([name, value]: readonly [string, string]): Effect.Effect<Kept> =>
      Effect.map(read(signIns, value, decodePending), (pending) => ({
        name,
        size: name.length + value.length,
        startedAt: Option.match(pending, { onNone: () => 0, onSome: ({ flow }) => flow.startedAt })
      }))

    return {
      current: (site) => Effect.flatMap(cookies, (all) => read(sessions, all[sessionName(site)], decodeSession)),
      open: (response, session, site) =>
        Effect.map(
          sessions.close(encodeSession(session), session.signedInAt + Duration.toMillis(sessionLifetime)),
          (sealed) => write(response, sessionName(site), sealed, site, sessionLifetime)
        ),
      close: (response, site) => Effect.succeed(write(response, sessionName(site), "", site, Duration.zero)),
      pending: (state, site) =>
        Effect.gen(function* () {
          const all = yield* cookies
          const found = yield* read(signIns, all[yield* signInName(state, site)], decodePending)
          return Option.filter(found, ({ flow }) => Redacted.value(flow.state) === state)
        }),
      begin: (response, pending, site) =>
        Effect.gen(function* () {
          const all = yield* cookies
          const until = (yield* Clock.currentTimeMillis) + flowLifetime
          const sealed = yield* signIns.close(encodePending(pending), until)
          const signIn = yield* signInName(Redacted.value(pending.flow.state), site)
          const size = signIn.length + sealed.length
          if (size > room) return yield* tooLarge
          const others = Object.entries(all).filter(([each]) => each.startsWith(signInPrefix(site)))
          const gone = overdue(yield* Effect.forEach(others, keptOf), size)
          const cleared = gone.reduce((all, each) => write(all, each.name, "", site, Duration.zero, true), response)
          return write(cleared, signIn, sealed, site, Duration.millis(flowLifetime), true)
        }),
      end: (response, state, site) =>
        Effect.map(signInName(state, site), (signIn) => write(response, signIn, "", site, Duration.zero, true))
    }
  })

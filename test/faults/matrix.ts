import { Clock, Duration, Effect, Either, Random, type Scope } from "effect"
import * as Fault from "../../src/emulator/Fault.js"
import { type Play, perform, type Stage } from "./stage.js"
import { clientCredentials, type Subject } from "./subjects.js"
import { isRefusal, noConnection, noHead, stalledBody, type Trouble } from "./wire.js"

/** The least and the most that may pass, in milliseconds: jitter at its smallest and at its largest. */
export type Time = readonly [least: number, most: number]

/** What a caller got. */
export interface Ending {
  readonly outcome: string
  readonly requests: number
  readonly time: Time
}

/** What the server did with a request that met the fault: only what it has not taken may be offered again. */
export type Fate = "notSent" | "putOff" | "taken"

export interface Row {
  readonly name: string
  readonly trouble: Trouble
  readonly fate: Fate
  /** The fault meets the first request only. */
  readonly once: Ending
  /** The fault meets every request. */
  readonly always: Ending
  /** For how many milliseconds the principal is held back afterwards, nothing being sent. */
  readonly holds: number
  /** Whether everyone is, as the server spoke of itself. */
  readonly holdsAll?: boolean
  /** How many of the retries were paid from the client's budget. */
  readonly paid: number
  /** How long one attempt takes. */
  readonly attempt: number
  /** What it is for a grant that is used up by asking: there is nothing to come back with. */
  readonly usedUp?: string
  /** Said by `error` (and `suberror`), so that it means different things to different askers. */
  readonly refusal?: string
  /** Members and codes that only Entra gives. */
  readonly entraOnly?: boolean
  /** How the time to come back is written. */
  readonly dateForm?: keyof typeof httpDates
}

const attempts = 4
const backoff = (retry: number): number => 500 * 2 ** retry

/** A request that is sent again: by backoff alone, or no sooner than the server asked. */
const again = (outcome: string, { asked = 0, attempt = 0 } = {}): Pick<Row, "once" | "always"> => {
  const most = (retry: number) => Math.max(asked + asked / 10, backoff(retry))
  const waits = [0, 1, 2].reduce((sum, retry) => sum + most(retry), 0)
  return {
    once: { outcome: "token", requests: 2, time: [attempt + asked, attempt + most(0)] },
    always: { outcome, requests: attempts, time: [attempts * attempt + 3 * asked, attempts * attempt + waits] }
  }
}

/** A request that is not sent again. */
const final = (outcome: string): Pick<Row, "once" | "always"> => {
  const ending = { outcome, requests: 1, time: [0, 0] } as const
  return { once: ending, always: ending }
}

const plain = { fate: "taken", holds: 0, paid: 3, attempt: 0 } as const

/** A failure that backoff alone answers. */
const transient = (name: string, trouble: Trouble, outcome: string, change: Partial<Row> = {}): Row => ({
  ...plain,
  name,
  trouble,
  ...again(outcome, change),
  ...change
})

/** 429 with a time: obeyed, shared, and free of charge. */
const throttled = (name: string, headers: Readonly<Record<string, string>>, asked: number): Row => ({
  ...plain,
  name: `429, ${name}`,
  trouble: Fault.respond({ status: 429, body: "Too many requests", headers }),
  fate: "putOff",
  ...again("Throttled", { asked }),
  holds: asked,
  paid: 0
})

/** 429 with nothing that can be read as a time. */
const bare = (name: string, headers: Readonly<Record<string, string>>): Row =>
  transient(`429, ${name}`, Fault.respond({ status: 429, headers }), "Throttled", { fate: "putOff", holds: 5000 })

/** A wait that is longer than the policy allows is the caller's. */
const tooLong = (name: string, trouble: Trouble, holds: number, fate: Fate, change: Partial<Row> = {}): Row => ({
  ...plain,
  name,
  trouble,
  fate,
  ...final("Throttled"),
  holds,
  paid: 0,
  ...change
})

/** The three forms of an HTTP-date (RFC 9110 5.6.7). */
export const httpDates = {
  "IMF-fixdate": (millis: number) => new Date(millis).toUTCString(),
  "RFC 850 date": (millis: number) => {
    const [, day, month, year, time] = new Date(millis).toUTCString().split(" ")
    const weekday = new Date(millis).toLocaleDateString("en", { weekday: "long", timeZone: "UTC" })
    return `${weekday}, ${day}-${month}-${year?.slice(2)} ${time} GMT`
  },
  "asctime date": (millis: number) => {
    const [weekday, day, month, year, time] = new Date(millis).toUTCString().split(" ")
    return `${weekday?.slice(0, 3)} ${month} ${day?.replace(/^0/, " ")} ${time} ${year}`
  }
}

/** 2 s by the answer's own clock, which stands. */
const dated = (form: keyof typeof httpDates): Row => {
  const headers = { date: httpDates["IMF-fixdate"](0), "retry-after": httpDates[form](2000) }
  return { ...throttled(`Retry-After: ${form}`, headers, 2000), dateForm: form }
}

const status = (code: number, outcome = "AuthorityUnavailable") =>
  transient(`${code}`, Fault.respond({ status: code }), outcome)

const unavailable503 = (asked: number): Row => ({
  ...plain,
  name: `503, Retry-After: ${asked / 1000}`,
  trouble: Fault.unavailable(String(asked / 1000)),
  ...again("AuthorityUnavailable", { asked }),
  holds: asked,
  holdsAll: true,
  paid: 0
})

const interaction = { user: "InteractionRequired", device: "InteractionRequired" }

/** What an `error` means by who asks, or an `error` with a `suberror` or claims; the same everywhere unless told. */
const meaning: Readonly<Record<string, Partial<Record<Subject["asker"], string>>>> = {
  invalid_client: { app: "InvalidClient", user: "InvalidClient", device: "InvalidClient" },
  invalid_grant: { user: "InvalidGrant", device: "InvalidGrant" },
  "invalid_grant, bad_token": { user: "InvalidGrant", device: "InvalidGrant" },
  "invalid_grant, protection_policy_required": { user: "InvalidGrant", device: "InvalidGrant" },
  "invalid_grant, basic_action": interaction,
  "invalid_grant, user_password_expired": interaction,
  "invalid_grant with claims": interaction,
  "interaction_required with claims": interaction,
  interaction_required: interaction,
  consent_required: interaction,
  login_required: interaction,
  account_selection_required: interaction,
  access_denied: { device: "AuthorizationDeclined" },
  authorization_declined: { device: "AuthorizationDeclined" },
  bad_verification_code: { device: "InvalidGrant" },
  expired_token: { device: "DeviceCodeExpired" },
  code_expired: { device: "DeviceCodeExpired" }
}

const refusals = [
  "invalid_request",
  "invalid_grant",
  "unauthorized_client",
  "invalid_client",
  "unsupported_grant_type",
  "unsupported_response_type",
  "invalid_resource",
  "invalid_scope",
  "interaction_required",
  "consent_required",
  "login_required",
  "account_selection_required",
  "access_denied",
  "authorization_declined",
  "bad_verification_code",
  "expired_token",
  "code_expired",
  "invalid_instance",
  "permission_denied",
  "invalid_target",
  "invalid_dpop_proof",
  "insufficient_user_authentication",
  "an_error_of_tomorrow"
]

const refused = (error: string, code = 400, members: Readonly<Record<string, Fault.Json>> = {}): Row => ({
  ...plain,
  name: `${code} ${error}`,
  trouble: Fault.respond({ status: code, body: { error, error_description: "What is wrong, in prose.", ...members } }),
  ...final("RequestRejected"),
  refusal: error,
  paid: 0
})

/** Entra tells by `suberror` and `claims` what is to be done. */
const refined = (refusal: string, error: string, members: Readonly<Record<string, Fault.Json>>): Row => ({
  ...refused(error, 400, members),
  name: `400 ${refusal}`,
  refusal,
  entraOnly: true
})

const suberror = (name: string): Row => refined(`invalid_grant, ${name}`, "invalid_grant", { suberror: name })

const withClaims = (error: string): Row =>
  refined(`${error} with claims`, error, { claims: JSON.stringify({ access_token: { acrs: { value: "c1" } } }) })

const redirect = (code: number): Row => ({
  ...plain,
  name: `${code} to another host`,
  trouble: Fault.redirect("https://attacker.example/token", code),
  ...final("MalformedResponse"),
  paid: 0
})

const malformed = (name: string, trouble: Trouble) => transient(name, trouble, "MalformedResponse")
const attemptTimeout = 10_000

/** Every way in which asking for a token goes wrong, and what must come of it. */
export const rows: ReadonlyArray<Row> = [
  throttled("Retry-After: 2", { "retry-after": "2" }, 2000),
  dated("IMF-fixdate"),
  dated("RFC 850 date"),
  dated("asctime date"),
  throttled("Retry-After: a date of the past", { "retry-after": "Mon, 01 Jan 1900 00:00:00 GMT" }, 0),
  throttled("Retry-After: 0", { "retry-after": "0" }, 0),
  throttled("retry-after-ms: 250", { "retry-after-ms": "250" }, 250),
  throttled("x-ms-retry-after-ms: 250", { "x-ms-retry-after-ms": "250" }, 250),
  bare("no header", {}),
  bare("Retry-After: -5", { "retry-after": "-5" }),
  bare("Retry-After: soon", { "retry-after": "soon" }),
  {
    ...throttled("Retry-After: 25", { "retry-after": "25" }, 25_000),
    // The third wait would end after the flight's 60 s.
    always: { outcome: "Throttled", requests: 3, time: [50_000, 55_000] }
  },
  tooLong("429, Retry-After: 10 days", Fault.throttled("864000"), 3_600_000, "putOff"),
  tooLong(
    "400 invalid_grant, AADSTS50196 (client loop)",
    Fault.respond({ status: 400, body: { error: "invalid_grant", error_codes: [50196] } }),
    60_000,
    "taken",
    { entraOnly: true }
  ),
  status(408),
  transient(
    "500 in Entra's words",
    Fault.respond({ status: 500, body: { error: "server_error", error_codes: [90012] } }),
    "AuthorityUnavailable"
  ),
  transient("500 {}", Fault.respond({ status: 500, body: {} }), "AuthorityUnavailable"),
  { ...status(501), ...final("AuthorityUnavailable"), paid: 0 },
  transient("502 HTML", Fault.html(502), "AuthorityUnavailable"),
  transient("503, no header", Fault.unavailable(), "AuthorityUnavailable"),
  unavailable503(2000),
  tooLong("503, Retry-After: 120", Fault.unavailable("120"), 120_000, "taken", {
    holdsAll: true,
    usedUp: "AuthorityUnavailable"
  }),
  status(504),
  { ...status(505), ...final("AuthorityUnavailable"), paid: 0 },
  transient(
    "400 server_error",
    Fault.respond({ status: 400, body: { error: "server_error" } }),
    "AuthorityUnavailable"
  ),
  transient(
    "400 temporarily_unavailable",
    Fault.respond({ status: 400, body: { error: "temporarily_unavailable" } }),
    "AuthorityUnavailable"
  ),
  transient("refused", noConnection("ECONNREFUSED"), "TransportError refused", { fate: "notSent" }),
  transient("unresolved", noConnection("ENOTFOUND"), "TransportError unresolved", { fate: "notSent" }),
  transient("TLS handshake failed", noConnection("EPROTO"), "TransportError handshake", { fate: "notSent" }),
  {
    ...plain,
    name: "TLS certificate not trusted",
    trouble: noConnection("DEPTH_ZERO_SELF_SIGNED_CERT"),
    fate: "notSent",
    ...final("TransportError certificate"),
    paid: 0
  },
  transient("reset before headers", Fault.reset("beforeHeaders"), "TransportError reset"),
  transient("reset during headers", noHead("UND_ERR_SOCKET"), "TransportError reset"),
  transient("reset after headers, half a body", Fault.reset("midBody"), "TransportError cutOff"),
  {
    ...plain,
    name: "reset after the body",
    trouble: Fault.reset("afterBody"),
    ...final("token"),
    paid: 0
  },
  transient("hung before headers", Fault.hang, "TransportError timeout", { attempt: attemptTimeout }),
  transient("hung in the body", stalledBody, "TransportError timeout", { attempt: attemptTimeout }),
  malformed("200, truncated JSON", Fault.truncated),
  malformed("200 HTML", Fault.html(200)),
  malformed("200 {}", Fault.respond({ status: 200, body: {} })),
  malformed("200 null", Fault.respond({ status: 200, body: "null" })),
  malformed(
    "200, a token of another type",
    Fault.respond({ status: 200, body: { access_token: "x", token_type: "mac" } })
  ),
  { ...malformed("400 HTML", Fault.html(400)), ...final("MalformedResponse"), paid: 0 },
  ...[301, 302, 303, 307, 308].map(redirect),
  ...refusals.map((error) => refused(error)),
  refused("invalid_client", 401),
  ...["bad_token", "basic_action", "user_password_expired", "protection_policy_required"].map(suberror),
  ...["invalid_grant", "interaction_required"].map(withClaims)
]

export type Times = "once" | "always"

/** How the rows that were written for any grant end for this one. */
export const expected = (row: Row, times: Times, subject: Subject): Ending => {
  const outcome = row.refusal === undefined ? undefined : (meaning[row.refusal]?.[subject.asker] ?? "RequestRejected")
  const ending = outcome === undefined ? row[times] : { ...row[times], outcome }
  if (subject.consumes && row.usedUp !== undefined) return { ...ending, outcome: row.usedUp }
  const isRepeated = row.always.requests > 1
  return subject.consumes && row.fate === "taken" && isRepeated
    ? { outcome: row.always.outcome, requests: 1, time: [row.attempt, row.attempt] }
    : ending
}

/** For how many milliseconds the subject's next request is held back. */
export const heldBack = (row: Row, outcome: string, { next }: Subject): number => {
  if (outcome === "token") return 0
  return next === "another" && row.holdsAll !== true ? 0 : row.holds
}

/** Whether the refresh token is over by what was said of it: the user has to sign in. */
export const isRetired = ({ refusal }: Row, { isEntra, next }: Subject): boolean =>
  next === "refreshToken" && refusal === (isEntra ? "invalid_grant, bad_token" : "invalid_grant")

const isRefused = ({ trouble }: Row): boolean => trouble._tag === "Respond" && isRefusal(trouble.status)

/** What the next request gets, once nothing holds it back and the server is well. */
export const expectedNext = (row: Row, outcome: string, subject: Subject): string => {
  if (isRetired(row, subject)) return "InteractionRequired"
  const isLost = row.fate === "taken" && outcome !== "token" && !isRefused(row)
  // Nobody can know that the server has taken it: it is offered again, and found to be over.
  return isLost && subject.consumes && subject.next === "refreshToken" ? "InvalidGrant" : "token"
}

/** What a run has shown. */
export interface Sight {
  readonly outcome: string
  readonly requests: number
  readonly millis: number
  readonly cached: number
  /** For how long the principal's next request is held back, in milliseconds. */
  readonly held: number
  /** What the next request gets when that time is over, and in how many requests. */
  readonly next: Pick<Ending, "outcome" | "requests">
  readonly circuit: string
  readonly retriesLeft: number
  /** How often a code or a token that serves once was offered again. */
  readonly offeredTwice: number
  /** Where requests went. */
  readonly origins: ReadonlyArray<string>
  /** Fibers of the client that are still there. */
  readonly fibers: number
}

export type Result = Either.Either<unknown, { readonly _tag: string; readonly reason?: unknown }>

export const describe = (result: Result): string =>
  Either.match(result, {
    onRight: () => "token",
    onLeft: (error) => (error._tag === "TransportError" ? `${error._tag} ${error.reason}` : error._tag)
  })

/** For how long memory answers the principal's next request. */
export const heldOf = (result: Result): number => {
  if (Either.isRight(result) || result.left._tag !== "Throttled") return 0
  const wait: unknown = Reflect.get(result.left, "retryAfter")
  const isLocal = Reflect.get(result.left, "source") === "local"
  return isLocal && Duration.isDuration(wait) ? Duration.toMillis(wait) : Number.NaN
}

const scene =
  (row: Row, times: Times, subject: Subject) =>
  ({ cache, cast, census, drive, pass, wire }: Play): Effect.Effect<Sight, never, Scope.Scope> =>
    Effect.gen(function* () {
      const client = yield* Effect.orDie(cast(subject.make))
      const [sentBefore, cachedBefore] = [wire.sent.length, (yield* cache.statistics).entries]
      wire.plan((request) => (times === "always" || request === 1 ? row.trouble : undefined))
      const [result, millis] = yield* drive(
        Effect.zip(Effect.either(client.source.getToken()), Clock.currentTimeMillis)
      )
      const requests = wire.sent.length - sentBefore
      const cached = (yield* cache.statistics).entries - cachedBefore
      const offeredTwice = wire.offeredTwice()
      const { circuits, retries } = yield* client.health
      const fibers = census.living.size
      wire.plan(() => undefined)
      const ask = drive(Effect.either(client.other.getToken()))
      const soon = yield* ask
      const held = heldOf(soon)
      if (held > 0) yield* pass(held)
      const next = held > 0 ? yield* ask : soon
      return {
        outcome: describe(result),
        requests,
        millis,
        cached,
        held,
        next: { outcome: describe(next), requests: wire.sent.length - sentBefore - requests },
        circuit: Object.values(circuits).join() || "closed",
        retriesLeft: retries,
        offeredTwice,
        origins: [...new Set(wire.sent.map(({ origin }) => origin))],
        fibers
      }
    })

/** How much of the jitter's range is drawn, every time. */
export type Jitter = 0 | 1

/** Plays a row for a grant. */
export const run = (
  row: Row,
  times: Times,
  subject: Subject = clientCredentials,
  jitter: Jitter = 1
): Effect.Effect<Sight, never, Stage> => perform(scene(row, times, subject), Random.fixed([jitter]))

import { Clock, Effect, Random, type Scope } from "effect"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as Fault from "../../src/emulator/Fault.js"
import { defaults, machine } from "../client/identities.js"
import { type Kind, type Source, wantsToken } from "./identitySources.js"
import { describe, heldOf, type Jitter, type Time, type Times } from "./matrix.js"
import { type Play, perform, Stage } from "./stage.js"
import { noConnection, type Plan, type Trouble } from "./wire.js"

/** What a caller got; requests are those that wanted a token, with no jitter and with all of it. */
export interface Ending {
  readonly outcome: string
  readonly requests: readonly [least: number, most: number]
  readonly time: Time
}

/** How a fault ends at a source, when it meets the first request and when it meets every one. */
export type Course = (source: Source) => Readonly<Record<Times, Ending>>

export interface Row {
  readonly name: string
  readonly trouble: (source: Source) => Trouble
  readonly course: Course
  /** Where a kind of source differs; a later one of a source's kinds goes before an earlier one. */
  readonly differs?: Partial<Readonly<Record<Kind, Course>>>
  /** The kind of source that alone can have it. */
  readonly only?: Kind
  /** Whether a user-assigned identity is asked for, where there are any. */
  readonly userAssigned?: boolean
  /** Whether the token says until when it serves: without that it is handed on and not kept. */
  readonly keeps?: boolean
  /** For how many milliseconds the identity is held back after a fault that stays. */
  readonly holds?: number
}

const immediate: Time = [0, 0]
const exactly = (requests: number): Ending["requests"] => [requests, requests]

/** Not sent again: what was sent with the fault is all. */
const final =
  (outcome: string): Course =>
  ({ failing }) => {
    const ending = { outcome, requests: exactly(failing), time: immediate }
    return { once: ending, always: ending }
  }

/** Sent again until the attempts are over, by the larger of backoff and what is asked, lengthened by up to a tenth. */
const passing =
  (outcome: string, { asked = 0, attempt = 0 } = {}): Course =>
  ({ backoff, failing, serving }) => {
    const waits = backoff.map((longest) => Math.max(asked + asked / 10, longest))
    const attempts = backoff.length + 1
    const most = waits.reduce((sum, wait) => sum + wait, 0)
    return {
      once: {
        outcome: "token",
        requests: exactly(failing + serving),
        time: [attempt + asked, attempt + (waits[0] ?? 0)]
      },
      always: {
        outcome,
        requests: exactly(attempts * failing),
        time: [attempts * attempt + asked * backoff.length, attempts * attempt + most]
      }
    }
  }

/** Arc's challenge is in the head of an answer: it is taken up whatever became of the body, and the fault met again. */
const afterChallenge =
  (outcome: string): Course =>
  (source) => ({
    once: { outcome: "token", requests: exactly(2), time: immediate },
    always: passing(outcome)({ ...source, failing: 2 }).always
  })

/** Nobody was there to be asked for a token. */
const unseen: Course = () => {
  const ending = { outcome: "CredentialUnavailable", requests: exactly(0), time: immediate }
  return { once: ending, always: ending }
}

/** 10 s a time, which end after 100 s: the seventh request, after 39 s of waits at most, is the last whose time has begun. */
const hangingAtImds: Course = () => ({
  once: { outcome: "token", requests: [2, 2], time: [10_000, 11_000] },
  always: { outcome: "TransportError timeout", requests: [8, 7], time: [80_000, 100_000] }
})

const answered =
  (status: number, headers?: Readonly<Record<string, string>>): Row["trouble"] =>
  ({ words }) =>
    Fault.respond({ status, body: words(status), headers })

const unavailable = "AuthorityUnavailable"

/** The instance metadata service asks for at least a second after a 5xx. */
const patient = { imds: passing(unavailable, { asked: 1000 }) }

const down = (name: string, trouble: Row["trouble"]): Row => ({
  name,
  trouble,
  course: passing(unavailable),
  differs: patient
})

const refused = (status: number): Row => ({
  name: `${status} in its own words`,
  trouble: answered(status),
  course: final("RequestRejected")
})

const unconnected = (name: string, code: string): Row => ({
  name,
  trouble: () => noConnection(code),
  course: passing(`TransportError ${name}`),
  differs: { guessed: unseen }
})

const malformed = (name: string, trouble: Trouble): Row => ({
  name,
  trouble: () => trouble,
  course: passing("MalformedResponse")
})

const { otherUserAssigned, resource } = defaults.managedIdentity

const issued = (members: Readonly<Record<string, Fault.Json>>): Row["trouble"] => {
  const trouble = Fault.respond({ status: 200, body: { access_token: "a token", token_type: "Bearer", ...members } })
  return () => trouble
}

const retryAfter = { "retry-after": "2" }

/** Every way in which asking for a machine's token goes wrong, and what must come of it. */
export const rows: ReadonlyArray<Row> = [
  // Service Fabric has no such identity; elsewhere the endpoint is not there yet.
  {
    name: "404 in its own words",
    trouble: answered(404),
    course: passing(unavailable),
    differs: { fabric: final("RequestRejected") }
  },
  { name: "408", trouble: answered(408), course: passing(unavailable) },
  // Of the instance metadata service alone it is known that it is being updated then, for 70 s at most.
  { ...refused(410), differs: { imds: passing(unavailable, { asked: 10_000 }) } },
  {
    name: "429, Retry-After: 2",
    trouble: answered(429, retryAfter),
    course: passing("Throttled", { asked: 2000 }),
    holds: 2000
  },
  { name: "429, no header", trouble: answered(429), course: passing("Throttled"), holds: 5000 },
  refused(400),
  refused(401),
  {
    name: "401, a key file that is not there",
    trouble: answered(401, { "www-authenticate": "Basic realm=/var/opt/azcmagent/tokens/none.key" }),
    course: final("CredentialUnavailable"),
    // The key was wrong; another challenge is not taken up.
    differs: { key: final("RequestRejected") },
    only: "arc"
  },
  refused(403),
  refused(405),
  { name: "403 HTML", trouble: () => Fault.html(403), course: final("MalformedResponse") },
  down("500 in its own words", answered(500)),
  { name: "501", trouble: answered(501), course: final(unavailable) },
  down("502 HTML", () => Fault.html(502)),
  down("503", answered(503)),
  {
    name: "503, Retry-After: 2",
    trouble: answered(503, retryAfter),
    course: passing(unavailable, { asked: 2000 }),
    holds: 2000
  },
  down("504", answered(504)),
  unconnected("refused", "ECONNREFUSED"),
  unconnected("unreachable", "EHOSTUNREACH"),
  {
    name: "TLS certificate of another thumbprint",
    trouble: () => noConnection("CERT_THUMBPRINT_MISMATCH"),
    course: final("TransportError certificate"),
    only: "fabric"
  },
  {
    name: "reset before headers",
    trouble: () => Fault.reset("beforeHeaders"),
    course: passing("TransportError reset")
  },
  {
    name: "reset after headers, half a body",
    trouble: () => Fault.reset("midBody"),
    course: passing("TransportError cutOff"),
    differs: { challenge: afterChallenge("TransportError cutOff") }
  },
  {
    name: "hung before headers",
    trouble: () => Fault.hang,
    course: passing("TransportError timeout", { attempt: 10_000 }),
    differs: { imds: hangingAtImds }
  },
  { ...malformed("200, truncated JSON", Fault.truncated), differs: { challenge: afterChallenge("MalformedResponse") } },
  malformed("200 HTML", Fault.html(200)),
  malformed("200 {}", Fault.respond({ status: 200, body: {} })),
  {
    name: "302 to another host",
    trouble: () => Fault.redirect("http://elsewhere.example/token", 302),
    course: final("MalformedResponse")
  },
  {
    name: "200, a token of another identity",
    trouble: issued({
      expires_in: "3600",
      client_id: otherUserAssigned.clientId,
      object_id: otherUserAssigned.objectId
    }),
    course: final("MalformedResponse"),
    userAssigned: true
  },
  // Of Arc's agents some don't know user-assigned identities, and answer with the machine's own.
  {
    name: "200, a token that names no identity",
    trouble: issued({ expires_in: "3600" }),
    course: final("token"),
    differs: { arc: final("MalformedResponse") },
    userAssigned: true
  },
  {
    name: "200, expires_on: soon",
    trouble: issued({ expires_on: "soon" }),
    course: final("token"),
    keeps: false
  }
]

export const applies = ({ only, userAssigned }: Row, source: Source): boolean =>
  (only === undefined || source.kinds.includes(only)) && (userAssigned !== true || source.userAssigned !== undefined)

/** How a row ends at a source. */
export const expected = ({ course, differs = {} }: Row, source: Source): Readonly<Record<Times, Ending>> =>
  source.kinds.reduce((found, kind) => differs[kind] ?? found, course)(source)

/** What a run has shown. */
export interface Sight {
  readonly outcome: string
  readonly requests: number
  readonly millis: number
  readonly cached: number
  /** For how long the identity's next request is held back, in milliseconds. */
  readonly held: number
  readonly next: { readonly outcome: string; readonly requests: number }
  readonly circuit: string
  /** Where requests went, looks too. */
  readonly origins: ReadonlyArray<string>
  readonly fibers: number
}

/** The fault for the first request that it is for, or for each of them. */
const planOf = (trouble: Trouble, times: Times, { meets }: Source): Plan => {
  let met = 0
  return (_number, _form, sent) => {
    if (!meets(sent, trouble)) return undefined
    met += 1
    return times === "always" || met === 1 ? trouble : undefined
  }
}

const scene =
  (row: Row, times: Times, source: Source, emulator: EntraEmulator.Service) =>
  ({ cache, cast, census, drive, pass, wire }: Play): Effect.Effect<Sight, never, Scope.Scope> =>
    Effect.gen(function* () {
      const { health, identity } = yield* source
        .make({ userAssigned: row.userAssigned === true ? source.userAssigned : undefined })
        .pipe(Effect.provide(machine), Effect.provideService(EntraEmulator.EntraEmulator, emulator), cast, Effect.orDie)
      const asked = () => wire.sent.filter(wantsToken).length
      wire.plan(planOf(row.trouble(source), times, source))
      const [result, millis] = yield* drive(
        Effect.zip(Effect.either(identity.forScopes(resource).getToken()), Clock.currentTimeMillis)
      )
      const requests = asked()
      const cached = (yield* cache.statistics).entries
      const { circuits } = yield* health
      const fibers = census.living.size
      wire.plan(() => undefined)
      const ask = drive(Effect.either(identity.forScopes(defaults.otherApiIdentifierUri).getToken()))
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
        next: { outcome: describe(next), requests: asked() - requests },
        circuit: Object.values(circuits).join() || "closed",
        origins: [...new Set(wire.sent.map(({ origin }) => origin))],
        fibers
      }
    })

/** Plays a row at a source. */
export const run = (row: Row, times: Times, source: Source, jitter: Jitter = 1): Effect.Effect<Sight, never, Stage> =>
  Effect.flatMap(Stage, ({ emulator }) => perform(scene(row, times, source, emulator), Random.fixed([jitter])))

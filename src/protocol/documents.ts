import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { ClientClosed, type ConfigurationError, MalformedResponse } from "../core/TokenError.js"
import { BoundedMap } from "../resilience/boundedMap.js"
import * as SingleFlight from "../resilience/singleFlight.js"
import { type CommonFailure, classifyAs } from "./classify.js"
import type { Refusal } from "./grants.js"
import type { Transport } from "./transport.js"
import type { Body } from "./wire.js"

/**
 * Why a published document can't be had.
 *
 * @internal
 */
export type DocumentFailure = CommonFailure | ConfigurationError | ClientClosed

/** A document that an authority publishes. */
export interface DocumentRequest {
  readonly url: string
  /** For people. */
  readonly host: string
  readonly timeout: Duration.Duration
}

/** What kind of documents they are. */
export interface Kind<A> {
  readonly read: (body: string) => Body<A>
  /** What a refusal means: that nothing is published there, or that the one who was named does not exist. */
  readonly refuse: (request: DocumentRequest, error: string | undefined) => ConfigurationError
}

/** Documents that change seldom: read once a day, one request however many ask. */
export interface Documents<A> {
  readonly get: (request: DocumentRequest) => Effect.Effect<A, DocumentFailure>
  /**
   * Reads it again, unless that was tried within the last minute; the old one serves where that fails. Who comes while it is
   * being read waits for it.
   */
  readonly reread: (request: DocumentRequest) => Effect.Effect<A, DocumentFailure>
}

interface Kept<A> {
  readonly document: A
  triedAt: number
  renewAt: number
  isBeingRead: boolean
}

const lifetime = Duration.toMillis("24 hours")
const pause = Duration.toMillis("5 minutes")
const minute = Duration.toMillis("1 minute")
const capacity = 1000

const isNotThere = (failure: CommonFailure | ConfigurationError): boolean =>
  failure instanceof MalformedResponse && failure.status >= 400

/**
 * Documents of one kind, kept for 24 h, then renewed behind the callers' backs while the old one serves.
 *
 * @internal
 */
export const make = <A>(
  transport: Transport,
  { read, refuse }: Kind<A>
): Effect.Effect<Documents<A>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const kept = new BoundedMap<Kept<A>>(capacity)
    const flights = yield* SingleFlight.make<A, DocumentFailure>(new ClientClosed())
    const classified = classifyAs(read)

    const fetched = (request: DocumentRequest): Effect.Effect<A, CommonFailure | ConfigurationError> =>
      Effect.gen(function* () {
        const { host, timeout, url } = request
        yield* Effect.annotateLogs(Effect.logDebug("reading what the authority publishes"), "url.full", url)
        const outcome = yield* transport.get({ url, host, timeout, headers: { accept: "application/json" } })
        const now = yield* Clock.currentTimeMillis
        const grant = { refuse: ({ error }: Refusal) => refuse(request, error) }
        const document = yield* classified(outcome, { grant, authority: "custom", now })
        kept.set(url, { document, triedAt: now, renewAt: now + lifetime, isBeingRead: false })
        return document
      })

    const wasRead = ({ url }: DocumentRequest) =>
      Effect.sync(() => {
        const present = kept.get(url)
        if (present !== undefined) present.isBeingRead = false
      })

    const found = (request: DocumentRequest): Effect.Effect<A, DocumentFailure> =>
      fetched(request).pipe(
        Effect.catchIf(isNotThere, () => refuse(request, undefined)),
        Effect.ensuring(wasRead(request)),
        Effect.annotateLogs({ package: "effect-entra", "server.address": request.host })
      )

    const flightOf = (request: DocumentRequest): SingleFlight.Flight<A, DocumentFailure> => ({
      key: request.url,
      consumes: false,
      pass: Effect.void,
      run: found(request)
    })

    const get = (request: DocumentRequest) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const present = kept.get(request.url)
        if (present === undefined) return flights.join(flightOf(request))
        if (now < present.renewAt && now >= present.triedAt) return Effect.succeed(present.document)
        present.triedAt = now
        present.renewAt = now + pause
        present.isBeingRead = true
        return Effect.as(Effect.ignore(flights.launch(flightOf(request))), present.document)
      })

    const reread = (request: DocumentRequest) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const present = kept.get(request.url)
        if (present === undefined) return flights.join(flightOf(request))
        if (!present.isBeingRead && Math.abs(now - present.triedAt) < minute) return Effect.succeed(present.document)
        present.triedAt = now
        present.isBeingRead = true
        return Effect.orElseSucceed(flights.join(flightOf(request)), () => present.document)
      })

    return { get, reread }
  })

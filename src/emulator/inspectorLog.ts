/** The line of requests, as who looks at it wants to see it: each with its answer, and what came of it. */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Facts } from "./asked.js"
import type { Json } from "./Fault.js"
import * as FollowUps from "./inspectorFollowUps.js"
import * as Outcome from "./inspectorOutcome.js"
import * as Subject from "./inspectorSubject.js"
import type { Entry } from "./recorder.js"
import type { World } from "./world.js"

type Phase = "under way" | "answered" | "reset" | "left"

interface Row extends FollowUps.Asked {
  /** Grows with every change of any row. */
  revision: number
  readonly entry: Entry
  phase: Phase
  duration: number | undefined
  outcome: Outcome.Outcome
  followUp: FollowUps.FollowUp | undefined
}

export interface Log {
  /** Notes a request from its beginning to its end. */
  readonly observe: <E, R>(
    facts: Facts,
    entry: Entry,
    answer: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ) => Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  /** What has changed since a revision, and the revision to ask with next. */
  readonly since: (revision: number) => Effect.Effect<{ readonly revision: number; readonly requests: Json }>
}

const limit = 10_000

/** Milliseconds that a client may stay away, beyond what it was told to wait, before it is said to have given up. */
const patience = 30_000

/** A connection that broke after some of the answer may have broken after all of it: nothing more may follow. */
const isWhole = ({ entry, phase }: Row): boolean => entry.fault === "Reset" && phase === "answered"

/** Wholly, by an answer that says yes. */
const isServed = ({ entry, outcome, phase }: Row): boolean =>
  phase === "answered" &&
  (entry.status ?? 500) < 400 &&
  outcome.code === undefined &&
  outcome.error === undefined &&
  entry.fault !== "Truncated" &&
  entry.fault !== "Reset"

const followUpJson = (followUp: FollowUps.FollowUp | undefined): Json => {
  switch (followUp?._tag) {
    case undefined:
      return null
    case "Served":
      return { did: "served" }
    case "GaveUp":
      return { did: "gave up" }
    case "Retried":
      return { did: "retried", after: followUp.after, by: followUp.by }
    case "CameWithClaims":
      return { did: "came with claims", after: followUp.after, by: followUp.by }
  }
}

const rowJson = ({ id, subject, entry, phase, duration, outcome, followUp }: Row): Json => ({
  id,
  at: DateTime.formatIso(entry.at),
  kind: subject.kind,
  what: subject.what,
  client: subject.client ?? null,
  user: subject.user ?? null,
  scope: subject.scope ?? null,
  method: entry.method,
  path: entry.path,
  query: entry.query,
  form: entry.form,
  headers: entry.headers,
  phase,
  status: (entry.lost ? undefined : entry.status) ?? null,
  fault: entry.fault ?? null,
  code: outcome.code ?? null,
  error: outcome.error ?? null,
  duration: duration ?? null,
  next: followUpJson(followUp)
})

export const make = (world: World): Log => {
  const rows: Array<Row> = []
  const followUps = FollowUps.make()
  let lastId = 0
  let revision = 0

  const change = (row: Row) => {
    revision += 1
    row.revision = revision
  }

  const isForgotten = ({ id }: Row) => id <= lastId - limit

  const begin = (facts: Facts, entry: Entry) =>
    Effect.gen(function* () {
      const startedAt = yield* Clock.currentTimeMillis
      const subject = yield* Subject.of(world, facts)
      lastId += 1
      const row: Row = {
        id: lastId,
        revision: 0,
        subject,
        startedAt,
        entry,
        phase: "under way",
        duration: undefined,
        outcome: Outcome.nothing,
        followUp: undefined
      }
      change(row)
      followUps.meet(row)
      rows.push(row)
      const oldest = rows.length > limit ? rows.shift() : undefined
      if (oldest !== undefined) followUps.forget(oldest.id)
      return row
    })

  const end = (row: Row, exit: Exit.Exit<HttpServerResponse.HttpServerResponse, unknown>) =>
    Effect.map(Clock.currentTimeMillis, (endedAt) => {
      // The record of a reset may say first that nothing of an answer left.
      if (row.entry.lost) row.phase = "reset"
      else row.phase = Exit.isSuccess(exit) || row.entry.status !== undefined ? "answered" : "left"
      if (Exit.isSuccess(exit)) row.outcome = Outcome.of(exit.value)
      row.duration = endedAt - row.startedAt
      const tell = (followUp: FollowUps.FollowUp) => {
        row.followUp = followUp
        change(row)
      }
      if (isServed(row)) return tell({ _tag: "Served" })
      change(row)
      if (isForgotten(row)) return
      const { id, subject, startedAt, outcome } = row
      const awaitedUntil = isWhole(row) ? Number.POSITIVE_INFINITY : endedAt + outcome.wait + patience
      const { demandsClaims } = outcome
      followUps.expect({ id, subject, startedAt, endedAt, awaitedUntil, demandsClaims, tell })
    })

  return {
    observe: (facts, entry, answer) =>
      Effect.flatMap(begin(facts, entry), (row) => Effect.onExit(answer, (exit) => end(row, exit))),
    since: (known) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        followUps.giveUp(now)
        return { revision, requests: rows.filter((row) => row.revision > known).map(rowJson) }
      })
  }
}

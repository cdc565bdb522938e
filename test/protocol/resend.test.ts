import { assert, describe, it } from "@effect/vitest"
import {
  AuthorityUnavailable,
  type Failure,
  MalformedResponse,
  Throttled,
  TransportError
} from "../../src/core/TokenError.js"
import * as Grants from "../../src/protocol/grants.js"
import { mayResend } from "../../src/protocol/resend.js"
import type { AnyGrant } from "./classified.js"

type Phase = "notSent" | "unknown" | "answered" | "throttled"

const lost = (reason: TransportError["reason"]) => new TransportError({ reason, host: "login.example" })
const answered = (status: number) => new AuthorityUnavailable({ status, errorCodes: [] })
const throttled = (status: number) => new Throttled({ status, errorCodes: [] })

const failures: Readonly<Record<Phase, ReadonlyArray<Failure>>> = {
  notSent: [lost("refused"), lost("unresolved"), lost("unreachable"), lost("handshake"), lost("certificate")],
  unknown: [lost("reset"), lost("timeout"), lost("cutOff"), lost("opaque")],
  answered: [
    ...[408, 500, 502, 503, 504].map(answered),
    ...[400, 503].map(throttled),
    new MalformedResponse({ reason: "truncated", status: 200 })
  ],
  throttled: [throttled(429)]
}

const any: ReadonlyArray<Phase> = ["notSent", "unknown", "answered", "throttled"]
const untouched: ReadonlyArray<Phase> = ["notSent", "throttled"]

/** What may be sent again: a code is used up by asking anywhere, a refresh token where it rotates. */
const table: ReadonlyArray<readonly [grant: AnyGrant, entra: ReadonlyArray<Phase>, custom: ReadonlyArray<Phase>]> = [
  [Grants.clientCredentials, any, any],
  [Grants.onBehalfOf, any, any],
  [Grants.deviceAuthorization, any, any],
  [Grants.deviceCode, any, any],
  [Grants.refreshToken, any, untouched],
  [Grants.authorizationCode, untouched, untouched]
]

it("the table holds every grant", () => {
  assert.sameMembers(
    table.map(([{ name }]) => name),
    Object.values(Grants).map(({ name }) => name)
  )
})

describe.each(table)("$name", (grant, entra, custom) => {
  const rows = (
    [
      ["entra", entra],
      ["custom", custom]
    ] as const
  ).flatMap(([authority, phases]) => any.map((phase) => [authority, phase, phases.includes(phase)] as const))
  it.each(rows)("at %s, after a failure of the kind %s, may be sent again: %s", (authority, phase, expected) => {
    for (const failure of failures[phase])
      assert.strictEqual(mayResend(grant, authority)(failure), expected, failure.message)
  })
})

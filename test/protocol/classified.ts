import { assert, it } from "@effect/vitest"
import { Either } from "effect"
import { type Context, classify, type Outcome } from "../../src/protocol/classify.js"
import * as Grants from "../../src/protocol/grants.js"
import type { HeaderFields } from "../../src/resilience/retryAfter.js"

/** The moment at which every answer of these tests arrives. */
export const now = Date.UTC(2025, 5, 30, 12)

export type AnyGrant = (typeof Grants)[keyof typeof Grants]
export type Fields = Readonly<Record<string, unknown>>

export interface Asked {
  readonly status?: number
  readonly headers?: HeaderFields
  readonly grant?: AnyGrant
  readonly authority?: Context<unknown>["authority"]
}

export const classifyOutcome = (outcome: Outcome, { authority = "entra", grant = Grants.clientCredentials }: Asked) =>
  classify<ReturnType<AnyGrant["refuse"]>>(outcome, { grant, authority, now })

/** What this body means, by default as a 400 of Entra to an app. */
export const ask = (body: unknown, asked: Asked = {}) =>
  classifyOutcome(
    {
      _tag: "Answer",
      status: asked.status ?? 400,
      headers: asked.headers ?? {},
      body: typeof body === "string" ? body : JSON.stringify(body)
    },
    asked
  )

export const failureOf = (body: unknown, asked?: Asked) => Either.getOrThrow(Either.flip(ask(body, asked)))

/** One row: what came, and the tag and the fields that it must give. */
export type Row = readonly [what: string, body: unknown, asked: Asked, tag: string, fields?: Fields]

export const check = (rows: ReadonlyArray<Row>) => {
  for (const [what, body, asked, tag, fields = {}] of rows)
    it(what, () => {
      const failure = failureOf(body, asked)
      assert.strictEqual(failure._tag, tag)
      for (const [name, expected] of Object.entries(fields))
        assert.deepStrictEqual(Reflect.get(failure, name), expected, name)
    })
}

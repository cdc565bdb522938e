import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as FastCheck from "effect/FastCheck"
import * as Redacted from "effect/Redacted"
import { InvalidToken, MalformedResponse, Throttled, type TokenError } from "../../src/core/TokenError.js"
import { showFailure, type WebFailure } from "../../src/server/failurePage.js"
import { type Page, show } from "../../src/server/page.js"
import { WebSessionUnavailable } from "../../src/server/WebSession.js"

const textOf = (page: Page): string => {
  const { body } = show(page)
  return body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : ""
}

describe("a page", () => {
  it("may have its own style and nothing else", () => {
    const page = { status: 400, title: "t", text: "x" }
    const style = /<style>(.*)<\/style>/.exec(textOf(page))?.[1] ?? ""
    const hash = createHash("sha256").update(style).digest("base64")
    const policy = show(page).headers["content-security-policy"]
    assert.strictEqual(
      policy,
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
    )
  })

  it("shows every text as text", () => {
    const markup = FastCheck.array(FastCheck.constantFrom("<", ">", '"', "'", "&", "script", "a", "=")).map((parts) =>
      parts.join("")
    )
    const empty = textOf({ status: 400, title: "", text: "", correlationId: "-", link: { path: "", text: "" } })
    const tagsIn = (html: string) => (html.match(/[<>]/g) ?? []).length
    FastCheck.assert(
      FastCheck.property(markup, (text) => {
        const html = textOf({ status: 400, title: text, text, correlationId: `-${text}`, link: { path: text, text } })
        assert.strictEqual(tagsIn(html), tagsIn(empty))
        assert.strictEqual((html.match(/"/g) ?? []).length, (empty.match(/"/g) ?? []).length)
      })
    )
  })
})

describe("a failure's page", () => {
  const cases: ReadonlyArray<readonly [WebFailure, number]> = [
    [new MalformedResponse({ reason: "notJson", status: 200 }), 502],
    [new InvalidToken({ token: "id token", reason: "tenant" }), 403],
    [new InvalidToken({ token: "id token", reason: "signature" }), 400],
    [new WebSessionUnavailable({ reason: "the store is down" }), 503]
  ]

  it("has the status of its kind", () => {
    for (const [failure, status] of cases) assert.strictEqual(showFailure(failure, undefined).status, status)
  })

  it("tells when to come back, and nothing of what the server said", () => {
    const failure: TokenError & WebFailure = new Throttled({
      errorCodes: ["AADSTS90055"],
      description: Redacted.make("AADSTS90055: prose"),
      retryAfter: Duration.millis(6500)
    })
    const response = showFailure(failure, { path: "/auth/sign-in", text: "Sign in" })
    assert.strictEqual(response.status, 503)
    assert.strictEqual(response.headers["retry-after"], "7")
    assert.notInclude(JSON.stringify(response), "AADSTS")
  })
})

import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { parseReturnTo, requestUrl } from "../../src/server/returnTo.js"

const origin = "https://app.example"

/** Texts that look like ways out. */
const hostile = FastCheck.array(
  FastCheck.oneof(
    FastCheck.constantFrom(
      "/",
      "\\",
      "//",
      ".",
      "..",
      "\t",
      "\n",
      "\r",
      " ",
      "@",
      ":",
      "?",
      "#",
      "%2f",
      "%5c",
      "%09",
      ";"
    ),
    FastCheck.constantFrom(
      "https:",
      "javascript:",
      "data:",
      "evil.example",
      "app.example",
      "\u0000",
      "\u2028",
      "／",
      "é"
    ),
    FastCheck.string({ unit: "binary", maxLength: 3 })
  ),
  { maxLength: 8 }
).map((parts) => parts.join(""))

describe("parseReturnTo", () => {
  it("leads nowhere else, whatever it is given", () => {
    FastCheck.assert(
      FastCheck.property(hostile, FastCheck.boolean(), (text, isAbsolute) => {
        const path = parseReturnTo(isAbsolute ? `/${text}` : text)
        assert.match(path, /^\/(?![/\\])[\x21-\x7e]*$/)
        assert.strictEqual(new URL(path, origin).origin, origin)
        assert.strictEqual(parseReturnTo(path), path)
      }),
      { numRuns: 5000 }
    )
  })

  it("leads where a path of this app is asked for", () => {
    for (const path of ["/", "/a", "/a/b?c=d&e=%2F%2Fx", "/a#b", "/?next=https://evil.example", "/a//b", "/%2F%2Fevil"])
      assert.strictEqual(parseReturnTo(path), path)
  })

  it("leads home from everything else", () => {
    const elsewhere = [
      "//evil",
      "/\\evil",
      "/\t/evil",
      "/.//evil",
      "/..//evil",
      "https://evil",
      "https:/evil",
      "evil",
      ""
    ]
    for (const text of [...elsewhere, "javascript:alert(1)", " /a", `/${"a".repeat(1024)}`, undefined])
      assert.strictEqual(parseReturnTo(text), "/", text)
    assert.strictEqual(parseReturnTo("/auth/sign-in?x=1", ["/auth/sign-in"]), "/")
    assert.strictEqual(parseReturnTo("/auth/./sign-in", ["/auth/sign-in"]), "/")
  })
})

describe("requestUrl", () => {
  it("reads what servers of any runtime give", () => {
    assert.strictEqual(requestUrl("/a?b=c").searchParams.get("b"), "c")
    assert.strictEqual(requestUrl("http://host/a?b=c").pathname, "/a")
    assert.strictEqual(requestUrl("http://").pathname, "/")
  })
})

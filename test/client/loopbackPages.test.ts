import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import * as Pages from "../../src/client/signInPages.js"

const failure = (title: string, message: string) => Pages.endingPage({ _tag: "Failed", title, message })

const pages = {
  success: Pages.endingPage({ _tag: "SignedIn" }),
  failure: failure("Not signed in", "Ask your administrator."),
  waiting: Pages.waitingPage,
  taken: Pages.takenPage,
  "not ours": Pages.notOurs
}

const styleOf = (page: string): string => /<style>(.*)<\/style>/s.exec(page)?.[1] ?? ""

const textOf = (page: string): string => /<p dir="auto">([^<]*)<\/p>/.exec(page)?.[1] ?? "none"

describe("a page at the end of a sign-in", () => {
  for (const [name, page] of Object.entries(pages))
    it(`needs nothing else, and its style is the one that is allowed: ${name}`, () => {
      const digest = createHash("sha256").update(styleOf(page)).digest("base64")
      assert.include(Pages.contentSecurityPolicy, `'sha256-${digest}'`)
      assert.match(page, /^<!DOCTYPE html><html lang="en">.*<title>[^<]+<\/title>/s)
      assert.notMatch(page, /<script|<link|<img|<form|<a |href=|src=|style=|url\(|@import|https?:/i)
    })

  it("shows markup as the text that it is", () => {
    const page = failure('</title><script>"a"</script>', "<img src=x onerror='alert(1)'>&amp;\nsecond line")
    assert.include(page, "<title>&lt;/title&gt;&lt;script&gt;&quot;a&quot;&lt;/script&gt;</title>")
    assert.strictEqual(textOf(page), "&lt;img src=x onerror=&#39;alert(1)&#39;&gt;&amp;amp;\nsecond line")
  })

  it("leaves out control characters, and what turns text around", () => {
    assert.strictEqual(textOf(failure("", "a\u0000b\u001b[2Jc\r\n\u202ed\u2066e\u200ff\ud800")), "ab[2Jc\ndef")
    assert.strictEqual(textOf(failure("", "né 日本 😀 עברית")), "né 日本 😀 עברית")
  })

  it("is of a bounded length", () => {
    assert.isBelow(failure("&".repeat(1_000_000), "&".repeat(1_000_000)).length, 20_000)
  })

  it("has the same structure whatever it is told", () => {
    const structure = (page: string) => page.replace(/[^<>"'=]/g, "").length
    const bare = structure(failure("", ""))
    fc.assert(
      fc.property(fc.fullUnicodeString(), fc.string(), (title, message) => {
        assert.strictEqual(
          structure(failure(title, message).replaceAll("&#39;", "").replaceAll("=", "")),
          bare - equals
        )
      })
    )
  })
})

/** Those of the markup itself. */
const equals = failure("", "").split("=").length - 1

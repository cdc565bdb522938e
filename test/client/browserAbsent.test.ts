import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { vi } from "vitest"
import * as BrowserNode from "../../src/client/BrowserNode.js"

vi.mock("open", () => {
  throw new Error("Cannot find package 'open'")
})

describe("a browser without its library", () => {
  it.effect("is a CredentialUnavailable that says what to install", () =>
    Effect.gen(function* () {
      const browser = BrowserNode.make(() => ({ platform: "darwin", variables: {} }))
      const error = yield* Effect.flip(browser.open(new URL("https://login.example/")))
      assert.strictEqual(error._tag, "CredentialUnavailable")
      assert.include(error.message, "the optional peer open")
      assert.include(error.message, "npm install open")
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { vi } from "vitest"
import * as ClientCertificatePkcs12 from "../../src/credential/ClientCertificatePkcs12.js"

vi.mock("node-forge", () => {
  throw new Error("Cannot find package 'node-forge'")
})

describe("PKCS#12 without its library", () => {
  it.scoped("is a ConfigurationError that says what to install", () =>
    Effect.gen(function* () {
      const content = Redacted.make(new Uint8Array([1]))
      const error = yield* Effect.flip(ClientCertificatePkcs12.fromBytes({ content }).prepare)
      assert.strictEqual(error.parameter, "node-forge")
      assert.include(error.message, "npm install node-forge")
    })
  )
})

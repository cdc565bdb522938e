import { assert, it } from "@effect/vitest"
import manifest from "../../package.json" with { type: "json" }
import { sku } from "../../src/core/sku.js"

it("the name and the version that authorities are told are the package's", () => {
  assert.deepStrictEqual({ ...sku }, { name: manifest.name, version: manifest.version })
})

import { readFileSync } from "node:fs"
import { assert, it } from "@effect/vitest"
import { document, expectedFindings } from "./document.js"

it("FAULTS.md tells what the matrix holds the code to: npm run faults -- --markdown writes it", () => {
  assert.strictEqual(readFileSync(new URL("FAULTS.md", import.meta.url), "utf8"), document(expectedFindings))
})

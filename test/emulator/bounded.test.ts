import { assert, describe, it } from "vitest"
import * as Bounded from "../../src/emulator/bounded.js"

describe("what is remembered", () => {
  it("has a bound, beyond which the oldest is forgotten", () => {
    const map = Bounded.make<number>(2)
    for (const value of [1, 2, 3]) map.set(String(value), value)
    assert.deepStrictEqual(map.values(), [2, 3])
    map.set("3", 4)
    assert.deepStrictEqual([map.get("1"), map.get("2"), map.get("3")], [undefined, 2, 4])
    map.removeIf((value) => value > 3)
    assert.deepStrictEqual(map.values(), [2])
  })
})

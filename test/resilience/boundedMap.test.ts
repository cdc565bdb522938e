import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { BoundedMap } from "../../src/resilience/boundedMap.js"

const keysOf = (map: BoundedMap<unknown>) => [...map].map(([key]) => key)

const filled = (capacity: number, ...keys: ReadonlyArray<string>) => {
  const map = new BoundedMap<string>(capacity)
  for (const key of keys) map.set(key, key.toUpperCase())
  return map
}

describe("a bounded map", () => {
  it("gives back what was set last", () => {
    const map = filled(3, "a", "b")
    map.set("a", "new")
    assert.deepStrictEqual([map.get("a"), map.get("b"), map.get("c"), map.size], ["new", "B", undefined, 2])
  })

  it("forgets what is deleted, and deletes nothing else", () => {
    const map = filled(3, "a", "b")
    map.delete("a")
    map.delete("x")
    assert.deepStrictEqual([map.get("a"), map.get("b"), map.size], [undefined, "B", 1])
  })

  it("drops what was written longest ago, when it is full", () => {
    assert.deepStrictEqual(keysOf(filled(3, "a", "b", "c", "d")), ["b", "c", "d"])
  })

  it("counts a key that is written again as young, and drops nothing for it", () => {
    assert.deepStrictEqual(keysOf(filled(3, "a", "b", "c", "a")), ["b", "c", "a"])
    assert.deepStrictEqual(keysOf(filled(3, "a", "b", "c", "a", "d")), ["c", "a", "d"])
  })

  it("does not count a key that is read as young", () => {
    const map = filled(2, "a", "b")
    map.get("a")
    map.set("c", "C")
    assert.deepStrictEqual(keysOf(map), ["b", "c"])
  })

  it("is filled by names of the prototype as by others", () => {
    assert.deepStrictEqual(keysOf(filled(2, "__proto__", "constructor")), ["__proto__", "constructor"])
  })

  const keys = FastCheck.array(FastCheck.constantFrom("a", "b", "c", "d", "e", "f"), { maxLength: 40 })
  it.prop(
    "holds the last different keys, never more than its capacity",
    [keys, FastCheck.integer({ min: 1, max: 5 })],
    ([written, capacity]) => {
      const lastFirst = [...new Set([...written].reverse())]
      assert.deepStrictEqual(keysOf(filled(capacity, ...written)).reverse(), lastFirst.slice(0, capacity))
    }
  )
})

import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck as fc, Option } from "effect"
import * as FileEntry from "../../src/cache/fileEntry.js"

const alphabet = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-:{}"]
const keys = fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 200 })
const entries = fc.record({ end: fc.nat({ max: Number.MAX_SAFE_INTEGER }), value: fc.string({ unit: "binary" }) })
const isWellFormed = ({ value }: { readonly value: string }) =>
  new TextDecoder().decode(new TextEncoder().encode(value)) === value

describe("the name of a key's file", () => {
  it.effect.prop("is short, plain, and another for another key", [keys, keys], ([one, other]) =>
    Effect.gen(function* () {
      const names = yield* Effect.all([FileEntry.fileName(one), FileEntry.fileName(other)])
      for (const name of names) assert.match(name, /^[0-9a-f]{64}\.token$/)
      assert.strictEqual(names[0] === names[1], one === other)
    })
  )

  it.effect("differs for keys that differ by case or by what a file system folds or forbids", () =>
    Effect.gen(function* () {
      const alike = ["a", "A", "con", "CON", "a:b", "a_b", "a-b", "a{b}", "{a}b", "", "A".repeat(200), "A".repeat(199)]
      const names = yield* Effect.forEach(alike, FileEntry.fileName)
      assert.strictEqual(new Set(names.map((name) => name.toLowerCase())).size, alike.length)
    })
  )
})

describe("the bytes of an entry", () => {
  it.prop("are read as they were written", [entries.filter(isWellFormed)], ([entry]) => {
    const bytes = FileEntry.encode(entry)
    assert.deepStrictEqual(FileEntry.decode(bytes), Option.some(entry))
    assert.deepStrictEqual(FileEntry.endOf(bytes.subarray(0, FileEntry.largestHeader)), Option.some(entry.end))
  })

  it.prop("are nothing when they are cut off or go on", [entries, fc.nat()], ([entry, at]) => {
    const bytes = FileEntry.encode(entry)
    assert.isTrue(Option.isNone(FileEntry.decode(bytes.subarray(0, at % bytes.length))))
    assert.isTrue(Option.isNone(FileEntry.decode(new Uint8Array([...bytes, 0]))))
  })

  it.prop("are nothing when they are anything else", [fc.uint8Array({ maxLength: 200 })], ([bytes]) => {
    assert.isTrue(Option.isNone(FileEntry.decode(bytes)))
    assert.isTrue(Option.isNone(FileEntry.endOf(bytes)))
  })

  it("are nothing when they are no UTF-8", () => {
    const bytes = FileEntry.encode({ end: 1, value: "xy" })
    bytes.set([0xff], bytes.length - 1)
    assert.isTrue(Option.isNone(FileEntry.decode(bytes)))
  })
})

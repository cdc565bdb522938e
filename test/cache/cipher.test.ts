import { createDecipheriv, createHmac, hkdfSync } from "node:crypto"
import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, FastCheck, Redacted } from "effect"
import { joinKey } from "../../src/cache/cacheKey.js"
import { type Cipher, encrypted, plain } from "../../src/cache/cipher.js"
import * as TokenEncryption from "../../src/cache/TokenEncryption.js"
import { sha256 } from "../../src/core/digest.js"

const bytes = (seed: number) => Buffer.alloc(32, seed)
const secret = (seed: number) => Redacted.make(bytes(seed).toString("base64"))

type Ring = readonly [id: string, seed: number]

/** A cipher whose keys are known by a number each; the first one writes. */
const cipher = (index: number, [id, seed]: Ring, ...others: ReadonlyArray<Ring>): Effect.Effect<Cipher> =>
  TokenEncryption.make({
    keys: [{ id, key: secret(seed) }, ...others.map(([id, seed]) => ({ id, key: secret(seed) }))],
    indexKey: secret(index)
  }).pipe(Effect.map(encrypted), Effect.orDie)

const january = cipher(9, ["2025-01", 1])
const ciphers = [
  ["plain", Effect.succeed(plain)],
  ["encrypted", january]
] as const

const entryKey = joinKey("user", "scope")
const value = '{"accessToken":"hunter2"}'
const end = Date.UTC(2025, 0, 1, 2)

/** Of January's key, written by the first version of the format. */
const written =
  "entra1.sealed.2025-01.1735693200000." +
  "H1z0pbUF_FB-HwM51tt0UTUVLll9UoYKW9G6u4orErIaRJWGKIAIjwxchE5gOvpqiYPdQNzfctKfx7I6cak7wemCVyn7"

const reasonOf = (by: Cipher, text: string, key = entryKey) =>
  Effect.map(Effect.flip(by.open(key, text)), ({ keyId, reason }) => (keyId === undefined ? reason : [reason, keyId]))

describe("what was sealed", () => {
  for (const [name, made] of ciphers) {
    it.effect.prop(
      `is opened as it was, with its end: ${name}`,
      [
        FastCheck.string({ unit: "binary" }),
        FastCheck.string({ unit: "binary" }),
        FastCheck.integer({ min: 0, max: 999_999_999_999_999 })
      ],
      ([key, value, expiresAt]) =>
        Effect.gen(function* () {
          const by = yield* made
          const text = yield* by.seal(key, value, expiresAt)
          assert.notInclude(text, "\n")
          assert.deepStrictEqual(yield* by.open(key, text), { value, expiresAt })
        })
    )

    it.effect(`keeps line breaks and a byte order mark, and loses parts of a millisecond: ${name}`, () =>
      Effect.gen(function* () {
        const by = yield* made
        const text = yield* by.seal(entryKey, "\ufeffone\r\ntwo", end + 0.9)
        assert.strictEqual(text.split(/[\r\n]/).length, 1)
        assert.deepStrictEqual(yield* by.open(entryKey, text), { value: "\ufeffone\r\ntwo", expiresAt: end })
      })
    )
  }

  it.effect("is another text each time, for its salt is", () =>
    Effect.gen(function* () {
      const by = yield* january
      const texts = yield* Effect.replicateEffect(by.seal(entryKey, value, end), 20)
      const salts = texts.map((text) => Buffer.from(text.split(".")[4] ?? "", "base64url").toString("hex", 0, 28))
      assert.strictEqual(new Set(salts.map((salt) => salt.slice(0, 32))).size, 20)
      assert.strictEqual(new Set(salts.map((salt) => salt.slice(32))).size, 20)
    })
  )

  it.effect("tells nothing but its key's id, its end and its length", () =>
    Effect.gen(function* () {
      const text = yield* (yield* january).seal(entryKey, value, end)
      assert.match(text, /^entra1\.sealed\.2025-01\.1735696800000\.[\w-]+$/)
      assert.notMatch(`${text}${Buffer.from(text, "base64url")}`, /hunter2|accessToken|user|scope/)
    })
  )

  it.effect("is AES-256-GCM by HKDF-SHA-256, as another implementation sees it", () =>
    Effect.gen(function* () {
      const text = yield* (yield* january).seal(entryKey, value, end)
      const whole = Buffer.from(text.split(".")[4] ?? "", "base64url")
      const [salt, iv, tag] = [whole.subarray(0, 16), whole.subarray(16, 28), whole.subarray(-16)]
      const derived = hkdfSync("sha256", bytes(1), salt, "effect-entra/TokenEncryption/value", 32)
      const decipher = createDecipheriv("aes-256-gcm", Buffer.from(derived), iv)
      decipher.setAAD(Buffer.from(joinKey("1", "2025-01", entryKey, `${end}`)))
      decipher.setAuthTag(tag)
      assert.strictEqual(Buffer.concat([decipher.update(whole.subarray(28, -16)), decipher.final()]).toString(), value)
    })
  )

  it.effect("by the first version is read by all that follow", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* (yield* january).open("4:user5:scope", written), {
        value,
        expiresAt: 1_735_693_200_000
      })
      assert.deepStrictEqual(yield* plain.open("entry", 'entra1.plain.1735693200000.["entry","a\\"b"]'), {
        value: 'a"b',
        expiresAt: 1_735_693_200_000
      })
    })
  )
})

describe("a name", () => {
  const key = FastCheck.string({ unit: "binary", maxLength: 200 })

  it.effect.prop("is of 43 characters, whatever the key", [key], ([key]) =>
    Effect.gen(function* () {
      for (const by of [plain, yield* january]) assert.match(yield* by.name(key), /^[A-Za-z0-9_-]{43}$/)
    })
  )

  it.effect("is SHA-256 without encryption, and HMAC-SHA-256 with it", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* plain.name(entryKey), yield* sha256(entryKey))
      const hmac = createHmac("sha256", bytes(9)).update(entryKey).digest("base64url")
      assert.strictEqual(yield* (yield* january).name(entryKey), hmac)
    })
  )

  it.effect("stays when keys rotate, and changes with the index key", () =>
    Effect.gen(function* () {
      const name = yield* (yield* january).name(entryKey)
      assert.strictEqual(yield* (yield* cipher(9, ["2025-02", 2])).name(entryKey), name)
      assert.notStrictEqual(yield* (yield* cipher(8, ["2025-01", 1])).name(entryKey), name)
    })
  )
})

describe("rotation", () => {
  it.effect("writes with the first key, and reads with all", () =>
    Effect.gen(function* () {
      const old = yield* (yield* january).seal(entryKey, value, end)
      const both = yield* cipher(9, ["2025-02", 2], ["2025-01", 1])
      assert.strictEqual((yield* both.open(entryKey, old)).value, value)
      const text = yield* both.seal(entryKey, value, end)
      assert.include(text, ".2025-02.")
      assert.strictEqual((yield* (yield* cipher(9, ["2025-02", 2])).open(entryKey, text)).value, value)
    })
  )

  it.effect("names the key that was taken away too early", () =>
    Effect.gen(function* () {
      const february = yield* cipher(9, ["2025-02", 2])
      assert.deepStrictEqual(yield* reasonOf(february, written), ["key", "2025-01"])
    })
  )

  it.effect("finds no key in what every object has", () =>
    Effect.gen(function* () {
      const by = yield* january
      for (const id of ["constructor", "__proto__", "toString"])
        assert.deepStrictEqual(yield* reasonOf(by, written.replace("2025-01", id)), ["key", id])
    })
  )
})

describe("a store can't", () => {
  it.effect("pass one entry for another", () =>
    Effect.gen(function* () {
      const by = yield* january
      assert.deepStrictEqual(yield* reasonOf(by, written, joinKey("user", "scope", "")), ["tampered", "2025-01"])
      assert.deepStrictEqual(yield* reasonOf(by, written, joinKey("users", "cope")), ["tampered", "2025-01"])
    })
  )

  it.effect.each(["1735693200001", "9735693200000", "173569320000", "01735693200000", "0"])(
    "give an entry another end: %s",
    (other) =>
      Effect.gen(function* () {
        const text = written.replace("1735693200000", other)
        assert.deepStrictEqual(yield* reasonOf(yield* january, text), ["tampered", "2025-01"])
      })
  )

  it.effect("pass one key's entry for another's, even where two ids are one key", () =>
    Effect.gen(function* () {
      const twins = yield* cipher(9, ["2025-01", 1], ["2025-02", 1])
      assert.strictEqual((yield* twins.open(entryKey, written)).value, value)
      const renamed = written.replace("2025-01", "2025-02")
      assert.deepStrictEqual(yield* reasonOf(twins, renamed), ["tampered", "2025-02"])
    })
  )

  it.effect("slip in a value that is not encrypted, where encryption is on", () =>
    Effect.gen(function* () {
      const text = yield* plain.seal(entryKey, value, end)
      assert.strictEqual(yield* reasonOf(yield* january, text), "key")
    })
  )

  it.effect("pass an encrypted value for one that is not", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* reasonOf(plain, written), ["key", "2025-01"])
    })
  )

  it.effect("cut anything off", () =>
    Effect.gen(function* () {
      const by = yield* january
      const text = yield* plain.seal(entryKey, value, end)
      for (let length = 0; length < written.length; length += 1)
        assert.instanceOf(yield* Effect.flip(by.open(entryKey, written.slice(0, length))), TokenEncryption.Unreadable)
      for (let length = 0; length < text.length; length += 1)
        assert.strictEqual(yield* reasonOf(plain, text.slice(0, length)), "format")
    })
  )

  it.effect("change a character and have another value or end read", () =>
    Effect.gen(function* () {
      const by = yield* january
      const opened = yield* by.open(entryKey, written)
      for (let index = 0; index < written.length; index += 1)
        for (const character of ["A", "0", "_", ".", "=", "\n", "\u0000", "é"]) {
          const outcome = yield* Effect.either(
            by.open(entryKey, written.slice(0, index) + character + written.slice(index + 1))
          )
          if (Either.isRight(outcome)) assert.deepStrictEqual(outcome.right, opened)
          else assert.instanceOf(outcome.left, TokenEncryption.Unreadable)
        }
      const last = `${written.slice(0, -8)}AAAAAAAA`
      assert.deepStrictEqual(yield* reasonOf(by, last), ["tampered", "2025-01"])
    })
  )
})

const head = FastCheck.constantFrom(
  "",
  "entra1.",
  "entra1.plain.1.",
  'entra1.plain.1."',
  "entra1.sealed.2025-01.1.",
  `entra1.sealed.2025-01.1.${"A".repeat(56)}`
)

describe("whatever a store gives", () => {
  for (const [name, made] of ciphers)
    it.effect.prop(
      `fails as unreadable at worst: ${name}`,
      [head, FastCheck.string({ unit: "binary" })],
      ([head, text]) =>
        Effect.gen(function* () {
          const outcome = yield* Effect.either((yield* made).open(entryKey, head + text))
          if (Either.isRight(outcome))
            assert.strictEqual(JSON.parse(`${head}${text}`.replace("entra1.plain.1.", "")), outcome.right.value)
          else assert.instanceOf(outcome.left, TokenEncryption.Unreadable)
        }),
      { fastCheck: { numRuns: 300 } }
    )

  const formats: ReadonlyArray<readonly [of: string, text: string]> = [
    ["an empty text", ""],
    ["JSON", value],
    ["a version that is none", "entra0.sealed"],
    ["this version without anything", "entra1."],
    ["a mode that is none", `entra1.open.${end}.""`],
    ["a key id that is none", "entra1.sealed.a b.1.AAAA"],
    ["a key id that is too long", `entra1.sealed.${"a".repeat(65)}.1.AAAA`],
    ["an end that is none", 'entra1.plain.1e3.""'],
    ["an end that no number holds", 'entra1.plain.9999999999999999.""'],
    ["a value that is no text", "entra1.plain.1.{}"],
    ["a value of many levels", `entra1.plain.1.${"[".repeat(500_000)}`]
  ]
  it.effect.each(formats)("%s is none of ours", ([, text]) =>
    Effect.gen(function* () {
      for (const by of [plain, yield* january])
        assert.strictEqual(yield* reasonOf(by, text), by === plain || !text.includes(".plain.1.") ? "format" : "key")
      assert.strictEqual(yield* reasonOf(plain, text), "format")
    })
  )

  it.effect.each(["", "AAAA", "A".repeat(58), "A".repeat(61), "!".repeat(80), "AA=A".repeat(20)])(
    "%j is none of ours where encrypted bytes should stand",
    (content) =>
      Effect.gen(function* () {
        assert.strictEqual(yield* reasonOf(yield* january, `entra1.sealed.2025-01.1.${content}`), "format")
      })
  )

  it.effect.each(["entra2.sealed.2025-01.1.AAAA", "entra10.", "entra2.plain.1.x", "entra999999.\n"])(
    "%j is a newer version's",
    (text) =>
      Effect.gen(function* () {
        for (const by of [plain, yield* january]) assert.strictEqual(yield* reasonOf(by, text), "version")
      })
  )

  it.effect("is looked at up to 1 MiB, and not at all beyond it", () =>
    Effect.gen(function* () {
      const start = "entra1.plain.1."
      const around = start.length + JSON.stringify([entryKey, ""]).length
      const value = "a".repeat(1_048_576 - around)
      const longest = `${start}${JSON.stringify([entryKey, value])}`
      assert.strictEqual(longest.length, 1_048_576)
      assert.strictEqual((yield* plain.open(entryKey, longest)).value, value)
      for (const by of [plain, yield* january]) {
        assert.strictEqual(yield* reasonOf(by, `${longest} `), "size")
        assert.strictEqual(yield* reasonOf(by, "entra2.".padEnd(1_048_577)), "size")
      }
    })
  )

  it.live("is refused at once when it is far too long", () =>
    Effect.gen(function* () {
      const by = yield* january
      const text = `${written}${"A".repeat(10 * 1_048_576)}`
      const start = performance.now()
      for (let count = 0; count < 100; count += 1) assert.strictEqual(yield* reasonOf(by, text), "size")
      assert.isBelow(performance.now() - start, 2000, "ms for a hundred, of which each takes longer to be decoded")
    })
  )
})

describe("a warning of what can't be read", () => {
  it.effect("holds neither value nor keys", () =>
    Effect.gen(function* () {
      const by = yield* january
      const text = yield* plain.seal(entryKey, value, end)
      const errors = yield* Effect.forEach(
        [
          by.open("4:user7:bananas", written),
          by.open(entryKey, text),
          plain.open(entryKey, written),
          plain.open(entryKey, `${text}}`),
          plain.open(entryKey, text.replace("entra1", "entra2"))
        ],
        Effect.flip
      )
      for (const error of errors) {
        const inspected = inspect(error, { depth: 20, showHidden: true })
        const shown = `${inspected}${JSON.stringify(error)}${error}${error.message}`
        for (const hidden of ["hunter2", "accessToken", "bananas", "4:user", "H1z0pbUF", bytes(1).toString("base64")])
          assert.notInclude(shown.replace(/\n +at .*/g, ""), hidden)
      }
    })
  )
})

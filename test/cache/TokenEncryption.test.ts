import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Cause, type ConfigError, ConfigProvider, Effect, Encoding, Redacted, Schema } from "effect"
import * as TokenEncryption from "../../src/cache/TokenEncryption.js"

/** 32 bytes that make `+`, `/` and `=` in base64. */
const bytes = (seed: number) => Uint8Array.from({ length: 32 }, (_, index) => (index % 2 === 0 ? 251 : seed))
const base64 = (seed: number) => Encoding.encodeBase64(bytes(seed))
const base64Url = (seed: number) => Encoding.encodeBase64Url(bytes(seed))
const indexKey = Redacted.make(base64(99))

const key = (id: string, text: string): TokenEncryption.Key => ({ id, key: Redacted.make(text) })
const options = (...keys: ReadonlyArray<TokenEncryption.Key>): TokenEncryption.Options => ({
  keys: [key("new", base64(1)), ...keys],
  indexKey
})

const printed = (value: unknown) =>
  [
    inspect(value, { depth: 20, showHidden: true }),
    inspect(value, { depth: 20, customInspect: false }),
    JSON.stringify(value),
    String(value)
  ].join("\n")

const secrets = [1, 2, 99].flatMap((seed) => [
  base64(seed),
  base64Url(seed),
  base64(seed).slice(0, 12),
  `${bytes(seed)}`
])

const assertTellsNothing = (value: unknown, more: ReadonlyArray<string> = []) => {
  for (const secret of [...secrets, ...more]) assert.notInclude(printed(value), secret)
}

describe("keys", () => {
  it.each([
    ["base64", base64(1)],
    ["base64url without padding", base64Url(1)],
    ["base64 without padding", base64(1).replace("=", "")],
    ["base64url with padding", `${base64Url(1)}=`],
    ["base64 with the line break of a file's end", `${base64(1)}\n`]
  ])("are taken as %s", (_, text) =>
    Effect.runPromise(
      Effect.gen(function* () {
        const { readers, writer } = yield* TokenEncryption.make({ keys: [key("new", text)], indexKey })
        assert.strictEqual(writer.id, "new")
        assert.deepStrictEqual([...readers.keys()], ["new"])
      })
    )
  )

  it.effect("can't be read back", () =>
    Effect.gen(function* () {
      const encryption = yield* TokenEncryption.make(options(key("old", base64(2))))
      for (const each of [encryption.writer.key, ...encryption.readers.values(), encryption.indexKey]) {
        assert.isFalse(each.extractable)
        yield* Effect.flip(Effect.tryPromise(() => crypto.subtle.exportKey("raw", each)))
      }
    })
  )

  it.effect("show their ids alone", () =>
    Effect.gen(function* () {
      const given = options(key("old", base64(2)))
      const encryption = yield* TokenEncryption.make(given)
      assert.strictEqual(JSON.stringify(encryption), '{"_id":"TokenEncryption","keys":["new","old"]}')
      assert.match(inspect(encryption), /^\{ _id: 'TokenEncryption', keys: \[ 'new', 'old' \] \}$/)
      assertTellsNothing(encryption)
      assertTellsNothing(given)
    })
  )
})

const refusals: ReadonlyArray<
  readonly [of: string, options: TokenEncryption.Options, parameter: string, tells: RegExp]
> = [
  [
    "a key that is too short",
    options(key("old", base64(2).slice(0, 24))),
    "keys[1].key",
    /expected 32 bytes.*found 18 bytes.*`openssl rand -base64 32`/
  ],
  ["a key that is too long", options(key("old", base64(2).replace("=", "AAA"))), "keys[1].key", /found 34 bytes/],
  ["an empty key", options(key("old", "")), "keys[1].key", /found 0 bytes/],
  [
    "a key that is no base64",
    options(key("old", "hunter2!".repeat(4))),
    "keys[1].key",
    /as base64, found something else/
  ],
  ["a key in hexadecimal", options(key("old", Encoding.encodeHex(bytes(2)))), "keys[1].key", /found 48 bytes/],
  ["an empty id", options(key("", base64(2))), "keys[1].id", /1 to 64 characters/],
  ["an id of 65 characters", options(key("a".repeat(65), base64(2))), "keys[1].id", /1 to 64 characters/],
  ["an id with a dot", options(key("2025.01", base64(2))), "keys[1].id", /1 to 64 characters/],
  ["an id with a line break", options(key("old\n", base64(2))), "keys[1].id", /1 to 64 characters/],
  ["a key in the place of its id", options(key(base64(2), "old")), "keys[1].id", /1 to 64 characters/],
  ["an id that is used twice", options(key("old", base64(2)), key("new", base64(3))), "keys[2].id", /no key before/],
  ["an index key that is too short", { ...options(), indexKey: Redacted.make("aaaa") }, "indexKey", /found 3 bytes/],
  [
    "an index key that writes or reads too",
    { ...options(key("old", base64(2))), indexKey: Redacted.make(base64Url(2)) },
    "indexKey",
    /a key of its own/
  ]
]

describe("make refuses", () => {
  it.effect.each(refusals)("%s, without showing it", ([, given, parameter, tells]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(TokenEncryption.make(given))
      assert.strictEqual(error.parameter, parameter)
      assert.match(error.message, tells)
      assertTellsNothing(error, ["hunter2", Encoding.encodeHex(bytes(2)).slice(0, 12)])
      assertTellsNothing(Cause.pretty(Cause.fail(error)), ["hunter2"])
    })
  )

  it.effect("no keys at all", () =>
    Effect.gen(function* () {
      const keys: ReadonlyArray<TokenEncryption.Key> = []
      // @ts-expect-error the types refuse it too
      const error = yield* Effect.flip(TokenEncryption.make({ keys, indexKey }))
      assert.strictEqual(error.parameter, "keys")
      assert.include(error.message, "openssl rand -base64 32")
    })
  )
})

const withVariables = (variables: Readonly<Record<string, string>>) =>
  Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables))))

const failures = (error: ConfigError.ConfigError): ReadonlyArray<string> =>
  error._op === "And" || error._op === "Or"
    ? [...failures(error.left), ...failures(error.right)]
    : [`${error._op} ${error.path.join()}`]

describe("the environment", () => {
  it.effect("names the keys, of which the first writes", () =>
    Effect.gen(function* () {
      const given = yield* withVariables({
        TOKEN_CACHE_KEYS: `2025-02:${base64(1)}, 2025-01:${base64Url(2)}`,
        TOKEN_CACHE_INDEX_KEY: base64(99)
      })(TokenEncryption.config())
      assertTellsNothing(given)
      const { readers, writer } = yield* TokenEncryption.make(given)
      assert.strictEqual(writer.id, "2025-02")
      assert.deepStrictEqual([...readers.keys()], ["2025-02", "2025-01"])
    })
  )

  it.effect("has another prefix for another cache", () =>
    Effect.gen(function* () {
      const { keys } = yield* withVariables({ APP_KEYS: `a:${base64(1)}`, APP_INDEX_KEY: base64(99) })(
        TokenEncryption.config("APP")
      )
      assert.deepStrictEqual(
        keys.map(({ id, key }) => [id, Redacted.value(key)]),
        [["a", base64(1)]]
      )
    })
  )

  it.effect("is told all that is missing at once", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(withVariables({})(TokenEncryption.config()))
      assert.deepStrictEqual(failures(error), ["MissingData TOKEN_CACHE_KEYS", "MissingData TOKEN_CACHE_INDEX_KEY"])
    })
  )

  it.effect.each([
    ["a key without id", base64(1), base64(99)],
    ["a key without id that looks like one", base64Url(1), base64(99)],
    ["nothing at all", "", base64(99)],
    ["a comma at the end", `a:${base64(1)},`, base64(99)],
    ["an id behind its key", `${base64(1)}:a`, base64(99)],
    ["a key that is too long", `a:${base64(1).replace("=", "AAA")}`, base64(99)],
    ["a key that is no base64", `a:${base64(1)}:hunter2`, base64(99)],
    ["an id that is used twice", `a:${base64(1)},a:${base64(2)}`, base64(99)],
    ["an index key that is too long", `a:${base64(1)}`, `${base64(99)}`.replace("=", "AAA")]
  ] as const)("is not shown where it is malformed: %s", ([, keys, index]) =>
    Effect.gen(function* () {
      const variables = { TOKEN_CACHE_KEYS: keys, TOKEN_CACHE_INDEX_KEY: index }
      const error = yield* Effect.flip(withVariables(variables)(TokenEncryption.config()))
      const name = index === base64(99) ? "TOKEN_CACHE_KEYS" : "TOKEN_CACHE_INDEX_KEY"
      assert.deepStrictEqual(failures(error), [`InvalidData ${name}`])
      assertTellsNothing(error, ["hunter2"])
    })
  )

  it.effect("is told of an index key that writes too when the keys are taken in", () =>
    Effect.gen(function* () {
      const given = yield* withVariables({ TOKEN_CACHE_KEYS: `a:${base64(1)}`, TOKEN_CACHE_INDEX_KEY: base64(1) })(
        TokenEncryption.config()
      )
      assertTellsNothing(yield* Effect.flip(TokenEncryption.make(given)))
    })
  )
})

describe("Unreadable", () => {
  const remedies: Record<TokenEncryption.UnreadableReason, RegExp> = {
    format: /Give the cache a store/,
    version: /Update this program/,
    size: /longer than 1 MiB/,
    key: /not encrypted.*Remove the entries/,
    tampered: /Find out who else writes/
  }

  it.each(TokenEncryption.UnreadableReason.literals)(
    "tells what to do about %s, and is not worth another try",
    (reason) => {
      const error = new TokenEncryption.Unreadable({ reason })
      assert.match(error.message, remedies[reason])
      assert.isFalse(error.isRetryable)
    }
  )

  it("names the key that is not there", () => {
    const { message } = new TokenEncryption.Unreadable({ reason: "key", keyId: "2025-01" })
    assert.include(message, "2025-01. Add the key that wrote it to the keys that read")
  })

  it.each(["", "a b", "a\n", "\u001b[31m", "a".repeat(65)])("can't carry %j for a key's id", (keyId) => {
    assert.isFalse(Schema.is(TokenEncryption.Unreadable.fields.keyId.from)(keyId))
    assert.throws(() => new TokenEncryption.Unreadable({ reason: "key", keyId }))
  })
})

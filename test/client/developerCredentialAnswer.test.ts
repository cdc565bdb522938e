import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck as fc, Redacted } from "effect"
import { azureCliTool, localSecondsOf } from "../../src/client/azureCli.js"
import { azureDeveloperCliTool } from "../../src/client/azureDeveloperCli.js"
import { azurePowerShellTool } from "../../src/client/azurePowerShell.js"
import { readAnswer } from "../../src/client/developerAnswer.js"

const azureCli = azureCliTool(undefined)

const two = (value: number): string => `${value}`.padStart(2, "0")

/** As Azure CLI writes a moment, in this machine's time zone. */
const localText = (date: Date): string =>
  `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.000000`

const tokens = fc.stringMatching(/^[\w-]{1,40}\.[\w-]{1,80}\.[\w-]{1,40}$/)
const moments = fc.integer({ min: 1_600_000_000, max: 4_000_000_000 })
const noise = fc.constantFrom(
  "",
  "\ufeff",
  "WARNING: a newer version is there\n",
  "{broken\n",
  '{"type":"consoleMessage","timestamp":"2026-04-13T17:43:24Z","data":{"message":"\\n"}}\n'
)
const spaces = fc.constantFrom(undefined, 2)
const ends = fc.constantFrom("", "\n", "\r\n", "\nthat was all\n")

const expectation = (token: string, expiresOn: number) => (answer: ReturnType<typeof readAnswer>) => {
  const response = Either.getOrThrow(answer)
  assert.strictEqual(Redacted.value(response.access_token), token)
  assert.strictEqual(response.expires_on, expiresOn)
  assert.strictEqual(response.token_type, "Bearer")
}

describe("what a tool prints", () => {
  it("is read for its token and its expiry, whatever stands before and after it", () =>
    fc.assert(
      fc.property(tokens, moments, noise, spaces, ends, (token, expiresOn, before, space, after) => {
        const date = new Date(expiresOn * 1000)
        const is = expectation(token, expiresOn)
        const printed = (object: unknown) => `${before}${JSON.stringify(object, undefined, space)}${after}`
        const local = localText(date)
        is(readAnswer(printed({ accessToken: token, expiresOn: local, expires_on: expiresOn }), azureCli.form))
        is(readAnswer(printed({ token, expiresOn: date.toISOString() }), azureDeveloperCliTool.form))
        is(readAnswer(printed({ token, expiresOn }), azurePowerShellTool.form))
      })
    ))

  it("is never more than what is wrong with it, in a few fixed words", () => {
    const words = new Set([
      "its answer is not JSON",
      "its answer holds no token",
      "its answer does not say when the token expires"
    ])
    const member = fc.constantFrom("accessToken", "token", "expiresOn", "expires_on", "error")
    const values = fc.oneof(fc.jsonValue(), fc.dictionary(member, fc.jsonValue()))
    const texts = fc.oneof(
      fc.string(),
      values.map((value) => JSON.stringify(value)),
      values.map((value) => JSON.stringify(value).slice(0, -1))
    )
    for (const { form } of [azureCli, azureDeveloperCliTool, azurePowerShellTool])
      fc.assert(
        fc.property(texts, (text) => {
          const answer = readAnswer(text, form)
          assert.isTrue(Either.isRight(answer) || words.has(answer.left))
        })
      )
  })

  it.each([
    ["nothing", "", "its answer is not JSON"],
    ["prose", "Hello", "its answer is not JSON"],
    ["a list", "[1]", "its answer is not JSON"],
    ["an object of something else", '{"a":1}', "its answer holds no token"],
    ["an empty token", '{"accessToken":"","expires_on":1}', "its answer holds no token"],
    ["a token that would end a header", '{"accessToken":"a\\r\\nb","expires_on":1}', "its answer holds no token"],
    ["a token that is none", '{"accessToken":{},"expires_on":1}', "its answer holds no token"],
    ["no expiry", '{"accessToken":"a.b.c"}', "its answer does not say when the token expires"],
    [
      "an expiry that is none",
      '{"accessToken":"a.b.c","expires_on":-1,"expiresOn":"soon"}',
      "its answer does not say when the token expires"
    ]
  ])("is refused when it is %s", (_, stdout, reason) =>
    assert.deepStrictEqual(readAnswer(stdout, azureCli.form), Either.left(reason))
  )
})

describe("the expiry that Azure CLI wrote before 2.54", () => {
  it("is of this machine's time zone", () =>
    fc.assert(
      fc.property(moments, (expiresOn) => {
        const read = localSecondsOf(localText(new Date(expiresOn * 1000)))
        // Of the hour that clocks go through twice the text doesn't tell which it is.
        assert.isDefined(read)
        assert.strictEqual(localText(new Date((read ?? 0) * 1000)), localText(new Date(expiresOn * 1000)))
        assert.isAtMost(read ?? 0, expiresOn)
      })
    ))

  it("has a time zone of its own in every zone", () => {
    const zone = process.env.TZ
    try {
      for (const [name, text, expected] of [
        ["UTC", "2024-01-31 10:20:30.000000", "2024-01-31T10:20:30Z"],
        ["Asia/Kolkata", "2024-01-31 10:20:30.123456", "2024-01-31T04:50:30Z"],
        ["America/New_York", "2024-07-31 10:20:30.000000", "2024-07-31T14:20:30Z"],
        ["America/New_York", "2024-11-03 01:30:00.000000", "2024-11-03T05:30:00Z"]
      ] as const) {
        process.env.TZ = name
        assert.strictEqual(localSecondsOf(text), Date.parse(expected) / 1000, name)
      }
    } finally {
      if (zone === undefined) delete process.env.TZ
      else process.env.TZ = zone
    }
  })

  it.each([
    "2024-02-31 10:20:30.000000",
    "2024-13-01 10:20:30.000000",
    "2024-01-31 25:20:30.000000",
    "2024-01-31",
    "",
    5
  ])("is absent when it is %s", (text) => assert.isUndefined(localSecondsOf(text)))
})

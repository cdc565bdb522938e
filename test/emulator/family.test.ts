import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import { defaults, inProcess } from "./helpers.js"
import { claimsOf, desktop, post, refresh, refusal, tokensOf } from "./people.js"

const emulator = EntraEmulator.EntraEmulator

const member = { ...desktop, client_id: defaults.familyClientId }
const other = { ...desktop, client_id: defaults.otherFamilyClientId }

describe("the family of applications", () => {
  it.effect("is named beside a refresh token, and nowhere else", () =>
    Effect.gen(function* () {
      const first = yield* tokensOf(defaults.username, member)
      assert.strictEqual(first.foci, "1")
      assert.strictEqual((yield* post(refresh(first, member))).json.foci, "1")
      const bare = yield* tokensOf(defaults.username, { ...member, scope: defaults.apiUserScope })
      assert.notProperty(bare, "foci")
      assert.notProperty(yield* tokensOf(defaults.username, desktop), "foci")
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("shares refresh tokens, and each application gets tokens of its own", () =>
    Effect.gen(function* () {
      const first = yield* tokensOf(defaults.username, member)
      const { status, json } = yield* post({ ...refresh(first, other), scope: `openid ${defaults.apiUserScope}` })
      assert.strictEqual(status, 200)
      assert.strictEqual(claimsOf(json.access_token).azp, defaults.otherFamilyClientId)
      assert.strictEqual(claimsOf(json.id_token).aud, defaults.otherFamilyClientId)
      assert.strictEqual(json.foci, "1")
      for (const parameters of [member, other]) {
        assert.strictEqual((yield* post(refresh(json, parameters))).status, 200)
        assert.strictEqual((yield* post(refresh(first, parameters))).status, 200)
      }
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("shares no consent", () =>
    Effect.gen(function* () {
      const scope = `offline_access ${defaults.unconsentedApiUserScope}`
      const first = yield* tokensOf(defaults.username, { ...member, scope })
      assert.deepStrictEqual(refusal(yield* post(refresh(first, other))), [
        400,
        "invalid_grant",
        [65001],
        "consent_required"
      ])
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("shares nothing with an application outside, nor takes a refresh token from there", () =>
    Effect.gen(function* () {
      const ofFamily = yield* tokensOf(defaults.username, member)
      const stranger = yield* post(refresh(ofFamily, desktop))
      assert.deepStrictEqual(refusal(stranger), [400, "invalid_grant", [700007], "client_mismatch"])
      const ofStranger = yield* tokensOf(defaults.username, desktop)
      const refused = yield* post(refresh(ofStranger, member))
      assert.deepStrictEqual(refusal(refused), [400, "invalid_grant", [70000], undefined])
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("loses all of it when the person is revoked", () =>
    Effect.gen(function* () {
      const first = yield* tokensOf(defaults.username, member)
      const { json } = yield* post(refresh(first, other))
      yield* (yield* emulator).revoke(defaults.username)
      for (const [tokens, parameters] of [
        [first, other],
        [json, other],
        [json, member]
      ] as const) {
        const answer = yield* post(refresh(tokens, parameters))
        assert.deepStrictEqual(refusal(answer), [400, "invalid_grant", [50173], "bad_token"])
      }
    }).pipe(Effect.provide(inProcess()))
  )
})

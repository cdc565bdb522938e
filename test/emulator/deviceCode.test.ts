import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as fc from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import * as Chance from "../../src/emulator/chance.js"
import * as Devices from "../../src/emulator/devices.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import * as Browser from "./browser.js"
import { defaults, get, inProcess, publicOrigin } from "./helpers.js"
import { claimsOf, defined, entra, type Parameters, post, refresh, refusal, secret } from "./people.js"

const emulator = EntraEmulator.EntraEmulator

const asked: Parameters = {
  client_id: defaults.publicClientId,
  scope: `openid profile offline_access ${defaults.apiUserScope}`
}

const grantType = "urn:ietf:params:oauth:grant-type:device_code"

const devicecode = (form: Parameters = asked, base = entra()) =>
  Effect.gen(function* () {
    const request = HttpClientRequest.post(`${base}/devicecode`).pipe(HttpClientRequest.bodyUrlParams(defined(form)))
    const response = yield* HttpClient.execute(request)
    return { status: response.status, json: (yield* response.json) as Record<string, unknown> }
  })

interface Started {
  readonly userCode: string
  readonly uri: string
  readonly poll: Parameters
}

const start = (form: Parameters = asked, base = entra()) =>
  Effect.map(devicecode(form, base), ({ status, json }): Started => {
    assert.strictEqual(status, 200, JSON.stringify(json))
    return {
      userCode: String(json.user_code),
      uri: String(json.verification_uri),
      poll: { grant_type: grantType, client_id: form.client_id, device_code: String(json.device_code) }
    }
  })

/** The code was typed: what the page says next. */
const type = (browser: Browser.Browser, { uri, userCode }: Pick<Started, "uri" | "userCode">) =>
  Effect.flatMap(browser.open(uri), (page) => browser.press(page, "next", { user_code: userCode }))

const signedIn = (browser: Browser.Browser, started: Started, username: string = defaults.username) =>
  Effect.gen(function* () {
    const confirm = yield* type(browser, started)
    const picker = yield* browser.press(confirm, "continue")
    return yield* browser.press(picker, username)
  })

describe("the device authorization endpoint", () => {
  it.effect("answers as documented", () =>
    Effect.gen(function* () {
      const { status, json } = yield* devicecode()
      const { device_code: deviceCode, user_code: userCode, ...rest } = json
      assert.strictEqual(status, 200)
      assert.isAbove(String(deviceCode).length, 80)
      assert.match(String(userCode), /^[B-DF-HJ-NP-TV-XZ]{9}$/)
      assert.deepStrictEqual(rest, {
        verification_uri: `${publicOrigin}/devicelogin`,
        expires_in: 900,
        interval: 5,
        message:
          `To sign in, use a web browser to open the page ${publicOrigin}/devicelogin and enter the code ` +
          `${userCode} to authenticate.`
      })
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("has the lifetime and the interval of the options", () =>
    Effect.gen(function* () {
      const { json } = yield* devicecode()
      assert.deepStrictEqual([json.expires_in, json.interval], [60, 1])
    }).pipe(Effect.provide(inProcess({ deviceCodeLifetime: "1 minute", deviceCodeInterval: "1 second" })))
  )

  it.effect("refuses what is no request for a code", () =>
    Effect.gen(function* () {
      const refusals: ReadonlyArray<readonly [Parameters, string, number]> = [
        [{ ...asked, client_id: undefined }, "invalid_request", 900144],
        [{ ...asked, client_id: defaults.apiAppId }, "unauthorized_client", 700016],
        [{ ...asked, scope: undefined }, "invalid_request", 900144],
        [{ ...asked, scope: "openid /" }, "invalid_scope", 70011],
        [{ ...asked, claims: "{" }, "invalid_request", 9002313]
      ]
      for (const [form, error, code] of refusals) {
        const { json, status } = yield* devicecode(form)
        assert.deepStrictEqual([status, json.error, json.error_codes], [400, error, [code]])
      }
      assert.deepStrictEqual((yield* get(`${entra()}/devicecode`)).json.error_codes, [900561])
      assert.deepStrictEqual((yield* devicecode(asked, entra("nobody.example"))).json.error_codes, [90002])
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("is named by the metadata of Entra and AD FS, not of Azure AD B2C, and answers there", () =>
    Effect.gen(function* () {
      const path = ".well-known/openid-configuration"
      const named = (document: string) =>
        Effect.map(get(`${publicOrigin}/${document}/${path}`), ({ json }) => json.device_authorization_endpoint)
      assert.strictEqual(yield* named(`${defaults.tenantId}/v2.0`), `${entra()}/devicecode`)
      assert.strictEqual(yield* named("adfs"), `${publicOrigin}/adfs/oauth2/devicecode`)
      const flow = `${defaults.b2cDomain}/${defaults.b2cUserFlow}`
      assert.isUndefined(yield* named(`${flow}/v2.0`))
      const b2c = yield* post(
        { grant_type: grantType, client_id: asked.client_id },
        `${publicOrigin}/${flow}/oauth2/v2.0`
      )
      assert.include(String(b2c.json.error_description), "AADB2C90086")
      const farm = `${publicOrigin}/adfs/oauth2`
      const started = yield* start({ ...asked, scope: `openid ${defaults.adfsScope}` }, farm)
      yield* (yield* emulator).answerDevice(started.userCode, { username: defaults.adfsUsername })
      const { json } = yield* post(started.poll, farm)
      assert.strictEqual(claimsOf(json.access_token).upn, defaults.adfsUsername)
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("a device that polls", () => {
  for (const name of [grantType, "device_code"]) {
    it.effect(`waits, then gets tokens, once (grant_type=${name})`, () =>
      Effect.gen(function* () {
        const { answerDevice } = yield* emulator
        const started = yield* start()
        const poll = { ...started.poll, grant_type: name }
        for (const _ of [1, 2]) {
          assert.deepStrictEqual(refusal(yield* post(poll)), [400, "authorization_pending", [70016], undefined])
        }
        yield* answerDevice(started.userCode.toLowerCase(), { username: defaults.username })
        const { status, json } = yield* post(poll)
        assert.strictEqual(status, 200)
        const { access_token: access, id_token: id, refresh_token: refreshToken, ...rest } = json
        assert.strictEqual(claimsOf(access).oid, defaults.userObjectId)
        assert.strictEqual(claimsOf(id).aud, defaults.publicClientId)
        assert.deepStrictEqual(rest, {
          token_type: "Bearer",
          scope: `${defaults.apiUserScope} openid profile`,
          expires_in: 3599,
          ext_expires_in: 3599
        })
        assert.strictEqual((yield* post(refresh({ refresh_token: refreshToken }, asked))).status, 200)
        assert.deepStrictEqual(refusal(yield* post(poll)).slice(0, 3), [400, "invalid_grant", [54005]])
      }).pipe(Effect.provide(inProcess()))
    )
  }

  it.effect("is told when its person declined", () =>
    Effect.gen(function* () {
      const { poll, userCode } = yield* start()
      yield* (yield* emulator).answerDevice(userCode, "decline")
      for (const _ of [1, 2]) {
        assert.deepStrictEqual(refusal(yield* post(poll)).slice(0, 2), [400, "authorization_declined"])
      }
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("is told when its code has expired, even if somebody signed in before", () =>
    Effect.gen(function* () {
      const { answerDevice } = yield* emulator
      const [first, second] = [yield* start(), yield* start()]
      yield* answerDevice(second.userCode, { username: defaults.username })
      yield* TestClock.adjust("899 seconds")
      assert.strictEqual((yield* post(first.poll)).json.error, "authorization_pending")
      yield* TestClock.adjust("1 second")
      for (const { poll } of [first, second]) {
        assert.deepStrictEqual(refusal(yield* post(poll)), [400, "expired_token", [70020], undefined])
      }
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("is not recognized with another code, another application's, or another authority's", () =>
    Effect.gen(function* () {
      const { poll } = yield* start()
      const other = { ...poll, client_id: defaults.familyClientId }
      for (const form of [{ ...poll, device_code: "nonsense" }, other]) {
        assert.deepStrictEqual(refusal(yield* post(form)), [400, "bad_verification_code", [70018], undefined])
      }
      const farm = yield* post(poll, `${publicOrigin}/adfs/oauth2`)
      assert.strictEqual(farm.json.error, "bad_verification_code")
      const missing = yield* post({ ...poll, device_code: undefined })
      assert.deepStrictEqual(refusal(missing).slice(0, 3), [400, "invalid_request", [900144]])
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("has a secret exactly if its application is confidential", () =>
    Effect.gen(function* () {
      const confidential = yield* start({ ...asked, client_id: defaults.clientId })
      assert.deepStrictEqual(refusal(yield* post(confidential.poll)).slice(0, 3), [401, "invalid_client", [7000218]])
      const { json } = yield* post({ ...confidential.poll, client_secret: secret })
      assert.strictEqual(json.error, "authorization_pending")
      const open = yield* start()
      const proven = yield* post({ ...open.poll, client_secret: secret })
      assert.deepStrictEqual(refusal(proven).slice(0, 3), [401, "invalid_client", [700025]])
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("may poll as fast as it likes, unless it shall be told to slow down", () =>
    Effect.gen(function* () {
      const { poll } = yield* start()
      const error = Effect.map(post(poll), ({ json }) => json.error)
      assert.strictEqual(yield* error, "authorization_pending")
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* error, "authorization_pending")
      yield* TestClock.adjust("4999 millis")
      assert.strictEqual(yield* error, "slow_down")
      yield* TestClock.adjust("9999 millis")
      assert.strictEqual(yield* error, "slow_down")
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual(yield* error, "authorization_pending")
    }).pipe(Effect.provide(inProcess({ deviceSlowDown: true })))
  )

  it.effect("at the endpoint for everybody gets tokens of the person's own tenant", () =>
    Effect.gen(function* () {
      const started = yield* start(asked, entra("organizations"))
      yield* (yield* emulator).answerDevice(started.userCode, { username: defaults.otherUsername })
      const { json } = yield* post(started.poll, entra("organizations"))
      assert.strictEqual(claimsOf(json.access_token).tid, defaults.otherTenantId)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("gets nothing at another tenant than the person signed in to", () =>
    Effect.gen(function* () {
      const started = yield* start(asked, entra("organizations"))
      yield* (yield* emulator).answerDevice(started.userCode, { username: defaults.otherUsername })
      assert.deepStrictEqual(refusal(yield* post(started.poll)).slice(0, 3), [400, "invalid_grant", [700005]])
      assert.strictEqual((yield* post(started.poll, entra(defaults.otherTenantId))).status, 200)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("whose person is revoked or disabled before it polls gets nothing", () =>
    Effect.gen(function* () {
      const { answerDevice, disable, revoke } = yield* emulator
      for (const [end, code] of [
        [revoke, 50173],
        [disable, 50057]
      ] as const) {
        const { poll, userCode } = yield* start()
        yield* answerDevice(userCode, { username: defaults.username })
        yield* end(defaults.username)
        assert.deepStrictEqual(refusal(yield* post(poll)).slice(0, 3), [400, "invalid_grant", [code]])
      }
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("gets what a seed varies", () =>
    Effect.gen(function* () {
      const shapes = new Set<string>()
      for (let i = 0; i < 20; i++) shapes.add(Object.keys((yield* devicecode()).json).join())
      assert.isAbove(shapes.size, 1)
    }).pipe(Effect.provide(inProcess({ seed: "devices" })))
  )
})

describe("answering a device", () => {
  it.effect(
    "is a mistake with a code that none has, that was answered or has expired, and for who may not sign in",
    () =>
      Effect.gen(function* () {
        const { answerDevice, disable, setPolicies } = yield* emulator
        const alice = { username: defaults.username }
        const dies = (code: string, said: { readonly username: string } | "decline") =>
          Effect.map(Effect.exit(answerDevice(code, said)), (exit) =>
            assert.isTrue(Exit.isFailure(exit) && exit.cause._tag === "Die", code)
          )
        const { userCode, poll } = yield* start()
        yield* dies("NOBODY", alice)
        yield* dies(userCode, { username: "nobody@contoso.onmicrosoft.com" })
        yield* disable(defaults.secondUsername)
        yield* dies(userCode, { username: defaults.secondUsername })
        yield* setPolicies(defaults.apiAppId, [{ id: "the-policy", requires: "block" }])
        yield* dies(userCode, alice)
        yield* setPolicies(defaults.apiAppId, [])
        assert.strictEqual((yield* post(poll)).json.error, "authorization_pending")
        yield* answerDevice(userCode, alice)
        yield* dies(userCode, "decline")
        const late = yield* start()
        yield* TestClock.adjust("15 minutes")
        yield* dies(late.userCode, alice)
      }).pipe(Effect.provide(inProcess()))
  )

  it.effect("gives the second factor and the consent that are asked for", () =>
    Effect.gen(function* () {
      const { answerDevice, requireMfa } = yield* emulator
      yield* requireMfa(defaults.apiAppId)
      const started = yield* start({ ...asked, scope: defaults.unconsentedApiUserScope })
      yield* answerDevice(started.userCode, { username: defaults.username })
      const { json } = yield* post(started.poll)
      assert.strictEqual(claimsOf(json.access_token).scp, "Tasks.Read Tasks.Write")
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("the page for codes", () => {
  it.effect("asks for the code, whether to go on, who is there and what is consented to", () =>
    Effect.gen(function* () {
      yield* (yield* emulator).requireMfa(defaults.secondUsername)
      const browser = Browser.make()
      const started = yield* start({ ...asked, scope: `openid ${defaults.unconsentedApiUserScope}` })
      const spaced = ` ${started.userCode.slice(0, 3).toLowerCase()}-${started.userCode.slice(3)} `
      const confirm = yield* type(browser, { ...started, userCode: spaced })
      assert.strictEqual(confirm.title, "Are you trying to sign in to Emulated desktop app?")
      const picker = yield* browser.press(confirm, "continue")
      assert.strictEqual(picker.title, "Pick an account")
      const password = yield* browser.press(picker, defaults.secondUsername)
      const factor = yield* browser.press(password, "next", { passwd: Redacted.value(defaults.password) })
      const consent = yield* browser.press(factor, "verify", { otc: Browser.shownCode(factor) })
      assert.include(consent.text, "Emulated desktop app asks for:")
      assert.strictEqual((yield* post(started.poll)).json.error, "authorization_pending")
      const done = yield* browser.press(consent, "accept")
      assert.strictEqual(done.title, "You have signed in to Emulated desktop app on your device")
      const { json } = yield* post(started.poll)
      assert.strictEqual(claimsOf(json.access_token).oid, defaults.secondUserObjectId)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("does not ask again who has signed in at this browser", () =>
    Effect.gen(function* () {
      const browser = Browser.make()
      yield* signedIn(browser, yield* start())
      const second = yield* start()
      const done = yield* browser.press(yield* type(browser, second), "continue")
      assert.include(done.title, "You have signed in")
      assert.strictEqual((yield* post(second.poll)).status, 200)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("says so of a code that is none, was used, or has expired", () =>
    Effect.gen(function* () {
      const browser = Browser.make()
      const started = yield* start()
      for (const userCode of ["BCDFGHJKL", "", "<b>"]) {
        const { alert, text, status } = yield* type(browser, { ...started, userCode })
        assert.strictEqual(alert, "We don't recognize this code, please enter the code again.")
        assert.strictEqual(status, 200)
        assert.notInclude(text, "<b>")
      }
      yield* signedIn(browser, started)
      assert.include((yield* type(browser, started)).alert ?? "", "don't recognize")
      const late = yield* start()
      const confirm = yield* type(browser, late)
      yield* TestClock.adjust("15 minutes")
      assert.include((yield* type(browser, late)).alert ?? "", "has expired")
      assert.include((yield* browser.press(confirm, "continue")).alert ?? "", "has expired")
    }).pipe(Effect.provide(inProcess()))
  )

  const cancels: Readonly<Record<string, (browser: Browser.Browser, started: Started) => ReturnType<typeof type>>> = {
    "before signing in": type,
    "in place of picking an account": (browser, started) =>
      Effect.flatMap(type(browser, started), (confirm) => browser.press(confirm, "continue")),
    "in place of consenting": signedIn
  }

  for (const [when, reach] of Object.entries(cancels)) {
    it.effect(`who cancels ${when} declines for the device`, () =>
      Effect.gen(function* () {
        const browser = Browser.make()
        const started = yield* start({ ...asked, scope: defaults.unconsentedApiUserScope })
        const page = yield* browser.press(yield* reach(browser, started), "cancel")
        assert.strictEqual(page.title, "You declined")
        assert.strictEqual((yield* post(started.poll)).json.error, "authorization_declined")
      }).pipe(Effect.provide(inProcess()))
    )
  }

  it.effect("tells the person what is wrong with the request or the account, and the device waits on", () =>
    Effect.gen(function* () {
      const { disable } = yield* emulator
      const wrong = yield* start({ ...asked, scope: "https://nobody.example/Read" })
      assert.include((yield* signedIn(Browser.make(), wrong)).text, "AADSTS500011")
      yield* disable(defaults.username)
      const started = yield* start()
      const { status, text } = yield* signedIn(Browser.make(), started)
      assert.strictEqual(status, 400)
      assert.include(text, "AADSTS50057")
      for (const { poll } of [wrong, started]) {
        assert.strictEqual((yield* post(poll)).json.error, "authorization_pending")
      }
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("is answered by its own browser only", () =>
    Effect.gen(function* () {
      const browser = Browser.make()
      const started = yield* start()
      yield* signedIn(browser, yield* start())
      const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ")
      const form = { user_code: started.userCode, confirmed: "yes" }
      for (const headers of [{ origin: "https://evil.example" }, { origin: "null", cookie }]) {
        const request = HttpClientRequest.post(started.uri).pipe(
          HttpClientRequest.bodyUrlParams(form),
          HttpClientRequest.setHeaders(headers)
        )
        const { status } = yield* HttpClient.execute(request)
        assert.strictEqual(status, 400)
      }
      assert.strictEqual((yield* post(started.poll)).json.error, "authorization_pending")
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("with a person at every browser the code alone will do, and no device is answered without it", () =>
    Effect.gen(function* () {
      yield* (yield* emulator).signIn(defaults.username)
      const started = yield* start()
      assert.strictEqual((yield* post(started.poll)).json.error, "authorization_pending")
      assert.include((yield* type(Browser.make(), started)).title, "You have signed in")
      assert.strictEqual((yield* post(started.poll)).status, 200)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("shows the application's name as it is", () =>
    Effect.gen(function* () {
      const { text } = yield* type(Browser.make(), yield* start())
      assert.include(text, "Are you trying to sign in to &lt;script&gt;&quot;?")
      assert.notInclude(text, "<script")
    }).pipe(
      Effect.provide(
        inProcess({
          directory: {
            tenants: EntraEmulator.defaultDirectory.tenants.map((tenant) => ({
              ...tenant,
              apps: tenant.apps.map((app) => ({ ...app, displayName: '<script>"' }))
            }))
          }
        })
      )
    )
  )

  it.scopedLive("is there over real HTTP", () =>
    Effect.gen(function* () {
      const { origin } = yield* EntraEmulatorNode.Address
      const base = entra().replace(publicOrigin, origin)
      const started = yield* start(asked, base)
      assert.strictEqual(started.uri, `${origin}/devicelogin`)
      assert.include((yield* signedIn(Browser.make(), started)).title, "You have signed in")
      assert.strictEqual((yield* post(started.poll, base)).status, 200)
    }).pipe(Effect.provide(EntraEmulatorNode.layer().pipe(Layer.provideMerge(NodeHttpClient.layerUndici))))
  )
})

describe("a user code", () => {
  const made = (seed: number) => Effect.runSync(Effect.withRandom(Chance.letters(9), Random.make(seed)))

  it("is of nine letters that nobody takes for others", () => {
    fc.assert(fc.property(fc.integer(), (seed) => /^[BCDFGHJKLMNPQRSTVWXZ]{9}$/.test(made(seed))))
  })

  it("is known whatever its case, and whatever stands between its letters", () => {
    const between = fc.array(fc.constantFrom("", " ", "-", "\u2013", ".", "\t"), { minLength: 10, maxLength: 10 })
    const property = fc.property(
      fc.integer(),
      between,
      fc.array(fc.boolean(), { minLength: 9 }),
      (seed, gaps, lower) => {
        const code = made(seed)
        const letters = [...code].map((letter, index) => (lower[index] === true ? letter.toLowerCase() : letter))
        return Devices.normalized(letters.map((letter, index) => `${gaps[index]}${letter}`).join("") + gaps[9]) === code
      }
    )
    fc.assert(property)
  })

  it("is not known when a letter is another one", () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat({ max: 8 }), fc.string({ minLength: 1, maxLength: 1 }), (seed, at, letter) => {
        const code = made(seed)
        const typed = code.slice(0, at) + letter + code.slice(at + 1)
        return (Devices.normalized(typed) === code) === (letter.toUpperCase() === code.charAt(at))
      })
    )
  })
})

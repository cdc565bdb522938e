import { type AuthenticationResult, type Configuration, PublicClientApplication } from "@azure/msal-node"
import * as HttpClient from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Jose from "jose"
import { EntraEmulator } from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import * as Browser from "./browser.js"
import { defaults } from "./helpers.js"
import { agent, networkOver } from "./msal.js"

const clientFor = (clientId: string) =>
  Effect.gen(function* () {
    const { origin } = yield* EntraEmulatorNode.Address
    const made: Configuration = {
      auth: { clientId, authority: `${origin}/${defaults.tenantId}`, knownAuthorities: [new URL(origin).host] },
      system: { networkClient: networkOver(yield* agent) }
    }
    return new PublicClientApplication(made)
  })

const attempt = <A>(promise: () => Promise<A>) => Effect.tryPromise({ try: promise, catch: (error) => error })

const present = (result: AuthenticationResult | null): AuthenticationResult => {
  if (result === null) throw new Error("MSAL has no token")
  return result
}

const tls = EntraEmulatorNode.layer({ tls: true, deviceCodeInterval: "1 second" })

interface Shown {
  readonly userCode: string
  readonly verificationUri: string
  readonly message: string
}

/** MSAL waits for the device to be signed in: what it shows, and what it gets in the end. */
const device = (scopes: ReadonlyArray<string> = [defaults.apiUserScope], clientId: string = defaults.publicClientId) =>
  Effect.gen(function* () {
    const client = yield* clientFor(clientId)
    const shown = yield* Deferred.make<Shown>()
    const result = yield* Effect.fork(
      attempt(() =>
        client.acquireTokenByDeviceCode({
          scopes: [...scopes],
          deviceCodeCallback: (response) => Deferred.unsafeDone(shown, Effect.succeed(response))
        })
      )
    )
    return { client, shown: yield* Deferred.await(shown), result }
  })

/** Over TLS, with trust in the emulator's certificate. */
const web = Effect.map(agent, NodeHttpClient.makeUndici)

describe("@azure/msal-node by device code", () => {
  it.scopedLive("polls until somebody has signed in for it, then renews silently", () =>
    Effect.gen(function* () {
      const { answerDevice, requests } = yield* EntraEmulator
      const { client, shown, result } = yield* device()
      assert.include(shown.message, shown.userCode)
      yield* Effect.sleep("500 millis")
      yield* answerDevice(shown.userCode, { username: defaults.username })
      const { accessToken, account } = present(yield* Fiber.join(result))
      assert.strictEqual(Jose.decodeJwt(accessToken).oid, defaults.userObjectId)
      const names = (yield* requests).map(({ form }) => form.grant_type).filter((name) => name !== undefined)
      assert.deepStrictEqual(new Set(names), new Set(["device_code"]))
      assert.isAbove(names.length, 1)
      if (account === null) throw new Error("MSAL has no account")
      const renewed = yield* attempt(() =>
        client.acquireTokenSilent({ account, scopes: [defaults.apiUserScope], forceRefresh: true })
      )
      assert.isFalse(renewed.fromCache)
    }).pipe(Effect.provide(tls))
  )

  it.scopedLive("gets tokens of who typed its code on the page", () =>
    Effect.gen(function* () {
      const { shown, result } = yield* device([defaults.unconsentedApiUserScope])
      yield* Effect.gen(function* () {
        const browser = Browser.make()
        const enter = yield* browser.open(shown.verificationUri)
        const confirm = yield* browser.press(enter, "next", { user_code: shown.userCode })
        const picker = yield* browser.press(confirm, "continue")
        const password = yield* browser.press(picker, defaults.secondUsername)
        const consent = yield* browser.press(password, "next", { passwd: Redacted.value(defaults.password) })
        yield* browser.press(consent, "accept")
      }).pipe(Effect.provideService(HttpClient.HttpClient, yield* web))
      const { account } = present(yield* Fiber.join(result))
      assert.strictEqual(account?.username, defaults.secondUsername)
    }).pipe(Effect.provide(tls))
  )

  it.scopedLive("is told of the family that its application is of", () =>
    Effect.gen(function* () {
      const { answerDevice } = yield* EntraEmulator
      const { shown, result } = yield* device([defaults.apiUserScope], defaults.familyClientId)
      yield* answerDevice(shown.userCode, { username: defaults.username })
      const { familyId } = present(yield* Fiber.join(result))
      assert.strictEqual(familyId, "1")
    }).pipe(Effect.provide(tls))
  )

  it.scopedLive("fails when they declined", () =>
    Effect.gen(function* () {
      const { answerDevice } = yield* EntraEmulator
      const { shown, result } = yield* device()
      yield* answerDevice(shown.userCode, "decline")
      assert.include(String(yield* Effect.flip(Fiber.join(result))), "authorization_declined")
    }).pipe(Effect.provide(tls))
  )
})

describe("@azure/msal-node with a browser", () => {
  it.scopedLive("gets tokens of who walks through the pages", () =>
    Effect.gen(function* () {
      const { requireMfa } = yield* EntraEmulator
      yield* requireMfa(defaults.secondUsername)
      const client = yield* clientFor(defaults.publicClientId)
      const http = yield* web
      const walk = (url: string) =>
        Effect.gen(function* () {
          const browser = Browser.make()
          const picker = yield* browser.open(url)
          const password = yield* browser.press(picker, defaults.secondUsername)
          const factor = yield* browser.press(password, "next", { passwd: Redacted.value(defaults.password) })
          const consent = yield* browser.press(factor, "verify", { otc: Browser.shownCode(factor) })
          const sent = yield* browser.press(consent, "accept")
          yield* Effect.promise(async () => {
            if (sent.location !== undefined) return fetch(sent.location)
            const [form] = sent.forms
            return fetch(form?.action ?? "", { method: "POST", body: new URLSearchParams(form?.fields) })
          })
        }).pipe(Effect.provideService(HttpClient.HttpClient, http), Effect.runPromise)
      const { accessToken, account } = yield* attempt(() =>
        client.acquireTokenInteractive({
          scopes: [defaults.apiUserScope, defaults.unconsentedApiUserScope],
          openBrowser: walk
        })
      )
      assert.strictEqual(account?.username, defaults.secondUsername)
      assert.strictEqual(Jose.decodeJwt(accessToken).scp, "Tasks.Read Tasks.Write")
    }).pipe(Effect.provide(tls))
  )
})
